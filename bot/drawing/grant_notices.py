"""What channels are told of grants: that one is asked for, and that one is about to end. Pure."""

from datetime import datetime, timedelta

from bot.drawing.notices import Wanted, channels, wanted
from bot.drawing.wording import Row, duration, people
from bot.slack.pieces import Block, button, confirm, header, lines, moment, name, words
from ledger.lives.grant_requests import GrantRequest, RequestStatus
from ledger.lives.grants import Grant, GrantStatus
from policies.people.people import Directory

GIVE = "grant.give"
REFUSE = "grant.refuse"
RENEW = "grant.renew"
REVOKE = "grant.revoke"

_AT_LEAST = timedelta(minutes=10)
"""How long a grant has to last for its end to be told of."""

_EARLY = timedelta(minutes=15)

_STANDS = {
    RequestStatus.PENDING: "Grant wanted",
    RequestStatus.GIVEN: "Granted",
    RequestStatus.DENIED: "Grant refused",
    RequestStatus.EXPIRED: "Grant not given: nobody answered in time",
}


def warns_at(grant: Grant) -> datetime | None:
    """Return when channels are told that a grant ends soon; None for one that is too short."""
    lasting = grant.until - grant.issued_at
    return None if lasting < _AT_LEAST else grant.until - min(_EARLY, lasting / 4)


def request_notices(request: GrantRequest, directory: Directory) -> list[Wanted]:
    """Return the message for the channel of each team that owns what is asked for."""
    blocks = request_blocks(request, directory)
    text = f"{_STANDS[request.status]}: {request.agent} for {request.target}"
    news = [] if request.open else [lines(_answered(request, directory), "thread")]
    return [
        wanted("request", team.name, team.channel, text, blocks, closed=not request.open, news=news)
        for team in channels(request.teams, directory)
    ]


def request_blocks(request: GrantRequest, directory: Directory) -> list[Block]:
    """Return the message: who wants what for which agent, and what became of it."""
    rows: list[Row] = [
        [*people((request.by,), directory), words(" asks for agent "), name(request.agent, 120)],
        [words("to call "), name(request.target, 200), *_often(request.uses)],
        [words(f"for {duration(request.lasting)} from your yes on, without asking each time.")],
    ]
    if request.when:
        rows.append([words("Only calls of which this holds: "), name(request.when, 600)])
    if request.reason:
        rows.append([words("Reason, as the person gives it: "), name(request.reason, 600)])
    title = header(f"{_STANDS[request.status]}: {request.agent}", "hdr")
    if not request.open:
        return [title, lines([*rows, *_answered(request, directory)], "request")]
    rows.append([words("Waits until "), moment(request.expires_at), words(".")])
    rows.append([words("It lifts no denial, no limit, and no rule that wants more people.")])
    give = button("Grant", GIVE, request.id, style="primary")
    asked = f"{request.agent} may call {request.target} for {duration(request.lasting)}."
    give["confirm"] = confirm("Give this grant?", asked, "Grant")
    refuse = button("Refuse", REFUSE, request.id, style="danger")
    refuse["confirm"] = confirm("Refuse this request?", "The person who asks is told.", "Refuse")
    actions = {"type": "actions", "block_id": f"act:{request.id}", "elements": [give, refuse]}
    return [title, lines(rows, "request"), actions]


def grant_notices(grant: Grant, directory: Directory, at: datetime) -> list[Wanted]:
    """Return the warning for the owning teams' channels once `grant` ends soon at `at`.

    Once it has ended, only a warning that stands there already is painted anew.
    """
    due = warns_at(grant)
    if due is None or (grant.open and at < due):
        return []
    over = not grant.open or at >= grant.until
    blocks = _ended_blocks(grant, directory) if over else _ending_blocks(grant, directory)
    text = f"The grant of {grant.agent} for {grant.target} {'has ended' if over else 'ends soon'}"
    return [
        wanted("ending", team.name, team.channel, text, blocks, closed=over, late=not over)
        for team in channels(grant.teams, directory)
    ]


def grant_row(grant: Grant) -> Row:
    """Return a grant in a line: what for, until when, how often yet."""
    row: Row = [name(grant.agent, 80), words(" may call "), name(grant.target, 100)]
    row += [words(" until "), moment(grant.until)]
    if grant.uses is not None:
        row.append(words(f", {grant.uses - grant.used} of {grant.uses} uses left"))
    if grant.when:
        row += [words(", where "), name(grant.when, 200)]
    return row


def _ending_blocks(grant: Grant, directory: Directory) -> list[Block]:
    lasting = duration(grant.until - grant.issued_at)
    rows = [
        [*people((grant.by,), directory), words(" gave the grant "), name(grant.id, 60)],
        grant_row(grant),
        [words(f"Renew gives it again for {lasting}, on the same terms; else it just ends.")],
    ]
    renew = button("Renew", RENEW, grant.id)
    renew["confirm"] = confirm("Renew this grant?", f"It is given again for {lasting}.", "Renew")
    revoke = button("Revoke", REVOKE, grant.id, style="danger")
    actions = {"type": "actions", "block_id": f"act:{grant.id}", "elements": [renew, revoke]}
    return [header(f"Grant ends soon: {grant.agent}", "hdr"), lines(rows, "grant"), actions]


def _ended_blocks(grant: Grant, directory: Directory) -> list[Block]:
    row: Row = [words("It has ended.")]
    if grant.status is GrantStatus.REVOKED:
        row = [words("Renewed or revoked by "), *people((grant.ended_by or "?",), directory)]
    rows = [
        [*people((grant.by,), directory), words(" gave the grant "), name(grant.id, 60)],
        [name(grant.agent, 80), words(" could call "), name(grant.target, 100)],
        row,
    ]
    return [header(f"Grant has ended: {grant.agent}", "hdr"), lines(rows, "grant")]


def _often(uses: int | None) -> Row:
    if uses is None:
        return []
    return [words(" once" if uses == 1 else f" {uses} times at most")]


def _answered(request: GrantRequest, directory: Directory) -> list[Row]:
    if request.status is RequestStatus.EXPIRED:
        return [[words("Nobody answered in time.")]]
    by = people((request.answered_by or "?",), directory)
    because = [words(": "), name(request.answer, 600)] if request.answer else []
    if request.status is RequestStatus.DENIED:
        return [[words("Refused by "), *by, *because]]
    return [[words("Given by "), *by, words(" as "), name(request.grant or "?", 60), *because]]
