"""Decides a recorded call anew, as far as what is kept of it lets anybody tell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from policies.conditions.conditions import Condition
from policies.conditions.expressions import Expression
from policies.deciding.assessment import assess, judge, scope_of, subject_of
from policies.people.people import Agent, Directory
from policies.risks.risk import RiskFinding
from policies.rules.decisions import Assessment, Effect
from policies.rules.limits import Limit, Per
from policies.rules.policy import Policy
from policies.rules.rules import Rule
from policies.secrets.secret_shapes import MARKER
from policies.values.calls import Call, JsonValue, Tool
from policies.values.matching import Matcher, Subject
from policies.values.strict_json import Json

_EXTRA = "params."
"""What a parameter that MCP does not know is kept under, beside the arguments."""

LOOKS_AT_HIDDEN = "its condition looks at a value that is hidden"
"""Why a rule cannot be judged."""

_BEFORE = timedelta(seconds=10)
"""How long before its decision was recorded a call may have been looked at."""

_NOBODY = "?"
"""Stands for the team that owned the server, where that is not known; no team is called so."""


@dataclass(frozen=True)
class KeptCall:
    """A call as it was recorded.

    `call` has the arguments after redaction, `hidden` says how many values
    they lack. `owner` is the agent's, `team` the one that owned the server
    (None where that is not known), `at` (UTC) when it was decided. Where it was
    `redacted` since, nothing is left of the arguments.
    """

    call: Call
    hidden: int
    owner: str
    tool: Tool
    risk: RiskFinding
    team: str | None
    at: datetime
    redacted: bool = False

    @property
    def directory(self) -> Directory:
        """The people and teams of then, as far as a decision looks at them."""
        agent = Agent(self.call.agent, self.call.team, self.owner)
        teams = {self.call.server: self.team or _NOBODY}
        return Directory(agents={agent.name: agent}, server_teams=teams)

    @property
    def arguments(self) -> Mapping[str, JsonValue]:
        """The arguments alone, without the parameters that are kept beside them."""
        known = self.call.arguments.items()
        return {name: value for name, value in known if not name.startswith(_EXTRA)}


@dataclass(frozen=True)
class Doubt:
    """A rule of which cannot be told whether it covered the call, and why."""

    rule: Rule
    because: str


class Recomputed(NamedTuple):
    """What a policy says of a recorded call.

    `certain` is by the rules that can be judged, `doubts` are the others, and
    `effects` what it may come to, grants and limits aside. What the call adds
    to the limits at the pointers `unclear` cannot be told.
    """

    certain: Assessment
    doubts: tuple[Doubt, ...]
    effects: frozenset[Effect]
    unclear: frozenset[str] = frozenset()


def recompute(kept: KeptCall, policy: Policy) -> Recomputed:
    """Return what `policy` says of a recorded call, by the functions that decide real ones.

    A rule is in doubt where it needs a hidden value, or what the ledger does
    not keep. What the call may come to is found by letting each of those cover it.
    """
    doubts = tuple(_doubts(kept, policy))
    doubted = {doubt.rule.pointer for doubt in doubts}
    judged = [rule for rule in policy.rules if rule.pointer not in doubted]
    certain = _assessed(kept, policy.with_rules(judged))
    possible = [
        _assessed(kept, policy.with_rules([*judged, _covering(doubt.rule)])) for doubt in doubts
    ]
    effects = frozenset({certain.effect, *(each.effect for each in possible)})
    return Recomputed(certain, doubts, effects, _unclear(kept, policy))


def _assessed(kept: KeptCall, policy: Policy) -> Assessment:
    return assess(
        kept.call._replace(arguments=kept.arguments),
        policy,
        tool=kept.tool,
        risk=kept.risk,
        at=kept.at,
        directory=kept.directory,
    )


def _covering(rule: Rule) -> Rule:
    return replace(rule, match=Matcher(), exception=None, condition=None)


def _doubts(kept: KeptCall, policy: Policy) -> Iterator[Doubt]:
    subject = subject_of(kept.call, policy, kept.directory, kept.risk.risk)
    assert subject is not None, "a team stands in for the one that is not known"
    for rule in policy.rules:
        concerns = _concerns(rule, subject)
        if concerns is False:
            continue
        because = None if rule.condition is None else _unjudged(rule, rule.condition, kept, subject)
        if because is None and concerns is None:
            because = "it asks which team owned the server, which is not in the ledger"
        if because is not None:
            yield Doubt(rule, because)


def _unclear(kept: KeptCall, policy: Policy) -> frozenset[str]:
    """Return the pointers of the limits of which nobody can tell what the call adds to them."""
    if not policy.limits:
        return frozenset()
    subject = subject_of(kept.call, policy, kept.directory, kept.risk.risk)
    assert subject is not None, "a team stands in for the one that is not known"
    return frozenset(limit.pointer for limit in policy.limits if _is_unclear(limit, kept, subject))


def _is_unclear(limit: Limit, kept: KeptCall, subject: Subject) -> bool:
    concerns = _concerns(limit, subject)
    if concerns is not True:
        return concerns is None
    if Per.TEAM in limit.per and not kept.call.team:
        return True
    condition = limit.condition
    texts = [limit.amount.source, condition.source if condition is not None else ""]
    return any(_is_veiled(Expression.read(text), kept) for text in texts)


def _is_veiled(expression: Expression, kept: KeptCall) -> bool:
    """Tell whether an expression looks at what is not kept of the call, or at the very time."""
    paths = list(expression.paths())
    hidden = kept.hidden and any(_is_hidden(kept.arguments, path) for path in paths)
    lacking = (
        ("call", "team", kept.team),
        ("agent", "owner", kept.owner),
        ("agent", "team", kept.call.team),
    )
    return bool(
        hidden
        or (kept.redacted and paths)
        or any(token.text == "now" for token in expression.roots())
        or any(not known and _reads(expression, root, name) for root, name, known in lacking)
    )


def _concerns(rule: Rule | Limit, subject: Subject) -> bool | None:
    """Tell whether a rule speaks of the call, its condition aside; None where nobody can."""
    speaks = _fits(rule.match, subject)
    taken_out = False if rule.exception is None else _fits(rule.exception, subject)
    if speaks is False or taken_out is True:
        return False
    return None if speaks is None or taken_out is None else True


def _fits(matcher: Matcher, subject: Subject) -> bool | None:
    if matcher.team is None or subject.team != _NOBODY:
        return matcher.matches(subject)
    return None if replace(matcher, team=None).matches(subject) else False


def _unjudged(rule: Rule, condition: Condition, kept: KeptCall, subject: Subject) -> str | None:
    """Return why a condition cannot be judged, or None where it can."""
    if kept.redacted and "args" in condition.reads:
        return "its condition looks at arguments that were redacted"
    expression = Expression.read(condition.source)
    if kept.hidden and looks_at_hidden(condition, kept.arguments):
        return LOOKS_AT_HIDDEN
    lacking = [
        f"{root}.{name}"
        for root, name, known in (
            ("call", "team", kept.team),
            ("agent", "owner", kept.owner),
            ("agent", "team", kept.call.team),
        )
        if not known and _reads(expression, root, name)
    ]
    if lacking:
        return f"its condition looks at `{lacking[0]}`, which is not in the ledger"
    return _wavering(rule, condition, kept, subject)


def looks_at_hidden(condition: Condition, arguments: Json) -> bool:
    """Tell whether a condition looks at something of the arguments that is hidden."""
    return any(_is_hidden(arguments, path) for path in _paths_in(condition.source))


@lru_cache(maxsize=4096)
def _paths_in(source: str) -> tuple[tuple[str, ...], ...]:
    return tuple(Expression.read(source).paths())


def _wavering(rule: Rule, condition: Condition, kept: KeptCall, subject: Subject) -> str | None:
    """Return what about the call, unknown within bounds, would make a difference."""
    times = [kept.at, kept.at - _BEFORE] if "now" in condition.reads else [kept.at]
    calls = [kept.call, kept.call._replace(arguments=kept.arguments)]
    answers = [
        [judge(rule, scope_of(call, subject, at, kept.directory)).covers for call in calls]
        for at in times
    ]
    if answers[0][0] != answers[0][1]:
        return "its condition looks at what may be an argument or a parameter beside them"
    if answers[0] != answers[-1]:
        return "its condition looks at the time, and its answer changed just then"
    return None


def _reads(expression: Expression, root: str, name: str) -> bool:
    """Tell whether a condition may read `root.name`: by name, or by taking all of `root`."""
    members = [token.text for token in expression.members(root)]
    whole = sum(token.text == root for token in expression.roots()) != len(members)
    return name in members or whole


def _is_hidden(value: Json, path: tuple[str, ...]) -> bool:
    """Tell whether something hidden is at `path` of a value, or on the way there."""
    for step in path:
        if not isinstance(value, Mapping):
            break
        if step not in value:
            return any(MARKER in key for key in value)
        value = value[step]
    return _holds_hidden(value)


def _holds_hidden(value: Json) -> bool:
    match value:
        case str():
            return MARKER in value
        case list():
            return any(_holds_hidden(each) for each in value)
        case Mapping():
            return any(MARKER in key or _holds_hidden(each) for key, each in value.items())
        case _:
            return False
