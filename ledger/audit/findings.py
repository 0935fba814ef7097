"""Says whether a recorded decision follows from the policy and the call that are recorded."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from ledger.audit.explaining import Then
from ledger.events.events import ApprovalRequested
from ledger.lives.grants import Grant
from policies.deciding.acceptance import NOT_ACCEPTED
from policies.deciding.exceeding import is_limit, standings
from policies.deciding.freezes import FROZEN
from policies.deciding.settling import obstacle, with_answers
from policies.past.recomputing import KeptCall, Recomputed, recompute
from policies.risks.risk import RiskFinding, classify
from policies.rules.decisions import STRICTNESS, Assessment, Effect, LiveGrant
from policies.rules.policy import Policy
from policies.values.calls import Call, Tool
from policies.values.strict_json import NotStrict, parse
from policies.values.tool_objects import tool_in

_TRUSTED = "the trusted server says"
_NOT_ASKED = frozenset({"no-team", "unlisted-tool", FROZEN})
_DEFAULT = "/default"


class Answer(StrEnum):
    """What a recorded decision turns out to be."""

    FOLLOWS = "follows"
    UNKNOWN = "cannot be recomputed"
    CONTRADICTS = "does not follow"


@dataclass(frozen=True)
class Finding:
    """The answer with its reasons, and what was recomputed, where it could be."""

    answer: Answer
    because: tuple[str, ...]
    recomputed: Recomputed | None = None


def finding(then: Then) -> Finding:
    """Return whether the decision follows from the policy of then and what is kept of the call."""
    wrong = [*_policy_flaws(then)]
    if wrong:
        return Finding(Answer.CONTRADICTS, tuple(wrong))
    outside = [rule for rule in then.decided.rules if rule.rule in _NOT_ASKED and not rule.pointer]
    if outside:
        answer = Answer.FOLLOWS if then.decided.effect is Effect.DENY else Answer.CONTRADICTS
        return Finding(answer, (f"`{outside[0].rule}` denies, whatever the policy says",))
    kept = kept_call(then)
    if then.recorded.redacted or kept is None:
        what = "were redacted" if then.recorded.redacted else "cannot be read"
        return Finding(Answer.UNKNOWN, (f"the arguments that were kept {what}",))
    policy = then.policy.compiled if then.policy else None
    if policy is None:
        redacted = then.policy is not None and then.policy.recorded.redacted
        because = "its text was redacted" if redacted else "this Placet cannot read its text"
        return Finding(Answer.UNKNOWN, (f"the policy of then: {because}",))
    recomputed = recompute(kept, policy)
    wrong += _differences(then, recomputed)
    doubts = tuple(f"rule `{each.rule.name}`: {each.because}" for each in recomputed.doubts)
    if wrong:
        answer = Answer.UNKNOWN if _may_mislead(then, recomputed) else Answer.CONTRADICTS
        return Finding(answer, (*wrong, *doubts), recomputed)
    if len(settled(then, recomputed)) > 1:
        return Finding(Answer.UNKNOWN, doubts, recomputed)
    return Finding(Answer.FOLLOWS, doubts, recomputed)


def of_now(then: Then, at: datetime, team: str | None) -> Recomputed | None:
    """Return what the policy in force now says of the call at `at` (UTC); None for no answer.

    `team` owns the server now. Of what is not kept of the call, nothing is known now either.
    """
    policy = then.newest.compiled if then.newest else None
    kept = kept_call(then)
    if policy is None or kept is None:
        return None
    risk = kept.risk
    if then.tool.definition:
        trusted = then.decided.evidence.startswith(_TRUSTED)
        risk = classify(kept.tool, trusted=trusted, overrides=policy.risks)
    return recompute(replace(kept, risk=risk, at=at, team=team or kept.team), policy)


def settled(then: Then, recomputed: Recomputed) -> frozenset[Effect]:
    """Return what the decision may come to, with grants and what no rule says counted in."""
    rules = then.decided.rules
    added = [rule.effect for rule in rules if not rule.pointer or is_limit(rule.pointer)]
    if added:
        ranked = ([effect, *added] for effect in recomputed.effects)
        return frozenset(max(each, key=STRICTNESS.__getitem__) for each in ranked)
    return frozenset(_lifted(then, effect, recomputed.certain) for effect in recomputed.effects)


def why_not(grant: Grant, then: Then, recomputed: Recomputed | None) -> str | None:
    """Return what kept a grant from lifting the call, None where nothing that is recorded did.

    Whether who gave it still counted is in the configuration of then, which is not kept.
    """
    if recomputed is None:
        return "the call cannot be recomputed"
    if recomputed.certain.effect is not Effect.REQUIRE_APPROVAL:
        return "the call does not wait for approval"
    if any(is_limit(rule.pointer) for rule in then.decided.rules):
        return "a limit had no room for the call, and no grant lifts that"
    return _against(grant, then, recomputed.certain)


def kept_call(then: Then) -> KeptCall | None:
    """Return the call as the policies look at it; None where its arguments cannot be read."""
    decided = then.decided
    try:
        arguments = parse(decided.arguments.encode())
    except (NotStrict, UnicodeEncodeError):
        return None
    if not isinstance(arguments, dict):
        return None
    definition = then.tool.definition
    tool = (
        tool_in(decided.server, decided.tool, definition, decided.definition_hash)
        if definition
        else Tool(decided.server, decided.tool, "", "{}", decided.definition_hash)
    )
    return KeptCall(
        call=Call(
            agent=decided.agent,
            team=decided.agent_team,
            on_behalf_of=decided.on_behalf_of,
            server=decided.server,
            tool=decided.tool,
            arguments=arguments,
        ),
        hidden=decided.hidden,
        owner=decided.owner,
        tool=tool,
        risk=RiskFinding(decided.risk, decided.evidence),
        team=_team(then),
        at=then.recorded.at,
    )


def _policy_flaws(then: Then) -> Iterator[str]:
    if then.policy is None:
        yield "no policy was in force then"
        return
    activated = then.policy.activated
    if activated.digest != then.decided.policy_digest:
        yield f"it names policy {then.decided.policy_digest}, in force was {activated.digest}"
    if not then.policy.is_whole:
        yield "the text that is kept of the policy has another SHA-256 than it had"


def _team(then: Then) -> str | None:
    """Return the team that owned the server, where what was asked of people tells it."""
    rules = then.policy.compiled.rules if then.policy and then.policy.compiled else ()
    spoke = {rule.pointer for rule in then.decided.rules}
    named = {rule.asking.team for rule in rules if rule.pointer in spoke and rule.asking.team}
    for recorded in then.story:
        if isinstance(recorded.event, ApprovalRequested):
            left = {term.team for term in recorded.event.terms} - named
            return left.pop() if len(left) == 1 else None
    return None


def _differences(then: Then, recomputed: Recomputed) -> Iterator[str]:
    effects = settled(then, recomputed)
    if then.decided.effect not in effects:
        one = " or ".join(sorted(effects))
        yield f"recorded is {then.decided.effect}, it comes to {one}"
    waiting = then.tool.state is not None and then.tool.state.awaits
    if waiting and all(rule.rule != NOT_ACCEPTED for rule in then.decided.rules):
        yield "nobody had accepted the tool as it was, and nothing recorded says so"
    yield from _limits_apart(then, recomputed)
    recorded = {
        rule.pointer for rule in then.decided.rules if rule.pointer and not is_limit(rule.pointer)
    }
    spoke = {each.pointer for each in recomputed.certain.spoke if each.pointer}
    doubted = {each.rule.pointer for each in recomputed.doubts}
    if doubted:
        recorded, spoke = recorded - {_DEFAULT}, spoke - {_DEFAULT}
    for pointer in sorted(spoke - recorded):
        yield f"`{pointer}` covers the call, and is not recorded"
    for pointer in sorted(recorded - spoke - doubted):
        yield f"`{pointer}` is recorded, and does not cover the call"


def _limits_apart(then: Then, recomputed: Recomputed) -> Iterator[str]:
    """Yield limits that had no room and did not speak, or spoke and had room."""
    at = then.recorded.at
    found = standings(recomputed.certain, then.usage, at)
    full = {each.charge.pointer for each in found if each.exceeded} - recomputed.unclear
    spoke = {rule.pointer for rule in then.decided.rules if is_limit(rule.pointer)}
    spoke -= recomputed.unclear
    for pointer in sorted(full - spoke):
        yield f"`{pointer}` had no room for the call, and is not recorded"
    for pointer in sorted(spoke - full):
        yield f"`{pointer}` is recorded, and had room for the call"


def _may_mislead(then: Then, recomputed: Recomputed) -> bool:
    """Tell whether hidden values could explain a difference: their number and size are unknown."""
    policy: Policy | None = then.policy.compiled if then.policy else None
    differing = {rule.pointer for rule in then.decided.rules if rule.pointer} ^ {
        each.pointer for each in recomputed.certain.spoke
    }
    return bool(then.decided.hidden and policy) and any(
        rule.condition is not None and "args" in rule.condition.reads
        for rule in (policy.rules if policy else ())
        if rule.pointer in differing
    )


def _lifted(then: Then, effect: Effect, certain: Assessment) -> Effect:
    grant = next((each for each in then.grants if each.id == then.decided.grant), None)
    if grant is None or effect is not Effect.REQUIRE_APPROVAL or effect is not certain.effect:
        return effect
    return Effect.ALLOW if _against(grant, then, certain) is None else effect


def _against(grant: Grant, then: Then, certain: Assessment) -> str | None:
    """Return what kept a grant from lifting the call, as far as what is kept of it tells.

    Its terms count as met where values are hidden: nobody can tell any more.
    """
    live, at = _live(grant, certain, then.decided.digest), then.recorded.at
    kept, policy = kept_call(then), then.policy.compiled if then.policy else None
    if grant.terms is not None and kept is not None and policy is not None and not kept.hidden:
        live = replace(live, terms=grant.terms, left=grant.left)
        call = kept.call._replace(arguments=kept.arguments)
        certain = with_answers(certain, [live], call, policy, at, kept.directory)
    return obstacle(live, certain, at)


def _live(grant: Grant, assessment: Assessment, digest: str) -> LiveGrant:
    """Return a grant as it counted for whoever gave it: the servers' own teams are among its.

    Under another key the digest of the same call is another one.
    """
    same_key = grant.digest is not None and _key(grant.digest) == _key(digest)
    speaks_for = {*grant.teams, *(term.team for term in assessment.terms if term.team == "?")}
    return LiveGrant(
        id=grant.id,
        agent=grant.agent,
        target=grant.target,
        until=grant.until,
        uses_left=None if grant.uses is None else grant.uses - grant.used,
        standing=dict.fromkeys(speaks_for, 1),
        elsewhere=same_key and grant.digest != digest,
    )


def _key(digest: str) -> str:
    return digest.partition(":")[0]
