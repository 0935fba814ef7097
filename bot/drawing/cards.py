"""The card: one approval as a Slack message. Pure; a view of the ledger, never the state."""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache

from bot.drawing.facts import AMPLE, SCANT, Facts, Room, facts
from bot.drawing.wording import heading, outcome, suggestion
from bot.slack.fitting import Cut, cut
from bot.slack.pieces import (
    Block,
    blocks_json,
    button,
    confirm,
    context,
    header,
    lines,
    message_weight,
    notification,
    preformatted,
    words,
)
from ledger.events.events import ApprovalRequested
from ledger.lives.approvals import Approval, ApprovalStatus
from policies.people.people import Directory
from policies.values.calls import GRAVE
from policies.values.inert import inert
from policies.values.strict_json import parse, pretty

APPROVE = "approval.approve"
APPROVE_FOR = "approval.approve_for"
DENY = "approval.deny"
DETAILS = "approval.details"

MESSAGE = 13_000
"""What a card may weigh in all; Slack refuses messages of some 13,200 characters."""

ARGUMENTS = 6_000
"""What the arguments may weigh."""

_RESULT = 1_200
_MARKED = re.compile(r"[a-z]+:[^:]+:([0-9]{1,18})")


@dataclass(frozen=True)
class Card:
    """A message that shows an approval at `revision`.

    `whole` tells that the card shows the call in full: it is the same through
    the life of an approval. `shown` and `hidden` count characters of the call.
    `json` is what was hashed for `sha256` (hex).
    """

    text: str
    blocks: tuple[Block, ...]
    whole: bool
    shown: int
    hidden: int
    json: str
    sha256: str


def card(approval: Approval, directory: Directory, *, revision: int) -> Card:
    """Return the card of `approval`.

    `revision` is the position in the ledger up to which the card tells the
    story; it goes into the block ids, and so into each click. No text on the
    card is mrkdwn, and all of it is inert.
    """
    made = _made(approval, directory, revision, AMPLE)
    if message_weight(made.blocks) > MESSAGE:
        made = _made(approval, directory, revision, SCANT)
    return made


def _made(approval: Approval, directory: Directory, revision: int, room: Room) -> Card:
    request = approval.request
    told = facts(approval, directory, room)
    arguments = cut(arguments_text(request), ARGUMENTS)
    hidden = told.hidden + arguments.hidden
    mark = f"{approval.id}:{revision}"
    title = f"{heading(approval)}: {request.server} / {request.tool}"
    blocks = [
        header(title, f"hdr:{mark}"),
        lines(told.rows, f"who:{mark}"),
        preformatted(arguments.text, f"args:{mark}"),
        context(_completeness(request, told, arguments), f"whole:{mark}"),
        *_outcome_blocks(approval, directory, mark),
    ]
    if approval.status is ApprovalStatus.PENDING:
        blocks.append(_buttons(request, mark))
    json = blocks_json(blocks)
    return Card(
        text=_summary(approval),
        blocks=tuple(blocks),
        whole=hidden == 0,
        shown=told.shown + arguments.shown,
        hidden=hidden,
        json=json,
        sha256=hashlib.sha256(json.encode()).hexdigest(),
    )


def arguments_text(request: ApprovalRequested) -> str:
    """Return the redacted arguments as pretty JSON, inert."""
    return _inert_json(request.arguments)


@lru_cache(maxsize=32)
def _inert_json(arguments: str) -> str:
    """Return JSON laid out and inert; kept because a card is drawn many times."""
    return inert(pretty(parse(arguments.encode())), multiline=True)


def revision_of(block_id: str) -> int | None:
    """Return the revision that a card's block id carries, or None where it is none of ours."""
    found = _MARKED.fullmatch(block_id)
    return int(found[1]) if found else None


def _summary(approval: Approval) -> str:
    request = approval.request
    subject = f"{request.agent} wants {request.server} / {request.tool}"
    if approval.status is ApprovalStatus.PENDING:
        expiry = f"{approval.expires_at:%H:%M} UTC"
        return notification(f"Approval needed: {subject} ({request.risk}). Expires {expiry}.")
    return notification(f"{heading(approval)}: {subject}.")


def _completeness(request: ApprovalRequested, told: Facts, arguments: Cut) -> str:
    hidden = told.hidden + arguments.hidden
    if hidden:
        said = (
            f"NOT THE WHOLE CALL: {hidden:,} characters are not shown. "
            "Open Details and read to its last page; Approve works for you only then."
        )
    else:
        said = f"The whole call is shown: arguments of {arguments.shown:,} characters."
    if request.hidden:
        values = "1 value" if request.hidden == 1 else f"{request.hidden:,} values"
        said += f" {values} hidden, bound by keyed digest."
    return f"{said} Digest {request.digest[:24]}…, request {request.approval}."


def _outcome_blocks(approval: Approval, directory: Directory, mark: str) -> list[Block]:
    rows = outcome(approval, directory)
    if not rows:
        return []
    blocks = [lines(rows, f"end:{mark}")]
    if approval.content and approval.request.show_result:
        result = cut(inert(approval.content, multiline=True), _RESULT)
        blocks.append(preformatted(result.text, f"result:{mark}"))
    if other := suggestion(approval):
        blocks.append(
            lines([[words("The agent may call again with other arguments:")]], f"or:{mark}")
        )
        blocks.append(preformatted(cut(other, _RESULT).text, f"other:{mark}"))
    return blocks


def _buttons(request: ApprovalRequested, mark: str) -> Block:
    approve = button("Approve once", APPROVE, request.approval, style="primary")
    if request.risk in GRAVE:
        asked = f"{request.server} / {request.tool} as {request.agent}. Risk: {request.risk}."
        approve["confirm"] = confirm("Approve this call?", asked, "Approve once")
    deny = button("Deny…", DENY, request.approval, style="danger")
    details = button("Details", DETAILS, request.approval)
    lasting = [button("Approve for…", APPROVE_FOR, request.approval)] if _lasts(request) else []
    elements = [approve, *lasting, deny, details]
    return {"type": "actions", "block_id": f"act:{mark}", "elements": elements}


def _lasts(request: ApprovalRequested) -> bool:
    """Tell whether one person's grant could lift such calls."""
    return request.grantable and all(term.approvals == 1 for term in request.terms)


def result_words(approval: Approval) -> list[Block]:
    """Return the content of the result, where policy shows it, for a thread line."""
    if not (approval.content and approval.request.show_result):
        return []
    return [words(cut(approval.content, 2_000).text, code=True)]
