"""Lets a person vote for another, as that one asked; the ledger decides, this only asks."""

import hashlib
import re

from bot.desk.admission import admitted, evidence_for_any, evidence_of
from bot.desk.desk import Desk
from bot.drawing.answers import Answer, answer, plainly, several
from bot.drawing.delegation_notices import stands
from bot.drawing.wording import Row
from bot.slack.pieces import name, words
from bot.typed.asked import AskDelegate, AskUndelegate
from bot.typed.grammar import shown
from ledger.lives.delegations import EndDelegation, GiveDelegation
from ledger.views.delegation_readings import delegation_of, delegations_in_force
from policies.values.refusals import Refused

_MENTION = re.compile(r"<@([UW][A-Z0-9]{2,20})(?:\|[^<>]*)?>")
"""A person as Slack writes them. Source: https://docs.slack.dev/messaging/formatting-message-text"""


async def about_votes(
    desk: Desk, asked: AskDelegate | AskUndelegate, slack: str, command: str
) -> Answer:
    """Return the answer to such a command. Raises Refused."""
    match asked:
        case AskDelegate():
            return await _delegate(desk, asked, slack, command)
        case AskUndelegate():
            return await _undelegate(desk, slack, command)


async def listed(desk: Desk, slack: str) -> Answer:
    """Return who votes for whom now. Raises Refused."""
    await admitted(desk, slack)
    found = await delegations_in_force(desk.ledger)
    if not found:
        return plainly("Everybody votes for themselves.")
    return several(f"{len(found)} delegations are in force", [[stands(each)] for each in found])


async def _delegate(desk: Desk, asked: AskDelegate, slack: str, command: str) -> Answer:
    named = f"dlg_{hashlib.sha256(command.encode()).hexdigest()[:12]}"
    other = _account(desk, asked.delegate, slack)
    evidence = await evidence_for_any(desk, slack)
    delegate = await evidence_of(desk, other, ())
    await desk.ledger.execute(
        GiveDelegation(
            id=command,
            actor=f"person:{evidence.person_in(desk.directory)}",
            delegation=named,
            lasting=asked.lasting,
            teams=asked.teams,
            reason=asked.reason,
            evidence=evidence,
            delegate=delegate,
        )
    )
    given = await delegation_of(desk.ledger, named)
    assert given is not None, "it is that or a refusal"
    rows: list[Row] = [
        stands(given),
        [words("Only votes are delegated: one of yours and one of theirs count once.")],
        [words("Take it back with "), name("/placet undelegate")],
    ]
    return answer(f"{given.delegate} votes for you", rows)


async def _undelegate(desk: Desk, slack: str, command: str) -> Answer:
    person = desk.directory.person_at(slack)
    await desk.ledger.execute(EndDelegation(id=command, actor=f"person:{person}", slack=slack))
    return plainly("Taken back: you vote for yourself again.")


def _account(desk: Desk, written: str, slack: str) -> str:
    """Return the account `T…/U…` that is meant. Raises Refused.

    Without Slack's word for it a name is one of the configuration: how people
    call themselves in Slack says nothing about who they are.
    """
    mention = _MENTION.fullmatch(written)
    if mention is not None:
        return desk.slack_of([slack.partition("/")[0]], mention[1])
    person = desk.directory.people.get(written.removeprefix("@"))
    if person is None:
        raise Refused(
            f"`{shown(written)}` is nobody of Placet's configuration;"
            " write the name that it has for them, or `<@U…>` with their Slack id"
        )
    if person.slack is None:
        raise Refused(
            f"the configuration has no Slack id of `{person.name}`; write `<@U…>` with theirs"
        )
    return person.slack
