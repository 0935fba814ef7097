"""The two modals of a yes that lasts: for what and how long, then the same in words. Pure."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal, assert_never

from pydantic import BaseModel, ConfigDict

from bot.fields import Choice, asked, buttons, menu, writing
from bot.modals import REASON, Spot, subject
from bot.payloads import View
from bot.pieces import Block, lines, name, plain, words
from bot.wording import Row, duration
from ledger.approvals import Approval
from ledger.lasting import Scope, ThisCall, ThisTool

ASK_VIEW = "approval.lasting"
CONFIRM_VIEW = "approval.lasting.confirm"
LASTING = "lasting"
SCOPE = "scope"

_MOST = 1_000
_OFFERED = tuple(timedelta(minutes=minutes) for minutes in (15, 60, 240, 480, 1440))
_CALL, _TOOL = "call", "tool"
_SCOPES: tuple[Choice, ...] = (
    ("Calls with exactly these arguments", _CALL),
    ("This tool, with any arguments", _TOOL),
)


class Plan(BaseModel):
    """What a person chose; it travels through Slack in `private_metadata`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spot: Spot
    seconds: int
    scope: Literal["call", "tool"]

    @property
    def lasting(self) -> timedelta:
        """Return for how long the grant is to be."""
        return timedelta(seconds=self.seconds)

    @property
    def meant(self) -> Scope:
        """Return for which calls the grant is to be."""
        match self.scope:
            case "call":
                return ThisCall()
            case "tool":
                return ThisTool()
            case _:
                assert_never(self.scope)


def ask_modal(approval: Approval, spot: Spot, longest: timedelta) -> Block:
    """Return the modal that asks for which calls and for how long, up to the policy's cap."""
    times = [(duration(lasting), _seconds(lasting)) for lasting in offered(longest)]
    told = "Approves this call, and lets the agent make such calls for a while without asking."
    return {
        "type": "modal",
        "callback_id": ASK_VIEW,
        "title": plain("Approve for…", 24),
        "submit": plain("Look at it", 24),
        "close": plain("Back", 24),
        "private_metadata": spot.model_dump_json(),
        "blocks": [
            subject(approval, told),
            asked("For which calls", buttons(SCOPE, _SCOPES, initial=_CALL)),
            asked("For how long", menu(LASTING, times, initial=times[0][1])),
        ],
    }


def offered(longest: timedelta) -> list[timedelta]:
    """Return the durations to choose from, none of them longer than `longest`."""
    fitting = [lasting for lasting in _OFFERED if lasting < longest]
    return [*fitting, longest]


def plan(view: View, spot: Spot, longest: timedelta) -> Plan | dict[str, str]:
    """Return what a submitted modal says, or what is wrong with it by block id."""
    seconds = view.picked(LASTING, LASTING)
    if seconds not in {_seconds(lasting) for lasting in offered(longest)}:
        return {LASTING: f"The policy allows {duration(longest)} at most; choose again, please."}
    match view.picked(SCOPE, SCOPE):
        case "call" | "tool" as scope:
            return Plan(spot=spot, seconds=int(seconds), scope=scope)
        case _:
            return {SCOPE: "Choose for which calls, please."}


def confirm_modal(approval: Approval, planned: Plan) -> Block:
    """Return the modal that says in words what is about to be granted."""
    field = asked("Why", writing(REASON, most=_MOST), optional=True)
    return {
        "type": "modal",
        "callback_id": CONFIRM_VIEW,
        "title": plain("What you will grant", 24),
        "submit": plain("Approve and grant", 24),
        "close": plain("Back", 24),
        "private_metadata": planned.model_dump_json(),
        "blocks": [lines(list(_told(approval, planned)), "grant"), field],
    }


def _told(approval: Approval, planned: Plan) -> Iterator[Row]:
    request = approval.request
    tool = [name(request.server, 200), words(" / "), name(request.tool, 200)]
    yield [words("This call of "), *tool, words(" is approved and may run once.")]
    yield [
        words("Besides, "),
        name(request.agent, 200),
        words(" may call "),
        *tool,
        words(f" {_which(planned.meant)}, as often as it likes, without asking anybody, for "),
        words(duration(planned.lasting), bold=True),
        words(" from now on."),
    ]
    if isinstance(planned.meant, ThisCall) and request.hidden:
        yield [words("The values that are hidden from you are among these arguments.")]
    if isinstance(planned.meant, ThisTool) and request.on_behalf_of:
        yield [words("That is so for whomever it acts, but for you.")]
    yield [
        words(
            "The grant lifts no denial, and no rule that wants another team, more people or a"
            " reason. It ends earlier with /placet revoke."
        )
    ]


def _which(scope: Scope) -> str:
    match scope:
        case ThisCall():
            return "with exactly the arguments of this call"
        case ThisTool():
            return "with any arguments"
        case _:
            assert_never(scope)


def _seconds(lasting: timedelta) -> str:
    return str(int(lasting.total_seconds()))
