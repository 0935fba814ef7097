"""One card for many questions of one agent, each shown in full or sent to its own. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bot.drawing.cards import arguments_text
from bot.drawing.fields import Choice
from bot.drawing.wording import Row, heading
from bot.slack.fitting import cut
from bot.slack.pieces import (
    Block,
    blocks_json,
    button,
    confirm,
    context,
    header,
    lines,
    moment,
    name,
    notification,
    plain,
    words,
)
from ledger.lives.approvals import Approval, ApprovalStatus
from policies.values.calls import GRAVE
from policies.values.inert import inert
from policies.values.strict_json import canonical, parse

APPROVE_SELECTED = "summary.approve"
DENY_SELECTED = "summary.deny"
SELECTED = "summary.selected"
OWN_CARD = "summary.own"

MOST = 10
"""Questions on one card; Slack takes so many checkboxes in a group."""

_NAME = 60
_ARGUMENTS = 360
_FROZEN = 110
_HOW = (
    "Tick what you decide: each tick is a vote of its own. What has no box is of high risk, needs"
    " a reason, or is not shown in full here: it is approved on a card of its own, which also has"
    " Details. Deny selected… asks for the reason, and can deny every call here."
)


@dataclass(frozen=True)
class Item:
    """The part of the card that shows one question: what is recorded of it."""

    blocks: tuple[Block, ...]

    @property
    def json(self) -> str:
        """The blocks as JSON, which the SHA-256 is taken of."""
        return blocks_json(self.blocks)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the blocks, in hex."""
        return hashlib.sha256(self.json.encode()).hexdigest()


@dataclass(frozen=True)
class SummaryCard:
    """A message that asks several questions."""

    text: str
    blocks: tuple[Block, ...]

    @property
    def sha256(self) -> str:
        """The SHA-256 of all blocks, in hex."""
        return hashlib.sha256(blocks_json(self.blocks).encode()).hexdigest()


def summary_card(
    approvals: Sequence[Approval], team: str, frozen: Mapping[str, str] = MappingProxyType({})
) -> SummaryCard:
    """Return the card of these questions to a team, as they stand; at most 10 of one agent.

    `frozen` says of an approval, by its id, what is frozen about it.
    """
    first = approvals[0]
    waiting = [one for one in approvals if one.status is ApprovalStatus.PENDING]
    agent = first.request.agent
    title = f"{len(waiting)} of {len(approvals)} calls of {agent} wait for approval"
    mark = f"{first.id}:{max(one.position for one in approvals)}"
    blocks = [
        header(title, f"sum:{mark}"),
        lines([[words("For team "), name(team, _NAME)]], f"team:{mark}"),
    ]
    for number, one in enumerate(approvals, 1):
        blocks += item(one, one.position, number, frozen.get(one.id, "")).blocks
    if waiting:
        blocks += [context(_HOW, f"how:{mark}"), *_choices(approvals, mark)]
    return SummaryCard(notification(f"Approval needed: {title}"), tuple(blocks))


def item(approval: Approval, revision: int, number: int, frozen: str = "") -> Item:
    """Return how one question is shown, the `number`th; `revision` goes into its block id.

    `frozen` says what is frozen about it, and is empty where nothing is.
    """
    request = approval.request
    rows: list[Row] = [
        [
            words(f"{number}. ", bold=True),
            name(request.server, _NAME),
            words(" / "),
            name(request.tool, _NAME),
            words(f"  {request.risk.upper()}  {heading(approval)}"),
        ],
        [name(_arguments(approval), _ARGUMENTS)],
    ]
    if approval.status is ApprovalStatus.PENDING:
        needs = ", ".join(
            f"{len(approval.yes_votes(t.team))} of {t.approvals} of {t.team}"
            for t in request.terms[:3]
        )
        rows.append([words(f"Has {cut(needs, 150).text}; expires "), moment(approval.expires_at)])
    if frozen:
        rows.append(
            [words(f"FROZEN: {cut(inert(frozen), _FROZEN).text}: runs once that is lifted")]
        )
    return Item((lines(rows, f"item:{approval.id}:{revision}"),))


def shows_whole(approval: Approval) -> bool:
    """Tell whether a card of several questions shows all that is asked here."""
    request = approval.request
    names = (request.server, request.tool)
    return (
        not request.on_behalf_of
        and not request.meta_keys
        and not request.hidden
        and len(request.terms) <= 3  # noqa: PLR2004 (as many as `item` names)
        and not any(cut(inert(text), _NAME).hidden for text in names)
        and not cut(inert(_arguments(approval)), _ARGUMENTS).hidden
    )


def selectable(approval: Approval) -> bool:
    """Tell whether a question can be approved beside others: mild, in full, without a reason."""
    return (
        approval.status is ApprovalStatus.PENDING
        and approval.request.risk not in GRAVE
        and not approval.request.reason_required
        and shows_whole(approval)
    )


def _arguments(approval: Approval) -> str:
    if len(approval.request.arguments) > 2 * _ARGUMENTS:
        return arguments_text(approval.request)
    return canonical(parse(approval.request.arguments.encode()))


def _choices(approvals: Sequence[Approval], mark: str) -> list[Block]:
    numbered = list(enumerate(approvals, 1))
    boxes = [_option(number, one) for number, one in numbered if selectable(one)]
    waiting = [_option(n, one) for n, one in numbered if one.status is ApprovalStatus.PENDING]
    press = button("Approve selected", APPROVE_SELECTED, approvals[0].id, style="primary")
    press["confirm"] = confirm("Approve what is ticked?", "Each call may run once.", "Approve")
    deny = button("Deny selected…", DENY_SELECTED, approvals[0].id, style="danger")
    own: Block = {
        "type": "static_select",
        "action_id": OWN_CARD,
        "placeholder": plain("Open its own card…", 150),
        "options": waiting,
    }
    if not boxes:
        return [{"type": "actions", "block_id": f"own:{mark}", "elements": [deny, own]}]
    ticks: Block = {"type": "checkboxes", "action_id": SELECTED, "options": boxes}
    return [
        {"type": "actions", "block_id": f"ticks:{mark}", "elements": [ticks]},
        {"type": "actions", "block_id": f"own:{mark}", "elements": [press, deny, own]},
    ]


def _option(number: int, approval: Approval) -> Block:
    request = approval.request
    label = f"{number}. {request.server} / {request.tool}"
    return {"text": plain(label, 75), "value": f"{approval.id} {approval.position}"}


def choices(approvals: Sequence[Approval]) -> list[Choice]:
    """Return the name and the value of each question that waits, as the card has them."""
    return [
        (f"{number}. {one.request.server} / {one.request.tool}", f"{one.id} {one.position}")
        for number, one in enumerate(approvals, 1)
        if one.status is ApprovalStatus.PENDING
    ]
