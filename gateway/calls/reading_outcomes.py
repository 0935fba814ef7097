"""Reads from a server's answer how a call ended; the answer itself goes on untouched."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from pydantic_core import from_json

from gateway.upstreams import UpstreamAnswer, UpstreamFailed
from gateway.wire.event_streams import EventReader, is_event_stream
from policies.secrets.redaction import redact, redact_text
from policies.values.calls import JsonValue, Number
from policies.values.strict_json import Json, canonical

_LARGEST = 1024 * 1024
"""Bytes of a message above which it is not looked into: others wait meanwhile."""

_PATIENTLY = 256 * 1024
"""Bytes of a text up to which it may take long to read."""

_SMALL = 4 * 1024
"""Bytes of a message up to which it is read sooner than searched."""

_SAYS_MORE = re.compile(rb"result|error|\\u")
"""What is in every response; a member's name can be written with escapes."""

_LAST_WORD = re.compile(r"(?<!\S)\S+\Z")

_UNREADABLE = "the server's answer is no JSON-RPC response; the call may have run"
_LONGEST_ERROR = 500
_LONGEST_CONTENT = 4000
_ERROR_STATUS = 400

FINE = range(200, 300)
"""Statuses that say that there is a response; of others the status says what went wrong."""


@dataclass(frozen=True)
class Outcome:
    """How a call ended, what a server said of an error, and its content, redacted.

    Where it was not `sent`, it surely did not run.
    """

    name: str
    error: str | None = None
    content: str | None = None
    sent: bool = True


_OK, _TOOL_ERROR = Outcome("ok"), Outcome("tool-error")


class OutcomeReader:
    """Watches the bytes of the answer to one request for the response.

    A stream may carry other messages, but no response to another request
    (specification, transports, "Sending Messages"): results of another one
    are not looked at. Errors need not know whose they are, but that of a whole
    answer that is said to be fine must not name another request.

    What cannot be read passes to the client all the same; that the call went
    well is not said of it. An answer too large to look into counts as one.
    `failure` is kept here of an answer that broke off, and was ended for its
    caller with an error.
    """

    def __init__(
        self,
        answer: UpstreamAnswer,
        *,
        show: bool,
        asked: JsonValue = None,
        session: bool = True,
    ) -> None:
        """Begin with an answer's head; `show` says that its content may be kept.

        `asked` is the id of the request, where results of others are not to
        count. Only in a `session` can a stream be taken up again.
        """
        self._session = session
        self._asked = asked
        self._astray = False
        self.unnumbered = False
        self._packed = "Content-Encoding" in answer.headers
        self._status = answer.status
        self._show = show
        self._events: EventReader | None = None
        if is_event_stream(answer.headers.get("Content-Type", "")):
            self._events = EventReader()
        self._chunks: list[bytes] = []
        self._found: Outcome | None = None
        self._large = False
        self.size = 0
        self.failure: UpstreamFailed | None = None

    @property
    def answered(self) -> bool:
        """Whether the response was in the bytes so far, as far as they were looked into."""
        return self._found is not None or self._large

    @property
    def resumable(self) -> bool:
        """Whether the client may take up the stream again after its end."""
        return self._session and self._events is not None and self._events.resumable

    @property
    def ids(self) -> Collection[bytes]:
        """Return the ids by which the client may ask for the rest of the stream, as it grows."""
        return self._events.ids if self._session and self._events is not None else ()

    @property
    def streams(self) -> bool:
        """Whether the answer is a stream of events, is said to be fine and can be read."""
        return self._events is not None and not self._packed and self._status < _ERROR_STATUS

    @property
    def missing(self) -> bool:
        """Whether a stream of events that has ended held neither a response nor an id.

        By the latter its client may ask for the rest.
        """
        return not (self.answered or self.resumable)

    def is_astray(self, body: bytes) -> bool:
        """Tell whether a whole answer is that to another request.

        `unnumbered` then tells whether it is an error without an id.
        """
        if self._events is None and len(body) <= _LARGEST:
            self._find(body)
        return self._astray

    def is_none(self, body: bytes) -> bool:
        """Tell whether a whole answer, which is not astray, surely holds no response.

        That is not said of what is too large to be read patiently, or packed.
        """
        if self.answered or self._events is not None or self._packed:
            return False
        return len(body) <= _PATIENTLY

    def feed(self, chunk: bytes) -> None:
        """Take bytes of the answer as they pass."""
        self.size += len(chunk)
        if self._events is None:
            if self.size <= _LARGEST:
                self._chunks.append(chunk)
            return
        for event in self._events.feed(chunk):
            if len(event) > _LARGEST:
                self._large = True
            elif _SAYS_MORE.search(event) is not None:  # a flood of others costs little so
                self._find(event)
        self._large = self._large or self._events.passed_over

    def outcome(self) -> Outcome:
        """Return how the call ended, once the answer is whole."""
        if self._found is None and self._events is None and self.size <= _LARGEST:
            self._find(b"".join(self._chunks))
        if self._found is not None:
            return self._found
        if self._status >= _ERROR_STATUS:
            return Outcome("failed", f"the server answered with HTTP status {self._status}")
        if self._events is None:
            readable = self.size > _LARGEST
            return _OK if readable else Outcome("failed", _UNREADABLE)
        if self._large:
            return _OK
        return Outcome("failed", "the server ended its answer without a response")

    def _find(self, text: bytes) -> None:
        if self._found is not None:
            return
        if len(text) > _SMALL and _SAYS_MORE.search(text) is None:
            return
        found = response_in(text, show=self._show)
        if found is None:
            return
        number, ended = found
        if self._asked is not None and not is_for(number, self._asked):
            if ended.name != "rpc-error":
                self._astray = True
            elif self._events is None and self._status in FINE:
                self.unnumbered = number is None
                self._astray = not self.unnumbered
        if not self._astray:
            self._found = ended


