"""A process is killed again and again under load: nothing acknowledged is lost, all agree."""

import asyncio
import logging
import random

import pytest
from scenarios.stage import CI_BOT, OTHER_BOT
from soak.aftermath import check_calls, check_ledger
from soak.conftest import LONG
from soak.crowd import Crowd, crowded

pytestmark = pytest.mark.timeout(1800)

_LOG = logging.getLogger("soak")

WRITES = 0.03 if LONG else 0.1
"""The part of the calls that people are asked about: Slack takes a card a second at most."""

_PATIENCE = 8.0 if LONG else 3.0
"""Seconds in which a point is reached, or the round ends without."""

POINTS = (
    *("request-read", "decided", "before-commit", "after-commit", "answering", "held"),
    *("card-sending", "card-sent", "card-recorded", "vote-received", "vote-recorded"),
    *("claiming", "claimed", "forwarded", "completed"),
)
POLICY = """\
version: 1
default: require_approval
rules:
  - {name: reads, match: {risk: read}, effect: allow}
  - {name: no-drops, match: {tool: "drop_*"}, effect: deny}
  - name: writes
    match: {tool: "write_*"}
    effect: require_approval
    approval: {expires_in: 12s, use_within: 10s}
"""


async def kill_again_and_again(stage, chance, rounds):
    """Kill the one replica at a point of each round's own, or at any moment; start it again."""
    (replica,) = stage.replicas
    points = [*POINTS]
    chance.shuffle(points)
    for number in range(rounds):
        await replica.kill()
        at_random = number % 4 == 3
        point = points[number % len(points)]
        where = "any moment" if at_random else point
        _LOG.info("round %s of %s: killed at %s", number + 1, rounds, where)
        await replica.launch(None if at_random else f"{point}:{chance.randint(1, 3)}")
        if at_random:
            await asyncio.sleep(4 * chance.random())
        else:
            await asyncio.wait([asyncio.create_task(replica.process.wait())], timeout=_PATIENCE)
    await replica.kill()
    await replica.start()


async def test_killed_again_and_again_nothing_is_lost_and_nothing_runs_twice(staged, rounds):
    chance = random.Random(20261126)  # noqa: S311 (chance, not secrecy)
    async with staged(policy=POLICY, hold="1s") as stage:
        await stage.serve()
        crowd = Crowd(stage, chance, [CI_BOT, OTHER_BOT] * 6, writes=WRITES, pause=0.5)

        killing = asyncio.create_task(kill_again_and_again(stage, chance, rounds))
        await crowded(crowd, 0, killing)

        await check_calls(crowd)
        await check_ledger(crowd)
        assert len(crowd.count()) > 2, crowd.count()
