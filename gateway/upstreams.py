"""What the gateway asks of an upstream server, whatever pipe leads to it."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from multidict import CIMultiDict

from policies.values.calls import JsonValue

MODERN_VERSIONS = frozenset({"2026-07-28"})
"""Protocol versions without sessions; later ones are told by a body that names its version."""

LEGACY_VERSIONS = ("2025-03-26", "2025-06-18", "2025-11-25")
"""Protocol versions with sessions, oldest first."""


class Era(StrEnum):
    """Which half of the protocol's history a message belongs to (specification, versioning)."""

    LEGACY = "legacy"
    MODERN = "modern"

    __hash__ = str.__hash__  # Enum's own takes a call of Python


class Fault(StrEnum):
    """In which way a server failed; the value is the label of a metric."""

    UNREACHABLE = "unreachable"
    BUSY = "busy"
    BROKE_OFF = "broke_off"
    SILENT = "silent"
    UNREADABLE = "unreadable"
    REDIRECTS = "redirects"
    REFUSES_US = "refuses_us"


class UpstreamFailed(Exception):
    """An upstream server gave no answer that could be used.

    The message is for the caller and holds no secrets. `sent` is False only
    where the server has certainly seen nothing of the request. `aside` is what
    the server itself said, for those who run Placet: it may name addresses,
    which are no caller's business.
    """

    def __init__(
        self, message: str, *, sent: bool, fault: Fault | None = None, aside: str = ""
    ) -> None:
        """Keep what to tell the caller and whether the request may have arrived."""
        super().__init__(message)
        self.sent = sent
        self.aside = aside
        self.fault = fault or (Fault.BROKE_OFF if sent else Fault.UNREACHABLE)

    @property
    def in_full(self) -> str:
        """The message with what is said aside, for those who run Placet."""
        return f"{self}: {self.aside}" if self.aside else str(self)


@dataclass
class Traffic:
    """What went to a server so far: requests, and the connections or processes they took.

    `under_way` are the requests that are at it now.
    """

    requests: int = 0
    opened: int = 0
    under_way: int = 0


class UpstreamRequest(NamedTuple):
    """One request on its way to a server.

    `method` is the HTTP method the caller used. `headers` are those of the
    allow-list, and nothing else. `body` are the bytes that were parsed,
    `message` what they say (None on GET and DELETE). `agent` is the caller's
    name, `placet:gateway` where the gateway asks for itself.
    """

    method: str
    headers: CIMultiDict[str]
    body: bytes
    message: Mapping[str, JsonValue] | None
    era: Era
    agent: str


class ByteStream(Protocol):
    """Bytes as they come; `UpstreamFailed` where they break off. An async generator is one."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Return the iterator over the bytes."""
        ...

    def __anext__(self) -> Awaitable[bytes]:
        """Return the next bytes, never none at all. Raises StopAsyncIteration at the end."""
        ...

    def aclose(self) -> Awaitable[None]:
        """Give the stream up, read to its end or not."""
        ...


class UpstreamAnswer(NamedTuple):
    """A server's answer: either the whole `body`, or a `stream` of its bytes as they come.

    Whoever takes a stream must end it with `aclose()`, which gives the pipe
    back or drops it; an answer with a body holds nothing open.
    """

    status: int
    headers: CIMultiDict[str]
    body: bytes | None = None
    stream: ByteStream | None = None

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield its bytes, in whichever form it has them. Raises UpstreamFailed."""
        if self.body:
            yield self.body
        if self.stream is not None:
            async for chunk in self.stream:
                yield chunk


class Upstream(Protocol):
    """A server behind the gateway.

    `forward` may be called concurrently and must not wait without end before
    the answer's head is there, except that the server itself takes its time.
    Cancelling it is cancelling the request. It raises UpstreamFailed.
    """

    async def start(self) -> None:
        """Open what forwarding needs. An absent server is no error here."""

    async def close(self) -> None:
        """Close every connection and end every process."""

    async def forward(self, request: UpstreamRequest) -> UpstreamAnswer:
        """Send a request and return the answer. Raises UpstreamFailed."""
        ...

    @property
    def traffic(self) -> Traffic:
        """What went to the server so far."""
        ...

    def trouble(self) -> str | None:
        """Say in words why the server cannot be used now; None where it can."""
        ...
