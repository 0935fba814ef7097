"""`/slack/events`: a guard in front of Bolt, because Bolt trips over hostile requests."""

import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from pydantic import BaseModel, ValidationError
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import Clock, SignatureVerifier

from bot.slack.payloads import Click, Happened, Submission, Typed

PATH = "/slack/events"

MOST = 1024 * 1024
"""Bytes that a request may have; Slack's own are far below."""

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")
_FIELDS = 200
_MODELS: dict[str, type[BaseModel]] = {
    "block_actions": Click,
    "view_submission": Submission,
    "view_closed": Submission,
    "event_callback": Happened,
}


class _Clock(Clock):
    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now

    def now(self) -> float:
        return self._now()


class Endpoint:
    """Lets signed, readable requests through to Bolt; `now` returns seconds since 1970.

    Source: https://docs.slack.dev/authentication/verifying-requests-from-slack/
    """

    def __init__(
        self, app: AsyncApp, signing_secret: str, now: Callable[[], float] = time.time
    ) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret, clock=_Clock(now))

    def application(self) -> web.Application:
        """Return the aiohttp application that answers POST `/slack/events`."""
        application = web.Application(client_max_size=MOST)
        application.router.add_post(PATH, self.answer)
        return application

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request: 401 unsigned, 400 unreadable, 413 too large, else what Bolt says.

        Bolt gets the payload as it does in Socket Mode, parsed and without a
        signature to check: its own form parser loses a command that has the
        word "payload" in it.
        """
        body = await request.read()
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return web.Response(status=400, text="not UTF-8")
        if not self._signed(request, text):
            return web.Response(status=401, text="not signed by Slack")
        payload = payload_of(text, request.content_type)
        if payload is None:
            return web.Response(status=400, text="no payload that can be read")
        try:
            bolt_request = AsyncBoltRequest(mode="socket_mode", body=payload)
        except (AttributeError, LookupError, TypeError, ValueError):
            return web.Response(status=400, text="no payload that can be read")
        return await to_aiohttp_response(await self._app.async_dispatch(bolt_request))

    def _signed(self, request: web.Request, body: str) -> bool:
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        if not (_TIMESTAMP.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
            return False
        return self._verifier.is_valid(body, timestamp, signature)


def payload_of(text: str, content_type: str) -> dict[str, Any] | None:
    """Return what Slack sent: a JSON object, a form, or the JSON object in a form's `payload`.

    None where the body is none of these, or is not shaped like what it says it is.
    """
    if content_type == "application/json":
        return _object(text)
    if content_type != "application/x-www-form-urlencoded":
        return None
    try:
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        return None
    form = dict(fields)
    if not form or len(form) != len(fields):
        return None
    return _object(form["payload"]) if "payload" in form else _shaped(form, Typed)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    kind = value.get("type")
    model = _MODELS.get(kind) if isinstance(kind, str) else None
    return _shaped(value, model) if model else value


def _shaped(payload: dict[str, Any], model: type[BaseModel]) -> dict[str, Any] | None:
    """Return the payload if `model` can read it; Slack's `ssl_check` is no command."""
    if "ssl_check" in payload:
        return payload
    try:
        model.model_validate(payload)
    except ValidationError:
        return None
    return payload
