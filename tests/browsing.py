"""What people do in the page of the local workspace, from the first look to the last word.

Each flow acts as a person would, by what is written on buttons and fields, and stops where there
is something to see. The tests run them, and so does the command that draws the pictures of docs/.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import acme
from office import BOB, CAT, DAN, EVE, OUT, PLATFORM, SECURITY, Office
from playwright.async_api import Locator, Page, expect

from ledger.lives.steps import TakeStep
from policies.people.people import Directory
from policies.rules.decisions import Term
from policies.values.calls import Risk

CI_BOTS_OWNER = "U0ALICE"
SCALE = timedelta(minutes=15)
_PRESSES = 5


def directory() -> Directory:
    """Return acme's people; security decides for platform in the end, eve in an emergency."""
    platform = replace(
        acme.DIRECTORY.teams["platform"], escalate_to="security", break_glass=("eve",)
    )
    teams = {**acme.DIRECTORY.teams, "platform": platform}
    return replace(acme.DIRECTORY, teams=teams)


@dataclass
class Visit:
    """A person before the page."""

    page: Page
    office: Office

    async def become(self, user: str, place: str = PLATFORM) -> None:
        """Act as a person, in a channel or in the home tab."""
        box = self.page.locator(f'[data-user-id="{user}"] input')
        for _ in range(_PRESSES):  # what is pressed while the page draws anew is lost
            await self.page.locator(f'[data-user-id="{user}"]').click()
            with suppress(AssertionError):
                await expect(box).to_be_checked(timeout=3_000)
                break
        await expect(box).to_be_checked()
        await self.page.locator(f'button[data-channel-id="{place}"]').click()

    def card(self, text: str) -> Locator:
        """Return the newest message of the channel that holds `text` and buttons."""
        return self.page.locator("#messages article", has_text=text).last

    async def press(self, text: str, label: str) -> None:
        """Press a button of the newest message that holds `text` and has that button."""
        button = self.page.get_by_role("button", name=label, exact=True)
        card = self.page.locator("#messages article", has_text=text).filter(has=button).last
        await card.get_by_role("button", name=label, exact=True).click()

    async def sure(self) -> None:
        """Say yes to a button that asks again."""
        await self.page.locator("dialog.confirm").get_by_role("button").last.click()

    @property
    def dialog(self) -> Locator:
        """Return the modal that is open."""
        return self.page.locator("dialog.modal")

    async def submit(self) -> None:
        """Press the button that sends the modal."""
        await self.dialog.locator("[data-modal-submit]").click()

    async def type(self, text: str) -> None:
        """Type `/placet TEXT` in the channel."""
        await self.page.locator("#composer").fill(f"/placet {text}")
        await self.page.locator("#composer").press("Enter")

    async def sees(self, *texts: str | re.Pattern[str]) -> None:
        """Wait until the channel shows each text."""
        for text in texts:
            await expect(self.page.locator("#messages")).to_contain_text(text)

    async def thread(self, text: str) -> None:
        """Open the thread of the message that holds `text`."""
        await self.card(text).locator("[data-thread-of]").click()


Flow = Callable[[Visit], Awaitable[None]]


async def approve(visit: Visit) -> None:
    """Bob reads a card and approves it; all see who did."""
    await visit.office.ask()
    await visit.become(BOB)
    await visit.press("write_file", "Approve once")
    await visit.sees("Approved: files", "Approved. The call may run once.")


async def approve_for(visit: Visit) -> None:
    """Bob approves a call and lets such calls run for an hour; he is told what that means."""
    await visit.office.ask()
    await visit.become(BOB)
    await visit.press("write_file", "Approve for…")
    await visit.dialog.get_by_role("combobox").select_option("3600")
    await visit.submit()
    await expect(visit.dialog).to_contain_text("with exactly the arguments of this call")
    await expect(visit.dialog).to_contain_text("It ends earlier with /placet revoke.")


async def approved_for(visit: Visit) -> None:
    """Bob says yes to what he was told, and the card says so."""
    await approve_for(visit)
    await visit.submit()
    await visit.sees("Approved: files", "grt_")


async def deny(visit: Visit) -> None:
    """Bob denies a call with a reason and a note."""
    await visit.office.ask()
    await visit.become(BOB)
    await visit.press("write_file", "Deny…")
    await visit.dialog.get_by_label("Note to the agent").fill("not before the release is out")


