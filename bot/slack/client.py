"""Calls Slack's Web API: always by POST, patiently, and never through a proxy on loopback."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.rates import Rates, TooSoon
from bot.slack.retrying import CLOSED, Again, asked_wait

TIMEOUT = 5
"""Seconds that one request may take."""

SHORT = 4
"""Seconds that a request of the courier may take: less than is left of its lease."""

UNREACHABLE = (aiohttp.ClientError, TimeoutError, asyncio.TimeoutError, OSError, SlackClientError)
"""What a call raises when Slack refuses it (SlackApiError) or cannot be reached."""

_MUDDLED = (AttributeError, TypeError, ValueError, LookupError, RecursionError)
"""What the SDK comes to where the answer is no JSON object, or in no encoding that there is."""

_TOO_MANY = 429
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Unreadable(SlackClientError):
    """What answers is not Slack, such as a proxy on the way there."""


class SlackClient(AsyncWebClient):
    """A client of Slack, or of a server that speaks as it does, at `base_url`.

    Slack accepts POST where the SDK sends GET, and servers that stand in for
    it may accept nothing else. With `patient`, rate limits, lost connections
    and server errors are tried again within the call; without, the caller
    sees each of them. Source: https://docs.slack.dev/apis/web-api/
    """

    def __init__(
        self,
        token: str | None,
        base_url: str,
        *,
        patient: bool,
        rates: Rates | None = None,
        waiting: bool = False,
        heard: Callable[[str, Exception | None], None] = lambda _method, _error: None,
    ) -> None:
        """Call with `token`, and no faster than `rates` where there are some.

        A call that comes too soon is refused, or made when its time has come where `waiting`.
        `heard` is told of each request, and of its error if there is one.
        """
        super().__init__(
            token=token,
            base_url=base_url,
            timeout=TIMEOUT if patient else SHORT,
            retry_handlers=[Again(rates)] if patient else [],
        )
        self._heard = heard
        self._rates = rates
        self._waiting = waiting
        if urlsplit(base_url).hostname in LOOPBACK:
            self.proxy = None

    async def api_call(self, api_method: str, **options: Any) -> AsyncSlackResponse:
        """Call a method by POST. Raises SlackApiError and the other errors of UNREACHABLE.

        Among them is TooSoon, where nothing was sent.
        """
        while self._rates is not None and (wait := self._rates.wait(api_method)):
            if not self._waiting:
                raise TooSoon(wait)
            await asyncio.sleep(wait)
        if options.get("http_verb") == "GET":
            options["http_verb"] = "POST"
            options["data"] = options.pop("params", None)
        try:
            answer = await self._asked(api_method, options)
        except UNREACHABLE as error:
            self._heard(api_method, error)
            raise
        finally:
            if self._rates is not None:
                self._rates.answered(api_method)
        self._heard(api_method, None)
        return answer

    async def _asked(self, api_method: str, options: dict[str, Any]) -> AsyncSlackResponse:
        try:
            return await super().api_call(api_method, **options)
        except _MUDDLED as error:
            raise Unreadable(f"{api_method} was answered by what Slack never says") from error


class SocketClient(SlackClient):
    """Opens connections for Socket Mode, which Slack allows about once a minute.

    Whether it answers is found out by a method that may be called often.
    """

    async def apps_connections_open(self, *, app_token: str, **options: Any) -> AsyncSlackResponse:
        """Ask for the address of a connection. Raises as every call does."""
        await self.auth_test()
        return await super().apps_connections_open(app_token=app_token, **options)


def code_of(error: Exception) -> str | None:
    """Return Slack's error code, None where Slack gave none."""
    response = error.response if isinstance(error, SlackApiError) else None
    said = response.data if isinstance(response, AsyncSlackResponse) else None
    code = said.get("error") if isinstance(said, dict) else None
    return code if isinstance(code, str) else None


def wait_of(error: Exception) -> float | None:
    """Return how many seconds Slack asks us to wait (429, `Retry-After`), None if it does not.

    Where we wait by ourselves, for how long.
    """
    if isinstance(error, TooSoon):
        return error.wait
    response = error.response if isinstance(error, SlackApiError) else None
    if not isinstance(response, AsyncSlackResponse) or response.status_code != _TOO_MANY:
        return None
    return min(asked_wait(response.headers), CLOSED)


def reason_of(error: Exception) -> str:
    """Return why a call failed, for people: Slack's error code, or what went wrong on the way."""
    if isinstance(error, SlackApiError):
        return f"Slack says {code_of(error) or 'nothing that can be read'}"
    if isinstance(error, Unreadable):
        return "Slack says nothing that can be read"
    if isinstance(error, TimeoutError):
        return "Slack did not answer in time"
    if isinstance(error, TooSoon):
        return "Slack is asked as often as it allows"
    return "Slack could not be reached"
