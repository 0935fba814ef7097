"""The card about a server's new and changed tools, and the pages of its details. Pure."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.details import Page, laid_out
from bot.fitting import Cut, cut
from bot.pieces import (
    Block,
    blocks_json,
    button,
    confirm,
    context,
    header,
    lines,
    name,
    notification,
    plain,
    preformatted,
    words,
)
from ledger.review_events import ShownTool
from ledger.tools import SeenTool
from policies.calls import JsonValue, Tool
from policies.inert import inert
from policies.risk import classify
from policies.strict_json import NotStrict, parse, pretty
from policies.tool_differences import differences

ACCEPT = "tools.accept"
DETAILS = "tools.details"
NEXT = "tools.next"
PREVIOUS = "tools.previous"
DETAILS_VIEW = "tools.details"

_MOST_SHOWN = 8
"""Tools of which a card shows the changes; Slack allows 50 blocks, and 13,200 characters."""

_ROOM = 7_000
"""What all changes on a card may weigh together."""

_HINTS = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")


@dataclass(frozen=True)
class ReviewCard:
    """A message about changed tools; `whole` tells that nothing of the changes is left out.

    `closed` tells that nothing on it waits any more. `json` is what was hashed
    for `sha256` (hex).
    """

    text: str
    blocks: tuple[Block, ...]
    whole: bool
    closed: bool
    json: str
    sha256: str


def review_card(
    review: str,
    server: str,
    team: str,
    shown: Sequence[ShownTool],
    tools: Mapping[str, SeenTool],
    *,
    replaced: bool,
) -> ReviewCard:
    """Return the card about the definitions in `shown`, as it stands with the server's `tools`.

    `replaced` says that a newer card shows the server's tools. What is not
    current any more cannot be accepted here.
    """
    current = [tools[one.tool] for one in shown if _waits(one, tools)]
    closed = replaced or not current
    made = [_change(one, tools) for one in shown]
    room = max(_ROOM // max(min(len(made), _MOST_SHOWN), 1), 200)
    cuts = [cut("\n".join(map(inert, change)), room) for change in made]
    left_out = sum(one.hidden for one in cuts[:_MOST_SHOWN]) + sum(
        len(one.text) for one in cuts[_MOST_SHOWN:]
    )
    blocks = [
        header(f"New and changed tools of {server}", f"hdr:{review}:1"),
        lines(_introduction(server, team, len(current), replaced=replaced), f"who:{review}:1"),
    ]
    for place, (one, text) in enumerate(zip(shown[:_MOST_SHOWN], cuts, strict=False)):
        blocks += _shown(review, place, one, tools, text)
    blocks.append(context(_completeness(len(shown), left_out), f"whole:{review}:1"))
    if not closed:
        blocks.append(_buttons(review, server, len(current)))
    json = blocks_json(blocks)
    return ReviewCard(
        text=notification(f"{server}: {len(current)} new or changed tools wait to be accepted."),
        blocks=tuple(blocks),
        whole=left_out == 0,
        closed=closed,
        json=json,
        sha256=hashlib.sha256(json.encode()).hexdigest(),
    )


def review_pages(shown: Sequence[ShownTool], tools: Mapping[str, SeenTool]) -> list[Page]:
    """Return the pages of the details: of each tool what changed, and both definitions whole."""
    return laid_out(list(_sections(shown, tools)))


def review_modal(review: str, pages: Sequence[Page], page: int) -> Block:
    """Return page `page` (from 1) of the details."""
    told = f"Page {page} of {len(pages)}."
    if page < len(pages):
        told += " A card that is cut can be accepted by those who opened every page."
    steps = [button("Previous", PREVIOUS, review)] if page > 1 else []
    if page < len(pages):
        steps.append(button("Next", NEXT, review, style="primary"))
    blocks = [*pages[page - 1], lines([[words(told)]], "page")]
    if steps:
        blocks.append({"type": "actions", "block_id": f"steps:{page}", "elements": steps})
    return {
        "type": "modal",
        "callback_id": DETAILS_VIEW,
        "title": plain("Changed tools", 24),
        "close": plain("Close", 24),
        "private_metadata": f"{review} {page}",
        "blocks": blocks,
    }


def _introduction(server: str, team: str, waiting: int, *, replaced: bool) -> list[list[Block]]:
    if replaced:
        return [[words("A newer card shows what waits at "), name(server), words(".")]]
    if not waiting:
        return [[words("Nothing on this card waits to be accepted any more.")]]
    them = "One tool waits" if waiting == 1 else f"{waiting} tools wait"
    return [
        [words(f"{them} for team "), name(team), words(" to look at what the server says of it.")],
        [words("Until it is accepted every call needs an approval, whatever the policy says.")],
    ]


def _shown(
    review: str, place: int, one: ShownTool, tools: Mapping[str, SeenTool], text: Cut
) -> Iterator[Block]:
    tool = tools.get(one.tool)
    row = [name(one.tool), words(f" {_state(one, tool)}")]
    if tool is not None and tool.hash == one.hash:
        row.append(words(f", {_risk(tool)}"))
    yield lines([row], f"tool:{review}:{place}")
    yield preformatted(text.text, f"diff:{review}:{place}")


def _state(one: ShownTool, tool: SeenTool | None) -> str:
    if tool is None or not tool.listed:
        return "is no longer listed"
    if tool.hash != one.hash:
        return "changed again since"
    if tool.accepted is None:
        return "is accepted"
    return "changed" if tool.accepted else "is new"


def _change(one: ShownTool, tools: Mapping[str, SeenTool]) -> list[str]:
    tool = tools.get(one.tool)
    if tool is None or tool.hash != one.hash:
        return [f"definition {one.hash[:12]}…"]
    if tool.accepted is None:
        return [f"definition {one.hash[:12]}…, accepted"]
    return differences(tool.accepted_definition, tool.definition)


def _risk(tool: SeenTool) -> str:
    now = classify(_tool(tool, tool.definition), trusted=False, overrides=())
    if not tool.accepted:
        return f"risk {now.risk} ({now.evidence})"
    before = classify(_tool(tool, tool.accepted_definition), trusted=False, overrides=())
    if before.risk is now.risk:
        return f"risk {now.risk} as before"
    return f"risk was {before.risk} and is {now.risk} ({now.evidence})"


def _tool(tool: SeenTool, definition: str) -> Tool:
    told = _read(definition)
    members = told if isinstance(told, dict) else {}
    said, notes = members.get("description"), members.get("annotations")
    hints = notes if isinstance(notes, dict) else {}
    return Tool(
        server=tool.server,
        name=tool.tool,
        description=said if isinstance(said, str) else "",
        definition=definition,
        hash=tool.hash,
        hints={hint: told for hint in _HINTS if isinstance(told := hints.get(hint), bool)},
    )


def _read(definition: str) -> JsonValue:
    try:
        return parse(definition.encode())
    except (NotStrict, UnicodeEncodeError):
        return None


def _sections(
    shown: Sequence[ShownTool], tools: Mapping[str, SeenTool]
) -> Iterator[tuple[str, str]]:
    for one in shown:
        tool = tools.get(one.tool)
        yield f"{one.tool}: what changed", "\n".join(map(inert, _change(one, tools)))
        if tool is not None and tool.hash == one.hash:
            yield f"{one.tool}: as the server defines it now", _whole(tool.definition)
            if tool.accepted_definition:
                yield f"{one.tool}: as it was accepted", _whole(tool.accepted_definition)


def _whole(definition: str) -> str:
    return inert(pretty(_read(definition)), multiline=True)


def _completeness(count: int, left_out: int) -> str:
    if not left_out:
        return "All that changed is shown."
    more = f" and {count - _MOST_SHOWN} more tools" if count > _MOST_SHOWN else ""
    return (
        f"NOT ALL IS SHOWN: {left_out:,} characters{more} are only in Details. "
        "Open Details and read to its last page; Accept works for you only then."
    )


def _buttons(review: str, server: str, count: int) -> Block:
    what = "Accept this tool" if count == 1 else f"Accept all {count}"
    accept = button(what, ACCEPT, review, style="primary")
    asked = f"Calls to them at {server} are then decided by the policy again."
    accept["confirm"] = confirm("Accept what is shown?", asked, "Accept")
    details = button("Details", DETAILS, review)
    return {"type": "actions", "block_id": f"act:{review}:1", "elements": [accept, details]}


def _waits(one: ShownTool, tools: Mapping[str, SeenTool]) -> bool:
    tool = tools.get(one.tool)
    return tool is not None and tool.awaits and tool.hash == one.hash
