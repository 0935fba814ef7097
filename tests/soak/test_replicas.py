"""Four replicas on one database, both restarted again and again: each call ends, and once."""

import asyncio
import json
import logging
import random
from functools import partial

import pytest
from conftest import postgres
from scenarios.stage import Replica, Stage, stage, until
from soak.aftermath import check_calls, check_ledger
from soak.conftest import LONG
from soak.crowd import Crowd, crowded
from soak.test_kills import POLICY

pytestmark = pytest.mark.timeout(900)

_LOG = logging.getLogger("soak")

REPLICAS = 4
AGENTS = 200 if LONG else 20
DIGEST_KEY = "a-digest-key-of-forty-characters-or-more"


def key(agent: int) -> str:
    """Return an agent's key."""
    return f"key-of-agent-{agent:03d}-" + "0123456789" * 3


def many_agents(opened: Stage) -> None:
    """Have the stage's configuration know as many agents as there are keys."""
    written = opened.configuration

    def configuration(replica: Replica) -> str:
        settings = json.loads(written(replica))
        for agent in range(AGENTS):
            known = {"team": "platform", "owner": "alice", "key": key(agent)}
            settings["agents"][f"agent-{agent:03d}"] = known
        return json.dumps(settings)

    opened.configuration = configuration  # type: ignore[method-assign]


async def trouble(opened, chance, seconds, server):
    """Kill and restart replicas at random, and the database twice."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    restarts = [began + seconds / 3, began + 2 * seconds / 3]
    while loop.time() < began + seconds:
        await asyncio.sleep(chance.random() * 3)
        replica = chance.choice(opened.replicas)
        _LOG.info("%.0f s: %s is restarted", loop.time() - began, replica.config.stem)
        await (replica.kill() if chance.random() < 0.7 else replica.stop())
        if restarts and loop.time() >= restarts[0]:
            restarts.pop(0)
            _LOG.info("%.0f s: the database is restarted", loop.time() - began)
            await asyncio.to_thread(server.stop)
            await asyncio.sleep(chance.random())
            await asyncio.to_thread(server.ensure_postgres_running)
        await replica.launch()

    async def back(replica):
        if replica.process.returncode is not None:  # it was started while the database was away
            await replica.launch()
        return await replica.ready()

    for replica in opened.replicas:
        await until(partial(back, replica), 60)


async def test_whatever_is_restarted_each_call_ends_and_none_runs_twice(tmp_path, seconds):
    chance = random.Random(20261127)  # noqa: S311 (chance, not secrecy)
    with postgres() as server:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        async with stage(tmp_path, url, POLICY, "1s") as opened:
            many_agents(opened)
            for number in range(REPLICAS):
                await opened.serve(f"replica-{number}")
            keys = [key(agent) for agent in range(AGENTS)]
            crowd = Crowd(opened, chance, keys, writes=0.004 if LONG else 0.05, pause=4.0)

            troubling = asyncio.create_task(trouble(opened, chance, seconds, server))
            await crowded(crowd, 0, troubling)

            await check_calls(crowd)
            await check_ledger(crowd)
            assert len(crowd.count()) > 2, crowd.count()
