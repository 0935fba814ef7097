"""Arguments that a person suggests in place of an agent's: edited as JSON, told as a difference."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from policies.secrets.redaction import redact
from policies.secrets.secret_shapes import MARKER
from policies.values.calls import JsonValue
from policies.values.inert import inert
from policies.values.refusals import Refused
from policies.values.strict_json import NotStrict, canonical, parse, pretty

LONGEST = 3_000
"""UTF-16 code units of a text that can be edited: what a field in Slack holds at most."""

_AROUND = 2
_FOREIGN = re.compile(r"[^\x20-\x7e\n]")
_Path = tuple[str | int, ...]


class Unusable(Refused):
    """What a person wrote cannot be suggested; the message says what to write instead."""


def editable(arguments: str) -> str | None:
    """Return redacted arguments (JSON) laid out to be edited, or None where they are too long.

    Whatever a reader would not see is written as JSON's escape of it.
    """
    text = _FOREIGN.sub(_visible, pretty(parse(arguments.encode())))
    return text if _units(text) <= LONGEST else None


def suggestion(written: str, arguments: str, patterns: Sequence[str] = ()) -> str | None:
    """Return what a person suggests as canonical JSON; None where it is what was asked anyway.

    `arguments` are the redacted ones of the call, `patterns` what the policy's
    `redact` names. Values that are hidden can be left as they are or left out,
    never written anew. Raises Unusable.
    """
    if _units(written) > LONGEST:
        raise Unusable(f"the arguments are longer than {LONGEST} characters; suggest shorter ones")
    try:
        value = parse(written.encode("utf-8", "replace"))
    except NotStrict as error:
        raise Unusable(str(error).replace("the body", "the text")) from None
    if not isinstance(value, Mapping):
        raise Unusable('the arguments are no JSON object; write them as `{"name": value}`')
    asked = parse(arguments.encode())
    if canonical(value) == canonical(asked):
        return None
    known = dict(_hidden(asked, ()))
    for path, text in _hidden(value, ()):
        if known.get(path) != text:
            raise Unusable(
                f"`{MARKER}` stands for a value that is not shown; leave it where it was"
            )
    written_anew = _without_hidden(value)
    if canonical(redact(written_anew, patterns).value) != canonical(written_anew):
        raise Unusable("it holds what is hidden in the ledger, as it may be a secret; leave it out")
    return canonical(value)


def difference(arguments: str, suggested: str) -> str:
    """Return what is other in `suggested`, as lines with `+` and `-`, inert."""
    before, after = (pretty(parse(text.encode())).split("\n") for text in (arguments, suggested))
    lines = list(difflib.unified_diff(before, after, lineterm="", n=_AROUND))[2:]
    return inert("\n".join(line for line in lines if not line.startswith("@@")), multiline=True)


def _visible(found: re.Match[str]) -> str:
    """Return a character, or its JSON escape where it would not be seen for what it is."""
    character = found[0]
    if inert(character) == character:
        return character
    code = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{code[place : place + 4]}" for place in range(0, len(code), 4))


def _hidden(value: JsonValue, path: _Path) -> Iterator[tuple[_Path, str]]:
    """Yield where texts stand that have a hidden part, with these texts."""
    match value:
        case str() if MARKER in value:
            yield path, value
        case Mapping():
            for key, member in value.items():
                yield from _hidden(member, (*path, key))
        case list():
            for place, item in enumerate(value):
                yield from _hidden(item, (*path, place))


def _without_hidden(value: JsonValue) -> JsonValue:
    """Return a value whose texts with a hidden part are nothing but the marker.

    What stands round a hidden part may itself look like a secret to a second look.
    """
    match value:
        case str() if MARKER in value:
            return MARKER
        case Mapping():
            return {key: _without_hidden(member) for key, member in value.items()}
        case list():
            return [_without_hidden(item) for item in value]
        case _:
            return value


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
