"""A call is held with signs of life for as long as its client bears it; over a real ledger."""

import asyncio
import contextlib
import gc
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from gateway_stage import CI_BOT, META, OTHER_BOT, RawServer, modern_headers, staged, until

from gateway.callers.fast_lane import WholeRequest
from gateway.calls.calling import Call
from gateway.calls.patience import Pace
from gateway.ladder.held_answers import progress_after
from gateway.ladder.ladder import progress_token, takes_events
from ledger.deciding.claims import ClaimApproval
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.calls import DecideCall
from ledger.lives.deliveries import RecordUndeliverable
from ledger.lives.tools import SeeTools
from ledger.unavailable import NotRecorded
from policies.values.calls import Number

WRITE = {"path": "a.txt", "text": "hello"}
QUICK = Pace(progress=0.02, comments=0.02)
ERAS = pytest.mark.parametrize("legacy", [True, False], ids=["legacy", "modern"])


def request(
    tool="write_file",
    arguments=None,
    *,
    progress="t1",
    number=7,
    legacy=False,
    accept=None,
    key=CI_BOT,
):
    """Return body and headers of a call."""
    meta = {} if legacy else dict(META)
    if progress is not None:
        meta["progressToken"] = progress
    params = {"name": tool, "arguments": arguments or WRITE, "_meta": meta}
    headers = modern_headers("tools/call", tool)
    if legacy:
        headers = {"MCP-Protocol-Version": "2025-11-25"}
    headers |= {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream" if accept is None else accept,
        "Authorization": f"Bearer {key}",
    }
    message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
    return json.dumps(message).encode(), {name: value for name, value in headers.items() if value}


class Held:
    """One answer that is read as it comes."""

    def __init__(self, answer):
        self.answer = answer
        self.bytes = b""

    async def read_until(self, text, times=1):
        """Read on until `text` was in the answer so many times."""
        async with asyncio.timeout(60):
            while self.bytes.count(text) < times:
                chunk = await self.answer.content.readany()
                assert chunk, self.bytes
                self.bytes += chunk

    async def end(self):
        """Read to the end."""
        async with asyncio.timeout(60):
            while chunk := await self.answer.content.readany():
                self.bytes += chunk

    @property
    def messages(self):
        """The JSON-RPC messages of the events so far; the one where none were sent."""
        if self.answer.content_type == "application/json":
            return [json.loads(self.bytes)]
        lines = self.bytes.split(b"\n")
        return [json.loads(line[5:]) for line in lines if line.startswith(b"data:")]

    @property
    def progress(self):
        """What was said of progress."""
        return [m["params"] for m in self.messages if m.get("method") == "notifications/progress"]

    @property
    def told(self):
        """What the answer's `_meta` says for programs."""
        return self.messages[-1]["result"]["_meta"]["placet/decision"]


@contextlib.asynccontextmanager
async def calling(stage, **asked):
    """Make a call, and give its answer once its head is there."""
    body, headers = request(**asked)
    async with stage.http.post(f"{stage.url}/mcp/files", data=body, headers=headers) as answer:
        yield Held(answer)


async def answered(stage, arguments):
    """Make a call, and give the messages of its answer."""
    async with calling(stage, arguments=arguments) as held:
        await held.end()
        return held.messages


@ERAS
async def test_a_call_is_held_with_progress_and_runs_once_it_is_approved(ledger_url, legacy):
    async with (
        staged(ledger_url, hold="0s", pace=QUICK) as stage,
        calling(stage, legacy=legacy) as held,
    ):
        (approval,) = await stage.pending()
        await held.read_until(b"waiting for approval", 3)
        await stage.decide(approval.id)
        await held.end()

        assert held.answer.status == 200
        assert held.answer.headers["Content-Type"] == "text/event-stream"
        assert held.answer.headers["X-Accel-Buffering"] == "no"
        values = [step["progress"] for step in held.progress]
        assert values == sorted(set(values))
        assert -1 < values[0] < values[-1] < 0
        assert held.progress[0] == {
            "progressToken": "t1",
            "progress": values[0],
            "message": f"waiting for approval {approval.id}, team platform",
        }
        assert b": still waiting\n\n" in held.bytes
        assert held.messages[-1]["id"] == 7
        assert held.messages[-1]["result"]["content"][0]["text"] == "done: write_file"
        assert len(stage.server.calls()) == 1
        assert (await stage.ended())[0].outcome == "ok"


