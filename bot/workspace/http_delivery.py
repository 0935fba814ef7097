"""Signed HTTP requests to the app, the other way in which Slack delivers.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from bot.workspace.delivery import Ack, Unanswered


@dataclass(frozen=True)
class HttpDelivery:
    """Posts to one request URL; `now` gives seconds since 1970."""

    request_url: str
    signing_secret: str
    app_name: str
    ack_seconds: float
    now: Callable[[], float]

    async def deliver(self, kind: str, payload: dict[str, Any], copies: int = 1) -> Ack:
        """Post a payload, signed; copies are the same signed request. Raises Unanswered."""
        content_type, body = _body_of(kind, payload)
        headers = {"Content-Type": content_type, **self._signature(body)}
        answers = await asyncio.gather(*(self._post(headers, body) for _ in range(copies)))
        status, text, kind_of_answer = answers[0]
        if status != 200:  # noqa: PLR2004 - the one status by which an app acknowledges
            raise Unanswered(f"{self.app_name} answered with HTTP status {status}")
        return Ack(_said(text, kind_of_answer))

    async def _post(self, headers: dict[str, str], body: str) -> tuple[int, str, str]:
        timeout = aiohttp.ClientTimeout(total=self.ack_seconds)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(
                    self.request_url, data=body.encode(), headers=headers, allow_redirects=False
                ) as answer,
            ):
                return answer.status, await answer.text(), answer.content_type
        except TimeoutError:
            raise Unanswered(f"{self.app_name} did not answer in time") from None
        except aiohttp.ClientError as error:
            raise Unanswered(f"{self.app_name} could not be reached") from error

    def _signature(self, body: str) -> dict[str, str]:
        at = str(int(self.now()))
        signed = SignatureVerifier(self.signing_secret).generate_signature(timestamp=at, body=body)
        return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signed or ""}


def _body_of(kind: str, payload: dict[str, Any]) -> tuple[str, str]:
    if kind == "events_api":
        return "application/json", json.dumps(payload)
    form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return "application/x-www-form-urlencoded", urlencode(form)


def _said(text: str, content_type: str) -> dict[str, Any]:
    if content_type == "application/json" and text:
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        return said if isinstance(said, dict) else {}
    return {"text": text} if text else {}
