"""Buttons of the cards about changed tools: accept, details and their pages."""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk.admission import kept_out
from bot.desk.desk import Desk
from bot.drawing.details import Page
from bot.drawing.feedback import sentence
from bot.drawing.modals import Spot
from bot.drawing.review_cards import ACCEPT, DETAILS, review_card
from bot.drawing.review_details import ACCEPT_ONE, NEXT, PREVIOUS, TOLD, review_modal, review_pages
from bot.drawing.review_facts import Showing, showing
from bot.slack.payloads import Click
from ledger.deciding.accepting import AcceptTools
from ledger.events.envelopes import Recorded
from ledger.events.standing_events import InstructionsAccepted, ToolAcceptanceRefused, ToolAccepted
from ledger.lives.reviews import RecordReviewFound, Review, ViewReview
from ledger.views.barring import Weigh
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)
_READING = re.compile(r"(rev_[0-9_]{1,40}) ([0-9]{1,6})")
_ONE = re.compile(rf"(rev_[0-9_]{{1,40}}) ({TOLD}|[0-9]{{1,6}})")


def register(app: AsyncApp, desk: Desk, weigh: Weigh) -> None:
    """Listen to the buttons of these cards; `weigh` is what the cards are drawn with."""

    @app.action(ACCEPT)
    async def accept(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        desk.tell(_spot(click), _who(desk, click), await _accepted(desk, click, weigh))
        await ack()

    @app.action(re.compile(f"{re.escape(ACCEPT_ONE)}:.*"))
    async def accept_one(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        said = await _accepted_one(desk, click, weigh)
        try:
            await _turned(desk, click, 0, said)
        except Refused as refused:
            _LOG.warning("the details were not shown anew: %s", refused)
        await ack()

    @app.action(DETAILS)
    async def details(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        trouble = await _opened(desk, click)
        if trouble:
            desk.tell(_spot(click), _who(desk, click), trouble)
        await ack()

    @app.action(re.compile(f"{re.escape(NEXT)}|{re.escape(PREVIOUS)}"))
    async def turn(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        try:
            await _turned(desk, click, 1 if click.action.action_id == NEXT else -1)
        except Refused as refused:
            _LOG.warning("a page of the details was not turned: %s", refused)
        await ack()


async def _accepted(desk: Desk, click: Click, weigh: Weigh) -> str:
    """Accept what stands on the card; return what to tell the person."""
    try:
        review = await _known(desk, click.action.value)
        await _found(desk, click, review)
        recorded = await desk.ledger.execute(await _command(desk, click, review, weigh))
    except Refused as refused:
        return f"Nothing was accepted. {sentence(str(refused))}"
    return _told(recorded)


async def _accepted_one(desk: Desk, click: Click, weigh: Weigh) -> str:
    """Accept one thing of a card; return what to tell the person."""
    try:
        name, what = _one(click)
        review = await _known(desk, name)
        command = await _command(desk, click, review, weigh)
        return _told(await desk.ledger.execute(_alone(command, review, what)))
    except Refused as refused:
        return f"Nothing was accepted. {sentence(str(refused))}"


def _one(click: Click) -> tuple[str, str]:
    """Return the card, and what of it a button is about. Raises Refused."""
    found = _ONE.fullmatch(click.action.value)
    if found is None:
        raise Refused("the button is none of these details: open Details again")
    return found[1], found[2]


def _alone(command: AcceptTools, review: Review, what: str) -> AcceptTools:
    """Return the command for one thing only: the instructions, or the tool in that place."""
    if what == TOLD:
        told = review.instructions[1] if review.instructions else None
        return replace(command, tools=(), instructions=told)
    one = review.tools[int(what) : int(what) + 1]
    return replace(command, tools=tuple((tool.tool, tool.hash) for tool in one), instructions=None)


async def _command(desk: Desk, click: Click, review: Review, weigh: Weigh) -> AcceptTools:
    """Return the command that accepts everything on the card that waits."""
    slack = _who(desk, click)
    team = desk.directory.teams.get(desk.directory.server_teams.get(review.server, ""))
    (evidence,) = await desk.witness.evidence([slack], team.groups if team else (), cached=False)
    shows = await _showing(desk, review)
    made = await asyncio.to_thread(review_card, shows, desk.directory, weigh)
    waits = {change.shown.tool for change in shows.changes if change.now and change.now.awaits}
    told = shows.instructed.now if shows.instructed else None
    mark = click.action.action_ts or click.trigger_id
    return AcceptTools(
        id=f"accept:{slack}:{review.id}:{mark}",
        actor=f"person:{desk.directory.person_at(slack)}",
        server=review.server,
        tools=tuple((one.tool, one.hash) for one in review.tools if one.tool in waits),
        instructions=shows.instructions[1] if shows.instructions and told and told.awaits else None,
        review=review.id,
        whole=review.whole and made.whole,
        evidence=evidence,
    )


async def _found(desk: Desk, click: Click, review: Review) -> None:
    """Register a copy of the card that the ledger does not know, so that it is painted too."""
    channel, ts = click.container.channel_id, click.container.message_ts
    if not ts or review.stands_at(channel, ts):
        return
    await desk.ledger.execute(
        RecordReviewFound(
            id=f"found:{review.id}:{channel}:{ts}",
            actor=f"person:{desk.directory.person_at(_who(desk, click))}",
            review=review.id,
            channel=channel,
            ts=ts,
        )
    )


def _told(recorded: Sequence[Recorded]) -> str:
    events = [one.event for one in recorded]
    refused = [event.message for event in events if isinstance(event, ToolAcceptanceRefused)]
    if refused:
        return f"Not accepted. {sentence(refused[0])}"
    count = sum(isinstance(event, ToolAccepted | InstructionsAccepted) for event in events)
    return f"Accepted: {count} changes." if count != 1 else "Accepted."


async def _opened(desk: Desk, click: Click) -> str | None:
    """Show the first page; return what to tell the person where it could not be shown."""
    mark = click.action.action_ts or click.trigger_id
    who = _who(desk, click)
    try:
        review = await _known(desk, click.action.value)
        refusal = await kept_out(desk, who, DETAILS, f"tools:{who}:{review.id}:{mark}")
        if refusal:
            return f"Nothing was opened. {sentence(refusal)}"
        shows, made = await _pages(desk, review)
    except Refused as refused:
        return sentence(str(refused))
    trouble = await desk.open_modal(click.trigger_id, review_modal(shows, made, 1))
    if trouble:
        return f"The details could not be opened: {trouble}. Press again."
    await _note(desk, click, review, 1, len(made), mark)
    return None


async def _turned(desk: Desk, click: Click, step: int, said: str = "") -> None:
    found = _READING.fullmatch(click.view.private_metadata if click.view else "")
    if click.view is None or found is None:
        return
    review = await _known(desk, found[1])
    shows, made = await _pages(desk, review)
    page = min(max(int(found[2]) + step, 1), len(made))
    if not await desk.turn_page(click.view, review_modal(shows, made, page, said)):
        return
    await _note(desk, click, review, page, len(made), f"{click.view.id}:{click.view.hash}:{page}")


async def _pages(desk: Desk, review: Review) -> tuple[Showing, list[Page]]:
    shows = await _showing(desk, review)
    return shows, await asyncio.to_thread(review_pages, shows)


async def _showing(desk: Desk, review: Review) -> Showing:
    return await showing(
        desk.ledger, review.id, review.server, review.team, review.tools, review.instructions
    )


async def _note(desk: Desk, click: Click, review: Review, page: int, count: int, mark: str) -> None:
    slack = _who(desk, click)
    command = ViewReview(
        id=f"details:{slack}:{review.id}:{mark}",
        actor=f"person:{desk.directory.person_at(slack)}",
        review=review.id,
        slack=slack,
        page=page,
        pages=count,
    )
    await desk.note_read(command)


async def _known(desk: Desk, name: str) -> Review:
    review = await desk.ledger.review(name)
    if review is None:
        raise Refused(
            "this card is not known yet, or no more: press again, or look for a newer one"
        )
    return review


def _who(desk: Desk, click: Click) -> str:
    return desk.slack_of(click.teams, click.user.id)


def _spot(click: Click) -> Spot:
    return Spot(
        approval=click.action.value,
        channel=click.container.channel_id,
        ts=click.container.message_ts,
        revision=0,
    )
