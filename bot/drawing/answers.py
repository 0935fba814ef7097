"""What `/placet` answers: blocks that only the person who typed sees. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.drawing.cards import Card
from bot.drawing.wording import Row, heading, so_many
from bot.slack.pieces import Block, lines, message_weight, moment, name, notification, words
from bot.typed.command_forms import FORMS
from ledger.events.standing_events import GrantIssued
from ledger.lives.approvals import Approval
from ledger.lives.grants import Grant
from policies.yaml.durations import written

_LISTED = 20
_NAMED = 5
_ROOM = 12_500
"""What a list may weigh; Slack refuses messages of some 13,200 characters."""


@dataclass(frozen=True)
class Answer:
    """Text and blocks for one person; the text is escaped as Slack asks."""

    text: str
    blocks: tuple[Block, ...]


def plainly(text: str) -> Answer:
    """Return an answer of one line."""
    return answer(text, [[words(text)]])


def helping(about: str | None = None) -> Answer:
    """Return what can be typed, or all about one command."""
    if about is not None:
        form = FORMS[about]
        told: list[Row] = [
            [name(form.written, 200)],
            [words(f"{form.does[0].upper()}{form.does[1:]}. {form.more}")],
            [words("For example "), name(form.example, 200)],
        ]
        return answer(f"/placet {about}", told)
    rows: list[Row] = [
        [name(form.written, 200), words(f"  {form.does}")] for form in FORMS.values()
    ]
    ending = "A grant lifts a request for approval, never a denial, a limit or a freeze."
    return answer("What you can type after /placet", [*rows, [words(ending)]])


def granted(event: GrantIssued, lasting: timedelta, idle: Sequence[str] = ()) -> Answer:
    """Return what a grant allows, from when and until when; it lifts no call of `idle` tools."""
    uses = {None: "as often as it likes", 1: "once"}.get(event.uses, f"{event.uses} times")
    rows: list[Row] = [
        [words("Granted "), name(event.grant)],
        [words("Agent "), name(event.agent), words(" may call "), name(event.target)],
        *([words("where "), name(event.when, 600)] for _ in [0] if event.when),
        [
            words(f"{uses}, from its next call on, until "),
            moment(event.until),
            words(f" ({written(lasting)})."),
        ],
        [
            words(
                "It lifts no denial, and no rule that wants another team, more people or a reason."
            )
        ],
        *([_idle(idle)] if idle else []),
        [words("End it with "), name(f"/placet revoke {event.grant}")],
    ]
    return answer(f"Granted {event.grant} until {event.until:%Y-%m-%d %H:%M} UTC", rows)


def _idle(tools: Sequence[str]) -> Row:
    row: Row = [words("By the policy no grant lifts calls of ")]
    for place, tool in enumerate(tools[:_NAMED]):
        row += [*([words(", ")] if place else []), name(tool, 120)]
    more = f" and {len(tools) - _NAMED} more" if len(tools) > _NAMED else ""
    return [*row, words(f"{more}: these go on asking.")]


def revoked(grant: str) -> Answer:
    """Return that a grant has ended."""
    return answer(
        f"Revoked {grant}",
        [
            [
                words("Revoked "),
                name(grant),
                words(". Calls that are decided from now on ask again."),
            ]
        ],
    )


def listing(grants: Sequence[Grant]) -> Answer:
    """Return the live grants."""
    if not grants:
        return plainly("No grant is in force.")
    text = so_many(len(grants), "grant is in force", "grants are in force")
    return several(text, [_grant_rows(grant) for grant in grants])


def waiting(approvals: Sequence[Approval], url: str | None) -> Answer:
    """Return the approvals that the person may decide, with a link to each card."""
    if not approvals:
        return plainly("Nothing waits for you.")
    rows = [[_pending_row(approval, url)] for approval in approvals]
    text = so_many(len(approvals), "approval waits for you", "approvals wait for you")
    return several(text, rows)


def showing(approval: Approval, made: Card, at: datetime) -> Answer:
    """Return an approval as its card stands at `at`, without buttons."""
    blocks = tuple(block for block in made.blocks if block["type"] != "actions")
    told = [
        [words("Request "), name(approval.id), words(", asked "), moment(approval.requested_at)],
        [words("As of "), moment(at)],
    ]
    text = notification(f"{heading(approval)}: {approval.id}")
    return Answer(text, (*blocks, lines(told, "asked")))


def answer(text: str, rows: Sequence[Row]) -> Answer:
    """Return an answer of these lines; `text` is what notifications say."""
    return Answer(notification(text), (lines(rows, "answer"),))


def several(text: str, entries: Sequence[Sequence[Row]], ending: Sequence[Row] = ()) -> Answer:
    """Return an answer of these entries, each of some lines, and the `ending`.

    What does not fit is counted.
    """
    rows: list[Row] = []
    shown = 0
    for entry in entries[:_LISTED]:
        if message_weight([lines([*rows, *entry], "answer")]) > _ROOM:
            break
        rows += entry
        shown += 1
    if shown < len(entries):
        rows.append([words(f"and {len(entries) - shown} more")])
    return answer(text, [*rows, *ending])


def _grant_rows(grant: Grant) -> list[Row]:
    first: Row = [name(grant.id, 60), words("  "), name(grant.agent, 80), words(" may call ")]
    exactly = f" with exactly the arguments of {grant.given_with}" if grant.digest else ""
    first += [name(grant.target, 100), words(f"{exactly} until "), moment(grant.until)]
    if grant.uses is not None:
        first.append(words(f", {grant.uses - grant.used} of {grant.uses} uses left"))
    if grant.when:
        first += [words(", where "), name(grant.when, 200)]
    because = [words(", because "), name(grant.reason, 120)] if grant.reason else []
    return [first, [words("    given by "), name(grant.by, 80), *because]]


def _pending_row(approval: Approval, url: str | None) -> Row:
    request = approval.request
    row: Row = [name(approval.id, 60), words("  "), name(request.agent, 80), words(" wants ")]
    row += [name(request.server, 80), words(" / "), name(request.tool, 120)]
    row += [words(f" ({request.risk}), expires "), moment(approval.expires_at)]
    if url and url.startswith("https://") and approval.cards:
        card_at = approval.cards[-1]
        link = f"{url}archives/{card_at.channel}/p{card_at.ts.replace('.', '')}"
        row += [words("  "), {"type": "link", "url": link, "text": "open the card"}]
    return row
