"""Floods, hangs and guesses cost those who make them, and nobody else."""

import asyncio
import json
import re

import pytest
from fuzzing import GarblingServer
from scenarios.stage import (
    BOB,
    CI_BOT,
    META,
    OTHER_BOT,
    PLATFORM,
    VERSION,
    Replica,
    clock,
    stage,
    until,
)

from ledger.events.evidence import Evidence
from ledger.ledger import Ledger
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.deliveries import RecordCard
from ledger.lives.votes import CastVote
from policies.configuration.configuration import parse_configuration

pytestmark = pytest.mark.timeout(600)

MANY = 1_000


@pytest.fixture
async def staged(tmp_path, sqlite_url):
    async with stage(tmp_path, sqlite_url) as opened:
        yield opened


async def metric(replica, name):
    """Return a metric of a replica."""
    async with replica.stage.http.get(f"http://{replica.operations}/metrics") as answer:
        return float(re.search(rf"^{name} (\S+)$", await answer.text(), re.MULTILINE)[1])


async def ready_to_call(replica):
    """Tell whether the ledger is there, and the tools of the first server are known."""
    return (await posted(replica, "files", "ready"))[0] == 200


async def served(staged, **settings):
    """Start a replica with these settings, without Slack: nobody is there to answer."""
    known = json.loads(staged.configuration(Replica(staged, "settings")))
    known["slack"]["api_url"] = "http://127.0.0.1:9/api/"
    known["agents"]["ci-bot"]["hold"] = "10m"
    known |= settings
    staged.configuration = lambda replica: json.dumps(
        known | {"listen": {"agents": replica.agents, "operations": replica.operations}}
    )
    replica = Replica(staged, "placet")
    replica.ready = lambda: ready_to_call(replica)
    staged.replicas.append(replica)
    await replica.start()
    staged.server.runs.clear()
    return replica


async def held_call(replica, path):
    """Make a call that is held with progress; return the text of its stream once it ends."""
    params = {"name": "write_file", "arguments": {"path": path}}
    params["_meta"] = META | {"progressToken": path}
    message = {"jsonrpc": "2.0", "id": path, "method": "tools/call", "params": params}
    headers = {"Mcp-Method": "tools/call", "Mcp-Name": "write_file"}
    headers["Connection"] = "keep-alive"  # as the official clients say it
    status, answer = await replica.post(json.dumps(message).encode(), headers)
    assert status == 200, answer
    return answer.decode()


async def approve_all(replica):
    """Have bob approve all that is pending, as if the cards were there."""
    keys = {"CI_BOT_KEY": CI_BOT, "OTHER_BOT_KEY": OTHER_BOT}
    directory = parse_configuration(replica.config.read_text(), keys).directory()
    url = replica.stage.ledger_url
    with Ledger.open(url, now=clock, serving=False, directory=directory) as ledger:
        pending = await ledger.approvals(ApprovalStatus.PENDING, limit=2 * MANY)
        await asyncio.gather(*(_approve(ledger, each.id) for each in pending))
    return len(pending)


async def _approve(ledger, approval):
    card = {"approval": approval, "channel": PLATFORM, "ts": "1.1", "revision": 1, "whole": True}
    await ledger.execute(
        RecordCard(
            id=f"card:{approval}",
            actor="placet:courier",
            team="platform",
            blocks="[]",
            sha256="00",
            **card,
        )
    )
    evidence = Evidence(slack=f"T0ACME/{BOB}", fetched_at=await ledger.now())
    await ledger.execute(
        CastVote(
            id=f"vote:{approval}",
            actor="person:bob",
            approves=True,
            reason=None,
            evidence=evidence,
            voters=(),
            **card,
        )
    )


async def one_round(staged, replica, name):
    """Hold many calls at once, approve them, and check that each ran once and was answered."""
    before = len(staged.server.runs)
    paths = [f"{name}-{number}" for number in range(MANY)]
    calls = [asyncio.create_task(held_call(replica, path)) for path in paths]

    async def all_held():
        return await metric(replica, "placet_held_calls") == MANY

    await until(all_held, 120)
    assert await approve_all(replica) == MANY
    answers = await asyncio.gather(*calls)

    ran = [arguments["path"] for _, arguments in staged.server.runs[before:]]
    assert sorted(ran) == sorted(paths)
    for path, answer in zip(paths, answers, strict=True):
        assert f"done: write_file {{'path': '{path}'}}" in answer


