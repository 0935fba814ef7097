"""A newcomer starts the demo: a card is there, and the buttons do what they say."""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import forked
import pytest
from playwright.async_api import async_playwright, expect
from scenarios.demo import running_demo

from placet_demo_agent import DemoAgent

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

STORY = [
    "PolicyActivated",
    "CallDecided",
    "ApprovalRequested",
    "CardPosted",
    "VoteCast",
    "ApprovalGiven",
    "ApprovalDispatched",
    "CallCompleted",
]


@pytest.fixture
async def demo(tmp_path):
    async with running_demo(tmp_path) as demo:
        yield demo


@pytest.fixture
async def page(demo, chromium):
    expect.set_options(timeout=60_000)  # a busy machine draws late
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(viewport={"width": 1280, "height": 1200})
        page.set_default_timeout(60_000)
        await page.goto(demo.told("page"))
        yield page
        await browser.close()


def card(page, tool):
    """Return the card of a call of `tool`."""
    return page.locator(".message").filter(has_text=f"files / {tool}")


async def visit(demo, tool, arguments):
    """Make one call as a visitor without a key."""
    async with aiohttp.ClientSession() as http:
        return await DemoAgent(http, demo.told("agents"), None).call(tool, arguments)


async def test_the_demo_takes_one_call_to_its_end_without_a_person():
    process = await forked.start_piped("demo", "--check", stdout=asyncio.subprocess.PIPE)

    out, _ = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 0, out
    words = out.decode().split()
    assert [name for name in STORY if name not in words] == []


async def test_approving_the_first_card_deletes_the_file(demo, page, tmp_path):
    report = tmp_path / "files" / "old-report.txt"
    assert report.exists()

    await card(page, "delete_file").get_by_role("button", name="Approve once").click()
    await page.get_by_role("dialog").get_by_role("button", name="Approve once").click()
    said = await demo.says("deleted old-report.txt")

    assert said == "demo-bot    delete_file old-report.txt: deleted old-report.txt"
    assert not report.exists()
    await expect(
        card(page, "delete_file").get_by_role("button", name="Approve once")
    ).to_be_hidden()


async def test_a_denial_reaches_the_agent_with_its_reason(demo, page, tmp_path):
    await card(page, "delete_file").get_by_role("button", name="Deny…").click()
    await page.get_by_role("dialog").get_by_label("Note to the agent").fill("it is still needed")
    await page.get_by_role("dialog").get_by_role("button", name="Deny").click()

    said = await demo.says("it is still needed")

    assert "Denied by bob" in said
    assert (tmp_path / "files" / "old-report.txt").exists()


async def test_the_owner_of_the_agent_cannot_approve(demo, page, tmp_path):
    await page.locator("label.person", has_text="Alice").click()
    await card(page, "write_file").get_by_role("button", name="Approve once").click()

    await expect(page.get_by_text("You own this agent").last).to_be_visible()
    assert not (tmp_path / "files" / "hello.txt").exists()


async def test_a_changed_policy_is_in_force_and_an_untouched_card_expires(demo, page, tmp_path):
    policy = tmp_path / "policy.yaml"
    changed = policy.read_text().replace("expires_in: 2m", "expires_in: 3s")
    policy.write_text(changed.replace('startsWith("secret/")', 'endsWith(".txt")'))

    async with asyncio.timeout(60):
        while (await visit(demo, "read_file", {"path": "notes.txt"})).status is None:
            await asyncio.sleep(0.1)
        while (reply := await visit(demo, "delete_file", {"path": "notes.txt"})).waits:
            await asyncio.sleep(0.2)

    assert reply.status == "expired"
    assert "nobody answered" in reply.text
    assert (tmp_path / "files" / "notes.txt").exists()
    await expect(page.get_by_text("Expired").last).to_be_visible()


async def test_the_policy_allows_and_denies_without_asking_anybody(demo):
    read = await visit(demo, "read_file", {"path": "notes.txt"})
    secret = await visit(demo, "read_file", {"path": "secret/plans.txt"})

    assert read.text == "Call the plumber.\n"
    assert secret.status == "denied_by_policy"
    assert "secrets are read by people; ask alice" in secret.text


async def test_a_second_demo_runs_beside_the_first(demo, tmp_path):
    other = tmp_path / "other"
    other.mkdir()

    async with running_demo(other) as second:
        assert second.told("agents") != demo.told("agents")
        assert second.told("page") != demo.told("page")


async def test_demos_that_start_at_once_take_no_address_from_each_other(tmp_path):
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder in folders:
        folder.mkdir()

    async with AsyncExitStack() as stack:
        starts = [stack.enter_async_context(running_demo(folder)) for folder in folders]
        demos = await asyncio.gather(*starts)
        pages = {demo.told("page") for demo in demos}

    assert len(pages) == 3


async def test_ctrl_c_ends_the_demo_in_good_order(demo):
    assert await demo.stop() == 0
