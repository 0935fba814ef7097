"""Approve for…: the button, what was chosen, and the yes with its grant."""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk.desk import Desk
from bot.desk.voting import Ballot
from bot.drawing.cards import APPROVE_FOR
from bot.drawing.feedback import sentence
from bot.drawing.lasting import ASK_VIEW, CONFIRM_VIEW, SCOPE, Plan, ask_modal, confirm_modal, plan
from bot.drawing.modals import REASON, Spot
from bot.listeners.actions import carry_out, cast, is_pending, open_modal
from bot.listeners.carried import carried
from bot.slack.payloads import Click, Submission
from ledger.events.events import ApprovalRequested
from ledger.lives.lasting import Lasting
from policies.checking.argument_conditions import holds
from policies.conditions.arguments import Scope
from policies.conditions.conditions import Unevaluable
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)

_Longest = Callable[[], timedelta]


def register(app: AsyncApp, desk: Desk, longest: _Longest) -> None:
    """Listen to the button and to both modals; `longest` returns the policy's cap on grants."""

    @app.action(APPROVE_FOR)
    async def approve_for(ack: AsyncAck, body: dict[str, Any]) -> None:
        async def asked(desk: Desk, click: Click, spot: Spot) -> None:
            await _ask(desk, click, spot, longest())

        await carry_out(desk, Click.model_validate(body), asked)
        await ack()

    @app.view(ASK_VIEW)
    async def chosen(ack: AsyncAck, body: dict[str, Any]) -> None:
        await _choose(desk, ack, Submission.model_validate(body), longest())

    @app.view(CONFIRM_VIEW)
    async def confirmed(ack: AsyncAck, body: dict[str, Any]) -> None:
        await _confirm(desk, ack, Submission.model_validate(body), longest())


async def _ask(desk: Desk, click: Click, spot: Spot, longest: timedelta) -> None:
    approval = await desk.ledger.approval(spot.approval)
    if approval is None or not is_pending(approval):
        await cast(desk, click, spot, approves=True)  # the ledger says why not
        return
    await open_modal(desk, click, spot, ask_modal(approval, spot, longest))


async def _choose(desk: Desk, ack: AsyncAck, sent: Submission, longest: timedelta) -> None:
    """Put what was chosen into words, on top of the modal in which it was chosen."""
    spot = await carried(Spot, sent, ack)
    if spot is None:
        return
    try:
        approval = await desk.ledger.approval(spot.approval)
    except Refused as refused:
        await ack(response_action="errors", errors={SCOPE: sentence(str(refused))[:2000]})
        return
    if approval is None:
        await ack(response_action="errors", errors={SCOPE: "There is no such approval."})
        return
    match plan(sent.view, spot, longest):
        case Plan() as planned:
            met = await _met(desk, approval.request, planned)
            await ack(response_action="push", view=confirm_modal(approval, planned, met=met))
        case errors:
            await ack(response_action="errors", errors=errors)


async def _met(desk: Desk, request: ApprovalRequested, planned: Plan) -> bool | Unevaluable:
    """Say whether the call itself meets the condition, as far as it is shown to people."""
    if not planned.when:
        return True
    known = Scope(
        raw={},
        call={
            "server": request.server,
            "tool": request.tool,
            "team": desk.directory.server_teams.get(request.server),
            "risk": request.risk.value,
        },
        agent={
            "name": request.agent,
            "team": request.agent_team,
            "owner": request.owner,
            "on_behalf_of": request.on_behalf_of,
        },
        now=await desk.ledger.now(),
    )
    return await asyncio.to_thread(holds, planned.when, request.arguments, known)


async def _confirm(desk: Desk, ack: AsyncAck, sent: Submission, longest: timedelta) -> None:
    """Cast the yes with its grant and close both modals, or say why it did not count."""
    planned = await carried(Plan, sent, ack)
    if planned is None:
        return
    slack = desk.slack_of(sent.teams, sent.user.id)
    spot = planned.spot
    mark = f"lasting:{slack}:{spot.approval}:{sent.mark}"
    wanted = Lasting(
        grant=f"grt_{hashlib.sha256(mark.encode()).hexdigest()[:12]}",
        scope=planned.meant,
        lasting=planned.lasting,
        longest=longest,
        uses=planned.uses,
    )
    reason = sent.view.typed(REASON, REASON) or None
    ballot = Ballot(mark, slack, spot, approves=True, reason=reason, lasting=wanted)
    verdict = await desk.voting.cast(ballot)
    if verdict.refusal:
        await ack(response_action="errors", errors={REASON: sentence(verdict.refusal)[:2000]})
    else:
        await ack(response_action="clear")
    desk.tell(spot, slack, verdict.text)
