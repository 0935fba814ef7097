"""The two modals of a yes that lasts: for what and how long, then the same in words. Pure."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field

from bot.drawing.feedback import sentence
from bot.drawing.fields import Choice, asked, buttons, line, menu, writing
from bot.drawing.modals import REASON, Spot, subject
from bot.drawing.wording import Row, duration, times
from bot.slack.payloads import View
from bot.slack.pieces import Block, lines, name, plain, preformatted, words
from bot.typed.grammar import NotUnderstood, counted, straight
from ledger.lives.approvals import Approval
from ledger.lives.lasting import Scope, ThisCall, ThisTool, ThisToolWhere
from policies.checking.argument_conditions import condition_problem, proposal
from policies.conditions.conditions import Unevaluable

ASK_VIEW = "approval.lasting"
CONFIRM_VIEW = "approval.lasting.confirm"
LASTING = "lasting"
SCOPE = "scope"
CONDITION = "condition"
USES = "uses"

_MOST = 1_000
_LONGEST = 10**9
_OFFERED = tuple(timedelta(minutes=minutes) for minutes in (15, 60, 240, 480, 1440))
_SCOPES: tuple[Choice, ...] = (
    ("Calls with exactly these arguments", "call"),
    ("This tool, where the condition below holds", "where"),
    ("This tool, with any arguments", "tool"),
)
_HINT = (
    "For the second choice only: CEL over args, call, agent and now, like `when` in the policy."
    " It begins with what can be said of this call's arguments."
)


class Plan(BaseModel):
    """What a person chose; it travels through Slack in `private_metadata`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spot: Spot
    seconds: Annotated[int, Field(gt=0, le=_LONGEST)]
    scope: Literal["call", "where", "tool"]
    when: str = Field(default="", max_length=_MOST)
    uses: int | None = Field(default=None, ge=1, le=_LONGEST)

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
            case "where":
                return ThisToolWhere(self.when)
            case "tool":
                return ThisTool()
            case _:
                assert_never(self.scope)


def ask_modal(approval: Approval, spot: Spot, longest: timedelta) -> Block:
    """Return the modal that asks for which calls and for how long, up to the policy's cap."""
    choices = [(duration(lasting), _seconds(lasting)) for lasting in offered(longest)]
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
            asked("For which calls", buttons(SCOPE, _SCOPES, initial="call")),
            asked(
                "Condition",
                writing(CONDITION, most=_MOST, initial=proposal(approval.request.arguments)),
                optional=True,
                hint=_HINT,
            ),
            asked("For how long", menu(LASTING, choices, initial=choices[0][1])),
            asked("How often at most", line(USES), optional=True, hint="A number, or nothing."),
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
    try:
        often = counted(view.typed(USES, USES))
    except NotUnderstood as unclear:
        return {USES: sentence(str(unclear))}
    match view.picked(SCOPE, SCOPE):
        case "call" | "tool" as scope:
            return Plan(spot=spot, seconds=int(seconds), scope=scope, uses=often)
        case "where":
            when = straight(view.typed(CONDITION, CONDITION))
            problem = condition_problem(when)
            if problem is not None:
                return {CONDITION: f"{problem[:1].upper()}{problem[1:]}."[:2000]}
            return Plan(spot=spot, seconds=int(seconds), scope="where", when=when, uses=often)
        case _:
            return {SCOPE: "Choose for which calls, please."}


def confirm_modal(approval: Approval, planned: Plan, *, met: bool | Unevaluable = True) -> Block:
    """Return the modal that says in words what is about to be granted.

    `met` says whether the call itself meets the condition, as far as that can be told.
    """
    told = [lines(list(_told(approval, planned)), "grant")]
    if planned.when:
        told.append(preformatted(planned.when, "when"))
    if met is not True:
        why = "" if met is False else f": {met.reason}"
        warning = f"Careful: as far as you are shown it, this very call does not meet it{why}."
        told.append(lines([[words(warning)]], "unmet"))
    field = asked("Why", writing(REASON, most=_MOST), optional=True)
    return {
        "type": "modal",
        "callback_id": CONFIRM_VIEW,
        "title": plain("What you will grant", 24),
        "submit": plain("Approve and grant", 24),
        "close": plain("Back", 24),
        "private_metadata": planned.model_dump_json(),
        "blocks": [*told, field],
    }


def _told(approval: Approval, planned: Plan) -> Iterator[Row]:
    request, often = approval.request, times(planned.uses)
    tool = [name(request.server, 200), words(" / "), name(request.tool, 200)]
    yield [words("This call of "), *tool, words(" is approved and may run once.")]
    yield [
        words("Besides, "),
        name(request.agent, 200),
        words(" may call "),
        *tool,
        words(f" {_which(planned.meant)}, {often}, without asking anybody, for "),
        words(duration(planned.lasting), bold=True),
        words(" from now on."),
    ]
    if isinstance(planned.meant, ThisCall) and request.hidden:
        yield [words("The values that are hidden from you are among these arguments.")]
    if not isinstance(planned.meant, ThisCall) and request.on_behalf_of:
        yield [words("That is so for whomever it acts, but for you.")]
    yield [
        words(
            "The grant lifts no denial, no limit, and no rule that wants another team, more people"
            " or a reason. It ends earlier with /placet revoke."
        )
    ]


def _which(scope: Scope) -> str:
    match scope:
        case ThisCall():
            return "with exactly the arguments of this call"
        case ThisToolWhere():
            return "where the condition below holds"
        case ThisTool():
            return "with any arguments"
        case _:
            assert_never(scope)


def _seconds(lasting: timedelta) -> str:
    return str(int(lasting.total_seconds()))
