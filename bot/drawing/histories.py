"""What became of like requests before: for the last page of the details. Pure."""

from collections.abc import Sequence

from bot.drawing.wording import Row, heading
from bot.slack.pieces import Block, lines, moment, name, words
from ledger.audit.backgrounds import NEWEST, Background
from ledger.lives.approvals import Approval

_NAME = 60
_REASON = 100


def history(approval: Approval, background: Background) -> list[Block]:
    """Return past requests for the tool: of this agent, and of others."""
    titles = (
        ("This agent and this tool before", background.own),
        ("Other agents and this tool", background.others),
    )
    return [
        lines([[words(title, bold=True)], *_rows(approval, past)], f"past:{place}")
        for place, (title, past) in enumerate(titles)
    ]


def _rows(approval: Approval, past: Sequence[Approval]) -> list[Row]:
    if not past:
        return [[words(f"None among the newest {NEWEST:,} requests.")]]
    return [_row(approval, each) for each in past]


def _row(approval: Approval, past: Approval) -> Row:
    request = past.request
    row = [moment(past.requested_at), words("  "), name(request.agent, _NAME)]
    row += [words(f"  {heading(past)}")]
    if past.by:
        row += [words(" by "), name(" and ".join(past.by), _NAME)]
    if past.granted:
        row += [words(", with "), name(past.granted.grant, _NAME)]
    if past.reason:
        row += [words(": "), name(past.reason, _REASON)]
    if request.digest == approval.request.digest:
        row += [words(", the very same call", bold=True)]
    return row
