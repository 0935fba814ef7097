"""Tells a person why a call is decided as it is."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from policies.arguments import Scope
from policies.assessment import assess, judge, scope_of, subject_of
from policies.calls import Call, Tool
from policies.decisions import Assessment, Decision, Effect, LiveGrant, Usage
from policies.durations import written
from policies.exceeding import Standing, standings
from policies.freezes import LiveFreeze, because
from policies.limit_explanations import limit_lines
from policies.matching import Subject
from policies.people import Directory
from policies.policy import Policy
from policies.risk import RiskFinding
from policies.rules import Rule
from policies.settling import obstacle, settle, with_answers

_ANSWERS = {
    Effect.ALLOW: "allowed",
    Effect.REQUIRE_APPROVAL: "held for approval",
    Effect.DENY: "denied",
}


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
) -> list[str]:
    """Return lines that tell how the call would be decided at `at` (UTC), and why.

    `usage` is what is taken of limits. It asks the functions that decide real
    calls. The lines hold names that agents and servers choose: make them inert
    before they are shown.
    """
    assessment = assess(call, policy, tool=tool, risk=risk, at=at, directory=directory)
    assessment = with_answers(assessment, grants, call, policy, at, directory)
    decision = settle(assessment, grants, at, usage, freezes=freezes)
    return [
        f"{call.agent} calls {call.server}/{call.tool}: {_ANSWERS[decision.effect]}",
        f"risk: {risk.risk.value} ({risk.evidence})",
        *(f"frozen: {told}" for told in [because(decision)] if told),
        *_rules(call, policy, at, risk, directory),
        *_default(assessment),
        *_limits(call, policy, risk, directory, standings(assessment, usage, at)),
        *_asking(decision.assessment),
        *(f"message: {text}" for text in [decision.assessment.message] if text),
        *_grants(decision, grants, at),
        f"policy: {policy.digest}",
    ]


def _rules(
    call: Call, policy: Policy, at: datetime, risk: RiskFinding, directory: Directory
) -> Iterator[str]:
    subject = subject_of(call, policy, directory, risk.risk)
    if subject is None:
        return
    scope = scope_of(call, subject, at, directory)
    for rule in policy.rules:
        covers, because = _verdict(rule, subject, scope)
        word = "covers" if covers else "does not cover"
        yield f"rule {rule.name} ({rule.pointer}, {rule.effect.value}) {word} it: {because}"


def _limits(
    call: Call,
    policy: Policy,
    risk: RiskFinding,
    directory: Directory,
    found: Sequence[Standing],
) -> Iterator[str]:
    subject = subject_of(call, policy, directory, risk.risk)
    if subject is not None:
        yield from limit_lines(policy.limits, subject, found)


def _verdict(rule: Rule, subject: Subject, scope: Scope) -> tuple[bool, str]:
    key = rule.match.mismatch(subject)
    if key is not None:
        return False, f"its `{key}` does not match"
    if rule.exception is not None and rule.exception.matches(subject):
        return False, "its `except` takes the call out"
    verdict = judge(rule, scope)
    return verdict.covers, verdict.because


def _default(assessment: Assessment) -> Iterator[str]:
    for spoke in assessment.spoke:
        if spoke.rule in ("default", "no-team") and not spoke.pointer.startswith("/rules/"):
            yield f"{spoke.rule} ({spoke.pointer or '-'}, {spoke.effect.value}): {spoke.because}"


def _asking(assessment: Assessment) -> Iterator[str]:
    for term in assessment.terms:
        yield f"asks: {term.approvals} of team {term.team}"
    if assessment.terms:
        reason = ", with a reason" if assessment.reason_required else ""
        expires, use = written(assessment.expires_in), written(assessment.use_within)
        yield f"asked for {expires}, to be used within {use}{reason}"


def _grants(decision: Decision, grants: Sequence[LiveGrant], at: datetime) -> Iterator[str]:
    for grant in sorted(grants, key=lambda each: each.id):
        if grant.id == decision.grant:
            yield f"grant {grant.id} lifts it"
        else:
            why = obstacle(grant, decision.assessment, at)
            yield f"grant {grant.id} does not lift it: {why or 'another grant does'}"
