"""Agents that call and people who click, while processes die: what each was told is kept."""

import asyncio
import contextlib
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from scenarios.stage import BOB, CAT, META, PLATFORM, Replica, Stage

from bot.workspace.delivery import Unanswered
from bot.workspace.errors import Impossible, SlackError
from gateway.calls.answers import META_KEY, Told

AWAY = (aiohttp.ClientError, ConnectionError, TimeoutError)
WAITS = {Told.PENDING, Told.UNDELIVERABLE}
RAN = "ran"
LOST = "answered by nobody"
ENDS = {RAN, *Told} - WAITS
_LIST = 0.3
_ANSWER = 15.0


@dataclass
class Crowd:
    """What agents were told, by call; `chance` makes a run repeatable as far as that goes.

    A call has a tool and a path that no other call has. It is made again until
    it is decided. One whose answer was lost while it may have run is not.
    `writes` is the part of the calls that people are asked about, `pause` how
    many seconds an agent thinks before the next call, at most.
    """

    stage: Stage
    chance: random.Random
    keys: list[str]
    writes: float
    pause: float
    told: dict[str, str] = field(default_factory=dict)
    made: int = 0
    resting: bool = False

    def count(self) -> Counter[str]:
        """Return how many calls came to each end."""
        return Counter(self.told.values())

    async def agent(self, key: str) -> None:
        """Make one call after the other until the crowd rests."""
        while not self.resting:
            asked = self.chance.random() < self.writes
            tool = "write_file" if asked else self.chance.choice(["read_file", "drop_table"])
            self.made += 1
            await self._insist(key, tool, f"{self.made}.txt")
            await asyncio.sleep(self.pause * self.chance.random())

    async def _insist(self, key: str, tool: str, path: str) -> None:
        """Make a call until it is decided, at any replica."""
        while True:
            replica = self.chance.choice(self.stage.replicas)
            try:
                async with asyncio.timeout(_ANSWER):
                    status = await self._call(replica, key, tool, path)
            except AWAY:
                if tool == "read_file":  # it may have run: what an allowed call is asked anew for
                    self.told[path] = LOST
                    return
                status = None
            if status in ENDS:
                self.told[path] = str(status)
                return
            await asyncio.sleep(_LIST * (1 + self.chance.random()))

    @staticmethod
    async def _call(replica: Replica, key: str, tool: str, path: str) -> str | None:
        """Return how a call ended, or None where it was not decided yet."""
        params = {"name": tool, "arguments": {"path": path}, "_meta": META}
        message = {"jsonrpc": "2.0", "id": path, "method": "tools/call", "params": params}
        headers = {"Mcp-Method": "tools/call", "Mcp-Name": tool}
        status, answer = await replica.post(json.dumps(message).encode(), headers, key)
        told: dict[str, Any] = json.loads(answer)
        if status != 200 or "result" not in told:
            return None
        meta = told["result"].get("_meta", {}).get(META_KEY, {})
        return str(meta["status"]) if "status" in meta else RAN

    async def click(self) -> None:
        """Decide on cards, again and again, some twice; until cancelled."""
        while True:
            for card in self.open_cards():
                action = self.chance.choices(["approval.approve", "leave", "again"], [6, 2, 1])[0]
                if action == "leave":
                    continue
                for user in (BOB, CAT) if action == "again" else (BOB,):
                    await self.press(card, user)
            await asyncio.sleep(_LIST)

    async def press(self, card: str, user: str = BOB) -> None:
        """Approve on a card, if its button is there and the bot hears of it."""
        with contextlib.suppress(Impossible, Unanswered, SlackError, *AWAY):
            await self.stage.workspace.click(user, PLATFORM, card, "approval.approve")

    def open_cards(self) -> list[str]:
        """Return the cards that can be decided on, by their timestamps."""
        timeline = self.stage.workspace.workspace.channels.at(PLATFORM).timeline
        return [
            message["ts"]
            for message in list(timeline.messages.values())
            if "approval.approve" in json.dumps(message.get("blocks", []))
        ]


async def crowded(crowd: Crowd, seconds: float, trouble: "asyncio.Task[None]") -> None:
    """Let the crowd call and click for so long and until `trouble` is over; then let it finish."""
    clicking = asyncio.create_task(crowd.click())
    agents = [asyncio.create_task(crowd.agent(key)) for key in crowd.keys]
    try:
        await asyncio.sleep(seconds)
        await trouble
        crowd.resting = True
        async with asyncio.timeout(120):
            await asyncio.gather(*agents)
    finally:
        for task in (clicking, trouble, *agents):
            task.cancel()
        await asyncio.gather(clicking, trouble, *agents, return_exceptions=True)
