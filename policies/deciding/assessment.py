"""Says what the rules come to for one call, before grants are looked at."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from policies.conditions.arguments import Scope
from policies.conditions.conditions import Unevaluable
from policies.people.people import Directory
from policies.risks.risk import RiskFinding
from policies.rules.decisions import STRICTNESS, Assessment, Effect, Spoke, Term
from policies.rules.limits import charges_of
from policies.rules.policy import Policy
from policies.rules.rules import Asking, Rule
from policies.values.calls import Call, Risk, Tool
from policies.values.matching import Subject

UNLISTED = "unlisted-tool"
"""The name under which the denial of a tool speaks that its server does not list; no rule's."""


class Verdict(NamedTuple):
    """Whether a rule covers a call, and why."""

    rule: Rule
    covers: bool
    because: str


def assess(
    call: Call, policy: Policy, *, tool: Tool, risk: RiskFinding, at: datetime, directory: Directory
) -> Assessment:
    """Return what `policy` says of `call` at `at` (UTC): pure, and never an error.

    The strictest effect of all covering rules wins and their order never
    matters. Approval rules add up: each team its largest count, the shortest
    times. A condition that cannot be evaluated covers the call where its rule
    restricts. A call that no rule covers gets the policy's default; a server
    that no team owns is denied, and so is a `tool` that is not the one called.

    The owner of an agent comes from `directory`; where it is not there, a
    condition that reads it cannot be evaluated.
    """
    if (tool.server, tool.name) != (call.server, call.tool):
        return unlisted(call, policy)
    subject = subject_of(call, policy, directory, risk.risk)
    if subject is None:
        spoke = Spoke("no-team", "", Effect.DENY, f"no team owns the server `{call.server}`")
        return _refusal(call, policy, spoke, risk)
    known = policy.standing(subject, risk.evidence)
    if known is not None:
        return known
    concerned = policy.concerning(subject)
    scope = scope_of(call, subject, at, directory)
    covering = [verdict for verdict in (judge(rule, scope) for rule in concerned) if verdict.covers]
    assessment = combined(call, policy, subject, covering, risk)
    limits = policy.limiting(subject)
    if limits:
        assessment = assessment.charging(charges_of(limits, subject, scope))
    looks_inside = any(limit.looks_inside for limit in limits)
    if not looks_inside and all(rule.condition is None for rule in concerned):
        policy.remember(subject, assessment)
    return assessment


def lasts(call: Call, policy: Policy, assessment: Assessment, directory: Directory) -> bool:
    """Tell whether `assessment` holds for every such call, whatever its arguments and the time."""
    subject = subject_of(call, policy, directory, assessment.risk)
    return subject is not None and policy.standing(subject, assessment.evidence) is assessment


def unlisted(call: Call, policy: Policy) -> Assessment:
    """Return the denial of a tool that its server does not list."""
    because = f"the server `{call.server}` does not list a tool of this name"
    spoke = Spoke(UNLISTED, "", Effect.DENY, because)
    finding = RiskFinding(Risk.DESTRUCTIVE, "nothing is known of a tool that is not listed")
    return _refusal(call, policy, spoke, finding)


def undeclared(call: Call, policy: Policy, at: datetime, directory: Directory) -> Assessment:
    """Return what `policy` says of a tool that nobody declared: it never allows one by itself.

    Nothing is known of such a tool but its name, so it counts as destructive.
    """
    tool = Tool(call.server, call.tool, "", "{}", "")
    finding = RiskFinding(Risk.DESTRUCTIVE, "nothing is known of a tool that is not declared")
    assessment = assess(call, policy, tool=tool, risk=finding, at=at, directory=directory)
    if assessment.effect is not Effect.ALLOW:
        return assessment
    because = f"the server `{call.server}` does not declare a tool of this name"
    spoke = Spoke("undeclared-tool", "", Effect.REQUIRE_APPROVAL, because)
    return replace(
        assessment,
        effect=Effect.REQUIRE_APPROVAL,
        spoke=(spoke, *assessment.spoke),
        terms=(
            Term(policy.owner(call.server, call.tool) or directory.server_teams[call.server], 1),
        ),
    )


def subject_of(call: Call, policy: Policy, directory: Directory, risk: Risk) -> Subject | None:
    """Return what matchers look at, or None where no team owns the server.

    The team is the one that the policy names as the tool's owner, else the server's.
    """
    team = directory.server_teams.get(call.server)
    if team is None:
        return None
    team = policy.owner(call.server, call.tool) or team
    return Subject(call.server, call.tool, call.agent, team, call.on_behalf_of, risk)


