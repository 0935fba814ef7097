"""The modal of a no: why, a note for the agent, and other arguments that would do. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.drawing.fields import asked, menu, writing
from bot.drawing.modals import REASON, Spot, subject
from bot.slack.fitting import cut
from bot.slack.payloads import View
from bot.slack.pieces import Block, plain
from ledger.events.events import ApprovalRequested
from ledger.lives.approvals import Approval
from policies.checking.suggestions import LONGEST, Unusable, editable, suggestion
from policies.configuration.settings import DENIALS

DENY_VIEW = "approval.deny"
PRESET = "preset"
ARGUMENTS = "arguments"

UNEXPLAINED = "Choose a reason or write a note, please."
"""What is said of a no without a reason."""

_NOTE = 1_000
_LABEL = 75


@dataclass(frozen=True)
class Denial:
    """What a person gave with a no: the reason, and arguments (canonical JSON) instead."""

    reason: str
    suggested: str | None = None


def deny_modal(approval: Approval, spot: Spot, presets: Sequence[str] = DENIALS) -> Block:
    """Return the modal that asks why the call is denied, with its arguments to be changed.

    Arguments that no field holds cannot be changed there, and the modal says so.
    """
    told = (
        "Choose a reason, write a note, or both: the agent is told them as a person's words"
        " and no instruction."
    )
    text = editable(approval.request.arguments)
    if text is None:
        told += " The arguments are too long to suggest others here."
    fields = [*why(presets), *([] if text is None else [_arguments(text)])]
    return {
        "type": "modal",
        "callback_id": DENY_VIEW,
        "title": plain("Deny this call", 24),
        "submit": plain("Deny", 24),
        "close": plain("Back", 24),
        "private_metadata": spot.model_dump_json(),
        "blocks": [subject(approval, told), *fields],
    }


def why(presets: Sequence[str]) -> list[Block]:
    """Return the fields for the reason of a no: one to choose, and a note."""
    named = dict.fromkeys(cut(preset, _LABEL).text for preset in presets)
    choices = [(preset, preset) for preset in named]
    preset = asked("Reason", menu(PRESET, choices, placeholder="Choose one"), optional=True)
    note = asked("Note to the agent", writing(REASON, most=_NOTE, first=True), optional=True)
    return [preset, note] if choices else [note]


def reason_in(view: View) -> str:
    """Return the reason that was chosen and written, empty where there is none."""
    preset, note = view.picked(PRESET, PRESET)[:_LABEL], view.typed(REASON, REASON)
    return f"{preset}: {note}" if preset and note else preset or note


def denial(
    view: View, request: ApprovalRequested, patterns: Sequence[str] = ()
) -> Denial | dict[str, str]:
    """Return what a submitted modal says, or what is wrong with it by block id.

    `patterns` are what the policy's `redact` names.
    """
    reason = reason_in(view)
    wrong = {} if reason else {REASON: UNEXPLAINED}
    try:
        suggested = _suggested(view, request, patterns)
    except Unusable as unusable:
        said = str(unusable)
        return wrong | {ARGUMENTS: f"{said[:1].upper()}{said[1:]}."[:2000]}
    return wrong or Denial(reason, suggested)


def _suggested(view: View, request: ApprovalRequested, patterns: Sequence[str]) -> str | None:
    written = view.typed(ARGUMENTS, ARGUMENTS)
    return suggestion(written, request.arguments, patterns) if written else None


def _arguments(text: str) -> Block:
    return asked(
        "Suggest other arguments",
        writing(ARGUMENTS, most=LONGEST, initial=text),
        optional=True,
        hint="Change this JSON to say what you would rather see. Nothing runs by it: the agent"
        " may call again with these arguments, and the policy looks at that call anew.",
    )
