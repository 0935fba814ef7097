"""`placet hook claude-code` lets a tool be used after a clear yes, and never else."""

import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web
from asking_api import api
from gateway_stage import CI_BOT, until

ROOT = Path(__file__).resolve().parent.parent

BASH = {
    "session_id": "s1",
    "cwd": "/home/alice",
    "hook_event_name": "PreToolUse",
    "tool_name": "Bash",
    "tool_input": {"command": "make"},
    "tool_use_id": "toolu_1",
}
YES = b'{"decision": "allow", "message": "yes"}'
READ = BASH | {"tool_name": "Read", "tool_input": {"file_path": "/a"}}


class Ran:
    """A hook that has run: what it said, and whether Claude Code would use the tool."""

    def __init__(self, code, out, errors):
        self.code, self.out, self.errors = code, out, errors

    @property
    def decision(self):
        """What Claude Code makes of it: exit code 2 denies; 0 with JSON is what that says."""
        if self.code == 2:
            return "deny"
        assert self.code == 0, self.errors
        return json.loads(self.out)["hookSpecificOutput"]["permissionDecision"] if self.out else ""

    @property
    def reason(self):
        return json.loads(self.out)["hookSpecificOutput"]["permissionDecisionReason"]


async def begun(url, *options, key=CI_BOT, wait="1s", **environment):
    """Start the hook as Claude Code does."""
    variables = {"PLACET_URL": url, "PLACET_KEY": key} | environment
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "placet_entry", "hook", "claude-code", "--wait", wait, *options),
        cwd=ROOT,
        env={name: value for name, value in variables.items() if value is not None},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def hook(url, told, *options, **given):
    """Run the hook to its end."""
    process = await begun(url, *options, **given)
    text = told if isinstance(told, bytes) else json.dumps(told).encode()
    out, errors = await process.communicate(text)
    assert b"Traceback" not in errors
    assert CI_BOT.encode() not in out + errors
    return Ran(process.returncode, out.decode(), errors.decode())


async def shelled(url, told, streams):
    """Run the hook with its streams redirected by a shell."""
    process = await asyncio.create_subprocess_shell(
        f"{sys.executable} -m placet_entry hook claude-code --wait 1s {streams}",
        cwd=ROOT,
        env={"PLACET_URL": url, "PLACET_KEY": CI_BOT},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate(json.dumps(told).encode())
    return Ran(process.returncode, out.decode(), errors.decode())


@pytest.fixture
async def given(sqlite_url):
    async with api(sqlite_url) as opened:
        yield opened


@pytest.fixture
async def other():
    """Serve something else than Placet; `answer` is what it answers with."""
    application = web.Application()
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    served = SimpleNamespace(answer=lambda _: web.json_response({}), asked=[], url="")

    async def answered(request):
        served.asked.append(request.path)
        answer = served.answer(request)
        return await answer if asyncio.iscoroutine(answer) else answer

    application.router.add_route("*", "/{any:.*}", answered)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield served
    await runner.cleanup()


@contextlib.asynccontextmanager
async def wire(*answers):
    """Serve bytes as they are: one connection after another is sent one, and then the last."""
    left = list(answers)

    async def served(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(left.pop(0) if left[1:] else left[0])
        writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_what_the_policy_allows_is_allowed(given):
    ran = await hook(given.stage.url, READ)

    assert ran.decision == "allow"
    assert "rule `reading`" in ran.reason


async def test_what_the_policy_denies_is_denied(given):
    ran = await hook(given.stage.url, BASH | {"tool_name": "KillShell"})

    assert (ran.code, ran.decision) == (0, "deny")
    assert "killing is done by people" in ran.reason


async def test_what_nobody_answers_in_time_is_denied_and_says_how_to_ask_again(given):
    ran = await hook(given.stage.url, BASH, wait="100ms")

    assert (ran.code, ran.decision) == (0, "deny")
    assert ran.reason.endswith("To ask again, use the tool again with the same input.")


async def test_what_people_approve_meanwhile_is_allowed(given):
    running = asyncio.create_task(hook(given.stage.url, BASH, wait="60s"))
    (approval,) = await given.stage.pending()
    await given.stage.decide(approval.id)

    ran = await running

    assert ran.decision == "allow"
    assert "approved by bob" in ran.reason


async def test_the_same_tool_used_again_finds_the_approval_that_was_given_later(given):
    await hook(given.stage.url, BASH, wait="100ms")
    (approval,) = await given.stage.pending()
    await given.stage.decide(approval.id)

    again = await hook(given.stage.url, BASH | {"tool_use_id": "toolu_2"})
    once_more = await hook(given.stage.url, BASH | {"tool_use_id": "toolu_3"}, wait="100ms")

    assert (again.decision, once_more.decision) == ("allow", "deny")


async def test_the_same_use_is_decided_once_however_often_the_hook_runs(given):
    await hook(given.stage.url, READ)
    await hook(given.stage.url, READ)

    assert (await given.stage.topics()).count("CallDecided") == 1


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        ({"hook_event_name": "PostToolUse", "tool_response": {"a": 1}, "duration_ms": 5}, "ok"),
        ({"hook_event_name": "PostToolUseFailure", "error": "no such file"}, "tool-error"),
        ({"hook_event_name": "PostToolUse", "tool_response": {"Id": 1, "id": "\ud83d"}}, "ok"),
        ({"hook_event_name": "PostToolUseFailure", "error": "cut \ud83d"}, "tool-error"),
    ],
)
async def test_how_a_use_ended_is_reported_without_anything_kept_in_between(given, event, outcome):
    await hook(given.stage.url, READ)

    ran = await hook(given.stage.url, READ | event)

    (ended,) = await given.stage.ended()
    assert (ran.code, ran.out, ended.outcome) == (0, "", outcome)