async def test_a_thousand_calls_held_at_once_are_all_answered_and_cost_no_memory_for_good(staged):
    replica = await served(staged)
    cold = await metric(replica, "process_resident_memory_bytes")
    await one_round(staged, replica, "first")
    before = await metric(replica, "process_resident_memory_bytes")

    await one_round(staged, replica, "second")

    async def at_rest():
        names = ("placet_held_calls", "placet_running_calls", "placet_body_bytes")
        return not any([await metric(replica, name) for name in names])

    async def given_back():
        after = await metric(replica, "process_resident_memory_bytes")
        return after < 1.1 * before and after < 1.2 * cold  # Python keeps some of the first peak

    await until(at_rest)
    await until(given_back, 30)
    assert await replica.stop() == 0
    code, out, errors = await staged.run("audit", "projections")
    assert code == 0, out + errors


async def posted(replica, server, path, key=CI_BOT):
    """Call read_file at a server; return the status and the text of the answer."""
    params = {"name": "read_file", "arguments": {"path": path}, "_meta": META}
    message = {"jsonrpc": "2.0", "id": path, "method": "tools/call", "params": params}
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": VERSION,
        "Mcp-Method": "tools/call",
        "Mcp-Name": "read_file",
    }
    url = f"http://{replica.agents}/mcp/{server}"
    async with replica.stage.http.post(url, json=message, headers=headers) as answer:
        return answer.status, await answer.text()


async def test_a_server_that_hangs_for_ever_costs_only_its_own_calls(staged):
    hung, mute = GarblingServer(), await asyncio.start_server(_says_nothing, "127.0.0.1", 0)
    hung.linger = True
    await hung.start()
    port = mute.sockets[0].getsockname()[1]
    replica = await served(
        staged,
        servers={
            "files": {"url": staged.server.url, "team": "platform"},
            "hung": {"url": hung.url, "team": "platform"},
            "mute": {"url": f"http://127.0.0.1:{port}/mcp", "team": "platform"},
        },
        gateway={"drain": "1s"},
    )
    stuck = [asyncio.create_task(posted(replica, "hung", f"h{n}")) for n in range(300)]
    stuck += [asyncio.create_task(posted(replica, "mute", f"m{n}")) for n in range(100)]

    async def all_stuck():
        return await metric(replica, 'placet_server_running_calls{server="hung"}') == 300

    await until(all_stuck, 60)
    answers = await asyncio.gather(
        *(posted(replica, "files", f"f{n}") for n in range(100)),
        *(posted(replica, "files", f"o{n}", OTHER_BOT) for n in range(100)),
    )

    assert {status for status, _ in answers} == {200}
    assert all("done: read_file" in text for _, text in answers)
    assert not any(call.done() for call in stuck[:300])
    for call in stuck:
        call.cancel()
    await asyncio.gather(*stuck, return_exceptions=True)

    async def all_gone():
        return await metric(replica, "placet_running_calls") == 0

    await until(all_gone)
    assert await replica.stop() == 0
    await hung.close()
    mute.close()


async def _says_nothing(reader, writer):
    await reader.read()
    writer.close()


async def test_ten_thousand_bad_keys_lock_nobody_out(staged):
    replica = await served(staged)
    lines = len(replica.log.read_text().splitlines())
    statuses = []
    left = iter(range(10_000))

    async def guess():
        for number in left:
            key = f"guess-{number:05}-0123456789-0123456789-0123456789"
            statuses.append((await posted(replica, "files", "x", key))[0])

    async def work():
        answers = []
        while len(statuses) < 10_000:
            answers.append(await posted(replica, "files", f"w{len(answers)}"))
        return answers

    *_, answers = await asyncio.gather(*(guess() for _ in range(32)), work())
    after = [await posted(replica, "files", "after", key) for key in (CI_BOT, OTHER_BOT)]

    assert statuses == [401] * 10_000
    assert len(answers) > 10
    assert {status for status, _ in [*answers, *after]} == {200}
    assert len(staged.server.runs) == len(answers) + 2
    assert len(replica.log.read_text().splitlines()) - lines < 200
