"""Asks a running Placet over its JSON API, as a command does that has to start quickly."""

import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from policies.values.inert import inert_line
from policies.values.refusals import Refused

_LARGEST = 16 * 1024 * 1024
"""Bytes of an answer that are read."""

_SERVER_ERROR = 500
_TOO_MANY = 429
_ECHO = 100


class NoAnswer(Refused):
    """Placet gave no answer that can be used; `sent` says that it may have got the request."""

    def __init__(self, message: str, *, sent: bool) -> None:
        """Keep whether the request may have arrived."""
        super().__init__(message)
        self.sent = sent


@dataclass(frozen=True)
class Reply:
    """What Placet answered: HTTP's status, and the JSON object in the body."""

    status: int
    told: Mapping[str, Any]

    @property
    def later(self) -> bool:
        """Whether the same request may be answered better in a moment."""
        return _is_later(self.status)

    @property
    def detail(self) -> str:
        """What went wrong, in words: those of a problem, or of a JSON-RPC error."""
        error = self.told.get("error")
        told = error.get("message") if isinstance(error, dict) else self.told.get("detail")
        return told if isinstance(told, str) else f"Placet answered with status {self.status}"


class DecisionClient:
    """A connection to the JSON API below `url`. The key is never shown."""

    def __init__(self, url: str, key: str | None) -> None:
        """Take the base address; nothing is opened yet. Raises Refused where it is none."""
        parts = _address(url)
        if key is not None and not (key.isascii() and key.isprintable() and key == key.strip()):
            raise Refused("the key holds blanks or other characters that no key has")
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._connection = kind(parts.hostname or "", parts.port, timeout=10)
        self._at = f"{parts.scheme}://{parts.netloc}{parts.path}"
        self._base = parts.path.rstrip("/")
        self._key = key

    def send(self, method: str, path: str, seconds: float, body: bytes | None = None) -> Reply:
        """Send a request and return the answer, within `seconds` for each read.

        Raises NoAnswer, and Refused where another program than Placet answers for good.
        """
        sent = False
        self._connection.timeout = seconds
        headers = {"Accept": "application/json"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            if self._connection.sock is None:
                self._connection.connect()
            else:
                self._connection.sock.settimeout(seconds)
            sent = True
            self._connection.request(method, self._base + path, body, headers)
            with self._connection.getresponse() as response:
                return self._reply(response)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            reason = str(error) or type(error).__name__
            raise NoAnswer(f"Placet gave no answer ({reason})", sent=sent) from None

    def _reply(self, response: http.client.HTTPResponse) -> Reply:
        """Return what was answered. Raises ValueError where it may be answered better in a moment.

        Raises Refused where it will not.
        """
        body = response.read(_LARGEST)
        if response.length:  # (what is left of Content-Length)
            raise ValueError("its answer was cut off")
        whole = response.chunked or response.length is not None
        shown = f"HTTP {response.status} with {response.headers.get_content_type()}"
        try:
            return Reply(response.status, _object(body))
        except (ValueError, RecursionError):
            if _is_later(response.status) or not whole:
                raise ValueError(f"{shown} that cannot be read") from None
        told = response.headers["Location"] or body.decode(errors="replace")
        said = f"{shown}, `{inert_line(told, _ECHO)}`" if told else shown
        raise Refused(
            f"what answers at `{inert_line(self._at, _ECHO)}` is no Placet ({said}); see `--url` "
            "and `PLACET_URL`"
        )


@dataclass(frozen=True)
class Until:
    """A moment of the monotonic clock, in seconds."""

    at: float

    @classmethod
    def after(cls, seconds: float) -> "Until":
        """Return the moment so many seconds from now."""
        return cls(time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """How many seconds are left, never less than none."""
        return max(self.at - time.monotonic(), 0.0)


def _is_later(status: int) -> bool:
    return status >= _SERVER_ERROR or status == _TOO_MANY


def _address(url: str) -> SplitResult:
    """Return the parts of a base address. Raises Refused where it is none."""
    example = "write it like `http://127.0.0.1:8787`"
    try:
        parts = urlsplit(url)
        _ = parts.port  # which is read only now
    except ValueError as flaw:
        raise Refused(f"the address of Placet is none ({flaw}); {example}") from None
    blank = " " in parts.netloc + parts.path or not parts.path.isascii()
    known = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    if blank or not known:
        raise Refused(f"the address of Placet is none; {example}")
    return parts


def _object(body: bytes) -> Mapping[str, Any]:
    told = json.loads(body)
    if not isinstance(told, dict):
        raise ValueError("the answer is no JSON object")  # noqa: TRY004 (told apart from a bug)
    return told
