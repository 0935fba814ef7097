"""Finds the rules that may speak of a call without looking at all of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from policies.rules.rules import Rule
from policies.values.matching import Glob, Subject

_MOST_COPIES = 64
"""So often a rule stands in the index at most for the servers and agents it lists."""


@dataclass
class _Tools:
    """Positions of rules by the tools they name: whole, by how these begin or end, or neither."""

    whole: dict[str, list[int]] = field(default_factory=dict)
    beginning: dict[int, dict[str, list[int]]] = field(default_factory=dict)
    ending: dict[int, dict[str, list[int]]] = field(default_factory=dict)
    others: list[int] = field(default_factory=list)

    def add(self, position: int, tools: tuple[Glob, ...] | None) -> None:
        """Note the rule at `position` under each of its patterns."""
        patterns = [glob.pattern for glob in tools or ()]
        if not patterns or any(_loose(pattern) for pattern in patterns):
            self.others.append(position)
            return
        for pattern in patterns:
            head, tail = _head(pattern), _tail(pattern)
            if head == pattern:
                self.whole.setdefault(pattern, []).append(position)
            elif len(head) >= len(tail):
                self.beginning.setdefault(len(head), {}).setdefault(head, []).append(position)
            else:
                self.ending.setdefault(len(tail), {}).setdefault(tail, []).append(position)

    def near(self, tool: str) -> Iterator[list[int]]:
        """Yield the positions of rules that may speak of a tool."""
        yield self.others
        yield self.whole.get(tool, [])
        for length, by_head in self.beginning.items():
            yield by_head.get(tool[:length], [])
        for length, by_tail in self.ending.items():
            yield by_tail.get(tool[-length:], [])


def _head(pattern: str) -> str:
    ends = [at for at in (pattern.find("*"), pattern.find("?")) if at >= 0]
    return pattern[: min(ends)] if ends else pattern


def _tail(pattern: str) -> str:
    return pattern[max(pattern.rfind("*"), pattern.rfind("?")) + 1 :]


def _loose(pattern: str) -> bool:
    return not (_head(pattern) or _tail(pattern))


class RuleIndex:
    """Rules by the servers, agents and tools they name."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Note every rule under what it names; what it names by patterns counts as unnamed."""
        self._rules = rules
        self._by_names: dict[tuple[str | None, str | None], _Tools] = {}
        for position, rule in enumerate(rules):
            servers, agents = _exact(rule.match.server), _exact(rule.match.agent)
            if len(servers) * len(agents) > _MOST_COPIES:
                servers = agents = [None]
            for names in product(servers, agents):
                self._by_names.setdefault(names, _Tools()).add(position, rule.match.tool)

    def concerning(self, subject: Subject) -> tuple[Rule, ...]:
        """Return the rules that speak of such a call, conditions aside, in file order."""
        near: set[int] = set()
        for names in product((subject.server, None), (subject.agent, None)):
            tools = self._by_names.get(names)
            if tools is not None:
                near.update(*tools.near(subject.tool))
        ordered = (self._rules[position] for position in sorted(near))
        return tuple(rule for rule in ordered if rule.concerns(subject))


def _exact(globs: Iterable[Glob] | None) -> list[str | None]:
    """Return the names that globs write out, or None alone where one is a pattern."""
    patterns = [glob.pattern for glob in globs or ()]
    if not patterns or any("*" in pattern or "?" in pattern for pattern in patterns):
        return [None]
    return list(dict.fromkeys(patterns))
