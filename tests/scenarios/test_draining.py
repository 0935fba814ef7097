"""A service that is told to stop takes nothing new, answers whoever waits, and loses nothing."""

import asyncio
import json
import signal

import aiohttp
import pytest
from scenarios.stage import CI_BOT, META, VERSION, Replica, stage, until

pytestmark = pytest.mark.timeout(180)

eras = pytest.mark.parametrize("legacy", [False, True], ids=["modern", "legacy"])

WRITE = {"path": "a.txt", "text": "x"}


@pytest.fixture
async def staged(tmp_path, sqlite_url):
    async with stage(tmp_path, sqlite_url) as opened:
        yield opened


def configured(staged, hold=None, **gateway):
    """Have every replica of the stage start with these settings."""
    settings = json.loads(staged.configuration(Replica(staged, "settings")))
    settings["gateway"] |= gateway
    if hold is not None:
        settings["agents"]["ci-bot"]["hold"] = hold
    staged.configuration = lambda replica: json.dumps(
        settings | {"listen": {"agents": replica.agents, "operations": replica.operations}}
    )


def asked(method="tools/call", *, legacy=False, **params):
    """Return the body and the headers of a request of one era."""
    if legacy:
        headers = {"MCP-Protocol-Version": "2025-11-25"}
        params["_meta"] = {"progressToken": "p"}
    else:
        headers = {"MCP-Protocol-Version": VERSION, "Mcp-Method": method}
        if "name" in params:
            headers["Mcp-Name"] = params["name"]
        params["_meta"] = META | {"progressToken": "p"}
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    headers |= {
        "Authorization": f"Bearer {CI_BOT}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }
    return json.dumps(message).encode(), headers


async def sent(staged, replica, body, headers):
    """Send a request; return status, headers and text."""
    url = f"http://{replica.agents}/mcp/files"
    async with staged.http.post(url, data=body, headers=headers) as answer:
        return answer.status, answer.headers, await answer.text()


async def running(staged, count):
    return len(staged.server.runs) >= count


async def draining(replica):
    status, said = await replica.readiness()
    return status == 503 and "stopping" in said


async def ended(replica):
    return await asyncio.wait_for(replica.process.wait(), 60)


@eras
async def test_a_running_call_ends_and_a_new_one_is_told_to_come_again_elsewhere(staged, legacy):
    configured(staged, drain="1h")
    replica = await staged.serve()
    staged.server.gate.clear()
    body, headers = asked(legacy=legacy, name="read_file", arguments={"path": "a.txt"})
    call = asyncio.create_task(sent(staged, replica, body, headers))
    await until(lambda: running(staged, 1))

    replica.process.send_signal(signal.SIGTERM)
    await until(lambda: draining(replica))
    status, told, refused = await sent(staged, replica, body, headers)
    staged.server.gate.set()
    answered = await call

    assert status == (200 if legacy else 503)
    assert (told["Retry-After"], told["Connection"]) == ("1", "close")
    assert json.loads(refused)["error"]["code"] == -31008
    assert "nothing was executed" in refused
    assert answered[0] == 200
    assert "done: read_file" in answered[2]
    assert await ended(replica) == 0
    assert (await staged.events())[-2:] == ["CallDecided", "CallCompleted"]


@eras
async def test_a_held_caller_is_told_pending_and_the_approval_stays_open(staged, legacy):
    configured(staged, drain="1h", hold="1h")
    replica = await staged.serve()
    body, headers = asked(legacy=legacy, name="write_file", arguments=WRITE)
    call = asyncio.create_task(sent(staged, replica, body, headers))
    await staged.card()
    await until(lambda: replica.holds(1))

    replica.process.send_signal(signal.SIGTERM)
    status, _, text = await call

    assert status == 200
    assert '"status": "pending"' in text
    assert await ended(replica) == 0
    events = await staged.events()
    assert "ApprovalRequested" in events
    assert not {"ApprovalCancelled", "ApprovalExpired", "ApprovalVoided"} & set(events)


async def test_a_stream_of_changes_ends_with_its_result(staged):
    configured(staged, drain="1h")
    staged.server.streams = True
    replica = await staged.serve()
    body, headers = asked("subscriptions/listen", notifications={"toolsListChanged": True})
    url = f"http://{replica.agents}/mcp/files"

    async with staged.http.post(url, data=body, headers=headers) as stream:
        first = await stream.content.readuntil(b"\n\n")
        replica.process.send_signal(signal.SIGTERM)
        rest = await stream.content.read()

    assert b"acknowledged" in first
    last = json.loads(rest.removeprefix(b"data: "))
    assert last["id"] == 7
    assert last["result"]["resultType"] == "complete"
    assert last["result"]["_meta"] == {"io.modelcontextprotocol/subscriptionId": 7}
    assert await ended(replica) == 0


async def test_a_stream_of_a_session_ends_whole(staged):
    configured(staged, drain="1h")
    staged.server.streams = True
    replica = await staged.serve()
    headers = {"Authorization": f"Bearer {CI_BOT}", "Accept": "text/event-stream"}

    async with staged.http.get(f"http://{replica.agents}/mcp/files", headers=headers) as stream:
        assert stream.status == 200
        replica.process.send_signal(signal.SIGTERM)
        await stream.content.read()

    assert await ended(replica) == 0


async def test_no_stream_is_opened_in_a_process_that_is_to_end(staged):
    configured(staged, drain="1h")
    staged.server.streams = True
    replica = await staged.serve()
    staged.server.gate.clear()
    body, headers = asked(name="read_file", arguments={"path": "a.txt"})
    call = asyncio.create_task(sent(staged, replica, body, headers))
    await until(lambda: running(staged, 1))
    replica.process.send_signal(signal.SIGTERM)
    await until(lambda: draining(replica))
    listen = asked("subscriptions/listen", notifications={"toolsListChanged": True})

    posted = await sent(staged, replica, *listen)
    get = {"Authorization": f"Bearer {CI_BOT}", "Accept": "text/event-stream"}
    async with staged.http.get(f"http://{replica.agents}/mcp/files", headers=get) as opened:
        got = opened.status, opened.headers["Retry-After"]
    staged.server.gate.set()
    await call

    assert (posted[0], posted[1]["Retry-After"]) == (503, "1")
    assert got == (503, "1")
    assert await ended(replica) == 0


@eras
async def test_a_call_that_does_not_end_in_time_is_cut_and_its_outcome_unknown(staged, legacy):
    configured(staged, drain="1s")
    replica = await staged.serve()
    staged.server.gate.clear()
    body, headers = asked(legacy=legacy, name="read_file", arguments={"path": "a.txt"})
    call = asyncio.create_task(sent(staged, replica, body, headers))
    await until(lambda: running(staged, 1))

    assert await replica.stop() == 0
    with pytest.raises(aiohttp.ClientError):
        await call
    await staged.serve("again")

    assert (await staged.events())[-1] == "OutcomeUnknown"
    assert len(staged.server.runs) == 1


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_waits_for_no_call(staged, second):
    configured(staged, drain="1h")
    replica = await staged.serve()
    staged.server.gate.clear()
    body, headers = asked(name="read_file", arguments={"path": "a.txt"})
    call = asyncio.create_task(sent(staged, replica, body, headers))
    await until(lambda: running(staged, 1))

    replica.process.send_signal(signal.SIGTERM)
    await until(lambda: draining(replica))
    replica.process.send_signal(second)

    assert await ended(replica) == 0
    with pytest.raises(aiohttp.ClientError):
        await call
    await staged.serve("again")
    assert (await staged.events())[-1] == "OutcomeUnknown"
