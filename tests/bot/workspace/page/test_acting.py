"""What people do in the page, by mouse and by keyboard."""

import asyncio

import pytest
from playwright.async_api import expect
from small_workspace import ALICE, BOB, GENERAL, actions, button, card, modal, text_input

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def asking(action_id):
    """Return a button that asks whether one is sure."""
    texts = {"title": "Sure?", "text": "Really", "confirm": "Yes", "deny": "No"}
    confirm = {name: {"type": "plain_text", "text": text} for name, text in texts.items()}
    return button(action_id, confirm=confirm)


async def painted_anew(page, client, ts, *blocks):
    """Change a message, and wait until the page shows that."""
    await client.chat_update(channel=GENERAL, ts=ts, text="changed", blocks=list(blocks))
    changed = "[data-block-id='act:2']" if blocks else ".text"
    await expect(page.locator(f'[data-message-ts="{ts}"] {changed}')).to_be_visible()


async def test_a_press_reaches_the_app_and_the_card_changes_under_the_eyes(
    page, client, app, connect
):
    @app.action("go")
    async def pressed(ack, body, client):
        await ack()
        await client.chat_update(
            channel=GENERAL, ts=body["message"]["ts"], text=f"Approved by <@{body['user']['id']}>"
        )

    await connect(app)
    ts = await card(client)

    await page.click("[data-action-id=go]")

    await expect(page.locator(f'[data-message-ts="{ts}"] .text')).to_contain_text(
        "Approved by @Alice"
    )
    await expect(page.locator("[data-action-id=go]")).to_have_count(0)


async def test_who_was_just_chosen_is_who_presses(page, client, app, connect):
    """Their feed may take a moment to begin, in which the page shows what the one before saw."""
    presses, begin = asyncio.Queue(), asyncio.Event()

    @app.action("go")
    async def pressed(ack, body):
        await ack()
        presses.put_nowait(body["user"]["id"])

    async def late(route):
        await begin.wait()
        await route.continue_()

    await connect(app)
    await card(client)
    await page.wait_for_selector("[data-action-id=go]")
    await page.route("**/feed?user=*", late)

    await page.check(f"[data-user-id={BOB}] input")
    await page.click("[data-action-id=go]")
    pressed_by = await presses.get()
    await page.click(f"[data-channel-id={GENERAL}]")
    await expect(page.locator(f"[data-user-id={BOB}] input")).to_be_checked()
    begin.set()

    await expect(page.locator(".you strong")).to_have_text("Bob")
    assert pressed_by == BOB


async def test_a_button_that_asks_first_waits_for_the_answer(page, local, client, app, connect):
    presses = []

    @app.action("go")
    async def pressed(ack, body):
        presses.append(body["user"]["id"])
        await ack()

    await connect(app)
    await card(client, asking("go"))

    await page.click("[data-action-id=go]")
    await page.click("[data-confirm-deny]")
    await page.click("[data-action-id=go]")
    await page.keyboard.press("Escape")
    await page.click("[data-action-id=go]")
    await page.click("[data-confirm-accept]")
    await expect(page.locator("[data-confirm]")).to_have_count(0)
    await local.wait_until(lambda: local.sockets.connected > 0)
    await expect(page.locator("[aria-busy]")).to_have_count(0)

    assert presses == [ALICE]


async def test_who_takes_time_to_confirm_presses_what_they_saw(page, client, app, connect):
    pressed = asyncio.Queue()

    @app.action("go")
    async def press(ack, body):
        await ack()
        pressed.put_nowait(body["actions"][0]["block_id"])

    await connect(app)
    ts = await card(client, asking("go"))

    await page.click("[data-action-id=go]")
    await painted_anew(page, client, ts, actions(asking("go"), block_id="act:2"))
    await page.click("[data-confirm-accept]")

    assert await asyncio.wait_for(pressed.get(), 30) == "act"


@pytest.mark.parametrize("blocks", [[actions(button("go"), block_id="act:2")], []])
async def test_the_error_mark_is_seen_on_a_card_painted_anew(
    page, local, client, app, connect, blocks
):
    @app.action("go")
    async def silent(ack):
        return None

    await connect(app)
    ts = await card(client, asking("go"))
    local.sockets.ack_seconds = 0.2

    await page.click("[data-action-id=go]")
    await painted_anew(page, client, ts, *blocks)
    await page.click("[data-confirm-accept]")

    await expect(page.locator("[data-failed]")).to_have_text("Placet did not answer in time")


