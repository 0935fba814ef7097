"""Who calls is told by the key alone: agents call, operators read, and nobody is both."""

import asyncio
import contextlib
import json
import logging
from datetime import timedelta
from hashlib import sha256

import aiohttp
import pytest
from acme import NOON, after
from aiohttp import web
from gateway_stage import now, staged, until
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from open_ledgers import open_ledger
from prometheus_client import CollectorRegistry
from standing_streams import hung_up, listening

from gateway.identity.agent_keys import AgentKeys
from gateway.identity.challenges import Challenges
from gateway.identity.identity import Identity, Operator, Roster
from gateway.identity.strangers import Strangers
from gateway.wire.errors import Rejected
from ledger.events.envelopes import Recorded
from ledger.events.standing_events import AgentAdded, AgentRevoked
from ledger.lives.agents import (
    AddAgent,
    AgentStatus,
    LedgerAgent,
    ReplacedKey,
    RevokeAgent,
    RotateAgentKey,
)
from ledger.shell import Misconfigured
from policies.people.people import Agent
from policies.secrets.redaction import redact_text

OLD, NEW = "o" * 40, "n" * 40
LEGACY = {"MCP-Protocol-Version": "2025-11-25"}
LISTING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}).encode()

AGENT_KEY = "an-agents-key-0123456789-0123456789-0123456789"
OPERATOR_KEY = "an-operators-key-0123456789-0123456789-012345"
CI_BOT = Agent("ci-bot", "platform", "alice")


@contextlib.asynccontextmanager
async def asked_of(identity):
    """Serve `/agent` and `/operator`, which answer with the name of whoever asks."""

    async def told(request):
        ask = identity.authenticate if request.path == "/agent" else identity.operator
        try:
            return web.Response(text=ask(request).name)
        except Rejected as rejected:
            return rejected.response()

    application = web.Application()
    application.router.add_get("/{who}", told)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession(url) as http:
        yield http
    await runner.cleanup()


@pytest.fixture
async def http():
    roster = Roster(
        {hashed(AGENT_KEY): CI_BOT}, operators={hashed(OPERATOR_KEY): Operator("auditor")}
    )
    identity = Identity(roster, now)
    async with asked_of(identity) as asking:
        yield asking


async def answer(http, who, *authorization):
    headers = [("Authorization", value) for value in authorization]
    async with http.get(f"/{who}", headers=headers) as response:
        return response.status, await response.text()


async def test_an_agents_key_is_an_agents_and_an_operators_key_an_operators(http):
    agent = await answer(http, "agent", f"Bearer {AGENT_KEY}")
    operator = await answer(http, "operator", f"Bearer {OPERATOR_KEY}")

    assert agent == (200, "ci-bot")
    assert operator == (200, "auditor")


async def test_a_key_is_never_good_for_the_other_side(http):
    operators = await answer(http, "agent", f"Bearer {OPERATOR_KEY}")
    agents = await answer(http, "operator", f"Bearer {AGENT_KEY}")

    assert operators[0] == agents[0] == 403
    assert "this is an operator's key, which calls nothing" in operators[1]
    assert "this is an agent's key, which reads nothing here" in agents[1]


@pytest.mark.parametrize("who", ["agent", "operator"])
@pytest.mark.parametrize(
    "authorization",
    [
        (),
        ("",),
        ("Bearer",),
        ("Bearer ",),
        ("Bearer unknown",),
        (AGENT_KEY,),
        (f"Basic {AGENT_KEY}",),
        (f"Bearer {AGENT_KEY} {AGENT_KEY}",),
    ],
)
async def test_whoever_shows_no_key_that_is_known_is_nobody(http, who, authorization):
    status, _ = await answer(http, who, *authorization)

    assert status == 401


def hashed(key):
    return sha256(key.encode()).digest()


class Asking:
    """A request as far as identity looks at it."""

    path = raw_path = "/mcp/files"
    remote = "192.0.2.1"
    transport = None

    def __init__(self, *authorization):
        self.headers = CIMultiDict([("Authorization", each) for each in authorization])


KNOWN = Identity(
    Roster({hashed(AGENT_KEY): CI_BOT}, operators={hashed(OPERATOR_KEY): Operator("auditor")}), now
)


@given(st.lists(st.text() | st.text().map("Bearer {}".format), max_size=3))
def test_no_header_at_all_lets_somebody_in_who_has_no_key(given_headers):
    for ask in (KNOWN.authenticate, KNOWN.operator):
        with pytest.raises(Rejected) as told:
            ask(Asking(*given_headers))
        assert told.value.status == (400 if len(given_headers) > 1 else 401)
        assert told.value.headers["WWW-Authenticate"].startswith('Bearer realm="placet"')


async def add(ledger, key, name="new-bot"):
    hashed = sha256(key.encode()).hexdigest()
    await ledger.execute(
        AddAgent(
            id=f"add:{name}",
            actor="shell:ops",
            agent=name,
            team="platform",
            owner="alice",
            key_sha256=hashed,
        )
    )


