"""What became of a card in Slack: posted, painted anew, or not taken."""

from dataclasses import dataclass
from typing import TypeAlias

from ledger.events.card_events import (
    CardFound,
    CardPosted,
    CardRepainted,
    CardUndeliverable,
    CardWanted,
)
from ledger.events.envelopes import Command, Event
from ledger.lives.approvals import Approval


@dataclass(frozen=True, kw_only=True)
class RecordCard(Command):
    """Note that a card stands in a team's channel; `blocks` is its JSON, `sha256` of that."""

    approval: str
    team: str
    channel: str
    ts: str
    revision: int
    blocks: str
    sha256: str
    whole: bool
    members: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RecordCopy(Command):
    """Note that a card stands in a channel of which the ledger knows nothing yet."""

    approval: str
    team: str
    channel: str
    ts: str
    revision: int
    members: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RecordRepaint(Command):
    """Note that a known card was painted anew."""

    approval: str
    channel: str
    ts: str
    revision: int
    blocks: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class RecordUndeliverable(Command):
    """Note that Slack would not take the card for a team: its error code, or that it is away."""

    approval: str
    team: str
    channel: str
    error: str


@dataclass(frozen=True, kw_only=True)
class WantCard(Command):
    """Ask for a card of its own for a question that stands on one with others."""

    approval: str
    person: str


Delivered: TypeAlias = RecordCard | RecordCopy | RecordRepaint | RecordUndeliverable | WantCard
"""What can become of a card."""


def deliver(approval: Approval, command: Delivered) -> list[Event]:
    """Return the event of a delivery; a fact that is already known causes none."""
    match command:
        case RecordCard():
            return [
                CardPosted(
                    approval=approval.id,
                    team=command.team,
                    channel=command.channel,
                    ts=command.ts,
                    revision=command.revision,
                    blocks=command.blocks,
                    sha256=command.sha256,
                    whole=command.whole,
                    members=command.members,
                )
            ]
        case RecordRepaint():
            return [
                CardRepainted(
                    approval=approval.id,
                    channel=command.channel,
                    ts=command.ts,
                    revision=command.revision,
                    blocks=command.blocks,
                    sha256=command.sha256,
                )
            ]
        case RecordCopy():
            return _found(approval, command)
        case WantCard():
            return _wanted(approval, command)
        case RecordUndeliverable():
            return _undeliverable(approval, command)


def _found(approval: Approval, command: RecordCopy) -> list[Event]:
    """Return the finding of a card, unless it is known by now."""
    if any((c.channel, c.ts) == (command.channel, command.ts) for c in approval.cards):
        return []
    return [
        CardFound(
            approval=approval.id,
            team=command.team,
            channel=command.channel,
            ts=command.ts,
            revision=command.revision,
            members=command.members,
        )
    ]


def _wanted(approval: Approval, command: WantCard) -> list[Event]:
    """Return the wish for a card, of a question that is open still and has no such wish."""
    if approval.own_card or approval.deadline is None:
        return []
    return [CardWanted(approval=approval.id, person=command.person)]


def _undeliverable(approval: Approval, command: RecordUndeliverable) -> list[Event]:
    if approval.undeliverable.get(command.team) == command.error:
        return []
    return [
        CardUndeliverable(
            approval=approval.id,
            team=command.team,
            channel=command.channel,
            error=command.error,
        )
    ]
