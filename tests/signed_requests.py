"""Sends requests to the bot over HTTP, signed as Slack signs them."""

import io
import time

import aiohttp
from office import SIGNING_SECRET
from slack_sdk.signature import SignatureVerifier

FORM = "application/x-www-form-urlencoded"


def signature(body, at):
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return "v0=" + "0" * 64
    return SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=at, body=text)


async def send(office, body, *, content_type=FORM, at=None, signed=None, **headers):
    """Post a body to the bot; return status and text."""
    at = at or str(int(time.time()))
    given_headers = {
        "Content-Type": content_type,
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": signed or signature(body, at),
        **headers,
    }
    url = f"http://127.0.0.1:{office.http_port}/slack/events"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=io.BytesIO(body), headers=given_headers) as answer,
    ):
        return answer.status, await answer.text()
