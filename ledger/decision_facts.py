"""Makes the event of a decision, from what the gateway knows of a call and what was settled."""

from datetime import timedelta
from functools import lru_cache

from ledger.calls import CallFacts
from ledger.charging import charged
from ledger.events import CallDecided, HiddenValue, SpokenRule
from policies.decisions import Assessment, Decision, Effect

_ALLOW = Effect.ALLOW
"""Named once: an enumeration takes its time, and each call asks."""


def decided(facts: CallFacts, decision: Decision, approval: str | None) -> CallDecided:
    """Return the event of a decision on a call."""
    effect, assessment, grant = decision
    agent = facts.agent
    runs = facts.observed or effect is _ALLOW
    return CallDecided.unchecked(
        {
            "call": facts.call,
            "agent": agent.name,
            "on_behalf_of": agent.on_behalf_of,
            "server": facts.server,
            "tool": facts.tool,
            "definition_hash": facts.definition_hash,
            "digest": facts.digests[0],
            "arguments": facts.arguments,
            "hidden": facts.hidden,
            "effect": effect,
            "rules": spoken(assessment),
            "message": assessment.message,
            "risk": assessment.risk,
            "evidence": assessment.evidence,
            "policy_digest": assessment.policy_digest,
            "instance": facts.instance,
            "approval": approval,
            "grant": grant,
            "meta_keys": facts.meta_keys,
            "agent_team": agent.team,
            "owner": agent.owner,
            "observed": facts.observed,
            "report_within_seconds": _seconds(facts.report_within),
            "hidden_values": _hidden(facts) if facts.hidden_values else (),
            "charges": charged(assessment) if runs and assessment.charges else (),
        }
    )


def spoken(assessment: Assessment) -> tuple[SpokenRule, ...]:
    """Return the rules that spoke, as events keep them."""
    return tuple([_spoken(s.rule, s.pointer, str(s.effect), s.because) for s in assessment.spoke])


@lru_cache(maxsize=256)
def _spoken(rule: str, pointer: str, effect: str, because: str) -> SpokenRule:
    """Return a rule as events keep it: call after call, the same rules say the same.

    The effect comes as its text, of which a hash is had at once.
    """
    return SpokenRule(rule=rule, pointer=pointer, effect=Effect(effect), because=because)


def _hidden(facts: CallFacts) -> tuple[HiddenValue, ...]:
    return tuple(HiddenValue(path=each.path, code=each.code) for each in facts.hidden_values)


def _seconds(within: timedelta | None) -> int | None:
    return None if within is None else int(within / timedelta(seconds=1))
