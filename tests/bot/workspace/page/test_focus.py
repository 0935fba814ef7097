"""Whoever acts by keyboard keeps their place while the page is drawn anew."""

import pytest
from playwright.async_api import expect
from small_workspace import ALICE, BOB, GENERAL, actions, button, card, modal, rich

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CONFIRMED = button(
    "second",
    confirm={
        name: {"type": "plain_text", "text": text}
        for name, text in {
            "title": "Sure?",
            "text": "Really",
            "confirm": "Yes",
            "deny": "No",
        }.items()
    },
)
FOCUSED = "document.activeElement?.dataset.actionId ?? document.activeElement?.dataset.option"


@pytest.mark.parametrize("block", ["act", "act:2"])
async def test_a_card_that_is_painted_anew_keeps_the_focus_on_its_button(page, client, block):
    ts = await card(client, button("first"), button("second"))
    await page.locator("[data-action-id=second]").focus()

    blocks = [rich({"type": "text", "text": "painted anew"})]
    blocks.append(actions(button("first"), button("second"), block_id=block))
    await client.chat_update(channel=GENERAL, ts=ts, text="x", blocks=blocks)
    await expect(page.locator("#messages")).to_contain_text("painted anew")

    assert await page.evaluate(FOCUSED) == "second"


async def painted_anew(page, client, ts):
    """Change a card whose button has been used, and wait until the page shows that."""
    await client.chat_update(
        channel=GENERAL,
        ts=ts,
        text="x",
        blocks=[
            rich({"type": "text", "text": "painted anew"}),
            actions(button("first"), CONFIRMED),
        ],
    )
    await expect(page.locator("#messages")).to_contain_text("painted anew")


async def test_a_modal_gives_the_focus_back_to_a_card_painted_anew(page, local, client):
    ts = await card(client, button("first"), button("second"))
    await page.locator("[data-action-id=second]").focus()
    trigger = local.workspace.tickets.trigger(ALICE)
    await client.views_open(trigger_id=trigger, view=modal(heading="Details"))
    await expect(page.locator("#modal-title")).to_have_text("Details")

    await painted_anew(page, client, ts)
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog.modal")).to_have_count(0)

    assert await page.evaluate(FOCUSED) == "second"


async def test_who_thinks_better_of_it_is_back_on_a_card_painted_anew(page, client):
    ts = await card(client, button("first"), CONFIRMED)
    await page.locator("[data-action-id=second]").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog[data-confirm]")).to_be_visible()

    await painted_anew(page, client, ts)
    await page.keyboard.press("Escape")
    await expect(page.locator("dialog[data-confirm]")).to_have_count(0)

    assert await page.evaluate(FOCUSED) == "second"


async def test_news_of_others_leave_ticks_and_focus_where_they_are(page, client):
    options = [{"text": {"type": "plain_text", "text": str(n)}, "value": str(n)} for n in range(3)]
    await card(client, {"type": "checkboxes", "action_id": "boxes", "options": options})
    await page.locator("[data-option='1']").focus()
    await page.keyboard.press("Space")

    await client.chat_postMessage(channel=GENERAL, text="something else happened")
    await expect(page.locator("#messages")).to_contain_text("something else happened")

    assert await page.evaluate(FOCUSED) == "1"
    assert await page.locator("[data-option='1']").is_checked()


async def test_what_is_being_typed_survives_news(page, client):
    await page.fill("#composer", "/placet show apr_")
    await page.locator("#composer").focus()

    await client.chat_postMessage(channel=GENERAL, text="something else happened")
    await client.chat_postMessage(channel="C0SECRET", text=f"<@{BOB}> elsewhere")
    await expect(page.locator("#messages")).to_contain_text("something else happened")

    assert await page.input_value("#composer") == "/placet show apr_"
    assert await page.evaluate("document.activeElement?.id") == "composer"