@pytest.mark.parametrize("size", [5, 150_000], ids=["small", "large"])
@pytest.mark.parametrize("hold", ["0s", "5s"], ids=["aloud", "in silence"])
async def test_of_a_call_that_waits_only_bytes_are_kept_and_read_again(sqlite_url, hold, size):
    arguments = {"path": "a.txt", "text": "x" * size}
    async with staged(sqlite_url, hold=hold, pace=QUICK) as stage:
        held = asyncio.create_task(answered(stage, arguments))
        (approval,) = await stage.pending()

        async def rests():
            gc.collect()
            (call,) = [each for each in gc.get_objects() if isinstance(each, Call)]
            parts = call.request.message, hasattr(call, "message"), hasattr(call, "asked")
            return parts == (None, False, False)

        await until(rests)
        await stage.decide(approval.id)

        assert (await held)[-1]["result"]["content"][0]["text"] == "done: write_file"
        (ran,) = stage.server.calls()
        assert json.loads(ran)["params"]["arguments"] == arguments


@pytest.mark.parametrize("progress", ["t1", None])
async def test_nothing_of_aiohttps_is_made_of_a_request_whose_call_is_held(sqlite_url, progress):
    async with (
        staged(sqlite_url, hold="0s", own=", hold: 1h", pace=QUICK) as stage,
        calling(stage, progress=progress) as held,
    ):
        (approval,) = await stage.pending()
        await held.read_until(b"still waiting")
        requests = [each for each in gc.get_objects() if type(each) is WholeRequest]
        made = [each for each in requests if "_protocol" in vars(each)]
        await stage.decide(approval.id)
        await held.end()

        assert (len(requests), made) == (1, [])
        assert held.messages[-1]["result"]["content"][0]["text"] == "done: write_file"


async def test_of_many_that_ask_at_once_few_are_decided_at_once(sqlite_url, monkeypatch):
    async with staged(sqlite_url, hold="1m") as stage:
        execute, inside, most = stage.ledger.execute, [], []

        async def counted(command):
            if not isinstance(command, DecideCall):
                return await execute(command)
            inside.append(command)
            most.append(len(inside))
            try:
                return await execute(command)
            finally:
                inside.remove(command)

        monkeypatch.setattr(stage.ledger, "execute", counted)
        calls = [
            asyncio.create_task(stage.call("write_file", {"path": f"{number}"}))
            for number in range(200)
        ]
        await stage.pending(200)
        for call in calls:
            call.cancel()

        assert len(most) == 200
        assert max(most) <= 64


async def test_an_approved_call_runs_though_the_ledger_is_busy_for_a_moment(
    sqlite_url, monkeypatch
):
    async with staged(sqlite_url, hold="0s", pace=QUICK) as stage, calling(stage) as held:
        (approval,) = await stage.pending()
        execute, failed = stage.ledger.execute, []

        async def busy(command):
            if isinstance(command, ClaimApproval | SeeTools) and len(failed) < 3:
                failed.append(command)
                raise NotRecorded("the ledger is busy")
            return await execute(command)

        monkeypatch.setattr(stage.ledger, "execute", busy)
        await stage.decide(approval.id)
        await held.end()

        assert {type(each) for each in failed} == {SeeTools}
        assert held.messages[-1]["result"]["content"][0]["text"] == "done: write_file"
        assert len(stage.server.calls()) == 1
        assert [each.outcome for each in await stage.ended()] == ["ok"]


