"""A whole office on loopback: the real ledger, the local workspace, and the bot between them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import acme
from aiohttp import web
from slack_limits import visible_text

from bot.bot import Bot, OverHttp, OverSocket, SlackAccess
from bot.workspace import server
from bot.workspace.interactions import Shown
from bot.workspace.server import LocalWorkspace, RequestUrl
from bot.workspace.spec import SlashCommand, WorkspaceChannel, WorkspaceSpec, WorkspaceUser
from ledger.deciding.rulings import Waiting, ruling
from ledger.ledger import Ledger
from ledger.lives.approvals import Approval, ApprovalStatus
from policies.people.people import Directory

BOT, ALICE, BOB, CAT, DAN, EVE = "U0PLACET", "U0ALICE", "U0BOB", "U0CAT", "U0DAN", "U0EVE"
OUT, GUEST, STRANGER, ROBOT, MEMBER = "U0OUT", "U0GUEST", "U0STRANGER", "U0ROBOT", "U0MEMBER"
PLATFORM, SECURITY = "C0PLATFORM", "C0SEC"
BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = "xoxb-acme", "xapp-acme", "signing-secret-of-acme"

NOT_COUNTED = ("Not counted", "Nothing was recorded")

EVERYBODY = (BOT, ALICE, BOB, CAT, DAN, EVE, OUT, GUEST, STRANGER, ROBOT, MEMBER)


def spec(**changed: Any) -> WorkspaceSpec:
    people = [
        WorkspaceUser(BOT, "placet", is_bot=True),
        WorkspaceUser(ALICE, "alice"),
        WorkspaceUser(BOB, "bob"),
        WorkspaceUser(CAT, "cat"),
        WorkspaceUser(DAN, "dan"),
        WorkspaceUser(EVE, "eve"),
        WorkspaceUser(OUT, "outsider"),
        WorkspaceUser(GUEST, "guest", is_restricted=True),
        WorkspaceUser(STRANGER, "stranger", is_stranger=True, team_id="T0OTHER"),
        WorkspaceUser(ROBOT, "robot", is_bot=True),
        WorkspaceUser(MEMBER, "member"),
    ]
    members: dict[str, Any] = {
        "team_id": "T0ACME",
        "users": people,
        "channels": [
            WorkspaceChannel(PLATFORM, "platform", EVERYBODY),
            WorkspaceChannel(SECURITY, "security", EVERYBODY),
        ],
        "usergroups": {"S0PLATFORM": [MEMBER]},
        "bot_token": BOT_TOKEN,
        "app_token": APP_TOKEN,
        "bot_user_id": BOT,
        "commands": [SlashCommand("/placet", "Approvals and grants")],
        "home_tab": True,
    }
    return WorkspaceSpec(**members | changed)


@dataclass
class Clock:
    """A clock that runs, and can be put forward."""

    ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC) + self.ahead

    def seconds(self) -> float:
        return self.now().timestamp()


@dataclass(frozen=True)
class Clicked:
    """Who clicked, and how many messages that only they see they had before."""

    user: str
    before: int


@dataclass
class Office:
    """What a test acts on. Restart the bot with `stop_bot` and `start_bot`.

    The bot may send so many times faster than Slack allows as `hurry` says.
    """

    ledger: Ledger
    local: LocalWorkspace
    clock: Clock
    directory: Directory
    reached: OverSocket | OverHttp
    http_port: int = 0
    hurry: float = 1_000.0
    group_after: int = 0
    bot: Bot | None = None
    points: list[str] = field(default_factory=list)
    _runner: web.AppRunner | None = None
    _clicked: Clicked | None = None

    async def start_bot(self) -> Bot:
        self.bot = Bot(
            SlackAccess(BOT_TOKEN, self.reached, self.local.api_url, self.hurry, self.group_after),
            self.ledger,
            self.directory,
            longest=lambda: timedelta(hours=8),
            reach=self.points.append,
        )
        if self.bot.application is not None:
            self._runner = web.AppRunner(self.bot.application, access_log=None)
            await self._runner.setup()
            await web.TCPSite(self._runner, "127.0.0.1", self.http_port).start()
        await self.bot.start()
        return self.bot

    async def listening(self) -> Bot:
        """Start the bot and wait until people can be heard."""
        bot = await self.start_bot()
        if isinstance(self.reached, OverSocket):
            await self.local.wait_until_connected()
        await until(lambda: bot.ready() == [])
        return bot

    async def stop_bot(self) -> None:
        if self.bot is not None:
            await self.bot.close()
        if self._runner is not None:
            await self._runner.cleanup()
        self.bot = self._runner = None

    async def ask(self, call: str = "call_1", assessment: Any = None, **facts: Any) -> str:
        """Let ci-bot make a call that needs approval; return the approval's id."""
        command = acme.ask(
            call,
            assessment,
            instance=self.ledger.instance,
            digests=(f"k1:{call:0>64}",),
            **facts,
        )
        waits = ruling(await self.ledger.execute(command))
        assert isinstance(waits, Waiting), waits
        return waits.approval

    async def run(self, approval: str, call: str = "call_1") -> None:
        """Let the approved call go to its server and come back."""
        from ledger.lives.calls import CompleteCall  # noqa: PLC0415  only here

        use = acme.use(call, approval, instance=self.ledger.instance, digests=(f"k1:{call:0>64}",))
        await self.ledger.execute(use)
        done = CompleteCall(
            id=f"done-{call}",
            actor="placet:gateway",
            call=call,
            outcome="ok",
            duration_ms=812,
            size=1204,
        )
        await self.ledger.execute(done)

    async def card(self, approval: str, saying: str = "Approval needed", channel: str = PLATFORM):
        """Return the approval's card once it says so."""
        return await self.local.wait_for_message(
            channel,
            lambda message: approval in str(message.get("blocks")) and saying in shown(message),
        )

    async def click(self, user: str, approval: str, action: str, channel: str = PLATFORM) -> Shown:
        card = await self.card(approval, channel=channel)
        self._clicked = Clicked(user, len(await self.local.ephemerals(user)))
        return await self.local.click(user, channel, card["ts"], f"approval.{action}")

    async def told(self, user: str, text: str):
        """Return the message only this person sees that holds `text`."""
        return await self.local.wait_for_ephemeral(user, lambda message: text in shown(message))

    async def told_card(self, approval: str) -> None:
        """Wait until the ledger knows the approval's card."""

        async def known() -> bool:
            return bool((await self.approval(approval)).cards)

        await until_async(known)

    async def approval(self, name: str) -> Approval:
        found = await self.ledger.approval(name)
        assert found is not None
        return found

    async def becomes(self, name: str, status: ApprovalStatus) -> Approval:
        """Wait for a status; fail at once where the last click on a button did not count."""

        async def it_is() -> bool:
            if (await self.approval(name)).status is status:
                return True
            told = await self._not_counted()
            assert not told, f"{name} does not become {status}: {told}"
            return False

        await until_async(it_is)
        return await self.approval(name)

    async def events(self, name: str) -> list[Any]:
        return [one.event for one in await self.ledger.events(stream=f"approval-{name}")]

    async def topics(self, name: str) -> list[str]:
        return [event.TOPIC for event in await self.events(name)]

    async def cards(self, approval: str, channel: str = PLATFORM) -> list[Any]:
        """Return every copy of the approval's card that stands in a channel."""
        return [
            message
            for message in await self.local.messages(channel)
            if approval in str(message.get("blocks")) and "thread_ts" not in message
        ]

    async def _not_counted(self) -> str | None:
        """Return what who clicked last was told of it, where it did not count."""
        if self._clicked is None:
            return None
        told = map(shown, (await self.local.ephemerals(self._clicked.user))[self._clicked.before :])
        return next((text for text in told if text.startswith(NOT_COUNTED)), None)


