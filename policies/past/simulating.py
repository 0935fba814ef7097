"""Asks a candidate policy about calls of the past, by the functions that decide real ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from policies.deciding.acceptance import NOT_ACCEPTED, until_accepted
from policies.deciding.assessment import subject_of
from policies.deciding.exceeding import standings
from policies.deciding.settling import settle, with_answers
from policies.past.kept_arguments import plain, whole
from policies.past.past_calls import PastCall
from policies.past.past_verdicts import ALONE, Known, People, judged
from policies.past.recomputing import KeptCall, Recomputed, recompute
from policies.past.simulation_doubts import (
    Unjudged,
    of_grants,
    of_limits,
    of_rule,
    possible_effects,
)
from policies.people.people import Directory
from policies.risks.risk import RiskFinding, classify
from policies.rules.decisions import Assessment, Decision, Effect, LiveGrant, Spoke, Term, Usage
from policies.rules.policy import Policy
from policies.values.calls import Risk, Tool
from policies.values.memory import Memory
from policies.values.tool_objects import tool_in

_UNDECLARED = "undeclared-tool"
_BESIDE = '"params.'


class Simulated(NamedTuple):
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
        self._known: dict[tuple[str | None, ...], Known] = {}
        self._said: Memory[tuple[int, str, bool], Recomputed] = Memory()

    def ask(self, call: PastCall, grants: Sequence[LiveGrant], usage: Usage) -> Simulated:
        """Return what the candidate says of a call with the grants and the usage of then."""
        known = self._about(call)
        said = self._rules(call, known)
        assessment = said.certain
        if call.beyond or not call.definition_hash:
            assessment = self._beyond(call, assessment)
        if grants and any(grant.terms is not None for grant in grants):
            assessment = self._answered(call, known, assessment, grants)
        decision = settle(assessment, grants, call.at, usage, freezes=())
        sure = not (said.doubts or call.veiled)
        if sure or any(effect is Effect.DENY for _, effect in call.beyond):
            return Simulated(call, decision, ALONE[decision.effect], ())
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
            return Simulated(call, decision, ALONE[decision.effect], ())
        effects = possible_effects(call, said, decision, exceeded, doubts)
        return Simulated(call, decision, effects, doubts)

    def callers(self) -> frozenset[str]:
        """Return the agents whose calls it was asked about."""
        return frozenset(str(key[0]) for key in self._known)

    def servers(self) -> frozenset[str]:
        """Return the servers of the calls that it was asked about."""
        return frozenset(str(key[4]) for key in self._known)

    def _about(self, call: PastCall) -> Known:
        key = (
            *(call.agent, call.team, call.owner, call.on_behalf_of, call.server, call.tool),
            *((call.definition_hash,) if call.definition_hash else ("", call.risk, call.evidence)),
        )
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._learned(call)
        return known

    def _learned(self, call: PastCall) -> Known:
        definition = self._definitions.get((call.server, call.tool, call.definition_hash))
        tool = Tool(call.server, call.tool, "", "{}", call.definition_hash)
        risk = RiskFinding(Risk(call.risk), call.evidence)
        if definition is not None:
            tool = tool_in(call.server, call.tool, definition, call.definition_hash)
            trusted = call.server in self._trusted
            risk = classify(tool, trusted=trusted, overrides=self._policy.risks)
        subject = subject_of(call.with_arguments({}), self._policy, self._directory, risk.risk)
        if subject is None:
            return Known.of(tool, risk, self._policy, (), None)
        policy = self._policy.with_rules(self._policy.concerning(subject))
        people = None
        if call.owner and call.team:
            people = People.of(call.with_arguments({}), call.owner, subject)
        return Known.of(tool, risk, policy, tuple(self._policy.limiting(subject)), people)

    def _rules(self, call: PastCall, known: Known) -> Recomputed:
        """Return what the rules say of a call, by as much of its arguments as they look at."""
        if known.people is None or call.redacted or _BESIDE in call.arguments:
            return self._remembered(call, known)
        if "args" not in known.reads:
            return judged(call, {}, known, known.people, partly=True)
        arguments = plain(call.arguments) if known.looks is not None else None
        if arguments is not None:
            return judged(call, arguments, known, known.people, partly=True)
        arguments = whole(call.arguments)
        if arguments is None:
            return self._remembered(call, known)
        return judged(call, arguments, known, known.people, partly=False)

    def _remembered(self, call: PastCall, known: Known) -> Recomputed:
        """Return what `recompute` says; remembered for identical calls that look at no clock."""
        if "now" in known.reads:
            return self._recomputed(call, known)
        looks = "args" in known.reads
        key = (id(known), call.arguments if looks else "", looks and call.redacted)
        return self._said.recall(key) or self._said.keep(key, self._recomputed(call, known))

    def _recomputed(self, call: PastCall, known: Known) -> Recomputed:
        arguments = whole(call.arguments) if "args" in known.reads else {}
        return recompute(
            KeptCall(
                call=call.with_arguments(arguments or {}),
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
        self, call: PastCall, known: Known, assessment: Assessment, grants: Sequence[LiveGrant]
    ) -> Assessment:
        """Return the assessment with whether the call meets what grants ask of its arguments."""
        people = known.people
        if people is None:
            return assessment
        asked = call.with_arguments(whole(call.arguments) or {})
        directory = replace(people.directory, server_teams=self._directory.server_teams)
        return with_answers(assessment, grants, asked, self._policy, call.at, directory)

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
