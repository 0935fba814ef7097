"""Settles an assessment with the grants, limits and freezes in force."""

from collections.abc import Sequence
from datetime import datetime

from policies.deciding.assessment import assess, scope_of, subject_of
from policies.deciding.exceeding import NOTHING_USED, is_limited, within_limits
from policies.deciding.freezes import LiveFreeze, frozen
from policies.people.people import Directory
from policies.risks.risk import RiskFinding
from policies.rules.decisions import Assessment, Decision, Effect, LiveGrant, Usage
from policies.rules.grant_terms import answered, unmet_terms, unread
from policies.rules.policy import Policy
from policies.values.calls import Call, Tool
from policies.values.matching import Target


def settle(
    assessment: Assessment,
    grants: Sequence[LiveGrant],
    at: datetime,
    usage: Usage,
    *,
    freezes: Sequence[LiveFreeze],
) -> Decision:
    """Return the decision on an assessed call, `usage` being what is taken of limits at `at`.

    A freeze in force at `at` (UTC) denies, and a limit without room for the
    call speaks like a rule. A grant in force then lifts "require approval" to
    "allow" where the people who gave it satisfy every term; nothing lifts a
    denial or a limit. Of several such grants the one that ends first is used,
    then the one with the smallest id.
    """
    assessment = frozen(within_limits(assessment, usage, at), freezes, at)
    if assessment.effect is not Effect.REQUIRE_APPROVAL:
        return Decision(assessment.effect, assessment, None)
    lifting = [grant for grant in grants if obstacle(grant, assessment, at) is None]
    if not lifting:
        return Decision(assessment.effect, assessment, None)
    used = min(lifting, key=lambda grant: (grant.until, grant.id))
    return Decision(Effect.ALLOW, assessment, used.id)


def decide(  # noqa: PLR0913 (all that a decision looks at)
    call: Call,
    policy: Policy,
    grants: Sequence[LiveGrant],
    at: datetime,
    *,
    tool: Tool,
    risk: RiskFinding,
    directory: Directory,
    freezes: Sequence[LiveFreeze] = (),
    usage: Usage = NOTHING_USED,
) -> Decision:
    """Return the decision on a call: assessed and settled in one.

    Where `usage` is not told, nothing is taken of any limit yet.
    """
    assessment = assess(call, policy, tool=tool, risk=risk, at=at, directory=directory)
    assessment = with_answers(assessment, grants, call, policy, at, directory)
    return settle(assessment, grants, at, usage, freezes=freezes)


def with_answers(
    assessment: Assessment,
    grants: Sequence[LiveGrant],
    call: Call,
    policy: Policy,
    at: datetime,
    directory: Directory,
) -> Assessment:
    """Return the assessment with whether the call meets the terms of `grants`."""
    wanted = unread(grants, assessment)
    subject = subject_of(call, policy, directory, assessment.risk) if wanted else None
    if subject is None:
        return assessment
    return answered(assessment, wanted, scope_of(call, subject, at, directory))


def obstacle(grant: LiveGrant, assessment: Assessment, at: datetime) -> str | None:
    """Return why `grant` does not lift the assessed call at `at` (UTC), or None where it does."""
    return (
        _elsewhere(grant, assessment, at)
        or _unlifted(grant, assessment)
        or unmet_terms(grant, assessment)
    )


def is_for(grant: LiveGrant, assessment: Assessment, at: datetime) -> bool:
    """Tell whether a grant in force is for such calls, what it asks of their arguments aside."""
    return _elsewhere(grant, assessment, at) is None


def _elsewhere(grant: LiveGrant, assessment: Assessment, at: datetime) -> str | None:
    """Return why the grant has nothing to say of the call."""
    meant = _meant(grant, assessment)
    if meant is not None:
        return f"it is for {meant}"
    if at >= grant.until:
        return "it has ended"
    if grant.uses_left is not None and grant.uses_left <= 0:
        return "it is used up"
    return None


def _unlifted(grant: LiveGrant, assessment: Assessment) -> str | None:
    """Return why the call is none that the grant can lift."""
    if not assessment.terms:
        return "the call does not wait for approval"
    if is_limited(assessment):
        return "a limit has no room for the call, and no grant lifts that"
    if not assessment.grantable:
        return "the policy lets no grant lift this call"
    for term in assessment.terms:
        standing = grant.standing.get(term.team, 0)
        if standing < term.approvals:
            return f"{standing} of {term.approvals} approvers of `{term.team}` gave it"
    return None


def _meant(grant: LiveGrant, assessment: Assessment) -> str | None:
    """Return what the grant is for where that is not the call; None where it is."""
    if grant.agent != assessment.agent:
        return f"agent `{grant.agent}`"
    if not _targets(grant.target, assessment):
        return f"`{grant.target}`"
    if grant.elsewhere:
        return "the very arguments of one call, which are known by their keyed digest alone"
    return None


def _targets(target: str, assessment: Assessment) -> bool:
    try:
        return Target.parse(target).matches(assessment.server, assessment.tool)
    except ValueError:
        return False
