"""The official conformance suite finds through Placet what it finds without it."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager

import pytest
from conformance.suite import LEGS, TRIES, run_suite
from gateway_stage import RawServer, staged

from ledger.events.events import ApprovalRequested

pytestmark = pytest.mark.timeout(400)

ALLOWED = "version: 1\ndefault: allow\nrules: []\n"
HELD = "version: 1\ndefault: require_approval\nrules: []\n"
VISITOR = "  visitor: {team: platform, owner: alice, anonymous: true, hold: 10s}"  # sends no key

LATE = ("server-stateless", "sep-2575-missing-capability-http-400")
"""Once an answer has begun as a stream, its HTTP status cannot be that of an error any more."""
BETTER = {
    ("tasks-capability-negotiation", "tasks-extension-advertised"),
    ("tasks-dispatch-and-envelope", "sep-2663-tasks-get-invalid-task-id-32602"),
}
"""What the fixture server fails and Placet passes, which has tasks for every server."""
legs = pytest.mark.parametrize("leg", LEGS, ids=" ".join)


class Fixture(RawServer):
    """The fixture server in the place of a raw one."""

    def __init__(self, url):
        super().__init__()
        self.url = url

    @property
    def listeners(self):
        return 1


@asynccontextmanager
async def gateway(ledger_url, fixture_url, policy):
    """Put a gateway before the fixture server; whatever is asked of people, bob approves."""
    server = Fixture(fixture_url)
    async with staged(ledger_url, policy=policy, hold="1m", server=server, agents=VISITOR) as stage:
        asked = Counter()
        approving = set()

        def approve(events):
            for recorded in events:
                if isinstance(recorded.event, ApprovalRequested):
                    asked[recorded.event.tool] += 1
                    approving.add(asyncio.ensure_future(stage.decide(recorded.event.approval)))

        stop = stage.ledger.observe(approve)
        yield f"{stage.url}/mcp/files", asked
        stop()
        await asyncio.gather(*approving)


async def found_through(url, node, folder, leg, direct, allowed=frozenset()):
    """Return what the suite finds through a gateway, of a few tries the first that is right."""
    for attempt in range(TRIES):
        found = await asyncio.to_thread(run_suite, node, url, folder / f"{attempt}", *leg)
        if found.differences(direct).keys() <= allowed:
            break
    return found


@legs
def test_the_fixture_server_passes_whatever_is_scored(leg, directly):
    direct = directly(*leg)

    assert direct.code == 0, direct.why
    assert direct.counted == LEGS[leg], direct.why


@legs
async def test_the_same_checks_pass_through_placet(
    leg, directly, node, fixture_url, sqlite_url, tmp_path
):
    direct = directly(*leg)

    async with gateway(sqlite_url, fixture_url, ALLOWED) as (url, asked):
        found = await found_through(url, node, tmp_path, leg, direct, BETTER)

    assert found.differences(direct).keys() <= BETTER, found.differences(direct)
    assert found.code == 0
    assert not asked


@legs
async def test_the_same_checks_pass_where_every_call_is_held_and_approved(
    leg, directly, node, fixture_url, sqlite_url, tmp_path
):
    direct = directly(*leg)

    async with gateway(sqlite_url, fixture_url, HELD) as (url, asked):
        found = await found_through(url, node, tmp_path, leg, direct, {LATE} | BETTER)

    assert found.differences(direct).keys() <= {LATE} | BETTER, found.differences(direct)
    if "2025-03-26" not in leg:  # nothing in that leg calls a tool
        assert asked["test_simple_text"]
