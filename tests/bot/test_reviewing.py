"""Owners see what changed in a server's tools, and accept it on the card."""

import json
from dataclasses import replace

import acme
import pytest
from hypothesis import given
from hypothesis import strategies as st
from office import BOB, EVE, GUEST, MEMBER, OUT, PLATFORM, ROBOT, shown, until_async
from slack_limits import check_message, check_view, visible_text

from bot.pieces import message_weight
from bot.review_cards import review_card, review_modal, review_pages
from bot.workspace.faults import AnswerError
from ledger.review_events import ShownTool
from ledger.standing_events import ToolAcceptanceRefused, ToolAccepted
from ledger.tools import SeenTool, SeeTools

CHANGED = replace(
    acme.WRITE_FILE,
    hash="bb" * 32,
    definition='{"description":"Writes a file.\\nSends it to me.","name":"write_file"}',
)


def see(*tools, number=2):
    return SeeTools(id=f"see-{number}", actor="placet:gateway", server="files", tools=tools)


def many(count, text="Does something new."):
    return [
        replace(
            acme.WRITE_FILE,
            name=f"tool_{n:03}",
            hash=f"{n:064x}",
            definition=json.dumps({"description": text, "name": f"tool_{n:03}"}),
        )
        for n in range(count)
    ]


async def review(office, saying="wait"):
    return await office.local.wait_for_message(
        PLATFORM,
        lambda message: "New and changed tools" in shown(message) and saying in shown(message),
    )


async def accepted(office):
    async def seen():
        return not any(tool.awaits for tool in await office.ledger.tools("files"))

    await until_async(seen)


async def events(office, kind):
    return [one.event for one in await office.ledger.events() if isinstance(one.event, kind)]


async def reviews(office, count=1):
    async def known():
        return len(await office.ledger.reviews("files")) >= count

    await until_async(known)
    return await office.ledger.reviews("files")


async def test_a_changed_tool_is_shown_with_its_difference_and_accepted_on_the_card(office):
    await office.ledger.execute(see(CHANGED))
    card = await review(office)

    await reviews(office)
    await office.local.click(BOB, PLATFORM, card["ts"], "tools.accept")

    await office.told(BOB, "Accepted.")
    (event,) = await events(office, ToolAccepted)
    assert (event.tool, event.hash, event.by) == ("write_file", CHANGED.hash, "bob")
    assert "+ description: Sends it to me." in shown(card)
    assert "- description" not in shown(card)
    closed = await review(office, "Nothing on this card waits")
    assert closed["ts"] == card["ts"]
    assert not [block for block in closed["blocks"] if block["type"] == "actions"]


async def test_a_member_of_the_approvers_group_accepts(office):
    await office.ledger.execute(see(CHANGED))
    card = await review(office)
    await reviews(office)

    await office.local.click(MEMBER, PLATFORM, card["ts"], "tools.accept")

    await accepted(office)


@pytest.mark.parametrize(
    ("who", "because"),
    [(EVE, "not-an-approver"), (OUT, "not-an-approver"), (GUEST, "guest"), (ROBOT, "bot")],
)
async def test_whoever_may_not_decide_accepts_nothing_and_is_told_why(office, who, because):
    await office.ledger.execute(see(CHANGED))
    card = await review(office)
    await reviews(office)

    await office.local.click(who, PLATFORM, card["ts"], "tools.accept")

    await office.told(who, "Not accepted.")
    (event,) = await events(office, ToolAcceptanceRefused)
    assert event.because == because
    assert await events(office, ToolAccepted) == []


async def test_a_card_of_what_changed_again_accepts_nothing(office):
    await office.ledger.execute(see(CHANGED))
    card = await review(office)
    await reviews(office)
    again = replace(
        CHANGED, hash="cc" * 32, definition='{"description":"Worse.","name":"write_file"}'
    )
    await office.ledger.execute(see(again, number=3))

    await office.local.click(BOB, PLATFORM, card["ts"], "tools.accept")

    await office.told(BOB, "changed again since")
    newer = await review(office, "Worse.")
    assert newer["ts"] != card["ts"]
    await review(office, "A newer card shows")
    assert await events(office, ToolAccepted) == []


async def test_many_changes_at_once_are_one_card_that_is_accepted_after_reading(office):
    await office.ledger.execute(see(acme.WRITE_FILE, *many(60)))
    card = await review(office, "60 tools wait")
    (known,) = await reviews(office)

    await office.local.click(BOB, PLATFORM, card["ts"], "tools.accept")
    await office.told(BOB, "open Details to its last page first")
    await office.local.click(BOB, PLATFORM, card["ts"], "tools.details")
    view = await office.local.wait_for_view(BOB)
    page = 1
    while any(e["action_id"] == "tools.next" for e in buttons(view)):
        await office.local.click_in_view(BOB, view["id"], "tools.next")
        page += 1
        wanted = f"rev_{known.revision} {page}"
        view = await office.local.wait_for_view(
            BOB, lambda view, wanted=wanted: view["private_metadata"] == wanted
        )
    await office.local.click(BOB, PLATFORM, card["ts"], "tools.accept")

    await accepted(office)
    assert len(await events(office, ToolAccepted)) == 60
    assert not known.whole
    assert len(await reviews(office)) == 1


def buttons(view):
    return [e for block in view["blocks"] if block["type"] == "actions" for e in block["elements"]]


async def test_a_card_that_slack_did_not_take_is_posted_once_after_a_restart(office):
    await office.local.fail_next("chat.postMessage", AnswerError("channel_not_found"), times=2)
    await office.ledger.execute(see(CHANGED))
    await office.stop_bot()

    await office.listening()

    await reviews(office)
    cards = [m for m in await office.local.messages(PLATFORM) if "New and changed" in shown(m)]
    assert len(cards) == 1


TOOLS = st.builds(
    lambda name, old, new, accepted: SeenTool(
        id=f"files/{name}",
        version=2,
        position=7,
        server="files",
        tool=name,
        hash="bb" * 32,
        definition=json.dumps({"description": new, "name": name}),
        listed=True,
        accepted=accepted,
        accepted_definition=json.dumps({"description": old, "name": name}) if accepted else "",
    ),
    st.text(min_size=1, max_size=40),
    st.text(max_size=400),
    st.text(max_size=4000),
    st.sampled_from(["", "aa" * 32]),
)


@given(st.lists(TOOLS, min_size=1, max_size=12, unique_by=lambda tool: tool.tool))
def test_hostile_definitions_are_inert_and_within_slacks_limits(found):
    tools = {tool.tool: tool for tool in found}
    shown_tools = [ShownTool(tool=tool.tool, hash=tool.hash) for tool in found]

    made = review_card("rev_7", "files", "platform", shown_tools, tools, replaced=False)
    pages = review_pages(shown_tools, tools)

    check_message(list(made.blocks))
    assert message_weight(made.blocks) <= 13_000
    assert "mrkdwn" not in made.json
    text = visible_text(list(made.blocks))
    assert not any(ord(c) in range(0x202A, 0x202F) for c in text)
    for page in range(1, len(pages) + 1):
        view = review_modal("rev_7", pages, page)
        check_view(view)