async def rotate(ledger, key, grace=timedelta(0)):
    hashed = sha256(key.encode()).hexdigest()
    command = RotateAgentKey(
        id=f"rotate:{key}", actor="shell:ops", agent="new-bot", key_sha256=hashed, grace=grace
    )
    (recorded,) = await ledger.execute(command)
    return recorded.event


async def lets_in(stage, key):
    return (await stage.post(LISTING, LEGACY, key=key)).status == 200


async def test_a_key_that_another_process_replaced_is_let_in_no_more(ledger_url):
    async with staged(ledger_url) as stage:
        await add(stage.ledger, OLD)
        await until(lambda: lets_in(stage, OLD))
        with open_ledger(ledger_url, serving=False, instance=None) as elsewhere:
            await rotate(elsewhere, NEW)

        await until(lambda: lets_in(stage, NEW))
        old = await stage.post(LISTING, LEGACY, key=OLD)

        assert (old.status, old.error["code"]) == (401, -31001)


async def test_both_keys_are_let_in_while_the_grace_lasts(ledger_url):
    async with staged(ledger_url) as stage:
        await add(stage.ledger, OLD)
        await rotate(stage.ledger, NEW, timedelta(hours=1))

        await until(lambda: lets_in(stage, NEW))

        assert await lets_in(stage, OLD)


