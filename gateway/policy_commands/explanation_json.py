"""Writes an explanation for machines."""

from collections.abc import Mapping

from policies.conditions.amounts import written_amount
from policies.explaining.explanations import Considered, Explanation, Heard, Metered


def explanation_json(found: Explanation) -> Mapping[str, object]:
    """Return the decision, and every rule, limit and grant that was asked, as JSON."""
    call, assessment = found.call, found.decision.assessment
    return {
        "call": {
            "agent": call.agent,
            "on_behalf_of": call.on_behalf_of,
            "server": call.server,
            "tool": call.tool,
        },
        "at": found.at.isoformat(),
        "effect": found.decision.effect,
        "risk": {"risk": found.risk.risk, "evidence": found.risk.evidence},
        "rules": [_rule(each) for each in found.rules],
        "limits": [_limit(each) for each in found.limits],
        "beyond": [
            {"rule": each.rule, "pointer": each.pointer, "effect": each.effect, "why": each.because}
            for each in found.beyond
        ],
        "grants": [_grant(each) for each in found.grants],
        "approvals": {term.team: term.approvals for term in assessment.terms},
        "reason_required": assessment.reason_required,
        "expires_in_seconds": int(assessment.expires_in.total_seconds()),
        "use_within_seconds": int(assessment.use_within.total_seconds()),
        "message": assessment.message,
        "policy": {"file": found.policy.file, "digest": found.policy.digest},
    }


def _rule(heard: Heard) -> Mapping[str, object]:
    rule = heard.rule
    return {
        "rule": rule.name,
        "pointer": rule.pointer,
        "file": rule.file,
        "line": rule.line,
        "effect": rule.effect,
        "speaks": heard.speaks,
        "covers": heard.covers,
        "why": heard.because,
    }


def _limit(metered: Metered) -> Mapping[str, object]:
    limit, standing = metered.limit, metered.standing
    return {
        "limit": limit.name,
        "pointer": limit.pointer,
        "effect": limit.effect,
        "speaks": standing is not None,
        "exceeded": standing is not None and standing.exceeded,
        "left": None if standing is None else written_amount(standing.left),
        "why": metered.because,
    }


def _grant(considered: Considered) -> Mapping[str, object]:
    return {
        "grant": considered.grant.id,
        "target": considered.grant.target,
        "lifts": considered.against is None,
        "against": considered.against,
    }
