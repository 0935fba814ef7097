"""Checks in `placet.yaml` by what callers are known: a key each, and nobody's twice."""

from collections.abc import Iterator
from hashlib import sha256

from policies.configuration.references import sections
from policies.values.problems import Problem
from policies.yaml.composing import Path, Value
from policies.yaml.documents import Document

_KEYS = ("key", "key_sha256")


def credential_problems(document: Document) -> list[Problem]:
    """Return a problem for each caller without a key, or with too many, and each key used twice."""
    return [*_without_key(document), *_with_too_many(document), *_shared(document)]


def _without_key(document: Document) -> Iterator[Problem]:
    for name, agent in sections(document, "agents"):
        known = _has_key(agent) or bool(agent.get("client_id"))
        if not known and agent.get("anonymous", False) is False:
            instead = 'add `key: "${NAME}"`, or `anonymous: true` for callers without a key'
            if document.at(("identity", "issuers")):
                instead = (
                    f"add the `client_id` that its tokens name, {instead.removeprefix('add ')}"
                )
            place = document.key(("agents", name))
            yield document.problem(place, f"agent `{name}` has no key", instead)
    for name, operator in sections(document, "operators"):
        if not _has_key(operator):
            place = document.key(("operators", name))
            instead = 'add `key: "${NAME}"`, or its SHA-256 as `key_sha256`'
            yield document.problem(place, f"operator `{name}` has no key", instead)


def _with_too_many(document: Document) -> Iterator[Problem]:
    for name, agent in sections(document, "agents"):
        if _has_key(agent) and agent.get("anonymous") is True:
            what = f"agent `{name}` has a key and is anonymous"
            yield document.problem(document.key(("agents", name)), what, "keep one of the two")
        if "client_id" in agent and agent.get("anonymous") is True:
            what = f"agent `{name}` has a `client_id` and is anonymous"
            yield document.problem(document.key(("agents", name)), what, "keep one of the two")
    for section in ("agents", "operators"):
        for name, entry in sections(document, section):
            if all(key in entry for key in _KEYS):
                place = document.key((section, name, "key_sha256"))
                what = f"`{name}` has a `key` and a `key_sha256`"
                yield document.problem(place, what, "keep one of the two")


def _shared(document: Document) -> Iterator[Problem]:
    """Yield a problem for each key that two callers have, however it is written."""
    seen: dict[str, Path] = {}
    for path, hashed in _hashes(document):
        first = seen.setdefault(hashed, path)
        if first[:2] != path[:2]:
            what = f"`{path[-1]}` is already the key of `{first[1]}`"
            instead = f"give `{path[1]}` one of its own"
            yield document.problem(document.place(path), what, instead)


def _hashes(document: Document) -> Iterator[tuple[Path, str]]:
    """Yield where each key stands, and its SHA-256 in hex."""
    for section in ("agents", "operators"):
        for name, entry in sections(document, section):
            for key in _KEYS:
                value, path = entry.get(key), (section, name, key)
                if isinstance(value, str) and value and path not in document.faulty:
                    yield path, _hashed(key, value)


def _has_key(entry: dict[str, Value]) -> bool:
    return any(key in entry for key in _KEYS)


def _hashed(key: str, value: str) -> str:
    return value.lower() if key == "key_sha256" else sha256(value.encode()).hexdigest()
