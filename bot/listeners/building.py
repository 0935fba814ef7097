"""The dialog in which a grant is put together."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk.desk import Desk
from bot.drawing.answers import Answer
from bot.drawing.builder import BUILD_VIEW, TOOL, built, result_modal
from bot.drawing.feedback import sentence
from bot.requests import grant_requests
from bot.slack.payloads import Submission
from bot.typed.asked import AskGrant, AskRequest
from policies.values.refusals import Refused


def register(app: AsyncApp, desk: Desk, longest: Callable[[], timedelta]) -> None:
    """Listen to the dialog; `longest` returns the policy's cap on grants."""

    @app.view(BUILD_VIEW)
    async def submitted(ack: AsyncAck, body: dict[str, Any]) -> None:
        sent = Submission.model_validate(body)
        match built(sent.view, longest()):
            case AskGrant() | AskRequest() as asked:
                await _carry_out(desk, ack, sent, asked, longest())
            case wrong:
                await ack(response_action="errors", errors=wrong)


async def _carry_out(
    desk: Desk, ack: AsyncAck, sent: Submission, asked: AskGrant | AskRequest, longest: timedelta
) -> None:
    """Do what the command of the same words does, and say in the dialog what came of it."""
    slack = desk.slack_of(sent.teams, sent.user.id)
    command = f"build:{slack}:{sent.mark}"
    try:
        answer = await _answer(desk, asked, slack, command, longest)
    except Refused as refused:
        await ack(response_action="errors", errors={TOOL: sentence(str(refused))[:2000]})
        return
    await ack(response_action="update", view=result_modal(answer))


async def _answer(
    desk: Desk, asked: AskGrant | AskRequest, slack: str, command: str, longest: timedelta
) -> Answer:
    match asked:
        case AskGrant():
            return await grant_requests.grant(desk, asked, slack, command, longest)
        case AskRequest(wanted=wanted):
            return await grant_requests.ask(desk, wanted, slack, command, longest)