@pytest.mark.parametrize("leaves", [False, True], ids=["stays", "leaves"])
async def test_a_claim_that_was_not_recorded_is_made_again_for_as_long_as_its_caller_is_there(
    sqlite_url, monkeypatch, leaves
):
    async with staged(sqlite_url, hold="0s", pace=QUICK) as stage:
        execute, failed = stage.ledger.execute, []

        async def busy(command):
            if isinstance(command, ClaimApproval) and len(failed) < 2:
                failed.append(command)
                raise NotRecorded("the ledger is busy")
            return await execute(command)

        async def seen():
            return failed

        monkeypatch.setattr(stage.ledger, "execute", busy)
        async with calling(stage) as held:
            (approval,) = await stage.pending()
            await stage.decide(approval.id)
            await until(seen)
            if not leaves:
                await held.end()
        if leaves:
            held.answer.close()
            await asyncio.sleep(1.5)  # longer than until the next attempt
        else:
            await stage.ended()

        known = await stage.ledger.approval(approval.id)
        assert len(stage.server.calls()) == (0 if leaves else 1)
        assert known.status is (ApprovalStatus.APPROVED if leaves else ApprovalStatus.COMPLETED)


async def test_a_connection_is_not_idle_while_a_call_is_held_and_is_closed_where_it_is(sqlite_url):
    def impatient(text):
        return text.replace("gateway: {", 'gateway: {patience: {"idle": "1s"}, ')

    async with staged(sqlite_url, hold="0s", pace=QUICK, rewrite=impatient) as stage:
        body, headers = request()
        head = {"Host": "localhost", "Content-Length": str(len(body))} | headers
        address = urlsplit(stage.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        lines = [f"{name}: {value}\r\n" for name, value in head.items()]
        writer.write(f"POST /mcp/files HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body)
        (approval,) = await stage.pending()
        async with asyncio.timeout(60):
            for _ in range(100):  # two seconds
                await reader.readuntil(b"still waiting")

            await stage.decide(approval.id)
            rest = await reader.read()
        writer.close()

        assert b"done: write_file" in rest
        assert rest.endswith(b"\r\n0\r\n\r\n")


async def test_nothing_is_sent_before_the_silent_hold_is_over(sqlite_url):
    async with staged(sqlite_url, hold="1m", pace=QUICK) as stage:
        body, headers = request()
        call = asyncio.create_task(stage.post(body, headers))
        (approval,) = await stage.pending()
        await stage.decide(approval.id)

        answer = await call

        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert answer.text == "done: write_file"


@ERAS
async def test_a_denial_is_told_on_the_stream(sqlite_url, legacy):
    async with (
        staged(sqlite_url, hold="0s", pace=QUICK) as stage,
        calling(stage, legacy=legacy) as held,
    ):
        (approval,) = await stage.pending()
        await stage.decide(approval.id, approves=False, reason="not today")
        await held.end()

        result = held.messages[-1]["result"]
        assert (held.told["status"], held.told["reason"]) == ("denied", "not today")
        assert result["isError"] is True
        assert "structuredContent" not in result
        assert result.get("resultType") == (None if legacy else "complete")
        assert stage.server.calls() == []


async def test_after_the_agents_own_limit_the_call_is_told_pending_and_may_come_back(ledger_url):
    async with staged(ledger_url, hold="0s", own=", hold: 200ms", pace=QUICK) as stage:
        async with calling(stage) as held:
            await held.end()
        (approval,) = await stage.pending()
        await stage.decide(approval.id, approves=False)
        heard = await stage.call("write_file", WRITE)
        async with calling(stage) as anew:
            await anew.end()

        assert held.told["status"] == "pending"
        assert held.told["approval"] == approval.id
        assert heard.told["status"] == "denied"
        assert anew.told["status"] == "pending"
        assert anew.told["approval"] != approval.id


async def test_a_call_without_a_progress_is_told_pending_after_the_silent_hold(sqlite_url):
    async with staged(sqlite_url, hold="0s", pace=QUICK) as stage:
        body, headers = request(progress=None)

        answer = await stage.post(body, headers)

        assert answer.told["status"] == "pending"


async def test_an_agent_may_be_held_without_a_token_and_then_gets_comments_only(sqlite_url):
    async with (
        staged(sqlite_url, hold="0s", own=", hold: 1h", pace=QUICK) as stage,
        calling(stage, progress=None) as held,
    ):
        await held.read_until(b": still waiting\n\n: still waiting\n\n")
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
        await held.end()

        assert [message["id"] for message in held.messages] == [7]


@pytest.mark.parametrize("accept", ["application/json", "", "text/event-stream;q=0"])
async def test_a_client_that_takes_no_events_is_not_held_by_them(sqlite_url, accept):
    async with staged(sqlite_url, hold="0s", pace=QUICK) as stage:
        body, headers = request(legacy=True, accept=accept)
        async with stage.http.post(
            f"{stage.url}/mcp/files", data=body, headers=headers, skip_auto_headers=["Accept"]
        ) as answer:
            told = json.loads(await answer.read())

        assert told["result"]["_meta"]["placet/decision"]["status"] == "pending"


@pytest.mark.parametrize(
    ("accept", "takes"),
    [
        ("text/event-stream", True),
        ("application/json, Text/Event-Stream; q=0.5", True),
        ("*/*", True),
        ("text/*;q=1", True),
        ("application/json", False),
        ("text/event-stream; q=0.000", False),
        ("", False),
    ],
)
def test_whether_a_client_takes_events_is_read_from_its_accept(accept, takes):
    assert takes_events(accept) is takes


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ("t", '"t"'),
        (Number("7"), "7"),
        ("t" * 1022, f'"{"t" * 1022}"'),
        ("t" * 1023, None),
        (None, None),
        (True, None),
        ({"a": "b"}, None),
    ],
)
def test_a_progress_token_is_text_or_a_number_and_not_too_long_to_repeat(token, text):
    assert progress_token({"_meta": {"progressToken": token}}) == text


