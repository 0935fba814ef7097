"""Finds what is wrong between the entries of a policy file, each of them being well formed."""

import re
from collections.abc import Iterator

from policies.rules.policy_sources import Source, written_rules
from policies.values.matching import Glob
from policies.values.problems import Problem
from policies.yaml.composing import Path, Value
from policies.yaml.documents import Document

_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_FREE_TEXTS = frozenset(("when", "conditions", "message", "description"))


def entry_problems(source: Source) -> Iterator[Problem]:
    """Yield what makes no sense in a file of a policy: names twice, keys without meaning."""
    document = source.document
    yield from _same_names(document)
    yield from _misplaced(document)
    yield from _variables(document)
    if source.server is not None:
        yield from _elsewhere(document, source.server)


def _same_names(document: Document) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, rule in written_rules(document):
        name = rule.get("name")
        if not isinstance(name, str):
            continue
        path: Path = ("rules", index, "name")
        if name in seen:
            what = f"a rule named `{name}` is already on line {seen[name]}"
            yield document.problem(document.place(path), what, "give each rule a name of its own")
        seen.setdefault(name, document.place(path).line)


def _misplaced(document: Document) -> Iterator[Problem]:
    for index, rule in written_rules(document):
        effect = rule.get("effect")
        if "approval" in rule and effect in ("allow", "deny"):
            what = f"`approval` has no meaning where the effect is {effect}"
            yield _at(document, index, "approval", what, "remove it, or write `require_approval`")
        if "message" in rule and effect == "allow":
            what = "`message` has no meaning where the effect is allow"
            yield _at(document, index, "message", what, "remove it")
        if rule.get("except") == {}:
            what = "an empty `except` would take out every call"
            yield _at(document, index, "except", what, "name what to take out, or remove it")


def _variables(document: Document) -> Iterator[Problem]:
    """Yield what looks like a variable, which is only replaced in `placet.yaml`."""
    if "${" not in document.text and "\\" not in document.text:
        return  # a sign can also be written as an escape
    for path, place in document.values.items():
        text = document.at(path)
        if not isinstance(text, str) or any(step in _FREE_TEXTS for step in path):
            continue
        found = _VARIABLE.search(text)
        if found:
            what = f"`{found[0]}` is not replaced in a policy"
            yield document.problem(place, what, "write the value itself: policies hold no secrets")


def _at(document: Document, index: int, key: str, what: str, instead: str) -> Problem:
    return document.problem(document.key(("rules", index, key)), what, instead)


def _elsewhere(document: Document, server: str) -> Iterator[Problem]:
    """Yield what speaks of other servers than the one that the file is included for."""
    instead = f"write `{server}`, or move it to the policy file"
    for index, rule in written_rules(document):
        match = rule.get("match")
        named = match.get("server") if isinstance(match, dict) else None
        if named is not None and not _fits(named, server):
            place = document.place(("rules", index, "match", "server"))
            yield document.problem(place, f"the file is included for `{server}` only", instead)
    for section in ("risk", "owners", "hide"):
        written = document.at((section,))
        for key, text in _targets(written):
            if not _fits(text.partition("/")[0], server):
                place = document.key((section, key))
                what = f"`{text}` is at another server: the file is included for `{server}` only"
                yield document.problem(place, what, instead)


def _targets(written: Value) -> Iterator[tuple[str | int, str]]:
    entries = written if isinstance(written, dict) else ()
    listed = enumerate(written) if isinstance(written, list) else ()
    yield from ((key, key) for key in entries)
    yield from ((index, text) for index, text in listed if isinstance(text, str))


def _fits(named: object, server: str) -> bool:
    globs = named if isinstance(named, list) else [named]
    return any(Glob(glob).matches(server) for glob in globs if isinstance(glob, str))
