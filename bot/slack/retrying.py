"""Sends a request to Slack once more where Slack was in trouble, and within its rates."""

import asyncio
from collections.abc import Mapping

import aiohttp
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState

from bot.slack.rates import Rates, TooSoon

LONGEST_WAIT = 30.0
"""Seconds that a call waits at most because Slack asks for it; then whoever called hears of it."""

CLOSED = 120.0
"""Seconds for which nothing of a kind is sent at most, whatever Slack asks for."""

_TOO_MANY = 429
_TROUBLED = frozenset({500, 503})
_LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)
_MOST = 2


class Again(AsyncRetryHandler):
    """Decides for the SDK whether a request is sent again, twice at most."""

    def __init__(self, rates: Rates | None) -> None:
        """Count what is sent again in `rates`, where there are some."""
        super().__init__(max_retry_count=_MOST)
        self._rates = rates

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if isinstance(error, TooSoon):
            return False
        if response is not None and response.status_code == _TOO_MANY:
            asked = asked_wait(response.headers)
            if self._rates is not None:
                self._rates.close(_method(request), "", min(asked, CLOSED))
            return asked <= LONGEST_WAIT
        failed = response is not None and response.status_code in _TROUBLED
        return (failed or isinstance(error, _LOST)) and state.current_attempt == 0

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        """Wait for the next attempt. Raises TooSoon where Slack's rate has no room for it."""
        del error
        limited = response is not None and response.status_code == _TOO_MANY
        pause = self.interval_calculator.calculate_sleep_duration(state.current_attempt)
        await asyncio.sleep(asked_wait(response.headers) if limited and response else pause)
        if self._rates is not None:
            self._rates.answered(_method(request))
            wait = self._rates.wait(_method(request))
            if wait:
                raise TooSoon(wait)
        state.next_attempt_requested = True
        state.increment_current_attempt()


def asked_wait(headers: Mapping[str, object]) -> float:
    """Return how many seconds Slack asks us to wait (`Retry-After`); 1 where it does not say.

    Source: https://docs.slack.dev/apis/web-api/rate-limits
    """
    found = {key.lower(): value for key, value in headers.items()}.get("retry-after")
    said = found[0] if isinstance(found, list) and found else found
    text = str(said)
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 1.0  # noqa: PLR2004 (a day)


def _method(request: HttpRequest) -> str:
    return str(request.url).rpartition("/")[2].partition("?")[0]