async def approved(stage, held):
    """Have the call approved that is held, and read its answer to the end."""
    (approval,) = await stage.pending()
    await held.read_until(b"waiting for approval")
    await stage.decide(approval.id)
    await held.end()


@ERAS
async def test_the_servers_own_events_follow_untouched_and_their_progress_goes_on(
    sqlite_url, legacy
):
    events = (
        b'\xef\xbb\xbfid: e1\r\nretry: 5\r\ndata:\r\n\r\n: odd\n\ndata: {"jsonrpc":"2.0","method":'
        b'"notifications/progress","params":{"progressToken":"t1","progress":0}}\n\n'
        b'event: message\ndata: {"jsonrpc":"2.0","id":7,\ndata: "result":{"content":[]}}\n\n'
    )

    async def stream(_, asked):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(asked)
        await response.write(events[:40])
        await response.write(events[40:])
        return response

    async with (
        staged(sqlite_url, hold="0s", pace=QUICK) as stage,
        calling(stage, legacy=legacy) as held,
    ):
        stage.server.reply = stream
        await approved(stage, held)

        assert held.bytes.endswith(b": let through\n\n" + events.removeprefix(b"\xef\xbb\xbf"))
        assert (await stage.ended())[0].outcome == "ok"


async def test_progress_rises_on_through_two_placets_that_both_hold_a_call(sqlite_url, tmp_path):
    def with_key(text):
        return text.replace("upstream-secret", CI_BOT)

    async with staged(sqlite_url, hold="0s", pace=QUICK) as inner:
        behind = SimpleNamespace(url=f"{inner.url}/mcp/files", listeners=1)
        outer = staged(
            f"sqlite:///{tmp_path}/outer.db", server=behind, hold="0s", pace=QUICK, rewrite=with_key
        )
        async with outer as stage, calling(stage) as held:
            (first,) = await stage.pending()
            await held.read_until(first.id.encode(), 3)
            await stage.decide(first.id)
            (second,) = await inner.pending()
            await held.read_until(second.id.encode(), 3)
            await inner.decide(second.id)
            await held.end()

    values = [step["progress"] for step in held.progress]
    assert values == sorted(set(values))
    assert held.messages[-1]["result"]["content"][0]["text"] == "done: write_file"


