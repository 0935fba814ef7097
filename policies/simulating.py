"""Asks a candidate policy about calls of the past, by the functions that decide real ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from policies.acceptance import NOT_ACCEPTED, until_accepted
from policies.assessment import combined, judge, scope_of, subject_of
from policies.calls import Call, JsonValue, Risk, Tool
from policies.decisions import (
    STRICTNESS,
    Assessment,
    Decision,
    Effect,
    LiveGrant,
    Spoke,
    Term,
    Usage,
)
from policies.exceeding import standings
from policies.limits import Limit, charges_of
from policies.matching import Subject
from policies.past_calls import PastCall
from policies.people import Agent, Directory
from policies.policy import Policy
from policies.recomputing import (
    LOOKS_AT_HIDDEN,
    Doubt,
    KeptCall,
    Recomputed,
    looks_at_hidden,
    recompute,
)
from policies.risk import RiskFinding, classify
from policies.settling import settle, with_answers
from policies.simulation_doubts import (
    Unjudged,
    of_grants,
    of_limits,
    of_rule,
    possible_effects,
)
from policies.strict_json import NotStrict, parse
from policies.tool_objects import tool_in

_MOST_REMEMBERED = 20_000
_UNDECLARED = "undeclared-tool"
_BESIDE = '"params.'
_ALONE = {effect: frozenset({effect}) for effect in Effect}


@dataclass(frozen=True)
class Simulated:
    """What the candidate says of a past call: `effects` are all that it may come to.

    More than one are possible where something of `doubts` cannot be judged.
    """

    call: PastCall
    decision: Decision
    effects: frozenset[Effect]
    doubts: tuple[Unjudged, ...]

    @property
    def changes(self) -> bool:
        """Whether it surely comes to something else."""
        return self.call.effect not in self.effects

    @property
    def may_change(self) -> bool:
        """Whether nobody can tell."""
        return not self.changes and len(self.effects) > 1


@dataclass(frozen=True)
class _Known:
    """What holds for all calls of one agent to one tool, whatever their arguments.

    `policy` has those rules only that can speak of such calls; `reads` is what
    their conditions look at. `people` is None where something of them is not kept
    that a rule could ask for. `assessments` has what rules come to together.
    """

    number: int
    tool: Tool
    risk: RiskFinding
    policy: Policy
    limits: tuple[Limit, ...]
    reads: frozenset[str]
    people: "_People | None"
    assessments: dict[tuple[tuple[str, str], ...], Assessment] = field(default_factory=dict)


@dataclass(frozen=True)
class _People:
    """Whose agent called then, and what matchers look at."""

    directory: Directory
    subject: Subject


class Simulation:
    """A candidate policy, and what it is asked against.

    `directory` says which teams own the servers now, `trusted` names servers.
    `definitions` are those of tools, by server, tool and hash.
    """

    def __init__(
        self,
        policy: Policy,
        directory: Directory,
        trusted: frozenset[str],
        definitions: Mapping[tuple[str, str, str], str],
    ) -> None:
        """Begin without having seen any call."""
        self._policy = policy
        self._directory = directory
        self._trusted = trusted
        self._definitions = definitions
        self._known: dict[tuple[str | None, ...], _Known] = {}
        self._said: dict[tuple[int, str, bool], Recomputed] = {}

    def ask(self, call: PastCall, grants: Sequence[LiveGrant], usage: Usage) -> Simulated:
        """Return what the candidate says of a call with the grants and the usage of then."""
        known = self._about(call)
        said = self._rules(call, known)
        assessment = said.certain
        if call.beyond or not call.definition_hash:
            assessment = self._beyond(call, assessment)
        if any(grant.terms is not None for grant in grants):
            assessment = self._answered(call, known, assessment, grants)
        decision = settle(assessment, grants, call.at, usage, freezes=())
        if any(effect is Effect.DENY for _, effect in call.beyond):
            return Simulated(call, decision, _ALONE[decision.effect], ())
        exceeded = [
            each.charge
            for each in (standings(assessment, usage, call.at) if assessment.charges else ())
            if each.exceeded
        ]
        doubts = (
            *map(of_rule, said.doubts),
            *of_limits(call, exceeded),
            *of_grants(call, grants, decision),
        )
        if not doubts:
            return Simulated(call, decision, _ALONE[decision.effect], ())
        effects = possible_effects(call, said, decision, exceeded, doubts)
        return Simulated(call, decision, effects, doubts)

    def _about(self, call: PastCall) -> _Known:
        key = (
            *(call.agent, call.team, call.owner, call.on_behalf_of, call.server, call.tool),
            *((call.definition_hash,) if call.definition_hash else ("", call.risk, call.evidence)),
        )
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._learned(call)
        return known

    def _learned(self, call: PastCall) -> _Known:
        definition = self._definitions.get((call.server, call.tool, call.definition_hash))
        tool = Tool(call.server, call.tool, "", "{}", call.definition_hash)
        risk = RiskFinding(Risk(call.risk), call.evidence)
        if definition is not None:
            tool = tool_in(call.server, call.tool, definition, call.definition_hash)
            trusted = call.server in self._trusted
            risk = classify(tool, trusted=trusted, overrides=self._policy.risks)
        subject = subject_of(_call(call, {}), self._policy, self._directory, risk.risk)
        policy = self._policy
        if subject is not None:
            policy = policy.with_rules(policy.concerning(subject))
        limits = self._policy.limiting(subject) if subject is not None else ()
        conditions = [rule.condition for rule in policy.rules]
        conditions += [limit.condition for limit in limits]
        reads = {name for condition in conditions if condition for name in condition.reads}
        if any(limit.sums for limit in limits):
            reads.add("args")
        people = None
        if call.owner and call.team and subject is not None:
            agent = Agent(call.agent, call.team, call.owner)
            people = _People(Directory(agents={call.agent: agent}), subject)
        return _Known(len(self._known), tool, risk, policy, tuple(limits), frozenset(reads), people)

    def _rules(self, call: PastCall, known: _Known) -> Recomputed:
        """Return what the rules say; remembered for identical calls that look at no clock."""
        if "now" in known.reads:
            return self._recomputed(call, known)
        looks = "args" in known.reads
        key = (known.number, call.arguments if looks else "", looks and call.redacted)
        said = self._said.get(key)
        if said is None:
            said = self._recomputed(call, known)
            if len(self._said) >= _MOST_REMEMBERED:
                self._said.clear()
            self._said[key] = said
        return said

    def _recomputed(self, call: PastCall, known: _Known) -> Recomputed:
        arguments = _arguments(call) if "args" in known.reads else {}
        kept = _call(call, arguments or {})
        veiled = call.redacted or arguments is None or _BESIDE in call.arguments
        if known.people is not None and not veiled:
            return _judged(kept, known, known.people, call)
        return recompute(
            KeptCall(
                call=kept,
                hidden=call.hidden,
                owner=call.owner,
                tool=known.tool,
                risk=known.risk,
                team=self._directory.server_teams.get(call.server),
                at=call.at,
                redacted=call.redacted or arguments is None,
            ),
            known.policy,
        )

    def _answered(
        self, call: PastCall, known: _Known, assessment: Assessment, grants: Sequence[LiveGrant]
    ) -> Assessment:
        """Return the assessment with whether the call meets what grants ask of its arguments."""
        people = known.people
        if people is None:
            return assessment
        whole = _call(call, _arguments(call) or {})
        directory = replace(people.directory, server_teams=self._directory.server_teams)
        return with_answers(assessment, grants, whole, self._policy, call.at, directory)

    def _beyond(self, call: PastCall, assessment: Assessment) -> Assessment:
        """Return the assessment with what spoke of the call beside the policy."""
        team = self._directory.server_teams.get(call.server, "")
        for rule, effect in call.beyond:
            if effect is Effect.DENY:
                spoke = Spoke(rule, "", effect, "it spoke then, whatever the policy says")
                return replace(
                    assessment, effect=effect, spoke=(spoke, *assessment.spoke), terms=()
                )
            if rule == NOT_ACCEPTED:
                assessment = until_accepted(assessment, team, "nobody had accepted it then")
        if not call.definition_hash and assessment.effect is Effect.ALLOW:
            spoke = Spoke(_UNDECLARED, "", Effect.REQUIRE_APPROVAL, "nobody declared it then")
            return replace(
                assessment,
                effect=Effect.REQUIRE_APPROVAL,
                spoke=(spoke, *assessment.spoke),
                terms=(Term(team, 1),),
            )
        return assessment


def _judged(call: Call, known: _Known, people: _People, past: PastCall) -> Recomputed:
    """Return what the rules come to, as `recompute` does; combined once for the same verdicts."""
    scope = scope_of(call, people.subject, past.at, people.directory)
    doubts = tuple(_unseen(known, call.arguments)) if past.hidden else ()
    doubted = {doubt.rule.pointer for doubt in doubts}
    judged = (judge(rule, scope) for rule in known.policy.rules if rule.pointer not in doubted)
    covering = [verdict for verdict in judged if verdict.covers]
    spoke = tuple((verdict.rule.pointer, verdict.because) for verdict in covering)
    assessment = known.assessments.get(spoke)
    if assessment is None:
        assessment = combined(call, known.policy, people.subject, covering, known.risk)
        known.assessments[spoke] = assessment
    effects = _ALONE[assessment.effect]
    if doubts:
        sure = [verdict.rule.effect for verdict in covering]
        possible = (max((*sure, each.rule.effect), key=STRICTNESS.__getitem__) for each in doubts)
        effects = frozenset({assessment.effect, *possible})
    if known.limits:
        charges = charges_of(known.limits, people.subject, scope)
        assessment = replace(assessment, charges=charges)
    return Recomputed(assessment, doubts, effects)


def _unseen(known: _Known, arguments: Mapping[str, JsonValue]) -> Iterator[Doubt]:
    """Yield the rules that look at what is hidden of the arguments."""
    for rule in known.policy.rules:
        if rule.condition is not None and looks_at_hidden(rule.condition, arguments):
            yield Doubt(rule, LOOKS_AT_HIDDEN)


def _call(call: PastCall, arguments: Mapping[str, JsonValue]) -> Call:
    return Call(
        agent=call.agent,
        team=call.team,
        on_behalf_of=call.on_behalf_of,
        server=call.server,
        tool=call.tool,
        arguments=arguments,
    )


def _arguments(call: PastCall) -> dict[str, JsonValue] | None:
    try:
        found = parse(call.arguments.encode())
    except (NotStrict, UnicodeEncodeError):
        return None
    return found if isinstance(found, dict) else None
