"""What a history keeps of a call that was decided, as far as another policy can be asked of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from policies.rules.decisions import Effect
from policies.values.calls import Call, JsonValue


class PastCall(NamedTuple):
    """A call that was decided `at` (UTC); what it came to is `effect`.

    `team` and `owner` are the agent's of then, `arguments` JSON text after
    redaction, `hidden` how many values that lacks; where the event was
    `redacted` since, nothing is left of them. `digest` is that of the call;
    where it was `observed`, it ran whatever it came to. `beyond` names what spoke beside
    the policy, such as a freeze. `risk` and its `evidence` are those of then.
    """

    id: str
    at: datetime
    agent: str
    team: str
    owner: str
    on_behalf_of: str | None
    server: str
    tool: str
    definition_hash: str
    arguments: str
    hidden: int
    redacted: bool
    effect: Effect
    beyond: tuple[tuple[str, Effect], ...]
    risk: str
    evidence: str
    digest: str
    observed: bool

    @property
    def veiled(self) -> bool:
        """Whether something lacks of its arguments."""
        return self.hidden > 0 or self.redacted

    @property
    def target(self) -> str:
        """The tool with its server: `server/tool`."""
        return f"{self.server}/{self.tool}"

    def with_arguments(self, arguments: Mapping[str, JsonValue]) -> Call:
        """Return the call with what can be read of its arguments."""
        return Call(
            agent=self.agent,
            team=self.team,
            on_behalf_of=self.on_behalf_of,
            server=self.server,
            tool=self.tool,
            arguments=arguments,
        )


@dataclass(frozen=True, slots=True)
class PastRun:
    """A call that waited for people ran `at` (UTC), by their yes."""

    call: str
    at: datetime