async def test_the_end_of_what_was_never_asked_about_is_no_error(given):
    ran = await hook(given.stage.url, READ | {"hook_event_name": "PostToolUse"})

    assert (ran.code, ran.out, ran.errors) == (0, "", "")


async def test_a_server_behind_placet_is_not_asked_about_twice(given):
    told = BASH | {"tool_name": "mcp__files__write_file"}

    ran = await hook(given.stage.url, told, "--behind", "files")

    assert (ran.code, ran.out) == (0, "")
    assert await given.stage.topics() == []


@pytest.mark.parametrize("behind", ["files@", "@user", ""])
async def test_what_names_no_server_or_no_source_is_behind_nothing(given, behind):
    ran = await hook(given.stage.url, BASH | {"tool_name": "mcp__files__x"}, "--behind", behind)

    assert (ran.code, ran.out) == (2, "")
    assert "write the name of a server, or NAME@SOURCE" in ran.errors


async def test_any_other_mcp_server_is_asked_about(given):
    known = await hook(given.stage.url, READ | {"tool_name": "mcp__files__read_file"})
    unknown = await hook(given.stage.url, READ | {"tool_name": "mcp__elsewhere__read_file"})

    assert (known.decision, unknown.decision) == ("allow", "deny")


async def test_a_key_may_be_in_a_file(given, tmp_path):
    (tmp_path / "key").write_text(f"{CI_BOT}\n")

    ran = await hook(given.stage.url, READ, key=None, PLACET_KEY_FILE=str(tmp_path / "key"))

    assert ran.decision == "allow"


async def test_a_file_with_a_key_that_cannot_be_read_is_said_to_be_that(given, tmp_path):
    ran = await hook(given.stage.url, READ, key=None, PLACET_KEY_FILE=str(tmp_path / "nothing"))

    assert ran.decision == "deny"
    assert "`PLACET_KEY_FILE` names cannot be read (No such file or directory)" in ran.errors


