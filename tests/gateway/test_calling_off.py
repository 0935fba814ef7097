"""A client before 2026-07-28 calls off its call before that is sent, and then it never is."""

import asyncio
import contextlib
import json
import weakref

import pytest
from aiohttp import web
from gateway_stage import CI_BOT, OTHER_BOT, staged, until

from gateway.calls.open_calls import OpenCall, OpenCalls, Ticket
from gateway.calls.patience import Pace
from ledger.deciding.claims import ClaimApproval
from ledger.lives.approvals import ApprovalStatus

QUICK = Pace(progress=0.02, comments=0.02)
LEGACY = {"MCP-Protocol-Version": "2025-11-25"}
NAMED = Ticket("ci-bot", "files", "s", "7")


async def call_off(stage, number=7, **asked):
    """Cancel a call."""
    params = {"requestId": number}
    note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
    return await post(stage, note, **asked)


async def post(stage, message, *, session=None, accept=None, key=CI_BOT):
    headers = LEGACY | ({"Mcp-Session-Id": session} if session else {})
    headers |= {"Accept": accept} if accept else {}
    return await stage.post(json.dumps(message).encode(), headers, key=key)


def called(tool="write_file", number=7, **more):
    params = {"name": tool, "arguments": {"path": "a"}, **more}
    return {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}


async def begun(stage):
    """Begin a session, and return its id."""
    stage.server.sessions = True
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t"}}
    message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
    return (await post(stage, message)).headers["Mcp-Session-Id"]


async def held(stage, count):
    await until(lambda: _held(stage, count))


async def _held(stage, count):
    return stage.gateway._room.held.total() == count


def cancellations(stage):
    """Return how many cancellations the server has heard of."""
    return sum(b"notifications/cancelled" in body for _, _, body in stage.server.seen)


@contextlib.asynccontextmanager
async def slow_to_list(stage):
    """Give an event that is set once the server is asked for its tools, which it never tells."""
    asked, told = asyncio.Event(), asyncio.Event()

    async def hang(_, message):
        if message.get("method") == "tools/list":
            asked.set()
            await told.wait()

    stage.server.instead = hang
    try:
        yield asked
    finally:
        stage.server.instead = None
        told.set()


