"""Reads back what a modal carried to Slack, which may have been forged on the way."""

import logging
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from slack_bolt.async_app import AsyncAck

from bot.slack.payloads import Submission

_Model = TypeVar("_Model", bound=BaseModel)

_LOG = logging.getLogger(__name__)


async def carried(model: type[_Model], sent: Submission, ack: AsyncAck) -> _Model | None:
    """Return what a submitted modal is about; where that cannot be read, close it and do nothing.

    Source: https://docs.slack.dev/reference/views/modal-views (`private_metadata`)
    """
    try:
        return model.model_validate_json(sent.view.private_metadata)
    except ValidationError:
        _LOG.warning("a modal came back without what it is about")
        await ack()
        return None
