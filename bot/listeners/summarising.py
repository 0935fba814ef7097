"""The card of many questions: approve what is ticked, or open a card of one's own."""

import asyncio
import re
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk import Desk
from bot.feedback import sentence
from bot.modals import Spot
from bot.payloads import Picked, Ticked
from bot.summary_cards import APPROVE_SELECTED, MOST, OWN_CARD
from bot.voting import Ballot, Verdict
from ledger.deliveries import WantCard
from policies.refusals import Refused

_MEMBER = re.compile(r"item:([^:]{1,200}):[0-9]{1,18}")
_CHOSEN = re.compile(r"(\S{1,120}) ([0-9]{1,18})")


def register(app: AsyncApp, desk: Desk) -> None:
    """Listen to the card's button and its menu."""

    @app.action(APPROVE_SELECTED)
    async def approve(ack: AsyncAck, body: dict[str, Any]) -> None:
        ticked = Ticked.model_validate(body)
        told = await _approve(desk, ticked)
        await ack()
        slack = desk.slack_of(ticked.teams, ticked.user.id)
        desk.whisper(ticked.container.channel_id, slack, told)

    @app.action(OWN_CARD)
    async def own(ack: AsyncAck, body: dict[str, Any]) -> None:
        picked = Picked.model_validate(body)
        slack = desk.slack_of(picked.teams, picked.user.id)
        told = await _open(desk, picked.option, slack)
        await ack()
        desk.whisper(picked.container.channel_id, slack, told)


async def _approve(desk: Desk, ticked: Ticked) -> str:
    """Cast a vote for each question that is ticked and say what they came to."""
    slack = desk.slack_of(ticked.teams, ticked.user.id)
    members = tuple(m[1] for each in ticked.block_ids if (m := _MEMBER.fullmatch(each)))[:MOST]
    mark = ticked.action.action_ts or ticked.trigger_id
    ballots = [
        _ballot(found[1], int(found[2]), members, ticked, slack, mark)
        for each in ticked.options[:MOST]
        if (found := _CHOSEN.fullmatch(each)) and found[1] in members
    ]
    if not ballots:
        return "Nothing was ticked. Tick what you approve, then press again."
    verdicts = await asyncio.gather(*(desk.voting.cast(ballot) for ballot in ballots))
    return _told(verdicts)


def _ballot(
    approval: str, revision: int, members: tuple[str, ...], ticked: Ticked, slack: str, mark: str
) -> Ballot:
    spot = Spot(
        approval=approval,
        channel=ticked.container.channel_id,
        ts=ticked.container.message_ts,
        revision=revision,
    )
    return Ballot(f"vote:{slack}:{approval}:{mark}", slack, spot, approves=True, members=members)


def _told(verdicts: list[Verdict]) -> str:
    refused = [verdict.refusal for verdict in verdicts if verdict.refusal]
    counted = len(verdicts) - len(refused)
    said = f"{counted} of {len(verdicts)} votes count."
    reasons = dict.fromkeys(sentence(reason) for reason in refused)
    return " ".join([said, *(f"Not counted: {reason}" for reason in reasons)])


async def _open(desk: Desk, chosen: str, slack: str) -> str:
    found = _CHOSEN.fullmatch(chosen)
    if found is None:
        return "Nothing was chosen."
    person = desk.directory.person_at(slack)
    command = WantCard(
        id=f"own:{found[1]}", actor=f"person:{person}", approval=found[1], person=person
    )
    try:
        await desk.ledger.execute(command)
    except Refused as refused:
        return f"Nothing changed. {sentence(str(refused))}"
    return "It gets a card of its own below."
