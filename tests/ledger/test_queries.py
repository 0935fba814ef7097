"""What is asked for each call that people may be asked about is written once, not once a call."""

import gc

import pytest
from acme import ask
from open_ledgers import open_ledger, prepare
from sqlalchemy import BindParameter

CALLS = 20


@pytest.fixture
def uncollected():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def parameters() -> int:
    """Return how many parameters of queries there are, all waste among them."""
    return sum(isinstance(each, BindParameter) for each in gc.get_objects())


@pytest.mark.usefixtures("uncollected")
async def test_requests_leave_no_queries_behind(ledger_url):
    with open_ledger(ledger_url) as ledger:
        await prepare(ledger)
        await ledger.execute(ask("call_0"))
        await ledger.grants(live=True)
        before = parameters()

        for number in range(1, CALLS):
            await ledger.execute(ask(f"call_{number}", digests=(f"digest-{number}",)))
            await ledger.grants(live=True)

        assert parameters() - before < CALLS