def shown(message: dict[str, Any]) -> str:
    return visible_text(message.get("blocks") or [])


async def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something holds that no event announces."""

    async def asked() -> bool:
        return holds()

    await until_async(asked, seconds)


async def until_async(holds: Callable[[], Any], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def open_office(
    url: str,
    *,
    http_port: int = 0,
    directory: Directory = acme.DIRECTORY,
    rate_limits: bool = False,
    **changed: Any,
) -> AsyncIterator[Office]:
    """Open an office without a running bot; `http_port` makes Slack deliver over HTTP."""
    clock = Clock()
    delivery = (
        RequestUrl(f"http://127.0.0.1:{http_port}/slack/events", SIGNING_SECRET)
        if http_port
        else None
    )
    reached = OverHttp(SIGNING_SECRET) if http_port else OverSocket(APP_TOKEN)
    local = LocalWorkspace(
        spec(**changed),
        request_url=delivery,
        rate_limits=rate_limits,
        ack_seconds=server.ACK_SECONDS,
    )
    await local.start()
    ledger = Ledger.open(url, now=clock.now, monotonic=clock.seconds, directory=directory)
    office = Office(ledger, local, clock, directory, reached, http_port)
    try:
        for command in acme.PREPARED:
            await ledger.execute(command)
        yield office
    finally:
        await office.stop_bot()
        ledger.close()
        await local.close()