def is_for(number: object, asked: JsonValue) -> bool:
    """Tell whether a response with this id is to the request `asked`; some servers make ids text.

    Clients take such an answer.
    """
    text = asked.text if isinstance(asked, Number) else asked
    return not isinstance(number, bool | None) and str(number) == text


def response_in(text: bytes, *, show: bool) -> tuple[object, Outcome] | None:
    """Return the request id and the outcome that a JSON-RPC response tells; None for others.

    `show` says that its content may be kept.
    """
    told = _parsed(text)
    if not isinstance(told, dict) or "method" in told:
        return None
    if isinstance(error := told.get("error"), dict):
        said = _brief(str(error.get("message", "")), _LONGEST_ERROR)
        return told.get("id"), Outcome("rpc-error", said)
    result = told.get("result")
    if not isinstance(result, dict):
        return None
    ended = _TOOL_ERROR if result.get("isError") is True else _OK
    return told.get("id"), replace(ended, content=_content(result)) if show else ended


def _parsed(text: bytes) -> Any:
    """Return the JSON value in `text`; None where there is none.

    What the quick parser does not take, such as half a surrogate pair or two
    hundred levels, is given to the patient one.
    """
    try:
        return from_json(text, cache_strings="keys")
    except ValueError:
        if len(text) > _PATIENTLY:
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None


def _content(result: dict[str, Any]) -> str:
    """Return the texts of a result, or all of it as JSON, without secrets."""
    blocks = result.get("content")
    texts = [
        block["text"]
        for block in (blocks if isinstance(blocks, list) else [])
        if isinstance(block, dict) and isinstance(block.get("text"), str)
    ]
    if texts:
        return _brief("\n".join(texts), _LONGEST_CONTENT)
    shown = redact(_as_json({k: v for k, v in result.items() if k != "_meta"}), ())
    return _brief(canonical(shown.value), _LONGEST_CONTENT)


def _as_json(value: Any) -> Json:
    """Return parsed JSON with its numbers as text, as redaction wants them."""
    match value:
        case bool() | None | str():
            return value
        case int() | float():
            return Number(json.dumps(value))
        case list():
            return [_as_json(item) for item in value]  # type: ignore[misc] # a value of JSON holds such values
        case _:
            return {str(key): _as_json(member) for key, member in value.items()}  # type: ignore[misc] # the same


def _brief(text: str, limit: int) -> str:
    """Return the beginning of a text without secrets; half a secret is not known as one."""
    looked_at = text[: limit * 4]
    if len(looked_at) < len(text):
        looked_at = _LAST_WORD.sub("", looked_at)
    cut = redact_text(looked_at).text
    more = len(cut) > limit or len(looked_at) < len(text)
    return cut[:limit].encode(errors="replace").decode() + ("…" if more else "")
