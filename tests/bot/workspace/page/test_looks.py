"""Whether the page can be read and used, in the light and in the dark, wide and narrow."""

from itertools import pairwise

import pytest
from playwright.async_api import expect
from small_workspace import ALICE, BOB, GENERAL, button, card, modal, rich, text_input
from watched_page import opened

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def test_on_a_narrow_screen_nothing_is_cut_off(browser, local, client):
    await card(
        client,
        *[button(f"b{n}", label="A rather long label") for n in range(4)],
        extra=[{"type": "header", "text": {"type": "plain_text", "text": "x" * 150}}],
    )
    size = {"viewport": {"width": 360, "height": 640}}

    async with opened(browser, local, [], **size) as page:
        await expect(page.locator(".message")).to_have_count(1)
        wide = await page.evaluate("document.documentElement.scrollWidth")
        await page.click("[data-toggle-side]")
        await page.check(f"[data-user-id={BOB}] input")
        await page.keyboard.press("Escape")

        await expect(page.locator("[data-toggle-side]")).to_be_visible()
        await expect(page.locator("#side")).not_to_be_in_viewport()
    assert wide == 360


async def test_what_the_box_says_on_a_narrow_screen_is_one_line(browser, local):
    size = {"viewport": {"width": 360, "height": 640}}

    async with opened(browser, local, [], **size) as page:
        await page.evaluate("document.getElementById('composer').placeholder = 'long '.repeat(30)")
        box = page.locator("#composer")
        heights = await box.evaluate("(box) => [box.scrollHeight, box.clientHeight]")

    assert heights[0] == heights[1]


CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const over = (top, below) =>
    top.slice(0, 3).map((c, i) => (c * top[3] + below[i] * (255 - top[3])) / 255);
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement)
      layers.unshift(rgba(getComputedStyle(at).backgroundColor));
    return layers.reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    if (element.closest('script, noscript, .skip, select, :has(> input:disabled)')) continue;
    const below = behind(element);
    const [a, b] = [light(over(rgba(getComputedStyle(element).color), below)), light(below)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const text = walker.currentNode.data.trim().slice(0, 30);
    if (ratio < 4.5) low.push(`${text}: ${ratio.toFixed(2)}`);
  }
  return low;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_can_be_read(browser, local, client, scheme):
    ts = await card(
        client,
        button("a", style="primary"),
        button("b", style="danger"),
        button("c"),
        extra=[
            rich(
                {"type": "text", "text": "code\u202e", "style": {"code": True}},
                {"type": "user", "user_id": ALICE},
                {"type": "user", "user_id": BOB},
                {"type": "link", "url": "https://example.com"},
            ),
            {"type": "context", "elements": [{"type": "plain_text", "text": "small"}]},
        ],
    )
    await client.chat_postMessage(channel=GENERAL, thread_ts=ts, text="reply")
    await client.chat_postMessage(channel="C0SECRET", text="unread")
    await client.chat_postEphemeral(channel=GENERAL, user=ALICE, text="psst `code`")
    await client.chat_postEphemeral(channel=GENERAL, user=BOB, text="psst `code`")

    async with opened(browser, local, [], color_scheme=scheme) as page:
        await page.check(f"[data-user-id={BOB}] input")
        await page.click("[data-thread-of]")
        await page.click("[data-action-id=a] >> nth=0")
        await expect(page.locator("[data-failed]").first).to_be_visible()
        await page.fill("#composer", "/")
        await expect(page.locator("[data-command]").first).to_be_visible()
        main = await page.evaluate(CONTRAST)
        view = modal(
            text_input("why", optional=True),
            submit={"type": "plain_text", "text": "Send"},
            close={"type": "plain_text", "text": "Back"},
        )
        trigger = local.workspace.tickets.trigger(BOB)
        await client.views_open(trigger_id=trigger, view=view)
        await expect(page.locator("dialog.modal")).to_be_visible()
        dialog = await page.evaluate(CONTRAST)

    assert main == []
    assert dialog == []


CHOICES = [{"text": {"type": "plain_text", "text": "One"}, "value": "1"}]
NAMELESS = """() => [...document.querySelectorAll('button, input, textarea, select, a, fieldset')]
  .filter((each) => each.checkVisibility() && !each.getAttribute('aria-label')
    && !each.labels?.length && (each.matches('select, fieldset') || !each.textContent.trim()))
  .map((each) => each.outerHTML.slice(0, 80))"""


async def test_every_control_has_a_name(page, client):
    menu = {"type": "static_select", "action_id": "menu", "options": CHOICES}
    await card(
        client,
        button("go"),
        menu | {"placeholder": {"type": "plain_text", "text": "Open its own card…"}},
        {"type": "checkboxes", "action_id": "boxes", "options": CHOICES},
        {"type": "radio_buttons", "action_id": "radios", "options": CHOICES},
        {"type": "datepicker", "action_id": "day"},
        {"type": "overflow", "action_id": "more", "options": CHOICES},
    )
    await expect(page.locator("[data-action-id=go]")).to_be_visible()

    nameless = await page.evaluate(NAMELESS)

    assert nameless == []
    await expect(page.get_by_role("combobox", name="Open its own card…")).to_be_visible()


async def test_headings_go_down_by_one_level_and_all_there_is_stands_in_a_landmark(page, client):
    header = {"type": "header", "text": {"type": "plain_text", "text": "Approval needed"}}
    await card(client, button("go"), extra=[header])
    await expect(page.locator(".block h2")).to_be_visible()

    levels = await page.evaluate(
        """() => [...document.querySelectorAll('main h1, main h2, main h3, main h4')]
          .map((each) => Number(each.tagName[1]))"""
    )
    outside = await page.evaluate(
        """() => [...document.body.children]
          .filter((each) => each.checkVisibility() && each.textContent.trim())
          .filter((each) => !each.matches('aside, .skip, .frame, script, noscript, [role]'))
          .map((each) => each.outerHTML.slice(0, 80))"""
    )

    assert all(below - above <= 1 for above, below in pairwise(levels))
    assert outside == []


async def test_a_card_is_decided_by_the_keyboard_alone(page, client, app, connect):
    @app.action("go")
    async def pressed(ack, body, client):
        await ack()
        await client.chat_update(channel=GENERAL, ts=body["message"]["ts"], text="Approved")

    await connect(app)
    ts = await card(client, button("go"), button("other"))
    await expect(page.locator("[data-action-id=go]")).to_be_visible()

    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement?.dataset.actionId") == "go":
            break
    ring = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    await page.keyboard.press("Enter")

    await expect(page.locator(f'[data-message-ts="{ts}"] .text')).to_contain_text("Approved")
    assert ring == "solid"
