"""Carries the requests of many callers over one server's lines (JSON-RPC 2.0)."""

import asyncio
import json
import logging
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gateway.started.stdio_server import NotReading, StdioProcess, TooLong
from gateway.wire.json_text import NotAnObject, TooDeep, members, with_member

_log = logging.getLogger(__name__)

_NO_SUCH_METHOD = '{"code":-32601,"message":"not offered to this server"}'
_MOST_WAITING = 256
_LARGEST_WAITING = 1024 * 1024
_BREATH = 64
"""Lines after which others have their turn."""

_MOST_IDLE_LINES = 256
"""Lines in a row that answer nothing, after which the server has to wait a moment."""

_MOMENT = 0.05
_LONGEST_ID = 200
_LONGEST_NUMBER = 18
_ENDS = 4096
_HEAD_ID = re.compile(rb'\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*([0-9]{1,18})\s*,')
_TAIL_ID = re.compile(rb',\s*"id"\s*:\s*([0-9]{1,18})\s*\}\s*\Z')


@dataclass(frozen=True)
class Progress:
    """A progress notification of a request: its params, with the caller's own token."""

    params: str


@dataclass(frozen=True)
class Answer:
    """The end of a request: the JSON text of its result or of its error."""

    text: str
    is_error: bool


@dataclass(frozen=True)
class Broken:
    """The end of a request that got no answer, and why, for the caller."""

    message: str


Event: TypeAlias = Progress | Answer | Broken


class Mailbox:
    """Keeps what arrived until it is taken; a cancelled wait loses nothing."""

    def __init__(self) -> None:
        """Start empty."""
        self._kept: deque[Event] = deque()
        self._size = 0
        self._arrived = asyncio.Event()

    def put(self, event: Event) -> None:
        """Keep an event; progress that nobody takes is dropped beyond 256 or 1 MiB of it."""
        if isinstance(event, Progress):
            size = self._size + len(event.params)
            if len(self._kept) >= _MOST_WAITING or size > _LARGEST_WAITING:
                return
            self._size = size
        self._kept.append(event)
        self._arrived.set()

    async def take(self, *, patience: float | None = None) -> Event | None:
        """Return the oldest event once there is one, None after `patience` seconds without."""
        while not self._kept:
            self._arrived.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._arrived.wait()
            except TimeoutError:
                return None
        event = self._kept.popleft()
        if isinstance(event, Progress):
            self._size -= len(event.params)
        return event


class Exchange:
    """One request under way."""

    def __init__(self, channel: "Channel", number: int, token: str | None) -> None:
        """Remember the caller's progress token, as JSON text."""
        self._channel = channel
        self.number = number
        self.token = token
        self.mailbox = Mailbox()

    def cancel(self, reason: str) -> None:
        """Tell the server to stop, unless the request has ended; its answer is then ignored."""
        self._channel.cancel(self, reason)


