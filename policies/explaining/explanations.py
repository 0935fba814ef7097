"""Finds out why a call is decided as it is: each rule, limit and grant, and what came of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from policies.conditions.arguments import Scope
from policies.deciding.acceptance import until_accepted
from policies.deciding.assessment import assess, judge, scope_of, subject_of
from policies.deciding.exceeding import Standing, standings
from policies.deciding.freezes import LiveFreeze
from policies.deciding.settling import obstacle, settle, with_answers
from policies.people.people import Directory
from policies.risks.risk import RiskFinding
from policies.rules.decisions import Decision, LiveGrant, Spoke, Usage
from policies.rules.limits import Limit
from policies.rules.policy import Policy
from policies.rules.rules import Rule
from policies.values.calls import Call, Tool
from policies.values.matching import Subject


@dataclass(frozen=True)
class Heard:
    """A rule that was asked: whether it speaks of such calls, whether it covers this one, why."""

    rule: Rule
    speaks: bool
    covers: bool
    because: str


@dataclass(frozen=True)
class Metered:
    """A limit that was asked; `standing` is how it stands to the call, None where it is silent."""

    limit: Limit
    standing: Standing | None
    because: str


@dataclass(frozen=True)
class Considered:
    """A grant that was looked at; it lifts the call, or `against` says why it does not."""

    grant: LiveGrant
    against: str | None


@dataclass(frozen=True)
class Explanation:
    """A decision with all that was asked for it.

    `beyond` is what spoke that is neither a rule nor a limit: the default, a
    freeze, a tool that nobody accepted. Names and texts come from agents and
    servers: make them inert before they are shown.
    """

    call: Call
    at: datetime
    policy: Policy
    risk: RiskFinding
    decision: Decision
    rules: tuple[Heard, ...]
    limits: tuple[Metered, ...]
    grants: tuple[Considered, ...]
    beyond: tuple[Spoke, ...]


def explain(  # noqa: PLR0913 (all that a decision looks at)
    call: Call,
    policy: Policy,
    grants: Sequence[LiveGrant],
    at: datetime,
    *,
    tool: Tool,
    risk: RiskFinding,
    directory: Directory,
    usage: Usage,
    freezes: Sequence[LiveFreeze] = (),
    unaccepted: str | None = None,
) -> Explanation:
    """Return how the call would be decided at `at` (UTC), and why.

    `usage` is what is taken of limits, `unaccepted` why the tool has to be
    accepted first. It asks the functions that decide real calls.
    """
    assessment = assess(call, policy, tool=tool, risk=risk, at=at, directory=directory)
    if unaccepted is not None:
        team = directory.server_teams.get(call.server, "")
        assessment = until_accepted(assessment, team, unaccepted)
    assessment = with_answers(assessment, grants, call, policy, at, directory)
    decision = settle(assessment, grants, at, usage, freezes=freezes)
    subject = subject_of(call, policy, directory, risk.risk)
    scope = scope_of(call, subject, at, directory) if subject is not None else None
    entries = {rule.pointer for rule in policy.rules} | {each.pointer for each in policy.limits}
    return Explanation(
        call=call,
        at=at,
        policy=policy,
        risk=risk,
        decision=decision,
        rules=tuple(_heard(policy, subject, scope)),
        limits=tuple(_metered(policy, subject, standings(assessment, usage, at))),
        grants=tuple(_considered(decision, grants, at)),
        beyond=tuple(each for each in decision.assessment.spoke if each.pointer not in entries),
    )


def _heard(policy: Policy, subject: Subject | None, scope: Scope | None) -> Iterator[Heard]:
    if subject is None or scope is None:
        return
    for rule in policy.rules:
        silent = _silent(rule, subject)
        if silent is not None:
            yield Heard(rule, speaks=False, covers=False, because=silent)
            continue
        verdict = judge(rule, scope)
        yield Heard(rule, speaks=True, covers=verdict.covers, because=verdict.because)


def _silent(entry: Rule | Limit, subject: Subject) -> str | None:
    """Return why a rule or a limit says nothing of such calls, None where it does."""
    key = entry.match.mismatch(subject)
    if key is not None:
        return f"its `{key}` does not match"
    if entry.exception is not None and entry.exception.matches(subject):
        return "its `except` takes the call out"
    return None


def _metered(
    policy: Policy, subject: Subject | None, found: Sequence[Standing]
) -> Iterator[Metered]:
    if subject is None:
        return
    speaking = {each.charge.pointer: each for each in found}
    for limit in policy.limits:
        standing = speaking.get(limit.pointer)
        silent = _silent(limit, subject) or "its condition does not hold"
        yield Metered(limit, standing, silent if standing is None else standing.because)


def _considered(
    decision: Decision, grants: Sequence[LiveGrant], at: datetime
) -> Iterator[Considered]:
    for grant in sorted(grants, key=lambda each: each.id):
        if grant.id == decision.grant:
            yield Considered(grant, None)
        else:
            against = obstacle(grant, decision.assessment, at) or "another grant does"
            yield Considered(grant, against)
