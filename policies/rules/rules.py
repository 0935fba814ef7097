"""Rules as they are compiled from the policy file."""

from dataclasses import dataclass
from datetime import timedelta

from policies.conditions.conditions import Condition
from policies.rules.decisions import Effect
from policies.values.matching import Matcher, Subject


@dataclass(frozen=True)
class Asking:
    """What an approval rule asks; `team` is None where it is the server's."""

    team: str | None = None
    approvals: int = 1
    expires_in: timedelta = timedelta(minutes=30)
    use_within: timedelta = timedelta(minutes=15)
    reason_required: bool = False


@dataclass(frozen=True)
class Rule:
    """One rule; `pointer` is its JSON Pointer in the policy (RFC 6901), `line` where it begins."""

    name: str
    pointer: str
    line: int
    column: int
    match: Matcher
    exception: Matcher | None
    condition: Condition | None
    effect: Effect
    asking: Asking
    message: str | None = None
    show_result: bool | None = None
    description: str | None = None
    file: str = "policy.yaml"

    @property
    def restricts(self) -> bool:
        """Whether it is stricter than allowing."""
        return self.effect is not Effect.ALLOW

    def concerns(self, subject: Subject) -> bool:
        """Say whether the call is one the rule speaks of, its condition aside."""
        return self.match.matches(subject) and not (
            self.exception is not None and self.exception.matches(subject)
        )