async def denied(visit: Visit) -> None:
    """The note stands in the thread of the denied card."""
    await deny(visit)
    await visit.submit()
    await visit.sees("Denied: files")
    await visit.thread("Denied: files")
    await expect(visit.page.locator("[data-thread]")).to_contain_text(
        "not before the release is out"
    )


async def details(visit: Visit) -> None:
    """Bob turns the pages of a call that no card can hold."""
    content = "\\n".join(f"line {number} of a long file" for number in range(6000))
    await visit.office.ask(arguments=f'{{"content":"{content}","path":"/etc/motd"}}')
    await visit.become(BOB)
    await visit.press("write_file", "Details")
    await expect(visit.dialog).to_contain_text("Page 1 of")
    await visit.dialog.get_by_role("button", name="Next").click()
    await expect(visit.dialog).to_contain_text("Page 2 of")


async def quorum(visit: Visit) -> None:
    """Two people are needed: bob's yes counts once, cat's completes it."""
    await visit.office.ask(assessment=acme.assessed(terms=(Term("platform", 2),)))
    await visit.become(BOB)
    await visit.press("write_file", "Approve once")
    await visit.sees("It waits for 1 more from team platform.")
    await visit.become(CAT)
    await visit.press("write_file", "Approve once")
    await visit.sees("Approved: files")


async def refused(visit: Visit) -> None:
    """Somebody who is no approver presses, and is told why it does not count."""
    await visit.office.ask(assessment=acme.assessed(risk=Risk.WRITE))
    await visit.become(OUT)
    await visit.press("write_file", "Approve once")
    await visit.sees("Not counted.")


async def escalated(visit: Visit) -> None:
    """Nobody decides in half of the time: another team is asked, and decides."""
    approval = await visit.office.ask()
    await visit.office.card(approval)
    await visit.office.told_card(approval)
    visit.office.clock.ahead += SCALE
    step = TakeStep(id=f"step:{approval}", actor="placet:deadlines", approval=approval)
    await visit.office.ledger.execute(step)
    await visit.become(EVE, SECURITY)
    await visit.press("write_file", "Approve once")
    await visit.sees("Approved: files")
    await visit.become(BOB)
    await visit.sees("Approved: files")


async def frozen(visit: Visit) -> None:
    """Bob freezes an agent; its calls are stopped until a second person lifts that."""
    await visit.become(BOB)
    await visit.type("freeze agent ci-bot for 2h it writes where it should not")
    await visit.sees(re.compile("Frozen|frozen"))


async def thawed(visit: Visit) -> None:
    """Cat lifts what bob froze, with the button in the channel."""
    await frozen(visit)
    await visit.become(CAT)
    await visit.page.get_by_role("button", name=re.compile("Unfreeze|Lift")).last.click()
    if await visit.page.locator("dialog.confirm").count():
        await visit.sure()
    await visit.sees(re.compile("[Ll]ifted|[Uu]nfrozen"))


async def requested(visit: Visit) -> None:
    """The agent's owner asks for a grant; the owning team sees a card."""
    await visit.become(CI_BOTS_OWNER)
    await visit.type("request ci-bot files/write_* for 1h because the migration runs tonight")
    await visit.sees("the migration runs tonight")


async def granted(visit: Visit) -> None:
    """Dan gives what the owner asked for."""
    await requested(visit)
    await visit.become(DAN)
    give = visit.card("the migration runs tonight").get_by_role("button").first
    await give.click()
    if await visit.page.locator("dialog.confirm").count():
        await visit.sure()
    await visit.sees("grt_")


async def grouped(visit: Visit) -> None:
    """An agent asks much at once: what shares a card is ticked, and approved together."""
    await visit.office.stop_bot()
    visit.office.group_after = 2
    await visit.office.listening()
    asked = [
        await visit.office.ask(f"call_{n:02}", arguments=f'{{"path":"docs/page-{n}.md"}}')
        for n in range(8)
    ]
    for approval in asked:
        await visit.office.told_card(approval)
    await visit.become(BOB)
    await visit.sees("calls of ci-bot")
    boxes = visit.card("calls of ci-bot").get_by_role("checkbox")
    await boxes.nth(0).check()
    await boxes.nth(1).check()


