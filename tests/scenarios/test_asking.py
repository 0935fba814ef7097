"""Programs ask, hooks block and commands speak for servers, over kills and on replicas."""

import asyncio
import contextlib
import json
import os

import aiohttp
import forked
import pytest
from scenarios.stage import BOB, CI_BOT, POLICY, Stage, until

pytestmark = pytest.mark.timeout(240)

GONE = (aiohttp.ClientError, ConnectionError, asyncio.TimeoutError)

BASH = {
    "session_id": "s1",
    "cwd": "/",
    "hook_event_name": "PreToolUse",
    "tool_name": "Bash",
    "tool_input": {"command": "make release"},
    "tool_use_id": "toolu_1",
}


class AskingStage(Stage):
    """A stage whose configuration declares Claude Code's own tools."""

    def configuration(self, replica):
        told = json.loads(super().configuration(replica))
        told["servers"]["claude-code"] = {
            "external": True,
            "team": "platform",
            "preset": "claude-code",
        }
        return json.dumps(told, indent=1)


@pytest.fixture
async def open_stage(tmp_path):
    """Give what opens a stage on a ledger; it is closed at the end of the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def opened(ledger_url):
            stage = AskingStage(tmp_path, ledger_url, POLICY, "1s")
            await stage.open()
            stack.push_async_callback(stage.close)
            return stage

        yield opened


async def ask(replica, tool="Bash", **body):
    """Ask a replica for a decision of claude-code."""
    asked = {"server": "claude-code", "tool": tool, "arguments": {"command": "make"}} | body
    return await send(replica, "POST", "/v1/decisions", asked)


async def send(replica, method, path, body=None):
    url = f"http://{replica.agents}{path}"
    headers = {"Authorization": f"Bearer {CI_BOT}"}
    async with replica.stage.http.request(method, url, json=body, headers=headers) as answer:
        told = await answer.json(content_type=None)
        assert answer.status == 200, told
        return told


async def command(*arguments, replica):
    """Start a command as an agent's client does."""
    return await forked.start_piped(
        *arguments,
        environment={
            "PATH": os.environ["PATH"],  # noqa: TID251  a process needs its path
            "PLACET_KEY": CI_BOT,
            "PLACET_URL": f"http://{replica.agents}",
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def hooked(replica, told, wait="60s"):
    """Run the hook; return exit code and what it decided."""
    process = await command("hook", "claude-code", "--wait", wait, replica=replica)
    out, errors = await process.communicate(json.dumps(told).encode())
    assert b"Traceback" not in errors
    said = json.loads(out)["hookSpecificOutput"]["permissionDecision"] if out else ""
    return process.returncode, said


async def test_killed_between_the_claim_and_the_answer_the_yes_is_not_lost(open_stage, ledger_url):
    stage = await open_stage(ledger_url)
    replica = await stage.serve(kill_at="answering:2")
    told = await ask(replica, request_id="r1")
    await stage.press(BOB, "approval.approve")
    with contextlib.suppress(*GONE):
        await send(replica, "GET", f"/v1/decisions/{told['id']}?wait=20")
    await replica.died()

    await replica.start()
    looked = await send(replica, "GET", f"/v1/decisions/{told['id']}?wait=5")
    again = await ask(replica, request_id="r1")
    ended = await send(replica, "POST", "/v1/decisions/request:r1/outcome", {"outcome": "ok"})

    decisions = [each["decision"] for each in (told, looked, again, ended)]
    assert decisions == ["pending", "allow", "allow", "ended"]
    assert {each["id"] for each in (told, looked, again, ended)} == {told["id"]}
    assert (await stage.events()).count("ApprovalDispatched") == 1


@pytest.mark.parametrize("point", ["decided", "answering"])
async def test_killed_after_the_decision_the_same_request_gets_it(open_stage, ledger_url, point):
    stage = await open_stage(ledger_url)
    replica = await stage.serve(kill_at=point)
    with contextlib.suppress(*GONE):
        await ask(replica, "Read", request_id="r1")
    await replica.died()

    await replica.start()
    told = await ask(replica, "Read", request_id="r1")

    assert told["decision"] == "allow"
    assert (await stage.events()).count("CallDecided") == 1
    assert "OutcomeUnknown" not in await stage.events()


async def test_decided_at_one_replica_waited_for_and_reported_at_another(open_stage, postgres_url):
    stage = await open_stage(postgres_url)
    first, second = await stage.serve("a"), await stage.serve("b")
    told = await ask(first, request_id="r1")
    waiting = asyncio.create_task(send(second, "GET", f"/v1/decisions/{told['id']}?wait=60"))
    await until(lambda: second.holds(1))

    await stage.press(BOB, "approval.approve")
    used = await waiting
    await first.kill()
    ended = await send(second, "POST", "/v1/decisions/request:r1/outcome", {"outcome": "ok"})

    assert (used["id"], used["decision"]) == (told["id"], "allow")
    assert ended["outcome"]["outcome"] == "ok"
    assert (await stage.events()).count("ApprovalDispatched") == 1


async def test_both_replicas_asked_at_once_use_an_approval_once(open_stage, postgres_url):
    stage = await open_stage(postgres_url)
    replicas = [await stage.serve("a"), await stage.serve("b")]
    told = await ask(replicas[0], request_id="r1")
    await stage.press(BOB, "approval.approve")

    path = f"/v1/decisions/{told['id']}?wait=5"

    async def decided(replica):
        answer = await send(replica, "GET", path)
        while answer["decision"] == "pending":  # a busy machine may let it wait in vain
            answer = await send(replica, "GET", path)
        return answer

    answers = await asyncio.gather(*(decided(replica) for replica in replicas * 5))

    assert {answer["decision"] for answer in answers} == {"allow"}
    assert (await stage.events()).count("ApprovalDispatched") == 1


async def test_a_hook_that_waits_outlives_a_killed_placet(open_stage, sqlite_url):
    stage = await open_stage(sqlite_url)
    replica = await stage.serve()
    running = asyncio.create_task(hooked(replica, BASH))
    await until(lambda: replica.holds(1))

    await replica.kill()
    await replica.start()
    await stage.press(BOB, "approval.approve")

    assert await running == (0, "allow")
    assert (await stage.events()).count("CallDecided") == 1


async def test_what_claude_code_did_is_on_the_record_from_the_question_to_the_end(
    open_stage, sqlite_url
):
    stage = await open_stage(sqlite_url)
    replica = await stage.serve()
    first = await hooked(replica, BASH, wait="100ms")
    await stage.press(BOB, "approval.approve")
    second = await hooked(replica, BASH | {"tool_use_id": "toolu_2"})
    after = {"hook_event_name": "PostToolUse", "tool_use_id": "toolu_2", "tool_response": {}}
    reported = await hooked(replica, BASH | after)

    assert (first, second, reported) == ((0, "deny"), (0, "allow"), (0, ""))
    events = [event for event in await stage.events() if event.startswith(("Call", "Approval"))]
    assert events == [
        "CallDecided",
        "ApprovalRequested",
        "ApprovalGiven",
        "CallDecided",
        "ApprovalJoined",
        "ApprovalDispatched",
        "CallCompleted",
    ]


async def test_a_client_that_started_a_command_outlives_a_killed_placet(open_stage, sqlite_url):
    stage = await open_stage(sqlite_url)
    replica = await stage.serve()
    process = await command("stdio", "files", replica=replica)

    async def call(number):
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        params = {"name": "read_file", "arguments": {"path": "a"}, "_meta": meta}
        message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
        process.stdin.write(json.dumps(message).encode() + b"\n")
        return json.loads(await asyncio.wait_for(process.stdout.readline(), 60))

    before = await call(1)
    await replica.kill()
    away = await call(2)
    await replica.start()
    back = await call(3)
    process.stdin.close()
    await asyncio.wait_for(process.wait(), 60)

    assert ("result" in before, "error" in away, "result" in back) == (True, True, True)
    assert "is `placet serve` running?" in away["error"]["message"]
    assert process.returncode == 0
