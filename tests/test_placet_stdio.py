"""`placet stdio SERVER` carries lines to the gateway and answers back, whatever happens between."""

import asyncio
import contextlib
import json
import os
import signal as signals
import socket
from pathlib import Path

import forked
import pytest
from aiohttp import web
from gateway_stage import CI_BOT, META, Forgetful, RawServer, staged, until

from gateway.stdio_face.face_pipes import Pipes
from placet_stdio import served

ROOT = Path(__file__).resolve().parent.parent
LEARNED = "notifications/tools/list_changed"


class Client:
    """A client that has started the command: it writes lines and reads lines."""

    def __init__(self, process):
        self.process = process
        self.heard = []

    @classmethod
    async def start(cls, url, *options, key=CI_BOT, server="files", **environment):
        variables = {"PLACET_KEY": key} | environment
        where = ("--url", url) if url else ()
        process = await forked.start_piped(
            *("stdio", server, *where, *options),
            environment={name: value for name, value in variables.items() if value is not None},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=2**26,
        )
        return cls(process)

    def say(self, method=None, params=None, number=1, **more):
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params, **more}
        self.write(json.dumps({n: v for n, v in message.items() if v is not None}).encode())

    def write(self, line):
        self.process.stdin.write(line + b"\n")

    def call(self, tool, arguments=None, number=1, **meta):
        params = {"name": tool, "arguments": arguments or {}, "_meta": META | meta}
        self.say("tools/call", params, number)

    async def hear(self):
        line = await asyncio.wait_for(self.process.stdout.readline(), 60)
        assert line, (await self.process.stderr.read()).decode()
        self.heard.append(json.loads(line))
        return self.heard[-1]

    async def answer(self):
        """Hear an answer, before which it may be said that tools were learned."""
        while (heard := await self.hear()).get("method") == LEARNED:
            pass
        return heard

    async def begin(self):
        """Begin a session of the older era."""
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t"}}
        self.say("initialize", params, 0)
        answer = await self.hear()
        self.say("notifications/initialized", number=None)
        return answer

    async def end(self):
        """Say no more, and return exit code and what else was said."""
        self.process.stdin.close()
        out, errors = await asyncio.wait_for(self.process.communicate(), 60)
        assert b"Traceback" not in errors, errors.decode()
        assert CI_BOT.encode() not in out + errors
        return self.process.returncode, [json.loads(line) for line in out.splitlines()]


@pytest.fixture
async def stage(sqlite_url):
    async with staged(sqlite_url) as opened:
        opened.server.sessions = True
        yield opened


@pytest.fixture
async def hanging():
    """Listen, and answer nothing."""
    gone = asyncio.Event()

    async def hang(reader, writer):
        await gone.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    gone.set()
    server.close()


