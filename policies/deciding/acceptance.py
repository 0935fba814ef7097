"""Holds the calls of a tool whose definition nobody has accepted yet."""

from dataclasses import replace

from policies.rules.decisions import Assessment, Effect, Spoke, Term

NOT_ACCEPTED = "tool-not-accepted"
"""The name under which it speaks in decisions; it is no rule of the policy, so has no pointer."""


def until_accepted(assessment: Assessment, team: str, because: str) -> Assessment:
    """Return the assessment of a call to a tool that `team` has not accepted as it is now.

    Whatever else the rules say, the call needs a yes of the team that owns the
    server, which no grant replaces. A denial stays one.
    """
    if any(spoke.rule == NOT_ACCEPTED for spoke in assessment.spoke):
        return assessment
    spoke = Spoke(NOT_ACCEPTED, "", Effect.REQUIRE_APPROVAL, because)
    if assessment.effect is Effect.DENY:
        return replace(assessment, spoke=(*assessment.spoke, spoke))
    counts = {term.team: term.approvals for term in assessment.terms}
    counts[team] = max(counts.get(team, 0), 1)
    return replace(
        assessment,
        effect=Effect.REQUIRE_APPROVAL,
        spoke=(spoke, *assessment.spoke),
        terms=tuple(Term(name, counts[name]) for name in sorted(counts)),
        grantable=False,
    )
