"""What the page draws, and what stays inert in it."""

import unicodedata

import pytest
from playwright.async_api import expect
from small_workspace import BOB, GENERAL, button, card, rich

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


HOSTILE = {
    "markup": "<img src=x onerror=window.hit=1><script>window.hit=1</script>",
    "mention": "<!channel> <@U0BOB> <https://evil.example|github.com>",
    "marks": "*bold* _it_ `code` ```block``` ~strike~ &lt;b&gt;",
    "bidi": "pay \u202eeveryone\u202c now",
    "zero width": "ad\u200bmin\u2060\ufeff",
    "fillers": "a\u3164b\u2800c\u034fd\U000e0041e",
    "control": "a\x07b\x1b[31mc\x7f",
}


async def test_a_card_is_drawn_from_its_blocks(page, client):
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Approval needed"}},
        rich(
            {"type": "text", "text": "Agent ", "style": {"bold": True}},
            {"type": "user", "user_id": BOB},
            {"type": "usergroup", "usergroup_id": "S0PLATFORM"},
            {"type": "channel", "channel_id": GENERAL},
            {
                "type": "date",
                "timestamp": 1795469999,
                "format": "{date_num}",
                "fallback": "then",
            },
        ),
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_preformatted",
                    "elements": [{"type": "text", "text": '{\n  "a": 1\n}'}],
                },
                {
                    "type": "rich_text_list",
                    "style": "ordered",
                    "elements": [
                        {"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}
                    ],
                },
                {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said"}]},
            ],
        },
        {"type": "section", "text": {"type": "mrkdwn", "text": "*strong* `code`"}},
        {"type": "divider"},
        {"type": "context", "elements": [{"type": "plain_text", "text": "small print"}]},
    ]
    ts = await card(client, button("go", style="primary"), extra=blocks)
    shown = page.locator(f'[data-message-ts="{ts}"]')

    await expect(shown.locator(".block h2")).to_have_text("Approval needed")
    await expect(shown.locator("strong").filter(has_text="Agent")).to_be_visible()
    await expect(shown.locator(f'[data-user-mention="{BOB}"]')).to_have_text("@Bob")
    await expect(shown.locator("[data-usergroup-mention]")).to_have_text("@platform")
    await expect(shown.locator("time.date")).to_have_text("2026-11-23")
    await expect(shown.locator("pre")).to_have_text('{\n  "a": 1\n}')
    await expect(shown.locator("ol li")).to_have_text("x")
    await expect(shown.locator("blockquote")).to_have_text("said")
    await expect(shown.locator("code")).to_have_text("code")
    await expect(shown.locator("hr")).to_have_count(1)
    await expect(shown.locator("[data-block-id=act] [data-action-id=go]")).to_be_enabled()


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_text_is_inert_and_visible(page, local, client, name):
    text = HOSTILE[name]
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    await local.change_user(BOB, display_name=text)
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "emoji": False, "text": text}},
        rich({"type": "text", "text": text}, {"type": "user", "user_id": BOB}),
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}
            ],
        },
    ]
    ts = await card(client, button("go", label=text[:70]), extra=blocks)
    await local.say(BOB, GENERAL, "hello")
    shown = page.locator(f'[data-message-ts="{ts}"]')

    await expect(shown.locator(".block h2")).to_have_text(visible(text), use_inner_text=True)
    await expect(shown.locator("pre")).to_contain_text(visible(text), use_inner_text=True)
    assert await page.evaluate("window.hit") is None
    assert await shown.locator(".block h2 *:not(.unseen)").count() == 0
    assert await shown.locator("pre *:not(.unseen)").count() == 0
    assert await shown.locator("img:not([src='static/mark.svg']), script, a").count() == 0
    assert all(url.startswith(f"http://127.0.0.1:{local.access.port}/") for url in requests)


def visible(text):
    """Return a text as the page shows it: unseen characters by their code points."""
    unseen = "\u202e\u202c\u200b\u2060\ufeff\u3164\u2800\u034f\U000e0041\x07\x1b\x7f"
    return "".join(f"\\u{{{ord(c):X}}}" if c in unseen else c for c in text)


async def test_mrkdwn_links_lead_to_the_web_only(page, client):
    text = "<javascript:alert(1)|click> <https://example.com|fine> <data:text/html,x|no>"
    await client.chat_postMessage(channel=GENERAL, text=text)

    await expect(page.locator(".message a")).to_have_count(1)
    await expect(page.locator(".message a")).to_have_attribute("href", "https://example.com/")
    await expect(page.locator(".message a")).to_have_attribute(
        "rel", "noopener noreferrer nofollow"
    )
    await expect(page.locator(".dead-link")).to_have_count(2)


async def test_no_unseen_character_is_shown_as_nothing(page, client):
    unseen = [
        chr(point)
        for point in (*range(1, 0x1E000), *range(0xE0000, 0xE01F0))
        if chr(point) not in " \n\t"
        and (
            unicodedata.category(chr(point)) in {"Cc", "Cf", "Zl", "Zp", "Zs"}
            or "VARIATION SELECTOR-" in unicodedata.name(chr(point), "")
        )
    ]
    ts = await card(client, extra=[rich({"type": "text", "text": f"[{'|'.join(unseen)}]"})])
    marks = page.locator(f'[data-message-ts="{ts}"] .unseen')

    await expect(marks).to_have_count(len(unseen))
    assert await marks.all_inner_texts() == [f"\\u{{{ord(each):X}}}" for each in unseen]


async def test_an_emoji_of_several_characters_stays_whole(page, client):
    text = "\u2764\ufe0f \U0001f469\u200d\U0001f4bb"
    await card(client, extra=[rich({"type": "text", "text": text})])

    await expect(page.locator(".rich-line")).to_have_text(text)
    await expect(page.locator(".unseen")).to_have_count(0)