@pytest.mark.parametrize("key", [None, ""])
async def test_whoever_has_no_key_is_told_where_it_belongs(given, key):
    ran = await hook(given.stage.url, READ, key=key)

    assert ran.decision == "deny"
    assert "no key was given" in ran.errors
    assert "in `PLACET_KEY` or the file" in ran.errors


@pytest.mark.parametrize("key", [None, "wrong-key-0123456789-0123456789-0123456", "a\nb", "é"])
async def test_without_a_good_key_nothing_is_allowed(given, key):
    assert (await hook(given.stage.url, READ, key=key)).decision == "deny"


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "ftp://127.0.0.1", "nonsense", "http://a:b@127.0.0.1", "http://"]
)
async def test_without_a_placet_nothing_is_allowed(url):
    ran = await hook(url, READ)

    assert ran.code == 2


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://127.0.0.1:99999", " (Port out of range 0-65535)"),
        ("http://127.0.0.1:x", " (Port could not be cast to integer value as 'x')"),
        ("http://[::1", " (Invalid IPv6 URL)"),
        ("http://127.0.0.1:8787/a b", ""),
        ("http://127.0.0.1:8787/\u00e9", ""),
        ("http://a b", ""),
    ],
)
async def test_an_address_that_is_none_is_told_at_once(url, why):
    ran = await hook(url, READ, wait="10m")

    assert ran.code == 2
    assert f"the address of Placet is none{why}; write it like" in ran.errors


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b'{"hook_event_name": "PreToolUse"}'])
async def test_what_cannot_be_read_is_not_allowed(given, text):
    assert (await hook(given.stage.url, text)).code == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"decision": "approve"},
        {"decision": True},
        {"decision": ["allow"]},
        {"decision": {"allow": 1}},
        {"decision": "ended", "message": "over"},
        [],
    ],
)
async def test_an_answer_that_is_no_clear_yes_is_a_no(other, body):
    other.answer = lambda _: web.json_response(body)

    assert (await hook(other.url, READ)).decision == "deny"


@pytest.mark.parametrize(
    ("status", "text"),
    [(200, "<html>"), (404, "{}"), (302, "{}"), (201, '{"decision": "allow"}'), (200, "")],
)
async def test_whatever_else_answers_is_a_no(other, status, text):
    other.answer = lambda _: web.Response(status=status, text=text, headers={"Location": "/"})

    assert (await hook(other.url, READ)).decision == "deny"
    assert other.asked == ["/v1/decisions"] * len(other.asked)


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (404, {"Content-Type": "text/html"}, "(HTTP 404 with text/html, `<html>no</html>`)"),
        (302, {"Location": "/login"}, "(HTTP 302 with text/plain, `/login`)"),
        (403, {}, "(HTTP 403 with text/plain, `<html>no</html>`)"),
        (200, {}, "(HTTP 200 with text/plain, `<html>no</html>`)"),
    ],
)
async def test_another_program_at_the_address_is_not_asked_twice(other, status, headers, told):
    other.answer = lambda _: web.Response(status=status, text="<html>no</html>", headers=headers)

    ran = await hook(other.url, READ, wait="10m")

    assert ran.code == 2
    assert f"what answers at `{other.url}` is no Placet {told}; see `--url`" in ran.errors
    assert other.asked == ["/v1/decisions"]


async def test_what_is_refused_below_the_api_is_told_in_its_words(given):
    elsewhere = await hook(f"{given.stage.url}/mcp/files", READ)
    long = await hook(given.stage.url, READ, key="k" * 9000)

    assert (elsewhere.code, long.code) == (2, 2)
    assert "nothing is answered at this address; a server's is `/mcp/NAME`" in elsewhere.errors
    assert "a header, or the first line, is longer than 8,190 bytes" in long.errors


@pytest.mark.parametrize("status", [502, 429])
async def test_a_page_that_says_come_again_is_no_last_word(other, status):
    answers = iter(
        [
            web.Response(status=status, text="<html>soon</html>"),
            web.json_response({"decision": "allow", "message": "yes"}),
        ]
    )
    other.answer = lambda _: next(answers)

    assert (await hook(other.url, READ, wait="20s")).decision == "allow"


