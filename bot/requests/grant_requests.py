"""Gives and ends grants for a person who asked; the ledger decides, this only asks."""

import asyncio
import hashlib
from datetime import timedelta

from bot.desk.admission import evidence_of, groups_in
from bot.desk.desk import Desk
from bot.drawing.answers import Answer, granted, plainly, revoked
from bot.typed.asked import AskGrant, AskRevoke
from ledger.deciding.renewing import RenewGrant
from ledger.events.standing_events import GrantIssued, GrantRefused
from ledger.lives.grant_requests import AnswerRequest, RequestGrant
from ledger.lives.grants import IssueGrant, RevokeGrant
from ledger.lives.owning import owning
from ledger.views.barring import Barred, refuse_barred
from ledger.views.grant_request_readings import request_by_id


async def teams_of(target: str, desk: Desk) -> frozenset[str]:
    """Return the teams that own tools which a target `server/tool` names."""
    policy = await desk.ledger.policy_in_force()
    directory = await asyncio.to_thread(owning, desk.directory, policy)
    return frozenset(directory.teams_behind(target))


async def grant(
    desk: Desk, asked: AskGrant, slack: str, command: str, longest: timedelta
) -> Answer:
    """Give a grant. Raises Refused."""
    idle = await _barred(desk, asked.agent, asked.target)
    groups = groups_in(await teams_of(asked.target, desk), desk.directory)
    evidence = await evidence_of(desk, slack, groups)
    recorded = await desk.ledger.execute(
        IssueGrant(
            id=command,
            actor=f"person:{evidence.person_in(desk.directory)}",
            grant=f"grt_{hashlib.sha256(command.encode()).hexdigest()[:12]}",
            agent=asked.agent,
            target=asked.target,
            lasting=asked.lasting,
            uses=asked.uses,
            reason=asked.reason,
            when=asked.when,
            longest=longest,
            evidence=evidence,
        )
    )
    for one in recorded:
        if isinstance(one.event, GrantRefused):
            return plainly(f"Refused: {one.event.message}.")
        if isinstance(one.event, GrantIssued):
            return granted(one.event, asked.lasting, idle.tools)
    return plainly("Nothing changed.")


async def ask(desk: Desk, asked: AskGrant, slack: str, command: str, longest: timedelta) -> Answer:
    """Ask the owning teams for a grant. Raises Refused."""
    await _barred(desk, asked.agent, asked.target)
    evidence = await evidence_of(desk, slack, ())
    request = f"grq_{hashlib.sha256(command.encode()).hexdigest()[:12]}"
    recorded = await desk.ledger.execute(
        RequestGrant(
            id=command,
            actor=f"person:{evidence.person_in(desk.directory)}",
            request=request,
            agent=asked.agent,
            target=asked.target,
            lasting=asked.lasting,
            uses=asked.uses,
            when=asked.when,
            reason=asked.reason,
            longest=longest,
            evidence=evidence,
        )
    )
    for one in recorded:
        if isinstance(one.event, GrantRefused):
            return plainly(f"Refused: {one.event.message}.")
    teams = " and ".join(sorted(await teams_of(asked.target, desk)))
    return plainly(f"Asked {teams} ({request}). You see there what comes of it.")


async def reply(
    desk: Desk, request: str, slack: str, command: str, *, longest: timedelta | None
) -> str:
    """Give what was asked for, or refuse it where `longest` is None; return what came of it.

    Raises Refused.
    """
    known = await request_by_id(desk.ledger, request)
    if known is not None and longest is not None:
        await _barred(desk, known.agent, known.target)
    groups = groups_in(known.teams if known else (), desk.directory)
    evidence = await evidence_of(desk, slack, groups)
    grant = f"grt_{hashlib.sha256(command.encode()).hexdigest()[:12]}"
    recorded = await desk.ledger.execute(
        AnswerRequest(
            id=command,
            actor=f"person:{evidence.person_in(desk.directory)}",
            request=request,
            grant=None if longest is None else grant,
            longest=longest,
            evidence=evidence,
        )
    )
    for one in recorded:
        if isinstance(one.event, GrantRefused):
            return f"Refused: {one.event.message}."
    return "The request is refused." if longest is None else f"Granted as {grant}."


async def renew(desk: Desk, grant: str, slack: str, command: str, longest: timedelta) -> str:
    """Give a grant once more; return what came of it. Raises Refused."""
    known = await desk.ledger.grant(grant)
    if known is not None:
        await _barred(desk, known.agent, known.target)
    groups = groups_in(await teams_of(known.target, desk) if known else (), desk.directory)
    evidence = await evidence_of(desk, slack, groups)
    anew = f"grt_{hashlib.sha256(command.encode()).hexdigest()[:12]}"
    recorded = await desk.ledger.execute(
        RenewGrant(
            id=command,
            actor=f"person:{evidence.person_in(desk.directory)}",
            grant=grant,
            anew=anew,
            longest=longest,
            evidence=evidence,
        )
    )
    for one in recorded:
        if isinstance(one.event, GrantRefused):
            return f"Refused: {one.event.message}."
        if isinstance(one.event, GrantIssued):
            return f"Renewed as {anew}, until {one.event.until:%Y-%m-%d %H:%M} UTC."
    return "Nothing changed."


async def revoke(desk: Desk, asked: AskRevoke, slack: str, command: str) -> Answer:
    """End a grant. Raises Refused."""
    refused = await end(desk, asked.grant, asked.reason, slack, command)
    return plainly(f"Refused: {refused}.") if refused else revoked(asked.grant)


async def end(desk: Desk, grant: str, reason: str | None, slack: str, command: str) -> str | None:
    """End a grant; return why not, None where it is done. Raises Refused."""
    known = await desk.ledger.grant(grant)
    groups = groups_in(known.teams if known else (), desk.directory)
    evidence = await evidence_of(desk, slack, groups)
    recorded = await desk.ledger.execute(
        RevokeGrant(
            id=command,
            actor=f"person:{evidence.person_in(desk.directory)}",
            grant=grant,
            reason=reason,
            evidence=evidence,
        )
    )
    refused = [one.event.message for one in recorded if isinstance(one.event, GrantRefused)]
    return refused[0] if refused else None


async def _barred(desk: Desk, agent: str, target: str) -> Barred:
    """Return which tools the grant would not lift. Raises Refused where it would lift none."""
    return await refuse_barred(desk.ledger, desk.directory, agent, target, desk.weigh)
