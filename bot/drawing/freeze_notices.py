"""What channels are told of a freeze: who froze what, and that a second person lifts it. Pure."""

from collections.abc import Iterable

from bot.drawing.notices import Wanted, channels, wanted
from bot.drawing.wording import Row, people
from bot.slack.pieces import Block, button, header, lines, moment, name, words
from ledger.lives.freezes import Freeze
from policies.deciding.freezes import Frozen, subject
from policies.people.people import Directory

UNFREEZE = "freeze.lift"


def freeze_notices(freeze: Freeze, teams: Iterable[str], directory: Directory) -> list[Wanted]:
    """Return the message for each channel of `teams`: those who own what is frozen."""
    blocks = freeze_blocks(freeze, directory)
    news = [] if freeze.open else [lines([ending(freeze, directory)], "thread")]
    return [
        wanted(
            "freeze",
            team.name,
            team.channel,
            _text(freeze),
            blocks,
            closed=not freeze.open,
            news=news,
        )
        for team in channels(teams, directory)
    ]


def freeze_blocks(freeze: Freeze, directory: Directory) -> list[Block]:
    """Return the message: what is frozen, by whom, since when, and how it ends."""
    title = "Frozen" if freeze.open else "No longer frozen"
    rows = [stands(freeze, directory)]
    if freeze.reason:
        rows.append([words("Reason: "), name(freeze.reason, 600)])
    if not freeze.open:
        rows.append(ending(freeze, directory))
        return [header(_titled(title, freeze), "hdr"), lines(rows, "freeze")]
    rows.append([words("No call runs meanwhile, approved or not; what was sent is sent.")])
    lift = button("Unfreeze…", UNFREEZE, freeze.id)
    return [
        header(_titled(title, freeze), "hdr"),
        lines(rows, "freeze"),
        {"type": "actions", "block_id": f"act:{freeze.id}", "elements": [lift]},
    ]


def stands(freeze: Freeze, directory: Directory) -> Row:
    """Return in a line who froze what, since when and until when."""
    row = [*what(freeze), words(" was frozen by "), *people((freeze.by,), directory)]
    row += [words(", "), moment(freeze.begun_at)]
    if freeze.until is not None:
        return [*row, words(", until "), moment(freeze.until), words(".")]
    return [*row, words(", until a second person lifts it." if freeze.open else ".")]


def what(freeze: Freeze) -> Row:
    """Return what is frozen."""
    if freeze.over is Frozen.EVERYTHING:
        return [words("Everything", bold=True)]
    return [words(f"{freeze.over.capitalize()} ", bold=True), name(freeze.name, 120)]


def ending(freeze: Freeze, directory: Directory) -> Row:
    """Return in a line how a freeze ended."""
    at = [words(", "), moment(freeze.ended_at)] if freeze.ended_at else []
    if freeze.ended_by is None:
        return [words("Its time was over"), *at]
    because = [words(": "), name(freeze.end_reason, 600)] if freeze.end_reason else []
    return [words("Lifted by "), *people((freeze.ended_by,), directory), *at, *because]


def _titled(title: str, freeze: Freeze) -> str:
    over = "everything" if freeze.over is Frozen.EVERYTHING else f"{freeze.over} {freeze.name}"
    return f"{title}: {over}"


def _text(freeze: Freeze) -> str:
    said = "is frozen" if freeze.open else "is no longer frozen"
    return f"{subject(freeze.over, freeze.name)} {said}"
