"""What channels are told of a delegation: who votes for whom, for which teams, until when. Pure."""

from bot.drawing.notices import Wanted, channels, wanted
from bot.drawing.wording import Row
from bot.slack.pieces import Block, header, lines, moment, name, person, words
from ledger.lives.delegations import Delegation
from policies.people.people import Directory


def delegation_notices(delegation: Delegation, directory: Directory) -> list[Wanted]:
    """Return the message for each channel of the teams that it is for."""
    blocks = delegation_blocks(delegation)
    news = [] if delegation.open else [lines([_ending(delegation)], "thread")]
    return [
        wanted(
            "delegation",
            team.name,
            team.channel,
            _text(delegation),
            blocks,
            closed=not delegation.open,
            news=news,
        )
        for team in channels(delegation.teams, directory)
    ]


def delegation_blocks(delegation: Delegation) -> list[Block]:
    """Return the message: who votes for whom, why, and how it ended."""
    rows = [stands(delegation)]
    if delegation.reason:
        rows.append([words("Reason: "), name(delegation.reason, 600)])
    if not delegation.open:
        rows.append(_ending(delegation))
    title = "Votes delegated" if delegation.open else "Votes no longer delegated"
    return [header(title, "hdr"), lines(rows, "delegation")]


def stands(delegation: Delegation) -> Row:
    """Return in a line who votes for whom, for which teams and until when."""
    voted = " votes for " if delegation.open else " voted for "
    row = [*person(delegation.delegate, delegation.delegate_slack), words(voted)]
    row += [*person(delegation.giver, delegation.giver_slack), words(" for team ")]
    row += [name(", ".join(delegation.teams), 300)]
    return [*row, words(", until "), moment(delegation.until), words(".")]


def _ending(delegation: Delegation) -> Row:
    at = [words(", "), moment(delegation.ended_at)] if delegation.ended_at else []
    if delegation.ended_by is None:
        return [words("Its time was over"), *at]
    return [words("Taken back by "), name(delegation.ended_by, 120), *at]


def _text(delegation: Delegation) -> str:
    said = "votes for" if delegation.open else "no longer votes for"
    return f"{delegation.delegate} {said} {delegation.giver}"
