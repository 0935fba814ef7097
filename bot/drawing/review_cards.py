"""The card about a server's new and changed tools. Pure; a view of the ledger, never the state."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.drawing.cards import MESSAGE
from bot.drawing.review_facts import Change, Instructed, Showing
from bot.drawing.wording import Row, people
from bot.slack.fitting import Cut, cut, weight
from bot.slack.pieces import (
    Block,
    blocks_json,
    button,
    confirm,
    context,
    header,
    left_out_of,
    lines,
    message_weight,
    moment,
    name,
    notification,
    preformatted,
    words,
)
from ledger.views.barring import Weigh
from policies.people.people import Directory
from policies.scans.tool_differences import differences, text_differences
from policies.values.inert import inert
from policies.values.tool_objects import tool_in

ACCEPT = "tools.accept"
DETAILS = "tools.details"

_MOST_BLOCKS = 42
"""Blocks for tools: two for each. Slack allows 50 in a message."""

_ROOMS = (10_000, 7_500, 5_000, 2_500, 1_000)
"""What rows and differences may weigh, tried one after the other until the message fits."""

_ELEMENT = 60
"""What a block or a text element weighs beside its text."""

_LEAST = 300
_NAME = 300
_EVIDENCE = 79  # what is cut there ends in `…`


@dataclass(frozen=True)
class ReviewCard:
    """A message about changed tools; `whole` tells that nothing of the changes is left out.

    `closed` tells that nothing on it waits any more. `json` is what was hashed
    for `sha256` (hex).
    """

    text: str
    blocks: tuple[Block, ...]
    whole: bool
    closed: bool
    json: str
    sha256: str


def review_card(showing: Showing, directory: Directory, weigh: Weigh) -> ReviewCard:
    """Return the card as it stands; what is not current any more cannot be accepted on it."""
    parts = list(_parts(showing, directory, weigh))
    for room in _ROOMS:
        blocks, left_out = _made(showing, directory, parts, room)
        if message_weight(blocks) <= MESSAGE:
            break
    json = blocks_json(blocks)
    return ReviewCard(
        text=notification(_summary(showing)),
        blocks=tuple(blocks),
        whole=left_out == 0,
        closed=showing.waiting == 0,
        json=json,
        sha256=hashlib.sha256(json.encode()).hexdigest(),
    )


def changed_lines(change: Change) -> str:
    """Return what changed in a tool, a line for each part of it, inert."""
    if not change.after:
        return f"definition {change.shown.hash[:12]}…"
    return "\n".join(map(inert, differences(change.before, change.after)))


def instructed_lines(instructed: Instructed) -> str:
    """Return what changed in a server's instructions, line by line, inert."""
    found = text_differences("instructions", instructed.before, instructed.after)
    return "\n".join(map(inert, found)) or "nothing that can be shown differs"


@dataclass(frozen=True)
class _Part:
    """What a card says of one tool or of the instructions; of its name, so much is `hidden`."""

    row: Row
    text: str
    hidden: int = 0


def _parts(showing: Showing, directory: Directory, weigh: Weigh) -> Iterator[_Part]:
    if showing.instructed is not None:
        row = [words("Instructions", bold=True), *_instructions(showing.instructed, directory)]
        yield _Part(row, instructed_lines(showing.instructed))
    for change in showing.changes:
        hidden = left_out_of(change.shown.tool, _NAME)
        yield _Part(_row(change, directory, weigh), changed_lines(change), hidden)


def _instructions(told: Instructed, directory: Directory) -> Row:
    """Return what became of a server's instructions."""
    if told.waits:
        what = "changed" if told.hashes[0] else "are new"
        return [words(f": what the server tells every model to do {what}; it is left out for now")]
    if told.now is None or not told.accepted:
        return [words(": changed again since; a newer card shows how")]
    by = told.now.by if told.now.standing == told.hashes[1] else ""
    return [words(": accepted by "), *people((by,), directory)] if by else [words(": accepted")]


def _made(
    showing: Showing, directory: Directory, parts: Sequence[_Part], room: int
) -> tuple[list[Block], int]:
    """Return the blocks whose tools weigh at most `room`, and how many characters are left out."""
    mark = f"{showing.review}:1"
    shown = parts[: _fitting(parts, room)]
    spent = sum(_weight(part.row) for part in shown)
    cuts = _shares([part.text for part in shown], room - spent)
    left_out = sum(one.hidden for one in cuts) + sum(part.hidden for part in shown)
    left_out += sum(len(part.text) for part in parts[len(shown) :])
    blocks = [
        header(_title(showing), f"hdr:{mark}"),
        lines(_introduction(showing, directory), f"who:{mark}"),
    ]
    for place, (part, text) in enumerate(zip(shown, cuts, strict=True)):
        blocks.append(lines([part.row], f"tool:{mark}:{place}"))
        blocks.append(preformatted(text.text or "(nothing)", f"diff:{mark}:{place}"))
    blocks.append(context(_completeness(len(parts) - len(shown), left_out), f"whole:{mark}"))
    buttons = list(_buttons(showing, whole=left_out == 0))
    if buttons:
        blocks.append({"type": "actions", "block_id": f"act:{mark}", "elements": buttons})
    return blocks, left_out