def test_progress_rises_within_a_millisecond_and_where_the_clock_goes_back():
    at = datetime(2026, 11, 27, 12, 0, 0, 500_000, tzinfo=UTC)

    first = progress_after(0, at)
    same = progress_after(first, at)
    earlier = progress_after(same, at - timedelta(hours=1))

    assert (first, same, earlier) == (1795780800500, 1795780800501, 1795780800502)


@pytest.mark.parametrize("begin", [b"", b"\xef\xbb\xbf"], ids=["plain", "marked"])
async def test_an_answer_whose_lines_end_otherwise_is_the_only_one(sqlite_url, begin):
    async def stream(_, asked):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(asked)
        await response.write(begin + b'data: {"jsonrpc":"2.0","id":7,"result":{"content":[]}}\r\r')
        return response

    async with staged(sqlite_url, hold="0s", pace=QUICK) as stage, calling(stage) as held:
        stage.server.reply = stream
        await approved(stage, held)

        assert held.bytes.endswith(
            b': let through\n\ndata: {"jsonrpc":"2.0","id":7,"result":{"content":[]}}\r\r'
        )
        assert (await stage.ended())[0].outcome == "ok"


ERROR = {"code": -32602, "message": "no such file"}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"jsonrpc": "2.0", "id": 7, "error": ERROR}, -32602),
        (400, {"jsonrpc": "2.0", "id": None, "error": ERROR}, -32602),
        (404, {"jsonrpc": "2.0", "error": ERROR, "id": "server-error"}, -32602),
        (400, {"jsonrpc": "2.0", "error": ERROR}, -32602),
        (200, {"jsonrpc": "2.0", "id": None, "error": ERROR}, -32602),
        (200, {"jsonrpc": "2.0", "id": 8, "error": ERROR}, -31007),
        (200, {"jsonrpc": "2.0", "id": 8, "result": {}}, -31007),
        (200, {"jsonrpc": "2.0", "id": True, "result": {}}, -31007),
        (200, "no JSON-RPC", -31007),
        (503, None, -31007),
        (202, None, -31007),
    ],
)
async def test_whatever_a_server_answers_a_held_caller_gets_a_response_to_its_request(
    sqlite_url, status, body, expected
):
    async def reply(_message, _request):
        return web.Response(status=status, body=b"" if body is None else json.dumps(body).encode())

    async with staged(sqlite_url, hold="0s", pace=QUICK) as stage, calling(stage) as held:
        stage.server.reply = reply
        await approved(stage, held)

        assert held.messages[-1]["id"] == 7
        assert held.messages[-1]["error"]["code"] == expected


async def test_an_answer_that_repeats_the_id_as_text_passes_as_it_does_without_a_hold(sqlite_url):
    answer = {"jsonrpc": "2.0", "id": "7", "result": {"content": []}}

    async def reply(_message, _request):
        return web.json_response(answer)

    async with staged(sqlite_url, hold="0s", pace=QUICK) as stage, calling(stage) as held:
        stage.server.reply = reply
        await approved(stage, held)
        at_once = await stage.call("read_file", number=7)

        assert held.messages[-1] == at_once.json == answer
        assert [ended.outcome for ended in await stage.ended(2)] == ["ok", "ok"]


async def test_a_pretty_printed_answer_becomes_one_event(sqlite_url):
    answer = {"jsonrpc": "2.0", "id": 7, "result": {"content": [], "x": "a\nb"}}

    async def reply(_message, _request):
        return web.Response(
            body=json.dumps(answer, indent=2).replace("\n", "\r\n").encode(),
            content_type="application/json",
        )

    async with staged(sqlite_url, hold="0s", pace=QUICK) as stage, calling(stage) as held:
        stage.server.reply = reply
        await approved(stage, held)

        assert held.messages[-1] == answer


