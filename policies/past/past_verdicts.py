"""What a candidate policy says of calls of the past by its rules and limits, found once each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from policies.conditions.amounts import ComputedAmount
from policies.conditions.arguments import Scope
from policies.conditions.conditions import Condition
from policies.deciding.assessment import Verdict, combined, concluded, judge, scope_of
from policies.past.kept_arguments import names_read
from policies.past.past_calls import PastCall
from policies.past.recomputing import LOOKS_AT_HIDDEN, Doubt, Recomputed, looks_at_hidden
from policies.people.people import Agent, Directory
from policies.risks.risk import RiskFinding
from policies.rules.decisions import STRICTNESS, Assessment, Charge, Effect
from policies.rules.limits import Limit, charge_of, told
from policies.rules.policy import Policy
from policies.rules.rules import Rule
from policies.values.calls import Call, JsonValue, Tool
from policies.values.matching import Subject
from policies.values.memory import Memory

ALONE = {effect: frozenset({effect}) for effect in Effect}
"""Each effect, as all that a call may come to."""

_MISSING = object()


@dataclass(frozen=True)
class People:
    """Whose agent called then, and what matchers look at."""

    directory: Directory
    subject: Subject
    about: Mapping[str, str | None]
    agent: Mapping[str, str | None]

    @classmethod
    def of(cls, call: Call, owner: str, subject: Subject) -> "People":
        """Return who made a call, and what conditions see of them and of it."""
        agent = Agent(call.agent, call.team, owner)
        directory = Directory(agents={call.agent: agent})
        scope = scope_of(call, subject, datetime.min.replace(tzinfo=UTC), directory)
        return cls(directory, subject, scope.call, scope.agent)


@dataclass(frozen=True)
class Known:
    """What holds for all calls of one agent to one tool, whatever their arguments.

    `policy` has those rules only that can speak of such calls; `reads` is what
    conditions look at, `looks` the arguments (None: each may matter). `people`
    is None where something of them is not kept that a rule could ask for.
    """

    tool: Tool
    risk: RiskFinding
    policy: Policy
    limits: tuple[Limit, ...]
    reads: frozenset[str]
    people: People | None
    standing: tuple[Verdict, ...]
    asked: tuple[tuple[Rule, Condition], ...]
    looks: tuple[str, ...] | None
    said: Memory[tuple[object, ...], Recomputed] = field(default_factory=Memory)
    assessments: dict[tuple[tuple[str, str], ...], Assessment] = field(default_factory=dict)
    charges: dict[str, Charge] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        tool: Tool,
        risk: RiskFinding,
        policy: Policy,
        limits: tuple[Limit, ...],
        people: People | None,
    ) -> "Known":
        """Return what is known of calls of which the rules of `policy` and `limits` speak."""
        asked = [rule for rule in policy.rules if rule.condition is not None]
        reads = {name for each in _conditions([*asked, *limits]) for name in each.reads}
        if any(limit.sums for limit in limits):
            reads.add("args")
        texts = [each.source for each in _conditions([*asked, *limits])]
        texts += [each.amount.source for each in limits if isinstance(each.amount, ComputedAmount)]
        looks = names_read(texts)
        nothing = Scope.nothing()
        return cls(
            tool=tool,
            risk=risk,
            policy=policy,
            limits=tuple(sorted(limits, key=lambda limit: (limit.name, limit.pointer))),
            reads=frozenset(reads),
            people=people,
            standing=tuple(judge(rule, nothing) for rule in policy.rules if not rule.condition),
            asked=tuple((rule, rule.condition) for rule in asked if rule.condition),
            looks=None if looks is None else tuple(sorted(looks)),
        )


def _conditions(entries: Iterable[Rule | Limit]) -> Iterator[Condition]:
    return (each.condition for each in entries if each.condition is not None)


def judged(
    past: PastCall,
    arguments: Mapping[str, JsonValue],
    known: Known,
    people: People,
    *,
    partly: bool,
) -> Recomputed:
    """Return what the rules come to, as `recompute` does; found once for the same values.

    `partly` says that no argument matters but those that are looked at.
    """
    names = known.looks if partly else None
    scope = Scope(arguments, people.about, people.agent, past.at, names)
    if past.hidden:
        found = _seen_in_part(past, known, people, scope)
    elif names is None or "now" in known.reads:
        found = _alone(_combined(past, known, people, _covering(known, scope)))
    else:
        found = _once(past, known, people, scope, names)
    if not known.limits:
        return found
    charged = found.certain.charging(_charges(known, people.subject, scope))
    return Recomputed(charged, found.doubts, found.effects)


def _once(
    past: PastCall, known: Known, people: People, scope: Scope, names: tuple[str, ...]
) -> Recomputed:
    """Return what holds for all calls with the same values of what conditions look at."""
    key = tuple([scope.raw.get(name, _MISSING) for name in names])
    try:
        found = known.said.recall(key)
    except TypeError:  # lists and objects are no keys
        return _alone(_combined(past, known, people, _covering(known, scope)))
    if found is None:
        found = _alone(_combined(past, known, people, _covering(known, scope)))
        known.said.keep(key, found)
    return found


def _seen_in_part(past: PastCall, known: Known, people: People, scope: Scope) -> Recomputed:
    """Return what the rules come to where they may look at what is hidden."""
    doubts = tuple(_unseen(known, scope.raw))
    covering = _covering(known, scope, frozenset(doubt.rule.pointer for doubt in doubts))
    assessment = _combined(past, known, people, covering)
    sure = [verdict.rule.effect for verdict in covering]
    possible = [max((*sure, each.rule.effect), key=STRICTNESS.__getitem__) for each in doubts]
    return Recomputed(assessment, doubts, frozenset({assessment.effect, *possible}))


def _covering(known: Known, scope: Scope, doubted: frozenset[str] = frozenset()) -> list[Verdict]:
    """Return the verdicts of the rules that cover a call, but for those in doubt."""
    found = list(known.standing)
    for rule, condition in known.asked:
        answer = condition.holds(scope) if rule.pointer not in doubted else False
        if answer is not False:
            verdict = concluded(rule, answer)
            if verdict.covers:
                found.append(verdict)
    return found


def _combined(
    past: PastCall, known: Known, people: People, covering: Sequence[Verdict]
) -> Assessment:
    """Return what rules come to; combined once for the same verdicts."""
    spoke = tuple([(verdict.rule.pointer, verdict.because) for verdict in covering])
    assessment = known.assessments.get(spoke)
    if assessment is None:
        call = past.with_arguments({})
        assessment = combined(call, known.policy, people.subject, covering, known.risk)
        known.assessments[spoke] = assessment
    return assessment


def _alone(assessment: Assessment) -> Recomputed:
    return Recomputed(assessment, (), ALONE[assessment.effect])


def _charges(known: Known, subject: Subject, scope: Scope) -> tuple[Charge, ...]:
    """Return what a call adds to limits, as `charges_of`; what is alike of all is found once."""
    found = []
    for limit in known.limits:
        if limit.condition is not None and not limit.speaks(scope):
            continue
        charge = known.charges.get(limit.pointer)
        if charge is None:
            charge = known.charges[limit.pointer] = charge_of(limit, subject, scope)
        elif limit.sums:
            charge = charge.adding(*told(limit.amount.of(scope)))
        found.append(charge)
    return tuple(found)


def _unseen(known: Known, arguments: Mapping[str, JsonValue]) -> Iterator[Doubt]:
    """Yield the rules that look at what is hidden of the arguments."""
    for rule, condition in known.asked:
        if looks_at_hidden(condition, arguments):
            yield Doubt(rule, LOOKS_AT_HIDDEN)
