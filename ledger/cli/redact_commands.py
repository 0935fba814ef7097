"""`placet audit redact`: takes the content of an event out of the history, for good."""

import argparse
import asyncio
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.cli.argument_types import positive, words
from ledger.deciding.redacting import RedactEvents
from ledger.events.blanking import fields_of, texts_of
from ledger.events.envelopes import Recorded
from ledger.events.events import ApprovalCancelled, ApprovalVoided
from ledger.events.redaction_events import EventRedacted
from ledger.ledger import Ledger
from ledger.shell import AddCommand, Shell
from ledger.storage.history import History
from ledger.storage.mapper import RecordMapper
from ledger.words.phrases import clock, named, several
from ledger.words.tabulating import machine
from ledger.writing.redacted_rows import taken_of
from policies.values.refusals import NotUnderstood, Refused

_LEFT_IN_LOG = (
    "the database's log still holds copies: somebody reads it; run `placet audit redact` of"
    " another position later, or restart `placet serve`"
)


@dataclass(frozen=True)
class _Plan:
    """The event that is meant, and the others of its story that have content."""

    meant: Recorded
    others: Sequence[Recorded]

    def same_text(self, other: Recorded) -> bool:
        """Tell whether another event holds any of the text that the one that is meant holds."""
        inside = "\n".join(texts_of(other.event))
        return any(text in inside for text in texts_of(self.meant.event))


def register(add: AddCommand, shell: Shell) -> None:
    """Add `redact` to the commands of `audit`."""
    redacting = add(
        "redact",
        help="take the content of an event out of the history, for good",
        description="Takes what agents, servers and people wrote in an event out of the history, "
        "for good. An event says so, who decided it stays, and every proof still holds.",
    )
    shell.with_config(redacting)
    redacting.add_argument("position", metavar="POSITION", type=positive, help="of the event")
    redacting.add_argument(
        "--because", metavar="TEXT", type=words, required=True, help="why; kept in the ledger"
    )
    redacting.add_argument(
        "--story",
        action="store_true",
        help="and of every other event of the same call, approval or grant",
    )
    redacting.add_argument("--yes", action="store_true", help="do not ask; it cannot be undone")
    redacting.add_argument("--json", action="store_true", help="one JSON object; needs --yes")
    redacting.set_defaults(run=lambda arguments: _redact(arguments, shell))


def _redact(arguments: argparse.Namespace, shell: Shell) -> int:
    if arguments.json and not arguments.yes:
        raise NotUnderstood("`--json` asks nothing: give `--yes` with it")
    with shell.open_ledger(arguments.config) as ledger:
        plan = asyncio.run(ledger.look(lambda seen: _planned(seen, arguments.position)))
        wanted = [plan.meant, *(plan.others if arguments.story else ())]
        if not arguments.json:
            for line in _told(plan, story=arguments.story):
                shell.say(line)
        if not arguments.yes and not _is_meant(arguments.position, shell):
            shell.say("nothing was redacted")
            return 1
        recorded, clean = asyncio.run(_taken(ledger, wanted, arguments.because, shell.actor))
    done = [each for each in recorded if isinstance(each.event, EventRedacted)]
    if arguments.json:
        shell.say(machine(_as_json(done, clean=clean)))
        return 0
    for each in done:
        assert isinstance(each.event, EventRedacted), "only those were kept"
        shell.say(f"position {each.event.redacted} is redacted; position {each.position} says so")
    for each in recorded:
        if isinstance(each.event, ApprovalCancelled | ApprovalVoided):
            shell.say(f"{each.event.approval} was open and has ended with it")
    if not clean:
        shell.say(_LEFT_IN_LOG)
    return 0


async def _taken(
    ledger: Ledger, wanted: Sequence[Recorded], because: str, actor: str
) -> tuple[tuple[Recorded, ...], bool]:
    mapper = RecordMapper()
    command = RedactEvents(
        id=f"shell:{uuid.uuid4()}",
        actor=actor,
        events=tuple(taken_of(each, mapper) for each in wanted),
        because=because,
    )
    recorded = await ledger.execute(command)
    return recorded, await ledger.scrub()


def _planned(connection: Connection, position: int) -> _Plan:
    """Return the event at a position, with those of its story. Raises Refused."""
    history = History(RecordMapper())
    found = history.after(connection, position - 1, limit=1)
    if not found or found[0].position != position:
        raise Refused(f"there is no event at position {position}; `placet audit log` lists them")
    (meant,) = found
    if meant.redacted:
        raise Refused(f"position {position} is redacted already")
    story = history.after(connection, 0, correlation=meant.correlation_id)
    others = [
        each
        for each in story
        if each.position != position and not each.redacted and fields_of(each.event)
    ]
    about_one_thing = meant.correlation_id != meant.stream
    return _Plan(meant, others if about_one_thing else ())


def _told(plan: _Plan, *, story: bool) -> Iterator[str]:
    meant = plan.meant
    gone = several(fields_of(meant.event))
    yield f"#{meant.position} {meant.event.TOPIC}, {clock(meant.at)}, by {named(meant.actor)}"
    yield f"    goes for good: {gone}"
    if not plan.others:
        return
    goes = "go with it" if story else "stay; with --story they go too"
    yield f"other events of {named(meant.correlation_id)} have content; these {goes}:"
    for each in plan.others:
        same = ", the same text" if plan.same_text(each) else ""
        yield f"    #{each.position} {each.event.TOPIC}: {several(fields_of(each.event))}{same}"


def _is_meant(position: int, shell: Shell) -> bool:
    """Ask at the terminal. Raises Refused where there is none."""
    answer = shell.ask(f"This cannot be undone. Type {position} to go on: ")
    if answer is None:
        raise NotUnderstood(
            "there is no terminal to ask at: give `--yes` to go on without being asked"
        )
    return answer.strip() == str(position)


def _as_json(done: Sequence[Recorded], *, clean: bool) -> dict[str, object]:
    return {
        "redacted": [
            {
                "position": each.event.redacted,
                "event": each.event.event,
                "fields": list(each.event.fields),
                "said_at": each.position,
            }
            for each in done
            if isinstance(each.event, EventRedacted)
        ],
        "copies_left_in_log": not clean,
    }