async def grouped_approved(visit: Visit) -> None:
    """Each tick is a vote of its own; the rest waits."""
    await grouped(visit)
    selected = re.compile("Approve")
    await visit.card("calls of ci-bot").get_by_role("button", name=selected).first.click()
    await visit.sure()
    await visit.sees("2 of 2 votes count.")


async def grouped_denied(visit: Visit) -> None:
    """Two ticked calls are denied with one reason, which is asked for once."""
    await grouped(visit)
    await visit.card("calls of ci-bot").get_by_role("button", name="Deny selected…").click()
    await expect(visit.dialog.get_by_role("checkbox", checked=True)).to_have_count(2)
    await visit.dialog.get_by_label("Note to the agent").fill("one page after the other")
    await visit.submit()
    await visit.sees("2 of 2 votes count.", "4 of 6 calls of ci-bot wait")


async def home(visit: Visit) -> None:
    """Bob opens the home tab: what waits for him, and what he gave."""
    await visit.office.ask()
    await visit.become(BOB)
    await visit.type("grant ci-bot files/write_* for 1h because the migration runs tonight")
    await visit.sees("Granted grt_")
    await visit.become(BOB, "home")
    await visit.sees("Waiting for you", "write_file", "Grants you gave", "files/write_*")


async def home_approved(visit: Visit) -> None:
    """Bob decides from the home tab, after he has looked at the card there."""
    await home(visit)
    await visit.page.get_by_role("button", name="Look and approve…").first.click()
    await expect(visit.dialog).to_contain_text("write_file")
    await visit.submit()
    await visit.sees("Nothing waits for you.")


async def renewed(visit: Visit) -> None:
    """A grant is about to end: the channel is told, and cat gives it once more."""
    office = visit.office
    await visit.become(BOB)
    await visit.type("grant ci-bot files/write_* for 1h")
    await visit.sees("Granted grt_")
    await office.stop_bot()
    office.clock.ahead += timedelta(minutes=50)
    await office.listening()
    await visit.become(CAT)
    await visit.sees("Grant ends soon: ci-bot")
    await visit.press("Grant ends soon", "Renew")
    if await visit.page.locator("dialog.confirm").count():
        await visit.sure()
    await visit.sees("Renewed as grt_")


async def broken_glass(visit: Visit) -> None:
    """Nobody of two can be reached: eve approves alone, and all who were skipped are told."""
    approval = await visit.office.ask(assessment=acme.assessed(terms=(Term("platform", 2),)))
    await visit.office.told_card(approval)
    await visit.become(EVE)
    await visit.type(f"break-glass {approval} the shop is down")
    await expect(visit.dialog).to_contain_text("without the votes of")
    await visit.submit()
    await visit.sees("Break-glass: files / write_file", "Reason: the shop is down")


async def signed_off(visit: Visit) -> None:
    """Cat looks at it afterwards, and signs it off."""
    await broken_glass(visit)
    await visit.become(CAT)
    await visit.press("Break-glass: files", "Sign off…")
    await visit.dialog.get_by_role("textbox").fill("looked at with eve")
    await visit.submit()
    await visit.sees("looked at with eve")


async def delegated(visit: Visit) -> None:
    """Bob is away: eve votes in his stead, and the card says so."""
    await visit.become(BOB)
    await visit.type("delegate @eve for 2d because on a train")
    await visit.sees("eve", "bob", "on a train")
    await visit.office.ask()
    await visit.become(EVE)
    await visit.press("write_file", "Approve once")
    await visit.sees("Approved: files", "@eve for @bob")


DRAWN: dict[str, Flow] = {
    "approved": approve,
    "approve-for": approve_for,
    "deny": deny,
    "details": details,
    "quorum": quorum,
    "refused": refused,
    "escalated": escalated,
    "frozen": frozen,
    "grant-requested": requested,
    "grouped": grouped,
    "home": home,
    "break-glass": broken_glass,
    "delegated": delegated,
}
"""The flows whose end is shown in docs/, by the picture's name."""

ALL: dict[str, Flow] = DRAWN | {
    "approved-for": approved_for,
    "denied": denied,
    "thawed": thawed,
    "granted": granted,
    "grouped-approved": grouped_approved,
    "grouped-denied": grouped_denied,
    "home-approved": home_approved,
    "renewed": renewed,
    "signed-off": signed_off,
}
