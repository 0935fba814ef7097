"""Break-glass in Slack: the dialog that asks again, and what everybody skipped is told. Pure."""

from pydantic import BaseModel, ConfigDict

from bot.drawing.cards import ARGUMENTS, arguments_text
from bot.drawing.fields import asked, writing
from bot.drawing.notices import Wanted, channels, wanted
from bot.drawing.wording import Row, people
from bot.slack.fitting import cut
from bot.slack.pieces import Block, button, header, lines, moment, name, plain, preformatted, words
from ledger.lives.approvals import Approval
from ledger.lives.glasses import Glass
from policies.people.people import Directory

BREAK_VIEW = "glass.break"
SIGN_OFF = "glass.sign_off"
SIGN_VIEW = "glass.signed"
REASON = "reason"

_MOST = 1_000
_NAMED = 30


class Breaking(BaseModel):
    """What a dialog is about; it travels through Slack in `private_metadata`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    approval: str
    channel: str = ""


def break_modal(approval: Approval, channel: str, reason: str) -> Block:
    """Return the dialog that says what breaking the glass means, and asks again."""
    request = approval.request
    shown = cut(arguments_text(request), ARGUMENTS)
    rows: list[Row] = [
        [words("You approve this call alone", bold=True), words(", without the votes of:")],
        *([words(f"    {term.approvals} of team "), name(term.team, 80)] for term in request.terms),
        [name(request.agent, 120), words(" calls ")],
        [words("    "), name(f"{request.server} / {request.tool}", 300)],
        [words(f"Risk: {request.risk}. Approval "), name(approval.id, 60)],
    ]
    if shown.hidden:
        rows.append([words(f"{shown.hidden:,} characters of the call are not shown below.")])
    ending = "Everybody who is skipped is told. It stays open until somebody else signs it off."
    return {
        "type": "modal",
        "callback_id": BREAK_VIEW,
        "title": plain("Break the glass", 24),
        "submit": plain("Approve alone", 24),
        "close": plain("Back", 24),
        "private_metadata": Breaking(approval=approval.id, channel=channel).model_dump_json(),
        "blocks": [
            lines(rows, "what"),
            preformatted(shown.text, "arguments"),
            lines([[words(ending)]], "then"),
            asked("Why now, and why alone?", writing(REASON, most=_MOST, least=1, initial=reason)),
        ],
    }


def sign_modal(glass: Glass, channel: str, directory: Directory) -> Block:
    """Return the dialog in which somebody else signs a broken glass off."""
    return {
        "type": "modal",
        "callback_id": SIGN_VIEW,
        "title": plain("After-review", 24),
        "submit": plain("Sign off", 24),
        "close": plain("Back", 24),
        "private_metadata": Breaking(approval=glass.approval, channel=channel).model_dump_json(),
        "blocks": [
            lines(_told(glass, directory), "what"),
            asked("What did you find?", writing(REASON, most=_MOST, least=1, first=True)),
        ],
    }


def glass_notices(glass: Glass, directory: Directory) -> list[Wanted]:
    """Return the message for the channel of each team that was not waited for."""
    blocks = glass_blocks(glass, directory)
    text = f"{glass.agent}: {glass.server} / {glass.tool} was approved by breaking the glass"
    news = [] if glass.open else [lines([_signed(glass, directory)], "thread")]
    return [
        wanted("glass", team.name, team.channel, text, blocks, closed=not glass.open, news=news)
        for team in channels(glass.teams, directory)
    ]


def glass_blocks(glass: Glass, directory: Directory) -> list[Block]:
    """Return the message: who approved what alone, why, and whom that skipped.

    It mentions them, and the teams' user groups, so that Slack tells each of them.
    """
    rows = _told(glass, directory)
    skipped: Row = [words("Not waited for: ")]
    for who in glass.skipped[:_NAMED]:
        skipped += [*people((who,), directory), words(" ")]
    if len(glass.skipped) > _NAMED:
        skipped.append(words(f"and {len(glass.skipped) - _NAMED} more "))
    groups = [group for team in channels(glass.teams, directory) for group in team.groups]
    for group in list(dict.fromkeys(groups))[:_NAMED]:
        skipped += [{"type": "usergroup", "usergroup_id": group}, words(" ")]
    if glass.open and (glass.skipped or groups):
        rows.append(skipped)
    title = header(f"Break-glass: {glass.server} / {glass.tool}", "hdr")
    if not glass.open:
        return [title, lines([*rows, _signed(glass, directory)], "glass")]
    rows.append([words("Somebody else has to look at it and sign it off.")])
    sign = button("Sign off…", SIGN_OFF, glass.approval)
    actions = {"type": "actions", "block_id": f"act:{glass.id}", "elements": [sign]}
    return [title, lines(rows, "glass"), actions]


def glass_row(glass: Glass, directory: Directory) -> Row:
    """Return a broken glass in a line."""
    row = [name(glass.approval, 60), words("  "), *people((glass.by,), directory)]
    row += [words(" approved "), name(f"{glass.server} / {glass.tool}", 160), words(" of ")]
    return [*row, name(glass.agent, 80), words(" alone, "), moment(glass.broken_at)]


def _told(glass: Glass, directory: Directory) -> list[Row]:
    return [
        [*people((glass.by,), directory), words(" approved alone, "), moment(glass.broken_at)],
        [words("Agent "), name(glass.agent, 120), words(", approval "), name(glass.approval, 60)],
        [words("Reason: "), name(glass.reason, 600)],
    ]


def _signed(glass: Glass, directory: Directory) -> Row:
    at = [words(", "), moment(glass.reviewed_at)] if glass.reviewed_at else []
    note = [words(": "), name(glass.note, 600)] if glass.note else []
    return [words("Signed off by "), *people((glass.reviewed_by or "?",), directory), *at, *note]
