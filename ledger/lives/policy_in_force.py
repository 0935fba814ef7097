"""Which policy is in force, by its text."""

from dataclasses import dataclass
from functools import lru_cache

from pydantic import AwareDatetime

from ledger.events.envelopes import Command, Event, Model, Recorded
from ledger.events.standing_events import PolicyActivated, RuleChanged
from ledger.lives.approvals import CorruptHistory
from policies.rules.policy import compile_policy
from policies.values.problems import InvalidDocument
from policies.values.refusals import Refused

STREAM = "policy"


class PolicyInForce(Model):
    """The policy in force: its digest (hex SHA-256 of the text), the text, where it came from."""

    digest: str
    text: str
    source: str
    since: AwareDatetime

    @property
    def open(self) -> bool:
        """Tell whether it must be known at start: it always must."""
        return True

    def columns(self) -> dict[str, str | int | None]:
        """Return what the policies table is searched by."""
        return {"digest": self.digest}


@dataclass(frozen=True, kw_only=True)
class ActivatePolicy(Command):
    """Put a validated policy in force; `source` says where its text was read.

    `file_owner` and `changes` are as in PolicyActivated, the changes those to
    the policy with the digest `expected`; without one, whatever is in force is replaced.
    """

    digest: str
    text: str
    source: str
    expected: str | None = None
    file_owner: str | None = None
    changes: tuple[RuleChanged, ...] = ()
    changed: int = 0


class PolicyMoved(Refused):
    """Another policy came into force meanwhile than the one that was to be replaced."""


@lru_cache(maxsize=2)
def hidden_by(text: str) -> tuple[str, ...]:
    """Return what a policy's `redact` names; nothing where this Placet cannot read it.

    It compiles the policy, once for each of the newest: not on the event loop.
    """
    try:
        return compile_policy(text).redact
    except InvalidDocument:
        return ()


def activate(command: ActivatePolicy, known: PolicyInForce | None) -> list[Event]:
    """Return PolicyActivated, or nothing where that policy is in force. Raises PolicyMoved."""
    if known is not None and known.digest == command.digest:
        return []
    if command.expected is not None and (known is None or known.digest != command.expected):
        raise PolicyMoved("another policy came into force meanwhile; it is looked at again")
    return [
        PolicyActivated(
            digest=command.digest,
            text=command.text,
            source=command.source,
            file_owner=command.file_owner,
            changes=command.changes,
            changed=command.changed,
        )
    ]


def evolve(policy: PolicyInForce | None, recorded: Recorded) -> PolicyInForce:
    """Return the policy after `recorded`. Raises CorruptHistory."""
    match recorded.event:
        case PolicyActivated() as event:
            return PolicyInForce(
                id=STREAM,
                version=recorded.version,
                position=recorded.position,
                digest=event.digest,
                text=event.text,
                source=event.source,
                since=recorded.at,
            )
        case _:
            raise CorruptHistory(policy, recorded.event)
