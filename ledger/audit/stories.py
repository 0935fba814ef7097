"""Tells the whole story of a call, an approval or a grant, from its events in order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ledger.audit.details import Seen, rows
from ledger.events.envelopes import Recorded
from ledger.lives.approvals import Approval
from ledger.lives.calls import CallRecord
from ledger.lives.grants import Grant
from ledger.words.phrases import clock, named, quoted, several
from ledger.words.sentences import sentence
from ledger.words.tabulating import labelled


@dataclass(frozen=True)
class Story:
    """The events that belong to one thing, and what explains them.

    `subject` is the thing as it stands; `events` are in the order of
    positions. `policies` are the activations of the policies that the events
    name, `tools` the sightings of the definitions.
    """

    subject: CallRecord | Approval | Grant
    events: Sequence[Recorded]
    policies: Sequence[Recorded] = ()
    tools: Sequence[Recorded] = ()
    cards: bool = field(default=False, kw_only=True)

    @property
    def kind(self) -> str:
        """What the subject is: call, approval or grant."""
        match self.subject:
            case CallRecord():
                return "call"
            case Approval():
                return "approval"
            case _:
                return "grant"


def told(story: Story) -> Iterator[str]:
    """Yield the story in lines: a heading, then a paragraph per event.

    What people, agents and servers wrote is in there as they wrote it, but on
    one line and in quotes: make each line inert before it reaches a terminal.
    """
    yield from heading(story)
    seen = Seen(story.policies, story.tools, cards=story.cards)
    for recorded in story.events:
        yield ""
        yield (
            f"#{recorded.position}  {clock(recorded.at)}  {recorded.event.TOPIC}"
            f"  by {named(recorded.actor)}{'  (redacted)' * recorded.redacted}"
        )
        yield f"    {sentence(recorded.event)}"
        for label, lines in rows(recorded, seen):
            yield from labelled(label, lines)


def heading(story: Story) -> Iterator[str]:
    """Yield what became of the subject, in a line or two."""
    subject = story.subject
    yield f"{story.kind} {named(subject.id)}: {subject.status}"
    match subject:
        case CallRecord():
            yield f"{named(subject.agent)} called {named(f'{subject.server}/{subject.tool}')}"
        case Approval():
            yield from _approval(subject)
        case Grant():
            uses = "times" if subject.uses is None else f"of {subject.uses} times"
            yield (
                f"{named(subject.by)} let {named(subject.agent)} use {named(subject.target)} "
                f"until {clock(subject.until)}; used {subject.used} {uses}"
            )


def told_as_json(story: Story) -> Mapping[str, object]:
    """Return the story for machines: the subject as it stands and every event in full."""
    return {
        "kind": story.kind,
        "id": story.subject.id,
        "status": story.subject.status.value,
        "subject": story.subject.model_dump(mode="json"),
        "events": [event_as_json(recorded) for recorded in story.events],
    }


def event_as_json(recorded: Recorded) -> Mapping[str, object]:
    """Return an event and its place, for machines; times are ISO 8601 in UTC."""
    return {
        "position": recorded.position,
        "at": clock(recorded.at),
        "event": recorded.event.TOPIC,
        "stream": recorded.stream,
        "version": recorded.version,
        "actor": recorded.actor,
        "command_id": recorded.command_id,
        "correlation_id": recorded.correlation_id,
        "causation_id": recorded.causation_id,
        "redacted": recorded.redacted,
        "state": recorded.event.model_dump(mode="json"),
    }


def _approval(approval: Approval) -> Iterator[str]:
    request = approval.request
    yield f"{named(request.agent)} asked to call {named(f'{request.server}/{request.tool}')}"
    if approval.by:
        yield f"decided by {several(approval.by)}" + (
            f", because {quoted(approval.reason)}" if approval.reason else ""
        )
    elif approval.reason:
        yield f"because {quoted(approval.reason)}"
    if approval.suggested:
        yield f"suggested instead: {approval.suggested}"
    for team, error in approval.undeliverable.items():
        yield f"card for {named(team)} could not be delivered: {quoted(error)}"
