"""Makes the event of a decision, from what the gateway knows of a call and what was settled."""

from datetime import timedelta
from functools import lru_cache
from typing import Any

from ledger.deciding.charging import charged
from ledger.events.events import CallDecided, HiddenValue, SpokenRule
from ledger.lives.calls import CallFacts
from policies.rules.decisions import Assessment, Decision, Effect

_ALLOW = Effect.ALLOW
"""Named once: an enumeration takes its time, and each call asks."""

_EVERY: dict[str, Any] = dict.fromkeys(CallDecided.model_fields)
"""Every field in order; to fill a copy in takes less time than to grow a dictionary."""


def decided(facts: CallFacts, decision: Decision, approval: str | None) -> CallDecided:
    """Return the event of a decision on a call."""
    effect, assessment, grant = decision
    agent = facts.agent
    runs = facts.observed or effect is _ALLOW
    values = _EVERY.copy()
    values["call"] = facts.call
    values["agent"] = agent.name
    values["on_behalf_of"] = agent.on_behalf_of
    values["server"] = facts.server
    values["tool"] = facts.tool
    values["definition_hash"] = facts.definition_hash
    values["digest"] = facts.digests[0]
    values["arguments"] = facts.arguments
    values["hidden"] = facts.hidden
    values["effect"] = effect
    values["rules"] = spoken(assessment)
    values["message"] = assessment.message
    values["risk"] = assessment.risk
    values["evidence"] = assessment.evidence
    values["policy_digest"] = assessment.policy_digest
    values["instance"] = facts.instance
    values["approval"] = approval
    values["grant"] = grant
    values["meta_keys"] = facts.meta_keys
    values["agent_team"] = agent.team
    values["owner"] = agent.owner
    values["observed"] = facts.observed
    values["report_within_seconds"] = _seconds(facts.report_within)
    values["hidden_values"] = _hidden(facts) if facts.hidden_values else ()
    values["charges"] = charged(assessment) if runs and assessment.charges else ()
    return CallDecided.unchecked(values)


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
