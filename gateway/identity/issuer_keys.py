"""Keeps an issuer's keys at hand, and asks for them anew beside the calls that need them."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from gateway.identity.jwks import LARGEST, KeySet, UnreadableKeys, read_keys
from policies.configuration.identity_settings import IssuerSection

_LOG = logging.getLogger(__name__)

_ASKED = {
    "Accept": "application/jwk-set+json, application/json",
    "Accept-Encoding": "identity",
}

Fetch = Callable[[], Awaitable[bytes]]
"""Returns what an issuer publishes as its keys. Raises OSError, ClientError, UnreadableKeys."""


@dataclass(frozen=True)
class Renewal:
    """How often keys are asked for, in seconds.

    `every` so often they are fetched, `again` so soon after it went wrong.
    For a key that is not known they are fetched at once, but `apart` from the
    last time that was so: whoever makes up key ids makes us ask no oftener.
    `patience` is how long a token waits for that, and `crowd` how many may:
    whoever brings it is nobody yet. `keep` is how long keys count while the
    issuer is away.
    """

    every: float = 300.0
    again: float = 10.0
    apart: float = 30.0
    patience: float = 5.0
    crowd: int = 256
    keep: float = 24 * 3600.0


class IssuerKeys:
    """The keys of one issuer, fetched by a task of its own between `start` and `close`."""

    def __init__(
        self,
        name: str,
        section: IssuerSection,
        fetch: Fetch,
        renewal: Renewal,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Know no keys yet; `name` is the issuer's in the configuration."""
        self._name = name
        self._algorithms = section.algorithms
        self._fetch = fetch
        self._renewal = renewal
        self._monotonic = monotonic
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._asked_at: float | None = None
        self._wrong: str | None = "they were not fetched yet"
        self._wanted = asyncio.Event()
        self._next = asyncio.Event()
        self._running: asyncio.Event | None = None
        self._waiting = 0
        self._task: asyncio.Task[None] | None = None

    @property
    def current(self) -> KeySet | None:
        """The keys; None where there are none, or none that are new enough."""
        fresh = self._monotonic() - self._fetched_at < self._renewal.keep
        return self._keys if fresh else None

    def trouble(self) -> str | None:
        """Say in words why no token of the issuer can be checked; None where they can."""
        if self.current is not None:
            return None
        return f"the keys of issuer `{self._name}` cannot be had: {self._wrong}"

    def start(self) -> None:
        """Begin to fetch."""
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Fetch no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def renewed(self) -> None:
        """Wait until the keys were fetched once more; not where that is too early or too many do.

        Nor longer than `patience`.
        """
        tried = self._one_more()
        if tried is None or self._waiting >= self._renewal.crowd:
            return
        self._waiting += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._renewal.patience):
                    await tried.wait()
        finally:
            self._waiting -= 1

    def _one_more(self) -> asyncio.Event | None:
        """Return what tells that the keys were fetched once more; None where it is too early.

        One that was begun before may bring what was published before.
        """
        now = self._monotonic()
        if self._keys is None and self._running is not None:
            return self._running
        if self._asked_at is not None and now - self._asked_at < self._renewal.apart:
            return self._next if self._wanted.is_set() else self._running
        self._asked_at = now
        self._wanted.set()
        return self._next

    async def _follow(self) -> None:
        while True:
            self._wanted.clear()
            self._running, self._next = self._next, asyncio.Event()
            await self._try()
            self._running.set()
            self._running = None
            with suppress(TimeoutError):
                async with asyncio.timeout(
                    self._renewal.again if self._wrong else self._renewal.every
                ):
                    await self._wanted.wait()

    async def _try(self) -> None:
        """Fetch once; whatever goes wrong, the keys that are known stay."""
        try:
            text = await self._fetch()
            keys = await asyncio.to_thread(read_keys, text, self._algorithms)
        except (OSError, aiohttp.ClientError, UnreadableKeys, TimeoutError) as error:
            self._complain(str(error) or type(error).__name__)
        except Exception:  # noqa: BLE001  the edge of a job: it tries again
            _LOG.exception("the keys of issuer `%s` could not be read", self._name)
            self._complain("a bug; see the log")
        else:
            self._wrong, self._fetched_at = None, self._monotonic()
            if self._keys is None or self._keys.fingerprint != keys.fingerprint:
                _LOG.info("the keys of issuer `%s` are known", self._name)
                self._keys = keys

    def _complain(self, wrong: str) -> None:
        if wrong != self._wrong:
            _LOG.warning("the keys of issuer `%s` cannot be had: %s", self._name, wrong)
        self._wrong = wrong


async def fetched(http: aiohttp.ClientSession, url: str) -> bytes:
    """Return what is at `url`: not redirected, not packed, at most 256 KiB.

    Raises UnreadableKeys, and what the client raises.
    """
    async with http.get(url, headers=_ASKED, allow_redirects=False) as answer:
        if answer.status != 200:  # noqa: PLR2004  the one status of an answer that counts
            message = f"`{url}` answers with HTTP {answer.status}"
            raise UnreadableKeys(message)
        if "Content-Encoding" in answer.headers:
            message = f"`{url}` answers with what is packed"
            raise UnreadableKeys(message)
        found = bytearray()
        async for chunk in answer.content.iter_any():
            found += chunk
            if len(found) > LARGEST:
                raise _too_large(url)
    return bytes(found)


async def read(path: Path) -> bytes:
    """Return what is in a file of at most 256 KiB. Raises UnreadableKeys, OSError."""

    def within() -> bytes:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)

    found = await asyncio.to_thread(within)
    if len(found) > LARGEST:
        raise _too_large(str(path))
    return found


def _too_large(where: str) -> UnreadableKeys:
    return UnreadableKeys(f"`{where}` is larger than {LARGEST} bytes")
