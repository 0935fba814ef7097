"""Finds tools that stand in the light of others: same or similar names, talk of others' tools."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, islice

from policies.scans.scan_texts import quotation
from policies.scans.scanned import Finding, SeenServer, Severity, texts

_LONGEST = 160
_SHORTEST = 5
_MOST_PAIRS = 200
_LOOK_ALIKE = str.maketrans(
    "\u0430\u0435\u0456\u043e\u0440\u0441\u0443\u0445\u0455\u0501"
    "\u04bb\u0458\u051b\u051d\u0261\u03bf\u03b1\u03b5\u03b9\u0475015$@",
    "aeiopcyxsdhjqwgoaeivoissa",
)
"""Letters of other scripts, and digits, that look like those of ASCII."""
_WILD = frozenset("*?")
_WORD = re.compile(r"[\w-]{5,80}")


def in_names(servers: Sequence[SeenServer]) -> Iterator[Finding]:
    """Yield the tools of all servers that can be mistaken for others, or that speak of them."""
    for server in servers:
        for name in server.ambiguous:
            what = "is listed twice with two meanings; which one would run cannot be told"
            yield _named(Severity.HIGH, "listed-twice", server.name, name, what, name)
        if server.unusable:
            what = "lists tools without a usable name, or with more than 1 MiB of definition"
            counted = f"{server.unusable} of them"
            yield _named(Severity.MEDIUM, "unusable-tool", server.name, "", what, counted)
        for name in (seen.tool.name for seen in server.tools):
            if _WILD & set(name):
                what = "has a name that a rule or a grant would read as a pattern of names"
                yield _named(Severity.MEDIUM, "name-is-pattern", server.name, name, what, name)
    yield from _alike(servers)
    yield from _speaking_of_others(servers)


def skeleton(name: str) -> str:
    """Return what a name looks like: without case, separators and look-alike letters."""
    folded = unicodedata.normalize("NFKC", name).casefold().translate(_LOOK_ALIKE)
    return "".join(letter for letter in folded if letter.isalnum()).replace("l", "i")


def _alike(servers: Sequence[SeenServer]) -> Iterator[Finding]:
    looks: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for server in servers:
        for seen in server.tools:
            looks[skeleton(seen.tool.name)].append((server.name, seen.tool.name))
    for same in looks.values():
        yield from (_pair(one, other) for one, other in islice(combinations(same, 2), _MOST_PAIRS))


def _pair(one: tuple[str, str], other: tuple[str, str]) -> Finding:
    (server, name), (elsewhere, similar) = one, other
    shown = f"{server}/{name}"
    if name == similar:
        what = f"has the name of a tool of `{server}`: a model can take one for the other"
        return _named(Severity.MEDIUM, "shadowing", elsewhere, similar, what, shown)
    if server == elsewhere:
        what = "looks like another tool of the same server"
        return _named(Severity.LOW, "confusable", elsewhere, similar, what, shown)
    what = f"looks like a tool of `{server}`: a model or a person can take one for the other"
    return _named(Severity.HIGH, "confusable", elsewhere, similar, what, shown)


def _speaking_of_others(servers: Sequence[SeenServer]) -> Iterator[Finding]:
    owners: dict[str, set[str]] = defaultdict(set)
    for server in servers:
        for seen in server.tools:
            if _distinctive(seen.tool.name):
                owners[seen.tool.name].add(server.name)
    for server in servers:
        said = [("", "instructions", server.told)]
        for seen in server.tools:
            said += [(seen.tool.name, place, text) for place, text in texts({**seen.said})]
        for tool, place, text in said:
            yield from _mentions(server.name, tool, place, text, owners)


def _mentions(
    server: str, tool: str, place: str, text: str, owners: dict[str, set[str]]
) -> Iterator[Finding]:
    told = set()
    for found in _WORD.finditer(text):
        others = owners.get(found[0], set())
        if others and server not in others and found[0] not in told and place != "name":
            told.add(found[0])
            what = f"speaks of a tool of `{min(others)}`"
            quoted = quotation(text, found.start(), found.end())
            yield Finding(Severity.HIGH, "speaks-of-others", server, tool, place, what, quoted)


def _distinctive(name: str) -> bool:
    """Tell whether a name is no word that a text may hold by chance."""
    joined = "_" in name or "-" in name or any(letter.isupper() for letter in name[1:])
    return len(name) >= _SHORTEST and joined


def _named(
    severity: Severity, kind: str, server: str, tool: str, what: str, evidence: str
) -> Finding:
    return Finding(severity, kind, server, tool, "name", what, evidence[:_LONGEST])
