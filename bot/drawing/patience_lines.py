"""What is said of a question that waits: on its card, and in its thread. Pure."""

from collections.abc import Iterator, Sequence

from bot.drawing.wording import Row, duration, slack_of
from bot.slack.pieces import Block, button, moment, name, person, words
from ledger.events.envelopes import Event
from ledger.events.patience_events import ApprovalEscalated, ApprovalExtended, ApprovalReminded
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.lives.deciders import parties
from ledger.lives.delegations import Delegation
from policies.people.people import Directory

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
    approval: Approval,
    event: Event,
    channel: str,
    directory: Directory,
    delegations: Sequence[Delegation],
) -> list[Row]:
    """Return the lines that tell such an event in the thread of a card in `channel`.

    `delegations` are those in force.
    """
    match event:
        case ApprovalReminded():
            team = directory.teams.get(event.team)
            if team is None or team.channel != channel:
                return []
            return [_reminder(approval, event, directory, delegations)]
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


def _reminder(
    approval: Approval,
    event: ApprovalReminded,
    directory: Directory,
    delegations: Sequence[Delegation],
) -> Row:
    """Return the one line in a thread that calls people: who could decide, and has not."""
    row: Row = [words("Reminder: team "), name(event.team, 100), words(" has not decided. ")]
    if approval.status is not ApprovalStatus.PENDING:
        return row
    row += [words("It expires "), moment(approval.expires_at), words(". ")]
    called = [
        *_approvers(approval, event.team, directory),
        *_delegates(approval, event.team, directory, delegations),
        *([each] for each in _groups(event.team, directory)),
    ]
    for each in called[:_CALLED]:
        row += [*each, words(" ")]
    return row


def _approvers(approval: Approval, team: str, directory: Directory) -> Iterator[Row]:
    """Yield the approvers of a team who may vote and have not."""
    own = parties(approval, directory)
    for who in directory.teams[team].approvers:
        slack = slack_of(who, directory)
        if slack and who not in _voted(approval) and not own.include(who, slack):
            yield person(who, slack)


def _delegates(
    approval: Approval, team: str, directory: Directory, delegations: Sequence[Delegation]
) -> Iterator[Row]:
    """Yield those who may vote in the stead of somebody of a team who has not voted."""
    own, voted = parties(approval, directory), _voted(approval)
    for each in delegations:
        if team not in each.teams or {each.giver, each.delegate} & voted:
            continue
        if each.delegate in directory.teams[team].approvers:
            continue
        if not own.include(each.giver, each.giver_slack) and not own.include(
            each.delegate, each.delegate_slack
        ):
            stead = [words(" (for "), name(each.giver, 100), words(")")]
            yield [*person(each.delegate, each.delegate_slack), *stead]


def _groups(team: str, directory: Directory) -> list[Block]:
    return [{"type": "usergroup", "usergroup_id": group} for group in directory.teams[team].groups]


def _voted(approval: Approval) -> set[str]:
    return {name for vote in approval.votes for name in (vote.person, vote.holder[0])}
