"""What the page shows of what happens elsewhere."""

import pytest
from playwright.async_api import expect
from small_workspace import ALICE, BOB, GENERAL

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_the_token_leaves_the_address(page, local):
    assert page.url == f"http://127.0.0.1:{local.access.port}{local.access.place}"
    assert local.access.token not in page.url


async def test_another_person_sees_their_own_things_only(page, client):
    await client.chat_postEphemeral(channel=GENERAL, user=ALICE, text="for Alice")
    await expect(page.locator("[data-ephemeral]")).to_have_count(1)
    await expect(page.locator("[data-channel-id=C0SECRET]")).to_have_count(0)

    await page.check(f"[data-user-id={BOB}] input")

    await expect(page.locator(".you strong")).to_have_text("Bob")
    await expect(page.locator("[data-ephemeral]")).to_have_count(0)
    await expect(page.locator("[data-channel-id=C0SECRET]")).to_have_count(1)


async def test_unread_messages_are_counted_until_they_are_seen(page, client):
    await page.check(f"[data-user-id={BOB}] input")
    await expect(page.locator(".you strong")).to_have_text("Bob")

    await client.chat_postMessage(channel="C0SECRET", text="one")
    await client.chat_postMessage(channel="C0SECRET", text="two")
    await expect(page.locator("[data-channel-id=C0SECRET] .count")).to_have_text("2")
    await page.click("[data-channel-id=C0SECRET]")
    await expect(page.locator(".message")).to_have_count(2)
    await page.click(f"[data-channel-id={GENERAL}]")

    await expect(page.locator("[data-channel-id=C0SECRET] .count")).to_have_count(0)


async def test_the_page_finds_back_after_a_break(page, local, client):
    await expect(page.locator("#lost")).to_be_hidden()

    local.workspace.changes.close()
    await client.chat_postMessage(channel=GENERAL, text="said meanwhile")

    await expect(page.locator(".message .text")).to_have_text("said meanwhile")
    await expect(page.locator("#lost")).to_be_hidden()


async def test_the_state_of_the_connection_is_shown(page, app, connect):
    await expect(page.locator("[data-connected=no]")).to_be_visible()

    await connect(app)

    await expect(page.locator("[data-connected=yes]")).to_have_text("Placet is connected")


async def test_the_home_tab_shows_what_the_app_publishes(page, app, connect):
    text = {"type": "plain_text", "text": "Waiting for you: 0"}

    @app.event("app_home_opened")
    async def on_open(event, client):
        view = {"type": "home", "blocks": [{"type": "header", "text": text}]}
        await client.views_publish(user_id=event["user"], view=view)

    await connect(app)
    await page.click("[data-channel-id=home]")

    await expect(page.locator("[data-view-id] h2")).to_have_text("Waiting for you: 0")
    await expect(page.locator("#compose")).to_be_hidden()


BELOW = "({scrollHeight, scrollTop, clientHeight}) => scrollHeight - scrollTop - clientHeight"


@pytest.mark.parametrize("typed", ["/placet list", "hello"])
async def test_the_answer_to_what_one_sends_is_seen_from_wherever_one_was(
    page, client, app, connect, typed
):
    @app.command("/placet")
    async def listed(ack, respond):
        await ack()
        await respond("here you are")

    await connect(app)
    await client.chat_postMessage(channel=GENERAL, text="a line\n" * 100)
    await expect(page.locator(".message")).to_have_count(1)
    await page.locator("#scroll").evaluate("(list) => { list.scrollTop = 0; }")
    await client.chat_postMessage(channel=GENERAL, text="news leave the place as it is")
    await expect(page.locator(".message")).to_have_count(2)
    assert await page.locator("#scroll").evaluate(BELOW) > 500

    await page.fill("#composer", typed)
    await page.keyboard.press("Enter")

    answer = "here you are" if typed.startswith("/") else typed
    await expect(page.locator(".message", has_text=answer)).to_be_in_viewport()
