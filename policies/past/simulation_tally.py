"""Counts what a candidate policy would change, by from and to, rule and tool."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from policies.past.simulating import Simulated
from policies.rules.decisions import Effect

_MOST_EXAMPLES = 3

Key = TypeVar("Key", bound=Hashable)


@dataclass
class Group:
    """Calls with one thing in common: how many, and the ids of the first three."""

    calls: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, call: str) -> None:
        """Count a call."""
        self.calls += 1
        if len(self.examples) < _MOST_EXAMPLES:
            self.examples.append(call)


class Change(NamedTuple):
    """From which effect to which, by the rules that decide it now, of which tool."""

    before: str
    after: str
    rule: str
    tool: str


class Unsure(NamedTuple):
    """What a call may come to, and the rule that cannot be judged by what is kept of it."""

    before: str
    after: str
    rule: str
    because: str
    tool: str


@dataclass
class Tally:
    """How many calls were asked about, and those that would, or may, be decided otherwise.

    `hidden` counts the calls of which values are hidden, `resting` those whose
    decision rests on something that is not kept, changed or not.
    """

    calls: int = 0
    hidden: int = 0
    resting: int = 0
    changed: dict[Change, Group] = field(default_factory=dict)
    unsure: dict[Unsure, Group] = field(default_factory=dict)

    @property
    def changes(self) -> int:
        """How many calls would be decided otherwise."""
        return sum(group.calls for group in self.changed.values())

    @property
    def may_change(self) -> int:
        """How many calls may be decided otherwise, as far as can be told."""
        return sum(group.calls for group in self.unsure.values())

    def take(self, simulated: Simulated) -> None:
        """Count one call."""
        call = simulated.call
        self.calls += 1
        self.hidden += call.veiled
        self.resting += len(simulated.effects) > 1
        if simulated.changes:
            change = Change(call.effect, _after(simulated), _deciding(simulated), call.target)
            _group(self.changed, change).add(call.id)
        elif simulated.may_change:
            doubt = next(
                (each for each in simulated.doubts if each.effect is not call.effect),
                simulated.doubts[0],
            )
            after = _after(simulated)
            unsure = Unsure(call.effect, after, doubt.name, doubt.because, call.target)
            _group(self.unsure, unsure).add(call.id)


def _group(groups: dict[Key, Group], key: Key) -> Group:
    found = groups.get(key)
    if found is None:
        found = groups[key] = Group()
    return found


def _after(simulated: Simulated) -> str:
    return " or ".join(sorted(simulated.effects))


def _deciding(simulated: Simulated) -> str:
    """Return the names of the rules that decide, or of the grant that lifts them."""
    decision = simulated.decision
    if decision.grant is not None:
        return f"grant {decision.grant}"
    effect: Effect = decision.effect
    names = [each.rule for each in decision.assessment.spoke if each.effect is effect]
    return ", ".join(names) or ", ".join(each.rule for each in decision.assessment.spoke)
