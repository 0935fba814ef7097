"""Keeps of each hidden value what a known value can be tested against, and nothing else.

The code is HMAC-SHA-256 (RFC 2104), cut to 128 bits, under a key of the
digests, over the call, the place and the value. So equal values in two calls,
or in two places, have nothing in common that shows. Who holds the key can try
values one by one; nobody else can.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from policies.secrets.secret_shapes import MARKER, hide_secrets
from policies.values.authentication_codes import coder
from policies.values.digests import DigestKey
from policies.values.strict_json import Json, NotStrict, canonical, parse

_PURPOSE = b"placet hidden value 1\0"
_HEX_DIGITS = 32
_MOST = 100
"""Hidden values of one call that can be tested; the others are counted only."""

_LONGEST_PATH = 200


@dataclass(frozen=True)
class HiddenCode:
    """Where a value was hidden, and its code, `key id:hex`.

    The path is written as in the policy's `redact`: keys with dots between,
    lists are looked through.
    """

    path: str
    code: str


def hidden_codes(call: str, value: Json, shown: Json, key: DigestKey) -> tuple[HiddenCode, ...]:
    """Return the codes of what is in `value` and hidden in `shown`, which was made of it."""
    found = islice(_hidden(value, shown, ()), _MOST)
    return tuple(
        HiddenCode(path, f"{key.id}:{_code(call, path, form, key)}") for path, form in found
    )


def holds(candidate: str, call: str, hidden: HiddenCode, keys: Sequence[DigestKey]) -> bool | None:
    """Tell whether the hidden value is `candidate`, as text or as JSON; None without its key."""
    name, _, code = hidden.code.partition(":")
    key = next((known for known in keys if known.id == name), None)
    if key is None:
        return None
    forms = {canonical(candidate)}
    with suppress(NotStrict, UnicodeEncodeError):
        forms.add(canonical(parse(candidate.encode())))
    return code in {_code(call, hidden.path, form, key) for form in forms}


def _code(call: str, path: str, form: str, key: DigestKey) -> str:
    message = _PURPOSE + canonical([call, path, form]).encode()
    return coder(key.secret).code(message).hex()[:_HEX_DIGITS]


def _hidden(value: Json, shown: Json, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield path and canonical form of every value that is hidden in what is shown of it."""
    match value, shown:
        case Mapping(), Mapping():
            for (name, member), (key, told) in zip(value.items(), shown.items(), strict=True):
                within = (*path, key)
                if MARKER in key and key != name:
                    yield from _parts(name, within)
                yield from _hidden(member, told, within)
        case list(), list():
            for item, told in zip(value, shown, strict=True):
                yield from _hidden(item, told, path)
        case str(), str() if shown not in (value, MARKER):
            yield from _parts(value, path)
        case _, str() if value != shown:
            yield _written(path), canonical(value)
        case _:
            pass


def _parts(text: str, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    parts: list[str] = []
    hide_secrets(text, parts)
    for part in parts:
        yield _written(path), canonical(part)


def _written(path: tuple[str, ...]) -> str:
    return ".".join(path)[:_LONGEST_PATH]
