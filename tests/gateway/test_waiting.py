"""Calls that are woken together take turns, so that they do not all cost their most at once."""

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from gateway.calls.examining import Asked
from gateway.calls.open_calls import Ticket
from gateway.calls.tool_calls import ToolCalls
from gateway.calls.verdicts import Passed
from gateway.calls.waiting import WaitingRoom
from ledger.deciding.rulings import Dispatched
from ledger.events.events import ApprovalGiven
from ledger.lives.approvals import ApprovalStatus
from policies.people.people import Agent

MANY = 200


class Turns:
    """Counts how many are inside at once, by whom they are for."""

    def __init__(self) -> None:
        self.inside: dict[str, int] = {}
        self.most: dict[str, int] = {}

    async def take(self, whose: str) -> None:
        self.inside[whose] = self.inside.get(whose, 0) + 1
        self.most[whose] = max(self.most.get(whose, 0), self.inside[whose])
        await asyncio.sleep(0.001)
        self.inside[whose] -= 1


class Given:
    """A ledger, a room and a gate where every approval was given."""

    def __init__(self) -> None:
        self.reads, self.claims = Turns(), Turns()

    async def approval(self, name: str) -> Any:
        await self.reads.take("")
        return SimpleNamespace(id=name, status=ApprovalStatus.APPROVED)

    async def news(self, approval: str, _seconds: float, _agent: str) -> Any:
        return SimpleNamespace(id=approval, status=ApprovalStatus.APPROVED)

    async def examine_anew(self, asked: Any) -> Any:
        await self.claims.take(asked.server)
        return SimpleNamespace(
            facts=SimpleNamespace(call=asked.id, digests=("digest",)),
            assessment=SimpleNamespace(show_result=False),
        )

    async def claim(self, asked: Any, examined: Any, approval: str) -> Any:
        await self.claims.take(asked.server)
        return Dispatched(approval), examined


async def test_of_many_that_are_woken_few_read_their_approvals_at_once():
    given = Given()
    room = WaitingRoom(cast("Any", given), places=lambda _: MANY)
    asked = [str(number) for number in range(MANY)]

    known = await asyncio.gather(*(room.news(each, 5, "ci-bot") for each in asked))

    assert [each.id for each in known if each] == asked
    assert given.reads.most == {"": 32}


def call(number: int, server: str) -> Asked:
    ticket = Ticket("ci-bot", server, "session", str(number))
    return Asked(
        f"call-{number}", Agent("ci-bot", "platform", "alice"), server, "write", {}, ticket, 100
    )


async def test_of_many_that_got_their_yes_few_claim_at_once_by_server():
    given: Any = Given()
    nobody: Any = None
    calls = ToolCalls(given, given, given, nobody, nobody, nobody, nobody, nobody)
    asked = [call(number, ("files", "mail")[number % 2]) for number in range(MANY)]

    verdicts = await asyncio.gather(*(calls.wait(each, each.id, "digest", 5) for each in asked))

    assert all(isinstance(verdict, Passed) for verdict in verdicts)
    assert given.claims.most == {"files": 32, "mail": 32}


async def test_identical_calls_are_woken_together_whichever_of_them_leaves_before():
    class Asking:
        """A ledger where every approval is open until there is news."""

        status = ApprovalStatus.PENDING

        def observe(self, listener: Any, **_: Any) -> Any:
            self.tell = listener
            return lambda: None

        async def approval(self, name: str) -> Any:
            return SimpleNamespace(id=name, status=self.status, undeliverable={})

    ledger = Asking()
    room = WaitingRoom(cast("Any", ledger), places=lambda _: MANY)
    room.open()
    given = ApprovalGiven(approval="apr_1", by=("bob",), use_until=datetime(2026, 1, 1, tzinfo=UTC))
    held = [
        asyncio.create_task(room.news("apr_1", 60 if number != 3 else 0.01, "ci-bot"))
        for number in range(6)
    ]
    held.append(asyncio.create_task(room.news("apr_2", 60, "ci-bot")))
    await held[3]
    for leaving in (0, 2, 5):
        held[leaving].cancel()
    await asyncio.wait([held[0], held[2], held[5]])
    ledger.status = ApprovalStatus.APPROVED

    ledger.tell([SimpleNamespace(event=given)])
    known = await asyncio.gather(held[1], held[4])

    assert [each.status for each in known if each] == [ApprovalStatus.APPROVED] * 2
    assert (room.held["ci-bot"], held[6].done()) == (1, False)
    room.empty()
    last = await held[6]
    assert last is not None
    assert last.id == "apr_2"
    assert not room.held
