"""An agent's hostile strings on their way through Slack: inert, visible, and never lost."""

import json

import acme
import pytest
from office import ALICE, BOB, PLATFORM, shown
from slack_limits import objects

from ledger.lives.approvals import ApprovalStatus

STRINGS = [
    "<!channel> <!here> <@U0ALICE> <https://evil.example|harmless>",
    "```` ``` `*_~` :boom: &lt;&amp;",
    "\u202etxt.exe\u202c",
    "a\u200bb\u2060c\u3164d\u2800e\U000e0041f",
    "\x1b[2J\x07\r\n\u2028",
    '"}], "text": "<!channel>", "blocks": [{"',
    "x" * 100_000,
    "<" * 100_000,
    "\u200b" * 20_000,
    "\U0001f600" * 20_000,
]


@pytest.mark.parametrize("text", STRINGS, ids=range(len(STRINGS)))
async def test_slack_takes_the_card_and_nothing_on_it_acts(office, text) -> None:
    arguments = json.dumps({"text": text}, ensure_ascii=False)
    approval = await office.ask(arguments=arguments, meta_keys=(text[:500],))

    card = await office.card(approval)

    everything = json.dumps(card["blocks"])
    assert "mrkdwn" not in everything
    assert "<!channel>" not in card["text"]
    kinds = {each["type"] for each in objects(card["blocks"]) if "type" in each}
    assert kinds.isdisjoint({"user", "usergroup", "broadcast", "link", "channel", "emoji"})
    assert await office.local.ephemerals(ALICE) == []


@pytest.mark.parametrize("text", STRINGS, ids=range(len(STRINGS)))
async def test_every_page_of_the_details_is_one_that_slack_takes(office, text) -> None:
    arguments = json.dumps({"text": text}, ensure_ascii=False)
    approval = await office.ask(arguments=arguments)
    await office.told_card(approval)

    await office.click(BOB, approval, "details")
    view = await office.local.wait_for_view(BOB)
    pages, page = int(_word_after(shown(view), "of", "Page")), 1
    while page < pages:
        page += 1
        await office.local.click_in_view(BOB, view["id"], "details.next")
        await office.local.wait_for_view(
            BOB, lambda v, page=page: f"Page {page} of {pages}." in shown(v)
        )
    await office.click(BOB, approval, "approve")

    decided = await office.becomes(approval, ApprovalStatus.APPROVED)
    assert decided.read == {"bob": tuple(range(1, pages + 1))}


async def test_a_hostile_reason_of_a_person_is_inert_too(office) -> None:
    approval = await office.ask(assessment=acme.assessed(reason_required=True))

    await office.click(BOB, approval, "approve")
    view = await office.local.wait_for_view(BOB)
    await office.local.submit_view(BOB, view["id"], {"reason": "<!channel> \u202e`x`"})

    card = await office.card(approval, "Approved: files")
    assert "<!channel> \\u{202E}`x`" in shown(card)
    await office.local.wait_for_message(
        PLATFORM, lambda m: "thread_ts" in m and "<!channel> \\u{202E}`x`" in shown(m)
    )


def _word_after(text: str, word: str, start: str) -> str:
    return text.partition(f"{start} ")[2].partition(f" {word} ")[2].partition(".")[0]
