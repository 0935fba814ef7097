"""`placet audit diff`: what changed between two positions or times."""

import argparse
import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ledger.audit.comparing import Changes, Course
from ledger.audit.stories import event_as_json
from ledger.cli.argument_types import words
from ledger.events.standing_events import PolicyActivated
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval
from ledger.lives.grants import Grant
from ledger.lives.policy_in_force import STREAM
from ledger.readings.moments import head, parse_moment, position_before
from ledger.shell import AddCommand, Shell
from ledger.storage.history import History
from ledger.storage.mapper import RecordMapper
from ledger.storage.projections import find_model
from ledger.words.phrases import clock, named
from ledger.words.policy_words import change_words
from ledger.words.reaching import Progress
from ledger.words.sentences import sentence
from ledger.words.tabulating import machine
from policies.rules.policy_differences import PolicyChange, line_changes, policy_changes
from policies.values.refusals import NotUnderstood, Refused

_PAGE = 1_000
_DIGITS = 18
_EFFECTS = ("allow", "require_approval", "deny")


def register(add: AddCommand, shell: Shell) -> None:
    """Add `diff` to the commands of `audit`."""
    comparing = add(
        "diff",
        help="tell what changed between two positions or times",
        description="Tells what changed between two positions or times: approvals, grants, agents,"
        " tools and the policy, and how many calls were decided how.",
    )
    shell.with_config(comparing)
    for name in ("A", "B"):
        comparing.add_argument(
            name.lower(),
            metavar=name,
            type=words,
            help="a position, a time with its zone, such as 2026-11-23T12:00:00Z, or `2h ago`",
        )
    comparing.add_argument("--json", action="store_true", help="one JSON object")
    comparing.set_defaults(run=lambda arguments: _diff(arguments, shell))


@dataclass(frozen=True)
class Span:
    """What is compared: the state after position `after` with that after `last`.

    `names` says of approvals and grants whose they are; a policy is its
    activation, None where none was in force.
    """

    after: int
    last: int
    changes: Changes
    names: Mapping[str, str]
    before: PolicyActivated | None
    now: PolicyActivated | None

    @property
    def policy(self) -> list[PolicyChange] | None:
        """What changed in the policy, None where its texts cannot be compared."""
        return policy_changes(_text(self.before), _text(self.now))


def _diff(arguments: argparse.Namespace, shell: Shell) -> int:
    progress, now = Progress(), shell.now()
    with shell.read_ledger(arguments.config) as ledger, progress.shown():
        span = asyncio.run(_compared(ledger, (arguments.a, arguments.b), now, progress))
    if arguments.json:
        shell.say(machine(_as_json(span)))
        return 0
    for line in _as_text(span):
        shell.say(line)
    return 0


async def _compared(
    ledger: Ledger, points: tuple[str, str], now: datetime, progress: Progress
) -> Span:
    after, last = await ledger.look(
        lambda seen: (_position(seen, points[0], now), _position(seen, points[1], now))
    )
    if after > last:
        raise NotUnderstood(
            f"{points[0]} is position {after}, behind {points[1]}, which is {last}: swap"
        )
    changes, done = Changes(), after
    while done < last:
        page = await ledger.events(after=done, limit=min(_PAGE, last - done))
        if not page or page[-1].position != done + len(page):
            raise Refused(f"events behind {done} are missing: `placet audit verify` says more")
        for recorded in page:
            changes.take(recorded)
        done = page[-1].position
        progress(done - after, last - after)
    names = await ledger.look(lambda seen: dict(_names(seen, changes)))
    before = await ledger.look(lambda seen: _in_force(seen, after))
    newest = await ledger.look(lambda seen: _in_force(seen, last))
    return Span(after, last, changes, names, before, newest)


def _position(connection: Connection, text: str, now: datetime) -> int:
    """Return the position that `text` means: its number, or the last one up to its time."""
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        return position_before(connection, parse_moment(text, now), including=True)
    newest = head(connection)
    if int(text) > newest:
        raise Refused(f"the ledger ends at position {newest}; name one up to that")
    return int(text)