async def test_an_answer_that_may_be_a_part_is_asked_for_again():
    parts = (b"HTTP/1.0 200 OK\r\n\r\n{", b"HTTP/1.0 200 OK\r\n\r\n" + YES)

    async with wire(*parts) as url:
        ran = await hook(url, READ, wait="20s")

    assert ran.decision == "allow"


async def test_an_answer_that_is_cut_off_is_none_though_it_can_be_read():
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(YES) + 1}\r\n\r\n"

    async with wire(head.encode() + YES) as url:
        ran = await hook(url, READ, wait="0s")

    assert (ran.code, ran.out) == (2, "")
    assert "its answer was cut off" in ran.errors


async def test_an_answer_that_trickles_for_ever_is_a_no(other):
    async def trickle(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.5)

    other.answer = trickle

    ran = await hook(other.url, READ, wait="0s")

    assert ran.code == 2
    assert "in time" in ran.errors


async def test_a_placet_that_is_busy_is_asked_again(other):
    answers = iter([503, 503, 200])
    other.answer = lambda _: web.json_response(
        {"decision": "allow", "message": "yes"}, status=next(answers)
    )

    assert (await hook(other.url, READ, wait="20s")).decision == "allow"


async def test_a_use_that_has_no_id_is_not_sent_twice(other):
    other.answer = lambda _: web.json_response({"detail": "busy"}, status=503)

    ran = await hook(other.url, READ | {"tool_use_id": None}, wait="5s")

    assert ran.code == 2
    assert other.asked == ["/v1/decisions"]


async def test_wrong_arguments_block(given):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "placet_entry", "hook", "claude-code", "--key", "x"),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    await process.communicate()

    assert process.returncode == 2


@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full", ">&-", ">/dev/full", ">&- 2>&-"])
async def test_a_no_that_cannot_be_said_blocks_all_the_same(free_port, streams):
    ran = await shelled(f"http://127.0.0.1:{free_port}", BASH, streams)

    assert ran.code == 2


@pytest.mark.parametrize("streams", [">&-", ">/dev/full", ">&- 2>&-", ">/dev/full 2>/dev/full"])
async def test_a_yes_that_cannot_be_said_blocks(given, streams):
    ran = await shelled(given.stage.url, READ, streams)

    assert ran.code == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
async def test_a_hook_that_is_told_to_stop_blocks(given, number):
    process = await begun(given.stage.url, wait="60s")
    process.stdin.write(json.dumps(BASH).encode())
    process.stdin.close()
    await until(lambda: _held(given, 1))

    process.send_signal(number)
    out, errors = await process.communicate()

    assert (process.returncode, out) == (2, b"")
    assert b"Traceback" not in errors
    await until(lambda: _held(given, 0))


async def test_a_report_that_is_told_to_stop_does_not_say_that_nothing_was_executed(other):
    async def asked():
        return other.asked

    other.answer = lambda _: asyncio.sleep(60)
    process = await begun(other.url)
    process.stdin.write(json.dumps(READ | {"hook_event_name": "PostToolUse"}).encode())
    process.stdin.close()
    await until(asked)

    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()

    assert process.returncode == 1
    assert b"the outcome was not reported: the hook was told to stop" in errors
    assert b"executed" not in errors


async def test_a_hook_that_is_killed_claims_nothing(given):
    process = await begun(given.stage.url, wait="60s")
    process.stdin.write(json.dumps(BASH).encode())
    process.stdin.close()
    (approval,) = await given.stage.pending()
    await until(lambda: _held(given, 1))

    process.kill()
    await process.wait()
    await until(lambda: _held(given, 0))
    await given.stage.decide(approval.id)

    assert (await given.stage.ledger.approval(approval.id)).dispatched_call is None


async def _held(given, calls):
    return sum(given.stage.gateway._room.held.values()) == calls