async def test_a_call_that_waits_for_its_servers_tools_is_called_off(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        async with slow_to_list(stage) as asked:
            call = asyncio.create_task(post(stage, called()))
            await asked.wait()

            await call_off(stage)
            answer = await call

        assert answer.told == {"status": "called_off"}
        assert await stage.ledger.approvals(ApprovalStatus.PENDING) == []
        assert cancellations(stage) == 0


async def test_a_call_that_is_about_to_use_its_approval_is_called_off_and_leaves_it(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        call = asyncio.create_task(post(stage, called()))
        (approval,) = await stage.pending()
        await held(stage, 1)
        async with slow_to_list(stage) as asked:
            await stage.decide(approval.id)
            await asked.wait()

            await call_off(stage)
            answer = await call
        known = await stage.ledger.approval(approval.id)
        before = stage.server.calls()
        ran = await post(stage, called(number=8))

        assert answer.told["status"] == "called_off"
        assert (known.status, before) == (ApprovalStatus.APPROVED, [])
        assert ran.text == "done: write_file"


async def test_a_call_whose_claim_is_under_way_is_called_off_and_never_sent(
    sqlite_url, monkeypatch
):
    async with staged(sqlite_url, hold="1m") as stage:
        call = asyncio.create_task(post(stage, called()))
        (approval,) = await stage.pending()
        await held(stage, 1)
        execute, claimed, never = stage.ledger.execute, asyncio.Event(), asyncio.Event()

        async def unanswered(command):
            done = await execute(command)
            if isinstance(command, ClaimApproval) and not claimed.is_set():
                claimed.set()
                await never.wait()
            return done

        monkeypatch.setattr(stage.ledger, "execute", unanswered)
        await stage.decide(approval.id)
        await claimed.wait()

        await call_off(stage)

        assert (await call).told["status"] == "called_off"
        (end,) = await stage.ended()
        assert (end.outcome, end.sent) == ("failed", False)
        assert stage.server.calls() == []


async def test_a_cancellation_that_comes_before_its_call_calls_it_off_once(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        await call_off(stage, key=OTHER_BOT)
        await call_off(stage)

        answer = await post(stage, called())
        again = asyncio.create_task(post(stage, called()))
        (approval,) = await stage.pending()
        await stage.decide(approval.id)

        assert answer.told["status"] == "called_off"
        assert (await again).text == "done: write_file"


async def test_an_allowed_call_that_was_cancelled_before_it_came_is_not_sent(sqlite_url):
    async with staged(sqlite_url) as stage:
        await call_off(stage)

        answer = await post(stage, called("read_file"))

        assert answer.told["status"] == "called_off"
        assert stage.server.calls() == []
        assert "CallDecided" not in await stage.topics()


async def test_a_cancellation_of_a_call_that_is_sent_goes_to_the_server(sqlite_url):
    async with staged(sqlite_url) as stage:
        stage.server.gate.clear()
        call = asyncio.create_task(post(stage, called("read_file")))
        await stage.server.running.wait()

        await call_off(stage)
        heard = cancellations(stage)
        stage.server.gate.set()

        assert (await call).text == "done: read_file"
        assert heard == 1
        assert (await post(stage, called("read_file"))).text == "done: read_file"


async def test_without_sessions_all_calls_of_a_number_are_called_off(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        stage.server.gate.clear()
        runs = asyncio.create_task(post(stage, called("read_file")))
        await stage.server.running.wait()
        calls = [
            asyncio.create_task(post(stage, called(arguments={"path": path}))) for path in "ab"
        ]
        other = asyncio.create_task(post(stage, called(number=8, arguments={"path": "c"})))
        await stage.pending(3)
        await held(stage, 3)

        await call_off(stage)
        told = [await call for call in calls]
        heard = cancellations(stage)
        stage.server.gate.set()

        assert [answer.told["status"] for answer in told] == ["called_off"] * 2
        assert (heard, (await runs).text) == (1, "done: read_file")
        assert not other.done()
        other.cancel()


async def test_a_cancellation_is_about_no_call_of_2026_07_28(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        call = asyncio.create_task(stage.call("write_file", {"path": "a"}, number=7))
        (approval,) = await stage.pending()

        await call_off(stage)
        await stage.decide(approval.id)

        assert (await call).text == "done: write_file"


@pytest.mark.parametrize("hold", ["0s", "1m"], ids=["aloud", "in silence"])
async def test_in_a_session_a_stream_ends_without_a_response_to_what_was_called_off(
    sqlite_url, hold
):
    async with staged(sqlite_url, hold=hold, own=", hold: 1h", pace=QUICK) as stage:
        session = await begun(stage)
        asked = called(_meta={"progressToken": 1})
        call = asyncio.create_task(post(stage, asked, session=session))
        await stage.pending()
        await held(stage, 1)

        await call_off(stage)
        await call_off(stage, session=session)
        answer = await call

        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/event-stream")
        assert b'"result"' not in answer.body
        assert b'"error"' not in answer.body
        await held(stage, 0)
        assert stage.server.calls() == []


async def test_whoever_takes_no_stream_hears_in_json_that_the_call_is_called_off(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        session = await begun(stage)
        asked = post(stage, called(), session=session, accept="application/json")
        call = asyncio.create_task(asked)
        await stage.pending()

        await call_off(stage, session=session)

        assert (await call).told["status"] == "called_off"


async def test_a_connection_whose_call_was_called_off_serves_the_next_one(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        reading, writing = await asyncio.open_connection("127.0.0.1", stage.url.rpartition(":")[2])

        def send(message):
            body = json.dumps(message).encode()
            writing.write(
                b"POST /mcp/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %b\r\n"
                b"Content-Type: application/json\r\nAccept: application/json\r\n"
                b"MCP-Protocol-Version: 2025-11-25\r\nContent-Length: %d\r\n\r\n%b"
                % (CI_BOT.encode(), len(body), body)
            )

        send(called())
        await stage.pending()
        await call_off(stage)
        first = await reading.readuntil(b"called_off")
        send(called("read_file", 8))
        await reading.readuntil(b"done: read_file")
        writing.close()

        assert first.startswith(b"HTTP/1.1 200 OK\r\n")


async def test_of_cancellations_without_a_call_an_agents_oldest_are_forgotten_not_anothers():
    calls, other = OpenCalls(), NAMED._replace(agent="other-bot")
    calls.call_off(other)
    for number in range(1001):
        calls.call_off(NAMED._replace(request=str(number)))

    def came_late(ticket):
        with (call := OpenCall(ticket)):
            calls.add(call)
        return call.called_off

    names = [NAMED._replace(request=number) for number in ("0", "1", "1000")]

    assert [came_late(each) for each in (*names, other, other)] == [False, True, True, True, False]


async def test_a_cancellation_waits_a_few_seconds_for_its_call(monkeypatch):
    calls, times = OpenCalls(), [100.0]
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: times[0])
    for number in "78":
        calls.call_off(NAMED._replace(request=number))

    found = []
    for at, number in ((104.9, "7"), (105.1, "8")):
        times[0] = at
        with (call := OpenCall(NAMED._replace(request=number))):
            calls.add(call)
        found.append(call.called_off)

    assert found == [True, False]


@pytest.mark.parametrize("order", ["abc", "bca", "cab", "cba", "acb"])
async def test_calls_of_one_name_leave_in_any_order(order):
    calls = OpenCalls()
    named = {name: OpenCall(NAMED) for name in "abc"}
    for call in named.values():
        calls.add(call)
        call.close()  # so that nothing here is cancelled
    for name in order:
        calls.remove(named[name])

    assert (calls._calls, calls.call_off(NAMED)) == ({}, False)


async def dropped(stage, tool, session):
    """Cancel a call that runs, have its server end the answer without a response, return that."""
    running, told = asyncio.Event(), asyncio.Event()

    async def silent(_, request):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        running.set()
        await told.wait()
        return response

    stage.server.reply = silent
    call = asyncio.create_task(post(stage, called(tool), session=session))
    if tool == "write_file":
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
    await running.wait()
    await call_off(stage, session=session)
    told.set()
    return await call


@pytest.mark.parametrize("tool", ["read_file", "write_file"])
async def test_a_call_that_its_client_drops_while_it_runs_gets_no_response_in_its_place(
    sqlite_url, tool
):
    async with staged(sqlite_url, hold="1m") as stage:
        answer = await dropped(stage, tool, await begun(stage))
        (ended,) = await stage.ended()

        assert (answer.status, b"-31007" in answer.body) == (200, False)
        assert cancellations(stage) == 1
        assert ended.outcome == "failed"


@pytest.mark.parametrize("tool", ["read_file", "write_file"])
async def test_without_a_session_another_client_may_wait_for_it_and_is_told(sqlite_url, tool):
    async with staged(sqlite_url, hold="1m") as stage:
        answer = await dropped(stage, tool, None)

        assert b"ended its answer without a response" in answer.body
        assert cancellations(stage) == 1


def never_answering(stage, *, begins):
    """Have the server leave calls open, once it began an answer or before; return how it hears."""
    running, left = asyncio.Event(), asyncio.Event()

    async def hang(_, request):
        if begins:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    stage.server.reply = hang
    return running, left


@pytest.mark.parametrize("begins", [True, False])
@pytest.mark.parametrize("tool", ["read_file", "write_file"])
async def test_a_cancelled_call_ends_where_its_server_says_no_more(
    sqlite_url, monkeypatch, tool, begins
):
    monkeypatch.setattr("gateway.calls.dropped.PATIENCE", 0.05)
    async with staged(sqlite_url, hold="1m") as stage:
        session = await begun(stage)
        running, left = never_answering(stage, begins=begins)
        call = asyncio.create_task(post(stage, called(tool), session=session))
        if tool == "write_file":
            (approval,) = await stage.pending()
            await stage.decide(approval.id)
        await running.wait()

        await call_off(stage, session=session)
        answer = await call

        assert answer.status == 200
        assert b'"result"' not in answer.body
        assert b'"error"' not in answer.body
        (end,) = await stage.ended()
        assert (end.outcome, end.sent, end.error.partition(",")[0]) == (
            "failed",
            True,
            "the caller cancelled it",
        )
        await left.wait()


@pytest.mark.parametrize("begins", [True, False])
async def test_so_does_one_whose_caller_went_away_besides(sqlite_url, monkeypatch, begins):
    monkeypatch.setattr("gateway.calls.dropped.PATIENCE", 0.2)
    async with staged(sqlite_url, hold="1m") as stage:
        session = await begun(stage)
        running, left = never_answering(stage, begins=begins)
        call = asyncio.create_task(post(stage, called("read_file"), session=session))
        await running.wait()

        await call_off(stage, session=session)
        call.cancel()

        (end,) = await stage.ended()
        assert end.error.startswith("the caller cancelled it")
        await left.wait()


async def test_a_server_has_a_while_to_say_how_a_cancelled_call_ended(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        session = await begun(stage)
        running, told = asyncio.Event(), asyncio.Event()

        async def slowly(message, _):
            running.set()
            await told.wait()
            result = {"content": [{"type": "text", "text": "late"}]}
            return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})

        stage.server.reply = slowly
        call = asyncio.create_task(post(stage, called("read_file"), session=session))
        await running.wait()
        await call_off(stage, session=session)
        told.set()

        assert (await call).text == "late"
        (end,) = await stage.ended()
        assert end.outcome == "ok"


async def test_a_cancelled_call_that_has_ended_is_not_kept_for_the_minute():
    class Run:
        def forsake(self):
            raise AssertionError

    call, run = OpenCall(NAMED), Run()
    call.sent(run)
    call.close()
    gone = weakref.ref(run)

    assert call.call_off() is False
    del call, run

    assert gone() is None