def _names(connection: Connection, changes: Changes) -> Iterator[tuple[str, str]]:
    """Yield whose each approval and grant is, and of what."""
    for kind, courses in (("approval", changes.approvals), ("grant", changes.grants)):
        for name in courses:
            match find_model(connection, kind, name):
                case Approval() as approval:
                    request = approval.request
                    yield name, f"{request.agent} {request.server}/{request.tool}"
                case Grant() as grant:
                    yield name, f"{grant.agent} {grant.target}"
                case _:
                    pass


def _in_force(connection: Connection, position: int) -> PolicyActivated | None:
    found = None
    for recorded in History(RecordMapper()).after(connection, 0, stream=STREAM):
        if recorded.position <= position and isinstance(recorded.event, PolicyActivated):
            found = recorded.event
    return found


def _text(policy: PolicyActivated | None) -> str:
    return policy.text if policy else "{}\n"


def _as_text(span: Span) -> Iterator[str]:
    changes = span.changes
    yield f"from position {span.after} to position {span.last}: {changes.events} events"
    yield f"calls: {_counts(changes.decided)} decided"
    if changes.granted or changes.observed:
        yield f"  {changes.granted} under a grant, {changes.observed} only observed"
    if changes.ended:
        yield f"  ended: {_counts(changes.ended)}"
    yield from _courses("approvals", "asked for", changes.approvals, span.names)
    yield from _courses("grants", "given", changes.grants, span.names)
    for section, events in changes.told.items():
        if section != "policies":
            yield f"{section}: {len(events) or 'none'}"
            for each in events:
                yield f"  #{each.position}  {clock(each.at)}  {sentence(each.event)}"
    yield from _policy(span)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[name]} {named(name)}" for name in sorted(counts)) or "none"


def _courses(
    what: str, began: str, courses: Mapping[str, Course], names: Mapping[str, str]
) -> Iterator[str]:
    new = sum(course.began for course in courses.values())
    over = sum(course.ended for course in courses.values())
    yield f"{what}: {new} {began}, {over} ended"
    for name, course in courses.items():
        begins = began if course.began else "was there"
        used = f", used {course.used} times" if course.used else ""
        yield f"  {name}  {named(names.get(name, ''))}  {begins}, then {course.stands}{used}"


def _policy(span: Span) -> Iterator[str]:
    activations = span.changes.told["policies"]
    yield f"policy: {len(activations) or 'none'} activated"
    for each in activations:
        yield f"  #{each.position}  {clock(each.at)}  {sentence(each.event)}"
    for change in span.policy or ():
        yield f"  {change_words(change)}"
    for line in line_changes(_text(span.before), _text(span.now)):
        yield f"  | {line}"


def _as_json(span: Span) -> Mapping[str, object]:
    changes, policy = span.changes, span.policy
    return {
        "after": span.after,
        "last": span.last,
        "events": changes.events,
        "calls": {
            "decided": {effect: changes.decided[effect] for effect in _EFFECTS},
            "under_a_grant": changes.granted,
            "observed": changes.observed,
            "ended": dict(sorted(changes.ended.items())),
        },
        "approvals": [_course(name, each) for name, each in changes.approvals.items()],
        "grants": [
            {**_course(name, each), "used": each.used} for name, each in changes.grants.items()
        ],
        **{
            section: [event_as_json(each) for each in events]
            for section, events in changes.told.items()
        },
        "policy": {
            "before": span.before.digest if span.before else None,
            "after": span.now.digest if span.now else None,
            "changes": None if policy is None else [vars(change) for change in policy],
            "lines": line_changes(_text(span.before), _text(span.now)),
        },
    }


def _course(name: str, course: Course) -> Mapping[str, object]:
    return {"id": name, "began": course.began, "ended": course.ended, "status": course.stands}
