"""The card of many questions: approve or deny what is ticked, or open a card of one's own."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk.admission import kept_out
from bot.desk.desk import Desk
from bot.desk.voting import Ballot, Verdict
from bot.drawing.denials import UNEXPLAINED, reason_in
from bot.drawing.feedback import sentence
from bot.drawing.modals import REASON, Spot
from bot.drawing.summary_cards import APPROVE_SELECTED, DENY_SELECTED, MOST, OWN_CARD, choices
from bot.drawing.summary_denials import CHOSEN, DENY_MANY_VIEW, Spread, deny_many_modal
from bot.listeners.carried import carried
from bot.slack.payloads import Picked, Submission, Ticked
from ledger.lives.deliveries import WantCard
from policies.values.refusals import Refused

_MEMBER = re.compile(r"item:([^:]{1,200}):[0-9]{1,18}")
_CHOSEN = re.compile(r"(\S{1,120}) ([0-9]{1,18})")

_NOWHERE = Spot(approval="", channel="", ts="", revision=0)


def register(app: AsyncApp, desk: Desk) -> None:
    """Listen to the card's button and its menu."""

    @app.action(APPROVE_SELECTED)
    async def approve(ack: AsyncAck, body: dict[str, Any]) -> None:
        ticked = Ticked.model_validate(body)
        told = await _approve(desk, ticked)
        await ack()
        slack = desk.slack_of(ticked.teams, ticked.user.id)
        desk.whisper(ticked.container.channel_id, slack, told)

    @app.action(DENY_SELECTED)
    async def deny(ack: AsyncAck, body: dict[str, Any]) -> None:
        ticked = Ticked.model_validate(body)
        told = await _ask_why(desk, ticked)
        await ack()
        if told:
            slack = desk.slack_of(ticked.teams, ticked.user.id)
            desk.whisper(ticked.container.channel_id, slack, told)

    @app.view(DENY_MANY_VIEW)
    async def denied(ack: AsyncAck, body: dict[str, Any]) -> None:
        await _deny(desk, ack, Submission.model_validate(body))

    @app.action(OWN_CARD)
    async def own(ack: AsyncAck, body: dict[str, Any]) -> None:
        picked = Picked.model_validate(body)
        slack = desk.slack_of(picked.teams, picked.user.id)
        told = await _open(desk, picked, slack)
        await ack()
        desk.whisper(picked.container.channel_id, slack, told)


async def _approve(desk: Desk, ticked: Ticked) -> str:
    """Cast a vote for each question that is ticked and say what they came to."""
    slack = desk.slack_of(ticked.teams, ticked.user.id)
    spread = _spread(ticked)
    mark = f"vote:{slack}:{{}}:{ticked.action.action_ts or ticked.trigger_id}"
    ballots = _ballots(spread, ticked.options, Ballot(mark, slack, _NOWHERE, approves=True))
    if not ballots:
        return "Nothing was ticked. Tick what you approve, then press again."
    return _told(await asyncio.gather(*(desk.voting.cast(ballot) for ballot in ballots)))


async def _ask_why(desk: Desk, ticked: Ticked) -> str:
    """Open the modal in which the questions are denied; return what is to be told instead."""
    spread = _spread(ticked)
    slack = desk.slack_of(ticked.teams, ticked.user.id)
    mark = ticked.action.action_ts or ticked.trigger_id
    refusal = await kept_out(desk, slack, DENY_SELECTED, f"{DENY_SELECTED}:{slack}:{mark}")
    if refusal:
        return f"Nothing was opened. {sentence(refusal)}"
    try:
        found = [await desk.ledger.approval(name) for name in spread.members]
    except Refused as refused:
        return f"Nothing was recorded. {sentence(str(refused))}"
    known = [one for one in found if one is not None]
    if not choices(known):
        return "Nothing waits on this card any more."
    chosen = {value.split(" ")[0] for value in ticked.options}
    now = {value for _, value in choices(known) if value.split(" ")[0] in chosen}
    view = deny_many_modal(known, spread, now, desk.denials)
    trouble = await desk.open_modal(ticked.trigger_id, view)
    return f"Nothing was recorded: {trouble}. Press again." if trouble else ""


async def _deny(desk: Desk, ack: AsyncAck, sent: Submission) -> None:
    """Cast a no for each question that was chosen, all with the same reason."""
    spread = await carried(Spread, sent, ack)
    if spread is None:
        return
    slack = desk.slack_of(sent.teams, sent.user.id)
    reason = reason_in(sent.view)
    no = Ballot(f"submit:{slack}:{{}}:{sent.mark}", slack, _NOWHERE, approves=False, reason=reason)
    ballots = _ballots(spread, sent.view.ticked(CHOSEN, CHOSEN), no)
    if not ballots or not reason:
        wrong = {} if ballots else {CHOSEN: "Tick what you deny, please."}
        await ack(
            response_action="errors", errors=wrong | ({} if reason else {REASON: UNEXPLAINED})
        )
        return
    told = _told(await asyncio.gather(*(desk.voting.cast(ballot) for ballot in ballots)))
    await ack()
    desk.whisper(spread.channel, slack, told)


def _spread(ticked: Ticked) -> Spread:
    """Return the card on which boxes were ticked, by its own blocks."""
    found = (_MEMBER.fullmatch(each) for each in ticked.block_ids)
    return Spread(
        channel=ticked.container.channel_id,
        ts=ticked.container.message_ts,
        members=tuple(dict.fromkeys(match[1] for match in found if match))[:MOST],
    )


def _ballots(spread: Spread, chosen: Sequence[str], like: Ballot) -> list[Ballot]:
    """Return a vote for each chosen question of the card; `like.id` has `{}` for its id."""
    found = (_CHOSEN.fullmatch(each) for each in chosen[:MOST])
    revisions = {m[1]: int(m[2]) for m in found if m and m[1] in spread.members}
    return [
        replace(
            like,
            id=like.id.replace("{}", name),
            spot=Spot(approval=name, channel=spread.channel, ts=spread.ts, revision=revision),
            members=spread.members,
        )
        for name, revision in revisions.items()
    ]


def _told(verdicts: list[Verdict]) -> str:
    refused = [verdict.refusal for verdict in verdicts if verdict.refusal]
    counted = len(verdicts) - len(refused)
    said = f"{counted} of {len(verdicts)} votes count."
    reasons = dict.fromkeys(sentence(reason) for reason in refused)
    return " ".join([said, *(f"Not counted: {reason}" for reason in reasons)])


async def _open(desk: Desk, picked: Picked, slack: str) -> str:
    """Ask for a card of the chosen question alone; return what to tell the person."""
    found = _CHOSEN.fullmatch(picked.option)
    if found is None:
        return "Nothing was chosen."
    mark = picked.trigger_id
    refusal = await kept_out(desk, slack, OWN_CARD, f"own:{slack}:{found[1]}:{mark}")
    if refusal:
        return f"Nothing changed. {sentence(refusal)}"
    person = desk.directory.person_at(slack)
    command = WantCard(
        id=f"own:{found[1]}", actor=f"person:{person}", approval=found[1], person=person
    )
    try:
        await desk.ledger.execute(command)
    except Refused as refused:
        return f"Nothing changed. {sentence(str(refused))}"
    return "It gets a card of its own below."