def scope_of(call: Call, subject: Subject, at: datetime, directory: Directory) -> Scope:
    """Return what conditions can see of the call."""
    agent: dict[str, str | None] = {
        "name": call.agent,
        "team": call.team,
        "on_behalf_of": call.on_behalf_of,
    }
    if call.agent in directory.agents:
        agent["owner"] = directory.agents[call.agent].owner
    about: dict[str, str | None] = {
        "server": call.server,
        "tool": call.tool,
        "team": subject.team,
        "risk": subject.risk.value,
    }
    return Scope(call.arguments, about, agent, at)


def judge(rule: Rule, scope: Scope) -> Verdict:
    """Say whether a rule that speaks of the call covers it, by its condition."""
    if rule.condition is None:
        return Verdict(rule, covers=True, because="it has no condition")
    return concluded(rule, rule.condition.holds(scope))


def concluded(rule: Rule, answer: bool | Unevaluable) -> Verdict:  # noqa: FBT001
    """Say whether a rule covers the call of which its condition says `answer`."""
    if answer is True:
        return Verdict(rule, covers=True, because="its condition holds")
    if answer is False:
        return Verdict(rule, covers=False, because="its condition does not hold")
    because = "its condition cannot be evaluated"
    if rule.restricts:
        return Verdict(rule, covers=True, because=f"{because}: {answer.reason}")
    return Verdict(rule, covers=False, because=f"{because}, which never allows: {answer.reason}")


def combined(
    call: Call, policy: Policy, subject: Subject, covering: Sequence[Verdict], risk: RiskFinding
) -> Assessment:
    """Return what the rules that cover a call come to together, or the default where none does."""
    spoke = _spoke(covering) or (_default(policy, call.server),)
    effect = max((each.effect for each in spoke), key=STRICTNESS.__getitem__)
    approving = [each.rule for each in covering if each.rule.effect is Effect.REQUIRE_APPROVAL]
    askings = [rule.asking for rule in approving] or [Asking()]
    reason_required = any(asking.reason_required for asking in askings)
    return Assessment(
        agent=call.agent,
        server=call.server,
        tool=call.tool,
        effect=effect,
        spoke=spoke,
        terms=_terms(askings, subject.team) if effect is Effect.REQUIRE_APPROVAL else (),
        reason_required=reason_required,
        expires_in=min(asking.expires_in for asking in askings),
        use_within=min(asking.use_within for asking in askings),
        show_result=_shows(covering),
        grantable=not reason_required and not policy.grants.forbid(subject),
        risk=risk.risk,
        evidence=risk.evidence,
        message=_message(covering, effect),
        policy_digest=policy.digest,
    )


def _default(policy: Policy, server: str) -> Spoke:
    default = policy.default_at(server)
    return Spoke("default", default.pointer, default.effect, "no rule covers the call")


def _spoke(covering: Iterable[Verdict]) -> tuple[Spoke, ...]:
    strictest_first = sorted(
        covering, key=lambda each: (-STRICTNESS[each.rule.effect], each.rule.name)
    )
    return tuple(
        Spoke(each.rule.name, each.rule.pointer, each.rule.effect, each.because)
        for each in strictest_first
    )


def _terms(askings: Iterable[Asking], server_team: str) -> tuple[Term, ...]:
    counts: dict[str, int] = {}
    for asking in askings:
        team = asking.team or server_team
        counts[team] = max(counts.get(team, 0), asking.approvals)
    return tuple(Term(team, counts[team]) for team in sorted(counts))


def _shows(covering: Iterable[Verdict]) -> bool:
    stated = [each.rule.show_result for each in covering if each.rule.show_result is not None]
    return bool(stated) and all(stated)


def _message(covering: Iterable[Verdict], effect: Effect) -> str | None:
    messages = {
        each.rule.message: None
        for each in sorted(covering, key=lambda each: each.rule.name)
        if each.rule.effect is effect and each.rule.message
    }
    return "; ".join(message for message in messages if message) or None


def _refusal(call: Call, policy: Policy, spoke: Spoke, risk: RiskFinding) -> Assessment:
    return Assessment(
        agent=call.agent,
        server=call.server,
        tool=call.tool,
        effect=Effect.DENY,
        spoke=(spoke,),
        terms=(),
        reason_required=False,
        expires_in=timedelta(minutes=30),
        use_within=timedelta(minutes=15),
        show_result=False,
        grantable=False,
        risk=risk.risk,
        evidence=risk.evidence,
        message=None,
        policy_digest=policy.digest,
    )
