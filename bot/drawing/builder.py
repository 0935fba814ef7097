"""The dialog that `/placet` alone opens: a grant, or a request for one, put together. Pure."""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from bot.drawing.answers import Answer
from bot.drawing.feedback import sentence
from bot.drawing.fields import Choice, asked, buttons, line, menu, writing
from bot.drawing.lasting import offered
from bot.drawing.modals import REASON
from bot.drawing.wording import duration
from bot.slack.payloads import View
from bot.slack.pieces import Block, lines, plain, words
from bot.typed.asked import AskGrant, AskRequest
from bot.typed.grammar import NotUnderstood, counted, straight
from policies.checking.argument_conditions import condition_problem

BUILD_VIEW = "grant.build"
KIND, AGENT, SERVER, TOOL = "kind", "agent", "server", "tool"
LASTING, USES, WHEN = "lasting", "uses", "when"

_KINDS: tuple[Choice, ...] = (
    ("Grant it now: I am an approver of the team that owns the server", "grant"),
    ("Ask the team that owns the server: the agent is mine", "request"),
)
_OFFERED = 100
_VALUE = 150
_MOST = 500


class Built(BaseModel):
    """Where the command was typed; it travels through Slack in `private_metadata`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channel: str = ""


def build_modal(
    agents: Sequence[str], servers: Sequence[str], longest: timedelta, channel: str
) -> Block:
    """Return the dialog; `longest` is the policy's cap on grants."""
    times = [(duration(lasting), _seconds(lasting)) for lasting in offered(longest)]
    told = "A grant lets an agent call tools for a time without asking each time. It lifts no"
    return {
        "type": "modal",
        "callback_id": BUILD_VIEW,
        "title": plain("Grant for an agent", 24),
        "submit": plain("Do it", 24),
        "close": plain("Back", 24),
        "private_metadata": Built(channel=channel).model_dump_json(),
        "blocks": [
            lines([[words(f"{told} denial, no limit and no freeze.")]], "what"),
            asked("What", buttons(KIND, _KINDS, initial="grant")),
            asked("Agent", _named(AGENT, agents)),
            asked("Server", _named(SERVER, servers)),
            asked("Tool", line(TOOL), hint="`*` and `?` stand for others, as in write_*."),
            asked("For how long", menu(LASTING, times, initial=times[0][1])),
            asked("How often at most", line(USES), optional=True, hint="A number, or nothing."),
            asked(
                "Only where",
                writing(WHEN, most=1_000),
                optional=True,
                hint='CEL over the arguments, such as args.path.startsWith("docs/").',
            ),
            asked("Reason", writing(REASON, most=_MOST), optional=True),
        ],
    }


def built(view: View, longest: timedelta) -> AskGrant | AskRequest | dict[str, str]:
    """Return what a submitted dialog asks for, or what is wrong with it by block id."""
    wrong: dict[str, str] = {}
    tool = view.typed(TOOL, TOOL)
    if not tool or "/" in tool or " " in tool:
        wrong[TOOL] = "Write the tool's name, or a pattern for several, without `/` and blanks."
    seconds = view.picked(LASTING, LASTING)
    if seconds not in {_seconds(lasting) for lasting in offered(longest)}:
        wrong[LASTING] = f"The policy allows {duration(longest)} at most; choose again, please."
    number: int | None = None
    try:
        number = counted(view.typed(USES, USES))
    except NotUnderstood as unclear:
        wrong[USES] = sentence(str(unclear))
    when = straight(view.typed(WHEN, WHEN)) or None
    problem = condition_problem(when) if when else None
    if problem is not None:
        wrong[WHEN] = f"{problem[:1].upper()}{problem[1:]}."[:2000]
    agent, server = _chosen(view, AGENT), _chosen(view, SERVER)
    wrong |= {block: "Say which." for block, said in ((AGENT, agent), (SERVER, server)) if not said}
    if wrong:
        return wrong
    reason = view.typed(REASON, REASON) or None
    lasting = timedelta(seconds=int(seconds))
    wanted = AskGrant(agent, f"{server}/{tool}", lasting, number, reason, when)
    return AskRequest(wanted) if view.picked(KIND, KIND) == "request" else wanted


def result_modal(answer: Answer) -> Block:
    """Return the dialog that says what came of it."""
    return {
        "type": "modal",
        "callback_id": "grant.built",
        "title": plain("Grant for an agent", 24),
        "close": plain("Close", 24),
        "blocks": list(answer.blocks),
    }


def _named(action_id: str, names: Sequence[str]) -> Block:
    """Return a menu of names, or a field to write one where Slack would not take the menu."""
    fitting = [(name, name) for name in names if 0 < len(name) <= _VALUE]
    if not fitting or len(fitting) != len(names) or len(fitting) > _OFFERED:
        return line(action_id)
    return menu(action_id, fitting, placeholder="Choose")


def _chosen(view: View, block: str) -> str:
    return view.picked(block, block) or view.typed(block, block)


def _seconds(lasting: timedelta) -> str:
    return str(int(lasting.total_seconds()))
