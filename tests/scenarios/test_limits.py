"""No more runs than a limit allows, over any number of replicas, whatever is killed."""

import asyncio
import contextlib
import json

import aiohttp
import pytest
from scenarios.stage import Replica, Stage, stage

pytestmark = pytest.mark.timeout(240)

POLICY = """\
version: 1
rules: [{name: writes, match: {tool: write_file}, effect: allow}]
limits: [{name: busy, match: {tool: write_file}, per: agent, at_most: 10, within: 1h}]
"""
GONE = (aiohttp.ClientError, ConnectionError, asyncio.TimeoutError)


async def told(replica: Replica, number: int) -> str:
    """Make a call of its own, and return what the agent is told; nothing where it is gone."""
    with contextlib.suppress(*GONE):
        result = await replica.call("write_file", {"path": f"{number}.txt", "text": "x"})
        return str(result["content"][0]["text"])
    return ""


async def flood(stage: Stage, calls: range) -> list[str]:
    """Make calls at once, in turn over the replicas that were started."""
    replicas = stage.replicas
    return await asyncio.gather(*(told(replicas[n % len(replicas)], n) for n in calls))


async def test_sixty_four_calls_over_four_replicas_run_ten_times(tmp_path, postgres_url):
    async with stage(tmp_path, postgres_url, POLICY) as four:
        await asyncio.gather(*(four.serve(f"placet-{number}") for number in range(4)))

        answers = await flood(four, range(64))

        assert len(four.server.runs) == 10
        assert sum("limit `busy`" in answer for answer in answers) == 54

        for replica in four.replicas:
            await replica.kill()
        await four.replicas[0].start()
        del four.replicas[1:]
        again = await flood(four, range(64, 80))

        assert len(four.server.runs) == 10
        assert all("10 of at most 10" in answer for answer in again)


async def test_what_a_killed_process_let_through_counts_after_it_is_started_again(staged):
    async with staged(POLICY) as one:
        replica = await one.serve(kill_at="decided:7")
        await flood(one, range(16))
        await replica.died()
        ran = len(one.server.runs)

        await replica.start()
        await flood(one, range(16, 48))

        assert ran < 10
        assert len(one.server.runs) <= 10
        assert await allowed(one) == 10


async def allowed(one: Stage) -> int:
    """Return how many calls the ledger let through."""
    code, out, _ = await one.run("audit", "log", "--event", "CallDecided", "--json")
    assert code == 0
    events = [json.loads(line) for line in out.splitlines()]
    return sum(event["state"]["effect"] == "allow" for event in events)