async def test_a_held_call_does_not_run_once_its_key_was_replaced(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        await add(stage.ledger, OLD)
        await until(lambda: lets_in(stage, OLD))
        held = asyncio.create_task(stage.call("write_file", key=OLD))
        (approval,) = await stage.pending()
        await rotate(stage.ledger, NEW)

        await stage.decide(approval.id)
        answer = await held
        again = await stage.call("write_file", key=NEW)

        assert (answer.status, answer.error["code"]) == (409, -31009)
        assert "has another key now" in answer.error["message"]
        assert again.text == "done: write_file"
        assert len(stage.server.calls()) == 1


async def test_a_held_call_does_not_run_once_its_agent_was_revoked(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        await add(stage.ledger, OLD)
        await until(lambda: lets_in(stage, OLD))
        held = asyncio.create_task(stage.call("write_file", key=OLD))
        (approval,) = await stage.pending()

        await stage.ledger.execute(RevokeAgent(id="revoke", actor="shell:ops", agent="new-bot"))
        (refused,) = (recorded.event for recorded in await stage.decide(approval.id))
        answer = await held

        assert (refused.TOPIC, refused.because) == ("VoteRefused", "already-decided")
        assert answer.told["status"] == "cancelled"
        assert stage.server.calls() == []


def kept(name="new-bot", key=OLD, **changes):
    hashed = sha256(key.encode()).hexdigest()
    agent = LedgerAgent(
        id=name,
        version=1,
        position=7,
        status=AgentStatus.LIVE,
        team="platform",
        owner="alice",
        key_sha256=hashed,
        added_at=NOON,
    )
    return agent.model_copy(update=changes)


def recorded(event, position=8, version=2):
    return Recorded(position, "agent-new-bot", version, NOON, "shell:ops", "c", "c", "", event)


def keys_at(*times):
    clock = iter(times)
    return AgentKeys({}, (), lambda: next(clock))


def test_a_replaced_key_ends_at_its_time_exactly():
    keys = keys_at(NOON, after(599.999999), after(600))
    keys.learn([kept(key=NEW, replaced=ReplacedKey(sha256=hashed(OLD).hex(), until=after(600)))])

    assert keys.holder(hashed(OLD)) == Agent("new-bot", "platform", "alice")
    assert keys.holder(hashed(OLD)) is None
    assert keys.holder(hashed(NEW)) == Agent("new-bot", "platform", "alice")


async def test_whoever_is_done_before_a_replaced_key_ends_leaves_no_timer_behind():
    keys = AgentKeys({}, (), lambda: NOON)
    day = ReplacedKey(sha256=hashed(OLD).hex(), until=NOON + timedelta(days=1))
    keys.learn([kept(key=NEW, replaced=day)])
    running = asyncio.get_running_loop()._scheduled  # nothing else counts them
    before = len(running)

    for _ in range(100):
        with keys.while_good(hashed(OLD).hex(), pytest.fail):
            pass
    waiting = [timer for timer in running if not timer.cancelled()]

    assert len(waiting) <= before


def test_what_the_ledger_says_while_its_agents_are_read_is_not_lost():
    keys = keys_at()
    keys.follow([recorded(AgentRevoked(agent="new-bot", because=None))])

    keys.learn([kept()])

    assert keys.holder(hashed(OLD)) is None


def test_what_was_read_already_is_not_taken_twice():
    keys = keys_at()
    keys.follow(
        [
            recorded(
                AgentAdded(
                    agent="new-bot",
                    team="platform",
                    owner="alice",
                    key_sha256=hashed(OLD).hex(),
                ),
                position=7,
                version=1,
            )
        ]
    )

    keys.learn([kept()])

    assert keys.holder(hashed(OLD)) == Agent("new-bot", "platform", "alice")


def test_a_name_or_a_key_in_file_and_ledger_is_an_error():
    identity = Identity(Roster({hashed(OLD): CI_BOT}, frozenset({"ci-bot", "guest"})), now)

    with pytest.raises(Misconfigured) as told:
        identity.learn([kept(), kept("guest", NEW)])

    assert str(told.value) == (
        "agents `ci-bot` of the configuration and `new-bot` of the ledger have one key;"
        " run `placet agent rotate new-bot`\n"
        "agent `guest` is in the configuration and in the ledger; give it another name in the file,"
        " or end the other with `placet agent revoke guest`"
    )


def test_a_revoked_agent_of_the_ledger_leaves_its_name_to_the_file():
    identity = Identity(Roster({hashed(NEW): CI_BOT}, frozenset({"ci-bot"})), now)

    identity.learn([kept("ci-bot", OLD, status=AgentStatus.REVOKED)])


async def test_an_agent_that_gets_a_name_of_the_file_while_it_is_served_is_not_let_in(sqlite_url):
    async with staged(sqlite_url) as stage:
        with open_ledger(sqlite_url, serving=False, instance=None) as elsewhere:
            await add(elsewhere, OLD, "other-bot")
            await add(elsewhere, NEW)

        await until(lambda: lets_in(stage, NEW))

        assert not await lets_in(stage, OLD)


@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("ends", ["revoked", "replaced", "out of grace"])
async def test_whoever_listens_is_hung_up_on_when_its_key_ends(sqlite_url, ends, legacy):
    async with staged(sqlite_url) as stage:
        await add(stage.ledger, OLD)
        await until(lambda: lets_in(stage, OLD))
        before = stage.server.listeners
        async with listening(stage, OLD, legacy=legacy) as stream:
            match ends:
                case "revoked":
                    command = RevokeAgent(id="revoke", actor="shell:ops", agent="new-bot")
                    await stage.ledger.execute(command)
                case "replaced":
                    await rotate(stage.ledger, NEW)
                case _:
                    await rotate(stage.ledger, NEW, timedelta(seconds=1))

            await hung_up(stage, stream, before)
        assert not await lets_in(stage, OLD)


async def test_whoever_listens_with_another_key_is_not_disturbed(sqlite_url):
    async with staged(sqlite_url) as stage:
        await add(stage.ledger, OLD)
        await add(stage.ledger, NEW, "newer-bot")
        await until(lambda: lets_in(stage, NEW))
        async with listening(stage, NEW, legacy=True) as stream:
            await stage.ledger.execute(RevokeAgent(id="revoke", actor="shell:ops", agent="new-bot"))
            await until(lambda: lets_out(stage, OLD))
            stage.server.tell({"jsonrpc": "2.0", "method": "notifications/message"})

            assert b"notifications/message" in await stream.content.readline()


async def lets_out(stage, key):
    return not await lets_in(stage, key)


async def test_ten_thousand_bad_keys_lock_nobody_out_and_leave_nothing_behind(sqlite_url, caplog):
    caplog.set_level(logging.INFO)
    async with staged(sqlite_url) as stage:
        before = len(await stage.ledger.events(limit=10_000))
        answers = []

        async def knock(start):
            for number in range(start, start + 200):
                key = f"a-bad-key-{number:05}-0123456789-0123456789"
                answers.append((await stage.post(LISTING, LEGACY, key=key)).status)

        async with asyncio.TaskGroup() as group:
            for start in range(0, 10_000, 200):
                group.create_task(knock(start))
            good = [(await stage.call("read_file")).text for _ in range(50)]

        told = [line for line in caplog.messages if "was not let in" in line]
        events = [r.event.TOPIC for r in await stage.ledger.events(limit=10_000)]
        assert good == ["done: read_file"] * 50
        assert answers == [401] * 10_000
        assert stage.registry.get_sample_value("placet_bad_keys_total", {"shown": "key"}) == 10_000
        assert 1 <= len(told) < 100
        assert "a-bad-key" not in caplog.text
        assert len(events) - before == 100


def test_why_somebody_was_not_let_in_is_told_once_in_a_while_with_the_number(caplog):
    caplog.set_level(logging.INFO)
    registry, times = CollectorRegistry(), iter([0.0, 1.0, 9.9, 10.1, 10.2])
    strangers = Strangers(registry, lambda: next(times))

    for number in range(5):
        strangers.note("key", "it is nobody's", f"192.0.2.{number}")

    assert registry.get_sample_value("placet_bad_keys_total", {"shown": "key"}) == 5
    assert [(record.getMessage(), vars(record).get("more")) for record in caplog.records] == [
        ("a key from 192.0.2.0 was not let in: it is nobody's", None),
        ("a key from 192.0.2.3 was not let in: it is nobody's", 2),
    ]


def test_what_is_said_of_a_missing_key_hides_nothing_in_the_log():
    """A word after "Bearer" would be taken for a key there, and for one that was sent."""
    told = str(Challenges().nothing_sent("/mcp/files"))

    assert redact_text(told).text == told
