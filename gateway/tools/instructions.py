"""Edits a server's instructions: adds what "pending" means, or leaves out what it says itself."""

import json
from json import JSONDecodeError
from json.decoder import JSONDecoder

from gateway.wire.json_text import members, with_member

HINT = (
    "Some tools behind this server need a person's approval, by the gateway Placet. A result that "
    "says `pending` means that nothing was executed yet: do other work, or wait, then call the "
    "same tool again with identical arguments; once approved, that call runs. Never change the "
    "arguments to get round an approval or a denial."
)

WITHHELD = (
    "What this server says of itself is left out here by the gateway Placet: it is new or has "
    "changed, and nobody accepted it yet."
)
MEMBER = "instructions"
_BLANKS = " \t\r\n"
_SCAN = JSONDecoder()


def with_hint(body: bytes) -> bytes:
    """Return an answer to `initialize` or `server/discover` with the hint in its instructions.

    Nothing but the member `instructions` of `result` changes, which is added
    where it is missing; a body of any other shape is returned as it is.
    """
    try:
        text = body.decode()
        start = _value_at(text, _blank(text, 0), "result")
        if start is None or text[start] != "{":
            return body
        changed = _edited(text, start)
        json.loads(changed)
    except (ValueError, IndexError, RecursionError):
        return body
    return changed.encode()


def withheld(body: bytes) -> bytes:
    """Return an introduction that says of itself only that something is left out.

    It holds one result with instructions, whatever these are. Raises
    NotAnObject, KeyError else.
    """
    text = body.decode()
    result = text[members(text)["result"]]
    return with_member(text, "result", with_member(result, MEMBER, json.dumps(WITHHELD))).encode()


def _edited(text: str, start: int) -> str:
    """Return `text` with the hint in the object that begins at `start`."""
    hint = json.dumps(HINT)
    at = _value_at(text, start, MEMBER)
    if at is None:
        first = _blank(text, start + 1)
        comma = "" if text[first] == "}" else ","
        return f'{text[: start + 1]}"{MEMBER}":{hint}{comma}{text[start + 1 :]}'
    present, end = _SCAN.raw_decode(text, at)
    if present is None:
        return text[:at] + hint + text[end:]
    if not isinstance(present, str):
        raise JSONDecodeError("instructions are not text", text, at)
    return f"{text[: end - 1]}\\n\\n{hint[1:]}{text[end:]}"


def _value_at(text: str, start: int, wanted: str) -> int | None:
    """Return where the value of member `wanted` begins in the object at `start`."""
    if text[start] != "{":
        return None
    at = _blank(text, start + 1)
    while text[at] == '"':
        name, at = _SCAN.raw_decode(text, at)
        at = _blank(text, _blank(text, at) + 1)
        if name == wanted:
            return at
        _, at = _SCAN.raw_decode(text, at)
        at = _blank(text, at)
        if text[at] == ",":
            at = _blank(text, at + 1)
    return None


def _blank(text: str, at: int) -> int:
    """Return the first place from `at` on that is not blank."""
    while text[at] in _BLANKS:
        at += 1
    return at
