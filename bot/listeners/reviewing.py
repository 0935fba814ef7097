"""Buttons of the cards about changed tools: accept, details and their pages."""

import asyncio
import logging
import re
from collections.abc import Sequence
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.client import UNREACHABLE, reason_of
from bot.desk import QUICK, Desk
from bot.details import Page
from bot.feedback import sentence
from bot.modals import Spot
from bot.payloads import Click
from bot.review_cards import ACCEPT, DETAILS, NEXT, PREVIOUS, review_modal, review_pages
from ledger.envelopes import Recorded
from ledger.reviews import Review, ViewReview
from ledger.standing_events import ToolAcceptanceRefused, ToolAccepted
from ledger.tools import AcceptTools
from policies.refusals import Refused

_LOG = logging.getLogger(__name__)
_READING = re.compile(r"(rev_[0-9]{1,18}) ([0-9]{1,6})")


def register(app: AsyncApp, desk: Desk) -> None:
    """Listen to the buttons of these cards."""

    @app.action(ACCEPT)
    async def accept(ack: AsyncAck, body: dict[str, Any]) -> None:
        click = Click.model_validate(body)
        desk.tell(_spot(click), _who(desk, click), await _accepted(desk, click))
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


async def _accepted(desk: Desk, click: Click) -> str:
    """Accept what stands on the card; return what to tell the person."""
    try:
        review = await _known(desk, click.action.value)
        recorded = await desk.ledger.execute(await _command(desk, click, review))
    except Refused as refused:
        return f"Nothing was accepted. {sentence(str(refused))}"
    return _told(recorded)


async def _command(desk: Desk, click: Click, review: Review) -> AcceptTools:
    slack = _who(desk, click)
    team = desk.directory.teams.get(desk.directory.server_teams.get(review.server, ""))
    (evidence,) = await desk.witness.evidence([slack], team.groups if team else (), cached=False)
    waits = {tool.tool for tool in await desk.ledger.tools(review.server) if tool.awaits}
    mark = click.action.action_ts or click.trigger_id
    return AcceptTools(
        id=f"accept:{slack}:{review.id}:{mark}",
        actor=f"person:{desk.directory.person_at(slack)}",
        server=review.server,
        tools=tuple((one.tool, one.hash) for one in review.tools if one.tool in waits),
        review=review.id,
        whole=review.whole,
        evidence=evidence,
    )


def _told(recorded: Sequence[Recorded]) -> str:
    events = [one.event for one in recorded]
    refused = [event.message for event in events if isinstance(event, ToolAcceptanceRefused)]
    if refused:
        return f"Not accepted. {sentence(refused[0])}"
    count = sum(isinstance(event, ToolAccepted) for event in events)
    return f"Accepted: {count} tools." if count != 1 else "Accepted."


async def _opened(desk: Desk, click: Click) -> str | None:
    """Show the first page; return what to tell the person where it could not be shown."""
    try:
        review = await _known(desk, click.action.value)
        made = await _pages(desk, review)
    except Refused as refused:
        return sentence(str(refused))
    trouble = await desk.open_modal(click.trigger_id, review_modal(review.id, made, 1))
    if trouble:
        return f"The details could not be opened: {trouble}. Press again."
    mark = click.action.action_ts or click.trigger_id
    await _note(desk, click, review, 1, len(made), mark)
    return None


async def _turned(desk: Desk, click: Click, step: int) -> None:
    found = _READING.fullmatch(click.view.private_metadata if click.view else "")
    if click.view is None or found is None:
        return
    review = await _known(desk, found[1])
    made = await _pages(desk, review)
    page = min(max(int(found[2]) + step, 1), len(made))
    try:
        async with asyncio.timeout(QUICK):
            await desk.slack.views_update(
                view_id=click.view.id,
                hash=click.view.hash,
                view=review_modal(review.id, made, page),
            )
    except UNREACHABLE as error:
        _LOG.warning("a page of the details could not be shown: %s", reason_of(error))
        return
    await _note(desk, click, review, page, len(made), f"{click.view.id}:{click.view.hash}:{page}")


async def _pages(desk: Desk, review: Review) -> list[Page]:
    tools = {tool.tool: tool for tool in await desk.ledger.tools(review.server)}
    return await asyncio.to_thread(review_pages, review.tools, tools)


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
    try:
        await desk.ledger.execute(command)
    except Refused as refused:
        _LOG.warning("a page was shown but not noted as read: %s", refused)


async def _known(desk: Desk, name: str) -> Review:
    review = await desk.ledger.review(name)
    if review is None:
        raise Refused("there is no such card about changed tools; look for a newer one")
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
