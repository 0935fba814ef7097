"""Many approvals are read page by page, all of them, each once, and the newest first."""

import pytest
from acme import ask
from open_ledgers import Clock, open_ledger, prepare

from ledger.lives.approvals import ApprovalStatus
from ledger.views.approval_pages import approval_pages

MANY = 7


@pytest.fixture
async def ledger(ledger_url):
    """Give a ledger with several approvals of one moment, and of others."""
    clock = Clock()
    with open_ledger(ledger_url, clock) as opened:
        await prepare(opened)
        for n in range(MANY):
            await opened.execute(ask(f"call_{n}", digests=(f"k1:{n}",)))
            if n % 3 == 0:
                clock.advance(1)
        yield opened


@pytest.mark.parametrize("size", [1, 2, 3, MANY, 100])
async def test_the_pages_are_what_is_read_at_once(ledger, monkeypatch, size):
    monkeypatch.setattr("ledger.views.approval_pages._AT_ONCE", size)

    pages = [page async for page in approval_pages(ledger)]

    assert [one for page in pages for one in page] == await ledger.approvals()
    assert max(map(len, pages)) == min(size, MANY)


@pytest.mark.parametrize(("limit", "expected"), [(0, 0), (3, 3), (4, 4), (100, MANY)])
async def test_there_are_so_many_at_most(ledger, monkeypatch, limit, expected):
    monkeypatch.setattr("ledger.views.approval_pages._AT_ONCE", 2)

    pages = [page async for page in approval_pages(ledger, limit=limit)]

    assert [one for page in pages for one in page] == (await ledger.approvals())[:expected]


async def test_only_those_of_the_states_named_are_read(ledger):
    assert [page async for page in approval_pages(ledger, ApprovalStatus.APPROVED)] == []
    (page,) = [page async for page in approval_pages(ledger, ApprovalStatus.PENDING)]
    assert len(page) == MANY


async def test_what_is_asked_meanwhile_moves_nothing_twice(ledger, monkeypatch):
    monkeypatch.setattr("ledger.views.approval_pages._AT_ONCE", 2)
    before = [one.id for one in await ledger.approvals()]

    found = []
    async for page in approval_pages(ledger):
        found += [one.id for one in page]
        await ledger.execute(ask(f"call_later_{len(found)}", digests=(f"k1:later{len(found)}",)))

    assert found == before