def _fitting(parts: Sequence[_Part], room: int) -> int:
    """Return how many of the parts have room, each with some of what changed."""
    spent = 0
    for place, part in enumerate(parts[: _MOST_BLOCKS // 2]):
        spent += _weight(part.row) + min(_heavy(part.text), _LEAST)
        if spent > room:
            return place
    return min(len(parts), _MOST_BLOCKS // 2)


def _weight(row: Row) -> int:
    return message_weight(row) + _ELEMENT * 2


def _heavy(text: str) -> int:
    return weight(text) + _ELEMENT * (1 + weight(text) // 2_000)


def _shares(texts: Sequence[str], room: int) -> list[Cut]:
    """Return the texts cut so that together they weigh at most `room`; short ones stay whole."""
    made: dict[int, Cut] = {}
    for left, place in enumerate(sorted(range(len(texts)), key=lambda at: _heavy(texts[at]))):
        share = max(room // (len(texts) - left), _LEAST) - _ELEMENT
        made[place] = cut(texts[place], share - _ELEMENT * (share // 2_000))
        room -= _heavy(made[place].text)
    return [made[place] for place in range(len(texts))]


def _title(showing: Showing) -> str:
    if showing.changes:
        return f"New and changed tools of {showing.server}"
    return f"New instructions of {showing.server}"


def _summary(showing: Showing) -> str:
    count = showing.waiting
    if not count:
        return f"Nothing on the card about tools of {showing.server} waits any more."
    if not showing.changes:
        return f"{showing.server} tells models something else now, to be accepted."
    return f"{showing.server}: {_tools(count)} to be accepted."


def _tools(count: int) -> str:
    return "1 new or changed tool waits" if count == 1 else f"{count} new or changed tools wait"


def _introduction(showing: Showing, directory: Directory) -> list[Row]:
    rows: list[Row] = []
    if showing.replaced:
        rows.append([words("A newer card shows what waits at "), name(showing.server), words(".")])
    elif showing.waiting and not showing.changes:
        row = [name(showing.server), words(" tells models something else now. Team ")]
        rows.append([*row, name(showing.team), words(" is asked to look at it.")])
        asked = "Models read this before they call any tool; Placet leaves it out until then."
        rows.append([words(asked)])
    elif showing.waiting:
        many = "One tool waits" if showing.waiting == 1 else f"{showing.waiting} tools wait"
        row = [words(f"{many} for team "), name(showing.team)]
        rows.append([*row, words(" to look at what the server says of it now.")])
        asked = "Until that is accepted, every call needs an approval, whatever the policy allows."
        rows.append([words(asked)])
    else:
        rows.append([words("Nothing on this card waits to be accepted any more.")])
    return rows + _outcomes(showing, directory)


def _outcomes(showing: Showing, directory: Directory) -> list[Row]:
    """Return how many tools were accepted by whom, where there are too many to show each."""
    by = Counter(change.now.by for change in showing.changes if change.now and _accepted(change))
    return [
        [words(f"Accepted: {count} by "), *people((who,), directory)]
        for who, count in sorted(by.items())
        if who and len(showing.changes) > 1
    ]


def _row(change: Change, directory: Directory, weigh: Weigh) -> Row:
    row = [name(change.shown.tool, _NAME), words(" ")]
    tool = change.now
    if tool is None or not tool.listed:
        return [*row, words("is no longer listed by its server")]
    if tool.hash != change.shown.hash:
        return [*row, words("changed again since; a newer card shows how")]
    if tool.accepted is None:
        return [*row, *_acceptance(change, directory)]
    what = "changed" if change.shown.before else "is new"
    members = f" ({', '.join(tool.changed)})" if change.shown.before and tool.changed else ""
    return [*row, words(f"{what}{members}, "), *_risk(change, weigh)]


def _acceptance(change: Change, directory: Directory) -> Row:
    tool = change.now
    if tool is None or not tool.by or tool.at is None:
        return [words("is accepted")]
    return [words("accepted by "), *people((tool.by,), directory), words(", "), moment(tool.at)]


def _risk(change: Change, weigh: Weigh) -> Row:
    server = "" if change.now is None else change.now.server
    after = weigh(tool_in(server, change.shown.tool, change.after))
    evidence = cut(inert(after.evidence), _EVIDENCE).text
    said = f" ({evidence})" if evidence else ""
    if not change.before:
        return [words(f"risk {after.risk}", bold=True), words(said)]
    before = weigh(tool_in(server, change.shown.tool, change.before))
    if before.risk is after.risk:
        return [words(f"risk {after.risk} as before{said}")]
    return [words(f"risk was {before.risk} and is {after.risk}", bold=True), words(said)]


def _accepted(change: Change) -> bool:
    tool = change.now
    return tool is not None and tool.hash == change.shown.hash and tool.accepted is None


def _completeness(more: int, left_out: int) -> str:
    if not left_out:
        return "All that changed is shown."
    tools = f" and {more} more tools" if more else ""
    return (
        f"NOT ALL IS SHOWN: {left_out:,} characters{tools} are only in Details. "
        "Open Details and read to its last page; Accept works for you only then."
    )


def _buttons(showing: Showing, *, whole: bool) -> Iterator[Block]:
    count = showing.waiting
    if count:
        accept = button(_offer(showing), ACCEPT, showing.review, style="primary")
        asked = f"Calls to it at {showing.server} are then decided by the policy again."
        if showing.instructed is not None and showing.instructed.waits:
            asked = f"What {showing.server} tells models is passed on again. {asked}"
        accept["confirm"] = confirm("Accept what is shown?", asked, "Accept")
        yield accept
    if count or not whole:
        yield button("Details", DETAILS, showing.review)


def _offer(showing: Showing) -> str:
    count = showing.waiting
    if count > 1:
        return f"Accept all {count}"
    told = showing.instructed is not None and showing.instructed.waits
    return "Accept this text" if told else "Accept this tool"
