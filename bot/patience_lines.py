"""What is said of a question that waits: on its card, and in its thread. Pure."""

from bot.pieces import Block, button, moment, name, person, words
from bot.wording import Row, duration, slack_of
from ledger.approvals import Approval, ApprovalStatus
from ledger.deciders import parties
from ledger.envelopes import Event
from ledger.patience_events import ApprovalEscalated, ApprovalExtended, ApprovalReminded
from policies.people import Directory

EXTEND = "approval.extend"

_CALLED = 20
"""People and groups that one reminder calls."""


def escalated_rows(approval: Approval, label: int, most: int) -> list[Row]:
    """Return who may decide in the place of whom, for a card."""
    return [
        [
            words("Escalated  ", bold=True),
            words("team "),
            name(to, label),
            words(" may decide in place of team "),
            name(team, label),
        ]
        for team, to in sorted(approval.patience.escalated.items())[:most]
    ]


def reminded_rows(approval: Approval) -> list[Row]:
    """Return how often the teams were reminded, for a card; no rows where never."""
    times = sum(approval.patience.reminded.values())
    if not times:
        return []
    return [[words("Reminded  ", bold=True), words("once" if times == 1 else f"{times} times")]]


def patience_rows(
    approval: Approval, event: Event, channel: str, directory: Directory
) -> list[Row]:
    """Return the lines that tell such an event in the thread of a card in `channel`."""
    match event:
        case ApprovalReminded():
            team = directory.teams.get(event.team)
            if team is None or team.channel != channel:
                return []
            return [_reminder(approval, event, directory)]
        case ApprovalEscalated():
            row = [words("Team "), name(event.team, 100), words(" did not decide so far: team ")]
            return [[*row, name(event.to, 100), words(" may decide in its place now.")]]
        case ApprovalExtended():
            row = [name(event.by, 120), words(" gave it more time, until "), moment(event.until)]
            return [row]
        case _:
            return []


def more_time(approval: Approval) -> Block:
    """Return the button that gives a question as much time again as it was given at first."""
    request = approval.request
    given = duration(request.expires_at - approval.requested_at)
    press = button(f"Give it {given} more", EXTEND, request.approval)
    return {
        "type": "actions",
        "block_id": f"more:{approval.id}:{approval.position}",
        "elements": [press],
    }


def _reminder(approval: Approval, event: ApprovalReminded, directory: Directory) -> Row:
    """Return the one line in a thread that calls people: who could decide, and has not."""
    row: Row = [words("Reminder: team "), name(event.team, 100), words(" has not decided. ")]
    if approval.status is not ApprovalStatus.PENDING:
        return row
    row += [words("It expires "), moment(approval.expires_at), words(". ")]
    for called in _callable(approval, event.team, directory)[:_CALLED]:
        row += [called, words(" ")]
    return row


def _callable(approval: Approval, team: str, directory: Directory) -> list[Block]:
    own = parties(approval, directory)
    voted = {name for vote in approval.votes for name in (vote.person, vote.holder[0])}
    known = directory.teams[team]
    people = [
        (who, slack)
        for who in known.approvers
        if (slack := slack_of(who, directory)) and who not in voted and not own.include(who, slack)
    ]
    called = [element for who, slack in people for element in person(who, slack)]
    return called + [{"type": "usergroup", "usergroup_id": group} for group in known.groups]
