"""Finds rules that never decide: what they cover, others decide whatever they say."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from policies.linting.findings import Finding, Severity, at_rule
from policies.rules.decisions import STRICTNESS, Effect
from policies.rules.rules import Rule
from policies.values.inclusion import Broad, Span
from policies.values.matching import Matcher

_MOST_PIECES = 64
_DOES = {
    Effect.ALLOW: "allows",
    Effect.DENY: "denies",
    Effect.REQUIRE_APPROVAL: "requires approval for",
}


def shadowed(rules: Sequence[Rule]) -> Iterator[Finding]:
    """Yield the rules that say nothing, contradict another, or never decide beside others."""
    known = _Rules(rules)
    for index, rule in enumerate(rules):
        if span_of(rule).empty:
            what = f"rule `{rule.name}` speaks of no call: `except` takes out all of `match`"
            instead = "narrow `except`, or remove the rule"
            yield at_rule(rule, Severity.ERROR, "speaks-of-nothing", what, instead)
        elif not hides(rule):
            yield from _beside(rule, index, known)


class _Rules:
    """Rules by the calls that they speak of."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._broad = Broad(rule.match for rule in rules)
        self._alike: dict[tuple[object, ...], list[Rule]] = {}
        for rule in rules:
            self._alike.setdefault(_calls(rule), []).append(rule)

    def near(self, rule: Rule) -> Iterator[tuple[int, Rule]]:
        """Yield, in order and with their places, all rules that may cover what `rule` covers."""
        for place in self._broad.near(rule.match):
            yield place, self._rules[place]

    def alike(self, rule: Rule) -> Sequence[Rule]:
        """Return the rules, in order, that speak of the very calls that `rule` speaks of."""
        return self._alike[_calls(rule)]


def _calls(rule: Rule) -> tuple[object, ...]:
    return rule.match, rule.exception, rule.condition.source if rule.condition else None


def span_of(rule: Rule) -> Span:
    """Return the calls that a rule speaks of, its condition aside."""
    return Span(rule.match, rule.exception)


def hides(rule: Rule) -> bool:
    """Say whether the rule stands for an entry of `hide`."""
    return "/hide/" in rule.pointer


def _beside(rule: Rule, index: int, rules: _Rules) -> Iterator[Finding]:
    same = next((other for other in rules.alike(rule) if _stricter(other, rule)), None)
    if same is not None:
        what = (
            f"rule `{rule.name}` {_DOES[rule.effect]} the very calls that `{same.name}` on line "
            f"{same.line} {_DOES[same.effect]}"
        )
        yield at_rule(rule, Severity.ERROR, "contradiction", what, "remove one of the two")
        return
    hiding = _hiding(rule, rules)
    if hiding:
        named = " and ".join(f"`{other.name}` on line {other.line}" for other in hiding[:3])
        does = _DOES[hiding[0].effect] if len(hiding) == 1 else "decide"
        what = f"rule `{rule.name}` never decides: {named} {does} every call it speaks of"
        instead = "remove it, or narrow what decides before it"
        yield at_rule(rule, Severity.WARNING, "never-decides", what, instead)
        return
    yield from _repeated(rule, index, rules)


def _stricter(one: Rule, other: Rule) -> bool:
    return STRICTNESS[one.effect] > STRICTNESS[other.effect]


def _hiding(rule: Rule, rules: _Rules) -> tuple[Rule, ...]:
    """Return the rules that together decide all that `rule` covers; none where some is left."""
    found: dict[str, Rule] = {}
    for piece in _pieces(rule):
        near = (other for _, other in rules.near(piece) if _stricter(other, rule))
        over = next((other for other in near if _covers(other, piece)), None)
        if over is None:
            return ()
        found[over.pointer] = over
    return tuple(found.values())


def _pieces(rule: Rule) -> Iterator[Rule]:
    """Yield the rule piece by piece: each of its servers and tools alone, where they are few."""
    servers, tools = rule.match.server or (None,), rule.match.tool or (None,)
    if len(servers) * len(tools) > _MOST_PIECES:
        yield rule
        return
    for server, tool in product(servers, tools):
        match: Matcher = replace(
            rule.match,
            server=None if server is None else (server,),
            tool=None if tool is None else (tool,),
        )
        yield replace(rule, match=match)


def _covers(other: Rule, rule: Rule) -> bool:
    """Say whether `other` covers every call that `rule` covers, for certain."""
    theirs, ours = other.condition, rule.condition
    if theirs is not None and (ours is None or ours.source != theirs.source):
        return False
    return span_of(other).holds(span_of(rule))


def _repeated(rule: Rule, index: int, rules: _Rules) -> Iterator[Finding]:
    """Yield the rule where another of the same effect covers all it covers and asks no less."""
    if rule.message is not None or rule.show_result is not None:
        return
    for place, other in rules.near(rule):
        if place == index or other.effect is not rule.effect or not _covers(other, rule):
            continue
        if not _asks_no_less(other, rule) or (_covers(rule, other) and place > index):
            continue
        what = f"rule `{rule.name}` adds nothing to `{other.name}` on line {other.line}"
        instead = "remove it, unless it is there for its name"
        yield at_rule(rule, Severity.HINT, "adds-nothing", what, instead)
        return


def _asks_no_less(other: Rule, rule: Rule) -> bool:
    if rule.effect is not Effect.REQUIRE_APPROVAL:
        return True
    ours, theirs = rule.asking, other.asking
    return (
        ours.team == theirs.team
        and ours.approvals <= theirs.approvals
        and ours.expires_in >= theirs.expires_in
        and ours.use_within >= theirs.use_within
        and ours.reason_required <= theirs.reason_required
    )