class Channel:
    """Numbers the requests to one process and gives each answer to whom it belongs.

    `told` is called with the method and params of every other notification.
    """

    def __init__(
        self, name: str, process: StdioProcess, told: Callable[[str, str | None], None]
    ) -> None:
        """Carry requests to `process`; nothing is read before `read` runs."""
        self._name = name
        self._process = process
        self._told = told
        self._open: dict[int, Exchange] = {}
        self._last = 0
        self._answered = 0
        self.garbage = 0
        self.over = False

    def request(
        self, method: str, params: Callable[[int], str | None], *, token: str | None = None
    ) -> Exchange:
        """Send a request; `params` makes its params (JSON text) from its number.

        The number is also the progress token the server gets in the place of
        the caller's `token`. Raises NotReading, in which case nothing was sent.
        """
        if self.over:
            raise NotReading
        self._last += 1
        exchange = Exchange(self, self._last, token)
        self._write(method, params(exchange.number), number=exchange.number)
        self._open[exchange.number] = exchange
        return exchange

    def notify(self, method: str, params: str | None = None) -> None:
        """Send a notification. Raises NotReading."""
        self._write(method, params)

    def cancel(self, exchange: Exchange, reason: str) -> None:
        """Forget a request and tell the server so (specification, utilities, cancellation)."""
        if self._open.pop(exchange.number, None) is None:
            return
        params = json.dumps({"requestId": exchange.number, "reason": reason})
        try:
            self.notify("notifications/cancelled", params)
        except NotReading:
            _log.info(
                "%s does not read; a cancellation was not sent",
                self._name,
                extra={"server": self._name},
            )

    def fail(self, message: str) -> None:
        """End every open request without an answer, and take no more."""
        self.over = True
        for exchange in self._open.values():
            exchange.mailbox.put(Broken(message))
        self._open.clear()

    async def read(self) -> None:
        """Give out what the server writes until it closes its output.

        A server that floods us with what nobody asked for is read slowly.
        """
        lines = idle = 0
        async for line in self._process.lines():
            answered = self._answered
            if isinstance(line, TooLong):
                self._unreadable(line.head, line.tail, "is longer than 16 MiB")
            elif line.strip():
                self._take(line)
            lines, idle = lines + 1, 0 if self._answered > answered else idle + 1
            if idle and idle % _MOST_IDLE_LINES == 0:
                await asyncio.sleep(_MOMENT)
            elif lines % _BREATH == 0:
                await asyncio.sleep(0)

    def _write(self, method: str, params: str | None, *, number: int | None = None) -> None:
        parts = ['{"jsonrpc":"2.0"']
        if number is not None:
            parts.append(f',"id":{number}')
        parts.append(f',"method":{json.dumps(method)}')
        if params is not None:
            parts.append(f',"params":{_one_line(params)}')
        self._process.write("".join([*parts, "}"]).encode())

    def _take(self, line: bytes) -> None:
        try:
            text = line.decode()
            found = {name: text[at] for name, at in members(text).items()}
        except (UnicodeDecodeError, NotAnObject) as flaw:
            why = "nests too deep to be read" if isinstance(flaw, TooDeep) else "is not JSON"
            self._unreadable(line[:_ENDS], line[-_ENDS:], why)
            return
        method = found.get("method")
        if method is not None:
            self._hear(method, found)
        else:
            self._answer(found, line[:_ENDS])

    def _answer(self, found: dict[str, str], head: bytes) -> None:
        """Give an answer to whom it belongs; `head` may name a request that its last `id` hides."""
        exchange = self._open.pop(_number(found.get("id", "")), None)
        if exchange is None:
            self._unreadable(head, b"", "answers nothing that was asked")
            return
        self._answered += 1
        if "result" in found and found["result"].startswith("{"):
            exchange.mailbox.put(Answer(_one_line(found["result"]), is_error=False))
        elif "error" in found and found["error"].startswith("{"):
            exchange.mailbox.put(Answer(_one_line(found["error"]), is_error=True))
        else:
            message = f"the server `{self._name}` answered with neither a result nor an error"
            exchange.mailbox.put(Broken(message))

    def _hear(self, quoted: str, found: dict[str, str]) -> None:
        method = json.loads(quoted) if quoted.startswith('"') else ""
        if not method or len(found.get("id", "")) > _LONGEST_ID:
            self._count_garbage("names no method")
        elif "id" in found:
            self._asked(method, found["id"])
        elif method == "notifications/progress":
            self._progressed(found.get("params", ""))
        else:
            params = found.get("params")
            self._told(method, None if params is None else _one_line(params))

    def _asked(self, method: str, number: str) -> None:
        """Answer a request of the server: pings, and nothing else since we offer nothing."""
        said = '"result":{}' if method == "ping" else f'"error":{_NO_SUCH_METHOD}'
        answer = f'{{"jsonrpc":"2.0","id":{_one_line(number)},{said}}}'
        try:
            self._process.write(answer.encode())
        except NotReading:
            self._count_garbage("asks and does not read")

    def _progressed(self, params: str) -> None:
        try:
            number = _number(params[members(params)["progressToken"]])
        except (NotAnObject, KeyError):
            self._count_garbage("reports progress of nothing")
            return
        exchange = self._open.get(number)
        if exchange is not None and exchange.token is not None:
            own = with_member(_one_line(params), "progressToken", exchange.token)
            exchange.mailbox.put(Progress(own))

    def _unreadable(self, head: bytes, tail: bytes, why: str) -> None:
        """Fail the request that an unreadable line answers, where it can be told."""
        self._count_garbage(why)
        found = _HEAD_ID.match(head) or _TAIL_ID.search(tail)
        exchange = self._open.pop(int(found[1]), None) if found else None
        if exchange is not None:
            message = f"the answer of the server `{self._name}` {why}"
            exchange.mailbox.put(Broken(message))

    def _count_garbage(self, why: str) -> None:
        self.garbage += 1
        if self.garbage & (self.garbage - 1) == 0:
            _log.warning(
                "%s: a line %s (%d such lines so far)",
                self._name,
                why,
                self.garbage,
                extra={"server": self._name},
            )


def _number(text: str) -> int:
    """Return the number of one of our requests that `text` writes, else 0, which is none.

    Some servers make ids and tokens text, which clients take.
    """
    if text.startswith('"') and text.endswith('"'):
        text = text[1:-1]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER else 0


def _one_line(text: str) -> str:
    """Return JSON text on one line; line ends in it can only be blanks between tokens."""
    return text.replace("\n", " ").replace("\r", " ")
