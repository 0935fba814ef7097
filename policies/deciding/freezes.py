"""Stops the calls of what people froze: an agent, a server, or everything."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from policies.rules.decisions import Assessment, Decision, Effect, Spoke

FROZEN = "frozen"
"""The name under which it speaks in decisions; it is no rule of the policy, so has no pointer."""


class Frozen(StrEnum):
    """What a freeze is over."""

    AGENT = "agent"
    SERVER = "server"
    EVERYTHING = "everything"


@dataclass(frozen=True)
class LiveFreeze:
    """A freeze that nobody has lifted; `name` is empty where it is over everything.

    `until` (UTC) is None where it lasts until somebody lifts it.
    """

    id: str
    over: Frozen
    name: str
    by: str
    since: datetime
    until: datetime | None

    def holds(self, agent: str, server: str, at: datetime) -> bool:
        """Tell whether calls of `agent` to `server` are stopped by it at `at` (UTC)."""
        if self.until is not None and at >= self.until:
            return False
        match self.over:
            case Frozen.AGENT:
                return self.name == agent
            case Frozen.SERVER:
                return self.name == server
            case Frozen.EVERYTHING:
                return True

    def told(self) -> str:
        """Return what is frozen, by whom and since when, in words."""
        until = f" until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else ""
        since = f"{self.since:%Y-%m-%d %H:%M:%S} UTC"
        return f"{subject(self.over, self.name)} was frozen by `{self.by}` at {since}{until}"


def subject(over: Frozen, name: str) -> str:
    """Return what is frozen as people say it: agent `ci-bot`, server `files`, everything."""
    return "everything" if over is Frozen.EVERYTHING else f"{over} `{name}`"


def holding(
    agent: str, server: str, freezes: Sequence[LiveFreeze], at: datetime
) -> tuple[LiveFreeze, ...]:
    """Return the freezes that stop calls of `agent` to `server` at `at` (UTC), oldest first."""
    found = [freeze for freeze in freezes if freeze.holds(agent, server, at)]
    return tuple(sorted(found, key=lambda freeze: (freeze.since, freeze.id)))


def frozen(assessment: Assessment, freezes: Sequence[LiveFreeze], at: datetime) -> Assessment:
    """Return the assessment as it holds under the freezes in force at `at` (UTC): denied, if any.

    Nothing lifts it: no rule, no grant and no approval.
    """
    found = holding(assessment.agent, assessment.server, freezes, at) if freezes else ()
    if not found:
        return assessment
    spoke = tuple(Spoke(FROZEN, "", Effect.DENY, f"{each.told()} ({each.id})") for each in found)
    message = "a person stopped it; wait until it is lifted, and ask people rather than try again"
    return replace(
        assessment,
        effect=Effect.DENY,
        spoke=(*spoke, *assessment.spoke),
        terms=(),
        message=message,
    )


def is_frozen(decision: Decision) -> bool:
    """Tell whether a freeze decided a call."""
    return any(spoke.rule == FROZEN and not spoke.pointer for spoke in decision.assessment.spoke)


def because(decision: Decision) -> str:
    """Return by what a call is frozen, in words."""
    return "; ".join(
        spoke.because
        for spoke in decision.assessment.spoke
        if spoke.rule == FROZEN and not spoke.pointer
    )