async def test_an_answer_too_large_to_look_into_passes_in_pieces(sqlite_url):
    answer = {"jsonrpc": "2.0", "id": 7, "result": {"content": [], "x": "a" * 5_000_000}}

    async def reply(_message, request):
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(json.dumps(answer, indent=1).encode())
        return response

    async with staged(sqlite_url, hold="0s", pace=QUICK) as stage, calling(stage) as held:
        stage.server.reply = reply
        await approved(stage, held)

        assert held.messages[-1] == answer


async def test_a_packed_answer_is_told_as_an_error_and_not_passed_as_text(sqlite_url):
    async def reply(_message, _request):
        headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
        return web.Response(body=b"\x1f\x8b\n\n", headers=headers)

    async with staged(sqlite_url, hold="0s", pace=QUICK) as stage, calling(stage) as held:
        stage.server.reply = reply
        await approved(stage, held)

        assert held.messages[-1]["error"]["code"] == -31007


async def test_a_server_that_cannot_be_reached_after_the_hold_is_told_as_an_error(sqlite_url):
    server = RawServer()
    await server.start()
    async with (
        staged(sqlite_url, hold="0s", pace=QUICK, server=server) as stage,
        calling(stage) as held,
    ):

        async def cut(_, request):
            request.transport.abort()
            await asyncio.sleep(5)

        server.reply = cut
        await approved(stage, held)

        assert held.messages[-1]["id"] == 7
        assert held.messages[-1]["error"]["code"] == -31007
        assert "may have run" in held.messages[-1]["error"]["message"]
        assert (await stage.ended())[0].outcome == "failed"
    await server.close()


@pytest.mark.parametrize("last", [b"data: {}", b'data: {"jsonrpc":"2.0","id":7,"result":{}}\r\n'])
async def test_events_that_end_without_a_whole_answer_are_followed_by_an_error(sqlite_url, last):
    async def stream(_, asked):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(asked)
        await response.write(b'data: {"jsonrpc":"2.0","method":"a"}\n\n')
        await response.write(last)
        return response

    async with staged(sqlite_url, hold="0s", pace=QUICK) as stage, calling(stage) as held:
        stage.server.reply = stream
        await approved(stage, held)

        assert held.messages[-2] == {"jsonrpc": "2.0", "method": "a"}
        assert held.messages[-1]["error"]["code"] == -31007
        assert last not in held.bytes
        assert (await stage.ended())[0].outcome == "failed"


@pytest.mark.parametrize("legacy", [True, False])
async def test_events_that_break_off_end_in_an_error_for_a_held_caller_too(sqlite_url, legacy):
    async def stream(_, asked):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(asked)
        await response.write(b'data: {"jsonrpc"')
        await asyncio.sleep(0.05)
        asked.transport.abort()
        await asyncio.sleep(5)

    async with (
        staged(sqlite_url, hold="0s", pace=QUICK) as stage,
        calling(stage, legacy=legacy) as held,
    ):
        stage.server.reply = stream
        await approved(stage, held)

        assert held.messages[-1]["error"]["code"] == -31007
        assert (await stage.ended())[0].outcome == "failed"


@ERAS
async def test_a_caller_that_leaves_a_held_call_runs_nothing_and_an_identical_call_joins_it(
    ledger_url, legacy
):
    async with staged(ledger_url, hold="0s", pace=QUICK) as stage:
        async with calling(stage, legacy=legacy) as held:
            (approval,) = await stage.pending()
            await held.read_until(b"waiting for approval")
            held.answer.close()

        async def left():
            return not stage.gateway._room.held

        await until(left)
        await stage.decide(approval.id)
        before = stage.server.calls()
        ran = await stage.call("write_file", WRITE)

        assert before == []
        assert ran.text == "done: write_file"
        assert (await stage.ended())[0].approval == approval.id