async def test_an_unanswered_press_shows_the_error_mark(page, local, client, app, connect):
    @app.action("go")
    async def silent():
        return None

    await connect(app)
    await card(client)
    local.sockets.ack_seconds = 0.2

    await page.click("[data-action-id=go]")

    await expect(page.locator("[data-failed]")).to_have_text("Placet did not answer in time")


async def test_a_modal_is_filled_refused_and_submitted_by_keyboard(
    page, local, client, app, connect
):
    reasons = []

    @app.action("go")
    async def opens(ack, body, client):
        option = {"text": {"type": "plain_text", "text": "Wrong target"}, "value": "target"}
        view = modal(
            {
                "type": "input",
                "block_id": "preset",
                "label": {"type": "plain_text", "text": "Why"},
                "element": {"type": "radio_buttons", "action_id": "picked", "options": [option]},
            },
            text_input("why", multiline=False),
            heading="Deny this call",
            submit={"type": "plain_text", "text": "Deny"},
            callback_id="deny",
        )
        await client.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()

    @app.view("deny")
    async def submitted(ack, view):
        values = view["state"]["values"]
        reasons.append((values["why"]["typed"]["value"], values["preset"]["picked"]))
        if len(reasons) == 1:
            await ack(response_action="errors", errors={"why": "say more"})
        else:
            await ack()

    await connect(app)
    await card(client)
    await page.focus("[data-action-id=go]")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog.modal h2")).to_have_text("Deny this call")

    await page.click("[data-modal-submit]")
    await expect(page.locator("[data-error-for]")).to_have_count(2)
    await page.check("[data-option=target]")
    await page.fill("[data-action-id=typed]", "no")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-error-for=why]")).to_have_text("say more")
    await page.fill("[data-action-id=typed]", "not on a Friday")
    await page.keyboard.press("Enter")
    await expect(page.locator("dialog.modal")).to_have_count(0)

    assert [reason for reason, _ in reasons] == ["no", "not on a Friday"]
    assert reasons[1][1]["selected_option"]["value"] == "target"
    assert await local.views(ALICE) == []


async def test_escape_closes_the_topmost_modal(page, local, client):
    trigger = local.workspace.tickets.trigger
    first = (await client.views_open(trigger_id=trigger(ALICE), view=modal(heading="One")))["view"]
    await client.views_push(trigger_id=trigger(ALICE, first["id"]), view=modal(heading="Two"))
    await expect(page.locator("#modal-title")).to_have_text("Two")

    await page.keyboard.press("Escape")
    await expect(page.locator("#modal-title")).to_have_text("One")
    await page.click("[data-modal-close]")

    await expect(page.locator("dialog.modal")).to_have_count(0)


async def test_what_was_entered_survives_an_update_of_the_view(page, local, client):
    submit = {"type": "plain_text", "text": "Send"}
    view = modal(text_input("why"), submit=submit)
    trigger = local.workspace.tickets.trigger(ALICE)
    view_id = (await client.views_open(trigger_id=trigger, view=view))["view"]["id"]
    await page.fill("[data-action-id=typed]", "half a sent")

    await client.views_update(view_id=view_id, view=view | {"title": submit})

    await expect(page.locator("#modal-title")).to_have_text("Send")
    await expect(page.locator("[data-action-id=typed]")).to_have_value("half a sent")


async def test_a_command_is_hinted_sent_and_answered_to_the_person(page, app, connect):
    @app.command("/placet")
    async def commanded(ack, body):
        await ack(f"you said {body['text']}")

    await connect(app)

    await page.type("#composer", "/pl")
    await expect(page.locator("[data-command='/placet']")).to_contain_text("list | show ID")
    await page.keyboard.press("Tab")
    await page.type("#composer", "list")
    await page.keyboard.press("Enter")

    await expect(page.locator("[data-ephemeral] .text")).to_have_text("you said list")
    await page.click("[data-dismiss]")
    await expect(page.locator("[data-ephemeral]")).to_have_count(0)


async def test_a_thread_opens_beside_the_channel(page, local, client):
    ts = await card(client)
    await client.chat_postMessage(channel=GENERAL, thread_ts=ts, text="Bob approved")

    await page.click(f'[data-thread-of="{ts}"]')
    await expect(page.locator("[data-thread] .message")).to_have_count(2)
    await page.fill("#thread-composer", "thanks")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-thread] .message")).to_have_count(3)
    await page.fill("#thread-composer", "/placet list")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-toast]")).to_contain_text("not in threads")
    await page.click("[data-close-thread]")

    await expect(page.locator("#thread")).to_be_hidden()
    assert (await local.messages(GENERAL))[-1]["thread_ts"] == ts