@pytest.fixture
async def crowded():
    """Give sessions, and at first no room for what their clients say, nor for their streams."""
    busy, statuses = iter([503, 429]), iter([429])
    result = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s"}}

    async def post(request):
        asked = await request.json()
        if "id" not in asked:
            return web.Response(status=next(busy, 202))
        told = {"jsonrpc": "2.0", "id": asked["id"], "result": result}
        return web.json_response(told, headers={"Mcp-Session-Id": "one"})

    async def get(request):
        status = next(statuses, 200)
        if status != 200:
            return web.Response(status=status)
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        told = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
        await stream.write(f"data: {json.dumps(told)}\n\n".encode())
        await asyncio.Event().wait()
        return stream

    application = web.Application()
    path = "/mcp/files"
    application.add_routes([web.post(path, post), web.get(path, get)])
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def started_with(url, stdout, stdin=asyncio.subprocess.PIPE):
    """Start the command with an output of ours, a descriptor that is closed here then."""
    process = await forked.start_piped(
        *("stdio", "files", "--url", url),
        environment={"PLACET_KEY": CI_BOT},
        stdin=stdin,
        stdout=stdout,
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(stdout)
    return process


def ends(kind):
    """Return the ends of a pipe or of two sockets: the one that is read, and the other."""
    if kind == "pipe":
        return os.pipe()
    ours, theirs = socket.socketpair()
    return ours.detach(), theirs.detach()


def called(tool):
    params = {"name": tool, "arguments": {}, "_meta": META}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


@contextlib.asynccontextmanager
async def client(url, **options):
    started = await Client.start(url, **options)
    try:
        yield started
    finally:
        if started.process.returncode is None:
            started.process.kill()
            await started.process.wait()


@pytest.fixture
async def given(stage):
    async with client(stage.url) as opened:
        yield opened


async def test_a_modern_call_has_the_headers_that_http_wants(stage, given):
    given.call("read_file", {"path": "a"})

    answer = await given.hear()

    assert answer["result"]["content"][0]["text"] == "done: read_file"
    (_, headers, _) = stage.server.seen[-1]
    assert headers["MCP-Protocol-Version"] == "2026-07-28"
    assert (headers["Mcp-Method"], headers["Mcp-Name"]) == ("tools/call", "read_file")


async def test_a_name_that_no_header_can_carry_is_encoded(stage, given):
    stage.server.tools.append({"name": "read_é", "inputSchema": {"type": "object"}})

    given.say("tools/list", {"_meta": META}, 1)
    await given.hear()
    given.call("read_é", number=2)

    answer = await given.hear()
    assert "error" not in answer


async def test_arguments_that_headers_repeat_are_repeated(sqlite_url):
    raw = RawServer()
    field = {"type": "string", "x-mcp-header": "Region"}
    schema = {"type": "object", "properties": {"region": field}}
    raw.tools = [{"name": "read_region", "description": "Reads.", "inputSchema": schema}]
    await raw.start()
    async with staged(sqlite_url, server=raw) as stage, client(stage.url) as given:
        given.call("read_region", {"region": "nördlich"})  # it was shown no list before
        unlisted = await given.hear()
        given.say("tools/list", {"_meta": META}, 2)
        await given.hear()
        given.call("read_region", {"region": "eu"}, 3)
        listed = await given.hear()

        assert "result" in unlisted
        assert "result" in listed
        assert raw.seen[-1][1]["Mcp-Param-Region"] == "eu"
    await raw.close()


async def test_a_session_is_begun_used_and_ended(stage, given):
    begun = await given.begin()
    given.say("tools/call", {"name": "read_file", "arguments": {}}, "x")
    answer = await given.answer()
    code, rest = await given.end()

    assert begun["result"]["protocolVersion"] == "2025-11-25"
    assert (answer["id"], code) == ("x", 0)
    assert [said for said in rest if said.get("method") != LEARNED] == []
    assert "DELETE" in [method for method, _, _ in stage.server.seen]


async def test_what_the_server_says_by_itself_is_heard(stage, given):
    listeners = stage.server.listeners
    await given.begin()
    await until(lambda: _more(stage, listeners))

    stage.server.tell({"jsonrpc": "2.0", "method": "notifications/message", "params": {"n": 1}})

    heard = await given.hear()
    while heard["method"] == LEARNED:
        heard = await given.hear()
    assert heard["method"] == "notifications/message"


async def test_a_session_that_there_is_no_room_for_is_begun_a_little_later(crowded):
    async with client(crowded) as given:
        await given.begin()

        assert (await given.hear())["method"] == "notifications/tools/list_changed"


async def test_a_session_that_is_gone_is_begun_anew(stage, given):
    await given.begin()
    gone = {"active": True}

    async def reply(message, request):
        if gone.pop("active", None):
            error = {
                "jsonrpc": "2.0",
                "id": message["id"],
                "error": {"code": -32600, "message": ""},
            }
            return web.json_response(error, status=404)
        return await stage.server.done(message, request)

    stage.server.reply = reply
    given.say("tools/call", {"name": "read_file", "arguments": {}}, 7)

    answer = await given.answer()

    assert (answer["id"], "result" in answer) == (7, True)
    methods = [json.loads(body).get("method") for _, _, body in stage.server.seen if body]
    assert methods.count("initialize") == 2


async def test_what_was_set_in_a_session_is_set_in_the_one_begun_anew(stage, given):
    gone = {}

    async def instead(_, message):
        refused = (message.get("params") or {}).get("uri") == "memo://none"
        over = message.get("method") == "tools/call" and gone.pop("active", False)
        error = {"code": -32002, "message": "no"}
        told = {"jsonrpc": "2.0", "id": message.get("id"), "error": error}
        return web.json_response(told, status=404 if over else 200) if over or refused else None

    stage.server.instead = instead
    await given.begin()
    asked = [
        ("logging/setLevel", {"level": "debug"}),
        ("resources/subscribe", {"uri": "memo://1"}),
        ("resources/subscribe", {"uri": "memo://2"}),
        ("resources/subscribe", {"uri": "memo://none"}),
        ("resources/unsubscribe", {"uri": "memo://2"}),
        ("logging/setLevel", {"level": "error"}),
    ]
    for number, (method, params) in enumerate(asked, 1):
        given.say(method, params, number)
        while (await given.hear()).get("id") != number:
            pass
    stage.server.seen.clear()
    gone["active"] = True

    given.say("tools/call", {"name": "read_file", "arguments": {}}, 9)
    while (await given.hear()).get("id") != 9:
        pass

    said = [json.loads(body) for _, _, body in stage.server.seen if body]
    again = [(told["method"], told["params"]) for told in said if told.get("method") in dict(asked)]
    assert "result" in given.heard[-1]
    assert again == [
        ("logging/setLevel", {"level": "error"}),
        ("resources/subscribe", {"uri": "memo://1"}),
    ]


async def test_a_held_call_goes_on_in_another_session_where_its_server_forgot_the_one(sqlite_url):
    server = Forgetful()
    await server.start()
    async with staged(sqlite_url, server=server, hold="0s") as stage, client(stage.url) as given:
        await given.begin()
        params = {"name": "write_file", "arguments": {}, "_meta": {"progressToken": 1}}
        given.say("tools/call", params, 7)
        (approval,) = await stage.pending()
        server.life = 2
        await stage.decide(approval.id)

        heard = await given.hear()
        while "method" in heard:
            heard = await given.hear()
        events = await stage.topics()

    await server.close()
    assert heard["result"]["content"][0]["text"] == "done: write_file"
    assert (len(server.calls()), events.count("ApprovalRequested")) == (1, 1)


async def test_calls_run_beside_one_another(stage, given):
    stage.server.gate.clear()
    for number in range(5):
        given.call("read_file", {"n": number}, number)
    await until(lambda: _calls(stage, 5))
    stage.server.gate.set()

    assert {(await given.hear())["id"] for _ in range(5)} == set(range(5))


async def test_a_modern_call_that_is_cancelled_is_over_at_the_server(stage, given):
    stage.server.gate.clear()
    given.call("read_file")
    await until(lambda: _calls(stage, 1))

    given.say("notifications/cancelled", {"requestId": 1}, None)

    await asyncio.wait_for(stage.server.gone.wait(), 60)
    given.say("tools/list", {"_meta": META}, 2)
    assert (await given.hear())["id"] == 2


@pytest.mark.parametrize("sessions", [True, False])
async def test_a_legacy_call_that_is_held_is_called_off_and_not_answered(sqlite_url, sessions):
    async with staged(sqlite_url, own=", hold: 60s") as stage, client(stage.url) as given:
        stage.server.sessions = sessions
        await given.begin()
        params = {"name": "write_file", "arguments": {}, "_meta": {"progressToken": 1}}
        given.say("tools/call", params, 9)
        (approval,) = await stage.pending()

        given.say("notifications/cancelled", {"requestId": 9}, None)
        await until(lambda: _let_go(stage))
        await stage.decide(approval.id)
        given.say("tools/list", {}, 10)
        while (await given.hear()).get("id") != 10:
            pass

        assert 9 not in [heard.get("id") for heard in given.heard]
        assert stage.server.calls() == []


async def test_a_legacy_call_that_runs_is_cancelled_at_its_server_and_not_answered(stage, given):
    await given.begin()
    stage.server.gate.clear()
    given.say("tools/call", {"name": "read_file", "arguments": {}}, 9)
    await until(lambda: _calls(stage, 1))

    given.say("notifications/cancelled", {"requestId": 9}, None)
    given.say("tools/list", {}, 10)
    while (await given.hear()).get("id") != 10:
        pass
    stage.server.gate.set()
    _, rest = await given.end()

    assert any(b"notifications/cancelled" in body for _, _, body in stage.server.seen)
    assert 9 not in [heard.get("id") for heard in (*given.heard, *rest)]


async def test_a_call_that_is_held_hears_signs_of_life_and_then_the_answer(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage, client(stage.url) as given:
        given.call("write_file", number=3, progressToken="p")
        (approval,) = await stage.pending()
        progress = await given.hear()
        await stage.decide(approval.id)

        answer = await given.hear()
        while "method" in answer:
            answer = await given.hear()

        assert progress["params"]["progressToken"] == "p"
        assert answer["result"]["content"][0]["text"] == "done: write_file"


async def test_what_was_asked_is_answered_after_the_last_line(stage, given):
    given.call("read_file", number=1)
    given.call("read_file", number=2)

    code, answers = await given.end()

    assert (code, {answer["id"] for answer in answers}) == (0, {1, 2})


@pytest.mark.parametrize("progress", [{"progressToken": 1}, {}], ids=["progress", "comments"])
@pytest.mark.parametrize("hold", ["0s", "2s"], ids=["aloud", "in silence at first"])
async def test_what_waits_for_people_is_given_up_after_the_last_line(sqlite_url, hold, progress):
    async with (
        staged(sqlite_url, hold=hold, own=", hold: 1h") as stage,
        client(stage.url) as given,
    ):
        given.call("write_file", number=1, **progress)
        (approval,) = await stage.pending()
        if progress and hold == "0s":
            await given.hear()

        code, (answer,) = await asyncio.wait_for(given.end(), 20)
        await until(lambda: _let_go(stage))
        await stage.decide(approval.id)

        assert (code, answer["id"]) == (0, 1)
        assert "given up" in answer["error"]["message"]
        assert stage.server.calls() == []


async def test_what_people_let_through_is_answered_after_the_last_line(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage, client(stage.url) as given:
        stage.server.gate.clear()
        given.call("write_file", number=1, progressToken=1)
        (approval,) = await stage.pending()
        await given.hear()
        await stage.decide(approval.id)
        await until(lambda: _calls(stage, 1))
        given.call("read_file", number=2)
        await until(lambda: _calls(stage, 2))

        ending = asyncio.create_task(given.end())
        await asyncio.wait([ending], timeout=0.5)
        stage.server.gate.set()
        _, answers = await ending

        assert {answer["id"]: "result" in answer for answer in answers} == {1: True, 2: True}


async def test_a_client_that_reads_no_more_ends_it(stage, given):
    stage.server.gate.clear()
    given.call("read_file")
    await until(lambda: _calls(stage, 1))
    given.process.stdout._transport.close()
    stage.server.gate.set()

    assert await asyncio.wait_for(given.process.wait(), 60) == 0


@pytest.mark.parametrize("kind", ["pipe", "socket"])
async def test_a_client_that_dies_while_its_call_is_held_runs_nothing(sqlite_url, kind):
    async with staged(sqlite_url, hold="1s", own=", hold: 1h") as stage:
        reading, writing = ends(kind)
        process = await started_with(stage.url, writing)
        process.stdin.write(json.dumps(called("write_file")).encode() + b"\n")
        (approval,) = await stage.pending()
        os.close(reading)

        assert await asyncio.wait_for(process.wait(), 20) == 0
        await until(lambda: _let_go(stage))
        await stage.decide(approval.id)
        assert stage.server.calls() == []


async def test_a_client_that_says_no_more_still_reads_what_it_asked_for(stage):
    ours, theirs = socket.socketpair()
    stage.server.gate.clear()
    process = await started_with(stage.url, os.dup(theirs.fileno()), theirs)
    with ours, theirs:
        ours.sendall(json.dumps(called("read_file")).encode() + b"\n")
        await until(lambda: _calls(stage, 1))
        ours.shutdown(socket.SHUT_WR)
        stage.server.gate.set()

        answer = json.loads(await asyncio.to_thread(ours.recv, 2**16))

    assert answer["result"]["content"][0]["text"] == "done: read_file"
    assert await asyncio.wait_for(process.wait(), 20) == 0


@pytest.mark.parametrize("said", ["initialize", "notifications/initialized"])
async def test_a_placet_that_hangs_keeps_nobody_once_the_client_says_no_more(hanging, said):
    reading, writing = os.pipe()
    os.write(writing, b'{"jsonrpc":"2.0","id":1,"method":"%s"}\n' % said.encode())
    os.close(writing)

    with os.fdopen(reading, "rb") as stdin:
        pipes = Pipes(stdin, os.open(os.devnull, os.O_WRONLY))
        code = await asyncio.wait_for(served(pipes, hanging, {}, drain=0.5), 20)

    assert code == 0


async def test_a_notification_that_is_not_taken_does_not_hold_up_what_comes_next(stage, given):
    never = asyncio.Event()

    async def hang(_, message):
        if message.get("method") == "notifications/progress":
            await never.wait()

    stage.server.instead = hang
    given.say("notifications/progress", {"progressToken": 1, "progress": 1}, number=None)
    given.call("read_file")

    assert (await given.hear())["id"] == 1


@pytest.mark.parametrize("signal", ["SIGTERM", "SIGINT"])
async def test_it_ends_when_it_is_told_to(stage, given, signal):
    stage.server.gate.clear()
    given.call("read_file")
    await until(lambda: _calls(stage, 1))

    given.process.send_signal(getattr(signals, signal))

    assert await asyncio.wait_for(given.process.wait(), 60) == 0
    await asyncio.wait_for(stage.server.gone.wait(), 60)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"nonsense", -32700),
        (b'{"a": 1, "a": 2}', -32700),
        (b"\xff", -32700),
        (b'{"jsonrpc": "2.0", "id": 1', -32700),
        (b"[]", -32600),
        (b"1", -32600),
        (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', -32600),
        (b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}', -32600),
    ],
)
async def test_a_line_that_is_no_message_is_answered_and_the_next_one_is_read(given, line, code):
    given.write(line)
    given.call("read_file", number=2)

    wrong, answer = await given.hear(), await given.hear()

    assert (wrong["id"], wrong["error"]["code"]) == (None, code)
    assert answer["id"] == 2


@pytest.mark.parametrize("method", [5, "", "tools/list\r\nX-Evil: 1"])
async def test_a_request_for_what_is_no_method_is_answered(given, method):
    given.say(method, {"_meta": META})

    answer = await given.hear()

    assert (answer["id"], answer["error"]["code"]) == (1, -32600)


async def test_a_version_that_no_header_can_carry_is_answered(given):
    version = {"io.modelcontextprotocol/protocolVersion": "2026-07-28\r\nX-Evil: 1"}
    given.say("tools/list", {"_meta": META | version})

    answer = await given.hear()

    assert (answer["id"], answer["error"]["code"]) == (1, -32600)


async def test_blank_lines_are_passed_over(given):
    given.write(b"")
    given.write(b"   ")
    given.call("read_file")

    assert (await given.hear())["id"] == 1


async def test_without_a_placet_every_request_has_an_error_that_says_so(free_port):
    async with client(f"http://127.0.0.1:{free_port}") as given:
        given.call("read_file", number="a")

        answer = await given.hear()

        assert answer["id"] == "a"
        assert "is `placet serve` running?" in answer["error"]["message"]


@pytest.mark.parametrize("key", ["wrong-key-0123456789-0123456789-012345", None])
async def test_without_a_good_key_every_request_has_an_error(stage, key):
    async with client(stage.url, key=key) as given:
        given.call("read_file")

        answer = await given.hear()

        assert answer["id"] == 1
        assert "key" in answer["error"]["message"]


async def test_a_server_that_is_not_there_is_an_error(stage):
    async with client(stage.url, server="nowhere") as given:
        given.call("read_file")

        assert "no server of this name" in (await given.hear())["error"]["message"]


@pytest.mark.parametrize(
    ("url", "server", "key"),
    [
        ("ftp://127.0.0.1", "files", CI_BOT),
        ("http://a@127.0.0.1", "files", CI_BOT),
        ("http://127.0.0.1", "../v1", CI_BOT),
        ("http://127.0.0.1", "files", "a\nb"),
    ],
)
async def test_what_cannot_be_meant_is_refused_at_the_start(url, server, key):
    started = await Client.start(url, server=server, key=key)
    out, errors = await started.process.communicate()

    assert (started.process.returncode, out) == (2, b"")
    assert b"Traceback" not in errors


async def test_a_configuration_that_is_named_has_to_be_there(tmp_path):
    started = await Client.start(None, "--config", str(tmp_path / "other.yaml"))
    out, errors = await started.process.communicate()

    assert (started.process.returncode, out) == (2, b"")
    assert b"there is no file" in errors


async def _more(stage, listeners):
    return stage.server.listeners > listeners


async def _calls(stage, count):
    return len(stage.server.calls()) >= count


async def _let_go(stage):
    return not stage.gateway.under_way()