async def test_a_legacy_caller_cancels_a_held_call_and_hears_so_on_its_stream(sqlite_url):
    async with (
        staged(sqlite_url, hold="0s", pace=QUICK) as stage,
        calling(stage, legacy=True) as held,
    ):
        (approval,) = await stage.pending()
        await held.read_until(b"waiting for approval")
        params = {"requestId": 7, "reason": "enough"}
        note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}
        said = await stage.post(
            json.dumps(note).encode(), {"MCP-Protocol-Version": "2025-11-25"}, key=OTHER_BOT
        )
        await held.read_until(b"waiting for approval", held.bytes.count(b"waiting for") + 2)
        own = await stage.post(json.dumps(note).encode(), {"MCP-Protocol-Version": "2025-11-25"})
        await held.end()

        assert (said.status, own.status) == (202, 202)
        assert held.told["status"] == "called_off"
        assert (await stage.pending())[0].id == approval.id
        assert stage.server.calls() == []


async def test_a_card_that_cannot_be_delivered_is_told_during_the_hold(sqlite_url):
    async with staged(sqlite_url, hold="0s", pace=QUICK) as stage, calling(stage) as held:
        (approval,) = await stage.pending()
        await stage.ledger.execute(
            RecordUndeliverable(
                id="undeliverable",
                actor="placet:courier",
                approval=approval.id,
                team="platform",
                channel="C0PLATFORM",
                error="channel_not_found",
            )
        )
        await held.end()

        assert held.told["status"] == "undeliverable"


async def test_above_its_number_of_held_calls_an_agent_is_told_pending_at_once(sqlite_url):
    async with staged(sqlite_url, hold="1m", own=", held_calls: 2", pace=QUICK) as stage:
        first = [
            asyncio.create_task(stage.call("write_file", {"path": f"{number}"}))
            for number in range(2)
        ]
        await stage.pending(2)

        async def both():
            return stage.gateway._room.held.total() == 2

        await until(both)
        third = await stage.call("write_file", {"path": "third"})
        first[0].cancel()

        async def one():
            return stage.gateway._room.held.total() == 1

        await until(one)
        fourth = asyncio.create_task(stage.call("write_file", {"path": "fourth"}))
        approvals = await stage.pending(4)
        await until(both)
        for approval in approvals:
            await stage.decide(approval.id)

        assert third.told["status"] == "pending"
        assert (await fourth).text == "done: write_file"
        assert (await first[1]).text == "done: write_file"
        assert not stage.gateway._room.held


async def test_the_number_of_held_calls_is_each_agents_own(sqlite_url):
    async with staged(sqlite_url, hold="1m", own=", held_calls: 0", pace=QUICK) as stage:
        told = await stage.call("write_file", {"path": "a"})
        other = asyncio.create_task(stage.call("write_file", {"path": "b"}, key=OTHER_BOT))
        mine, _ = sorted(
            await stage.pending(2), key=lambda known: known.request.agent != "other-bot"
        )
        await stage.decide(mine.id)

        assert told.told["status"] == "pending"
        assert (await other).text == "done: write_file"


async def test_a_process_that_stops_lets_held_callers_go_with_pending(sqlite_url):
    async with (
        staged(sqlite_url, hold="0s", own=", hold: 2h", pace=QUICK) as stage,
        calling(stage) as held,
    ):
        await held.read_until(b"waiting for approval")

        await asyncio.wait_for(stage.gateway.drain(600), 60)
        await held.end()

        assert held.told["status"] == "pending"


async def test_a_ledger_that_fails_during_the_hold_runs_nothing_and_says_so(sqlite_url):
    async with (
        staged(sqlite_url, hold="0s", own=", hold: 500ms", pace=QUICK) as stage,
        calling(stage) as held,
    ):
        await held.read_until(b"waiting for approval")
        await asyncio.to_thread(stage.ledger.close)
        await held.end()

        assert held.messages[-1]["id"] == 7
        assert held.messages[-1]["error"]["code"] == -31008
        assert stage.server.calls() == []
