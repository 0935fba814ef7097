"""A call that waits as a task runs once, whichever replica is asked, and only for its own agent."""

import asyncio
import base64
import json
import uuid
from datetime import timedelta

import pytest
from aiohttp import web
from gateway_stage import CI_BOT, META, OTHER_BOT, modern_headers, now, staged, until
from sqlalchemy import text

from gateway.tasks import task_results
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.deadlines_due import ExpireApproval
from ledger.lives.deliveries import RecordUndeliverable

WRITE = {"path": "a.txt", "text": "very secret text"}
EXTENSION = "io.modelcontextprotocol/tasks"
DECLARED = META | {
    "io.modelcontextprotocol/clientCapabilities": {"extensions": {EXTENSION: {}}},
}
TOLD = "placet/decision"


async def call(stage, arguments=None, *, meta=None, key=CI_BOT, number=1, tool="write_file"):
    """Make a tools/call that declares the extension; return its result."""
    params = {"name": tool, "arguments": arguments or WRITE, "_meta": meta or DECLARED}
    message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
    headers = modern_headers("tools/call", tool)
    answer = await stage.post(json.dumps(message).encode(), headers, key=key)
    assert answer.json["id"] == number
    return answer.json["result"]


async def ask(stage, method, task, *, meta=None, key=CI_BOT, **more):
    """Send a request about a task; return the whole answer."""
    params = {"taskId": task, "_meta": meta or DECLARED, **more}
    message = {"jsonrpc": "2.0", "id": "q", "method": method, "params": params}
    headers = modern_headers(method, task)
    return await stage.post(json.dumps(message).encode(), headers, key=key)


async def got(stage, task, **more):
    """Return the result of tasks/get."""
    answer = await ask(stage, "tasks/get", task, **more)
    assert answer.status == 200, answer.body
    return answer.json["result"]


async def ended(stage, task):
    """Poll a task until it ended."""

    async def over():
        found = await got(stage, task)
        return found if found["status"] != "working" else None

    return await until(over)


async def test_a_waiting_call_becomes_a_task_and_runs_when_it_is_asked_for(ledger_url):
    async with staged(ledger_url, hold="0s") as stage:
        created = await call(stage)
        (approval,) = await stage.pending()
        waiting = await got(stage, created["taskId"])
        await stage.decide(approval.id)
        before = list(stage.server.calls())
        done = await got(stage, created["taskId"])

        assert created["resultType"] == "task"
        assert created["status"] == "working"
        assert created["statusMessage"] == f"waiting for approval {approval.id}, team platform"
        assert created["pollIntervalMs"] == 5000
        life = timedelta(milliseconds=created["ttlMs"])
        assert timedelta(minutes=54) < life < timedelta(minutes=56)
        assert "_meta" not in created
        assert waiting | {"resultType": "task"} == created
        assert created["lastUpdatedAt"] == created["createdAt"]
        assert before == []
        assert (done["resultType"], done["status"]) == ("complete", "completed")
        assert done["result"]["content"][0]["text"] == "done: write_file"
        assert done["result"]["resultType"] == "complete"
        assert len(stage.server.calls()) == 1
        assert (await stage.ended())[0].approval == approval.id
        known = await stage.ledger.approval(approval.id)
        assert known.dispatched_task == created["taskId"]


async def test_the_very_bytes_and_headers_of_the_call_reach_the_server_later(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        params = json.dumps({"name": "write_file", "_meta": DECLARED})[:-1]
        body = (
            b'{"jsonrpc":"2.0", "method":"tools/call","id":9,\n "params":'
            + params.encode()
            + b', "arguments":{"n": 1.00, "u":"\\u00e9\xc3\xa9"}}}\n'
        )
        headers = modern_headers("tools/call", "write_file") | {"Mcp-Param-N": "1.00"}
        created = (await stage.post(body, headers)).json["result"]
        (approval,) = await stage.pending()
        await stage.decide(approval.id)

        await ended(stage, created["taskId"])

        assert stage.server.calls() == [body]
        sent = next(headers for _, headers, seen in stage.server.seen if seen == body)
        assert sent["Mcp-Param-N"] == "1.00"
        assert sent["Authorization"] == "Bearer upstream-secret"


async def test_nothing_of_the_call_is_readable_in_the_ledger_and_all_of_it_goes(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        created = await call(stage, {"path": "a", "password": "hunter-2-hunter-2"})
        (approval,) = await stage.pending()
        kept = await stage.ledger.tasks.find(created["taskId"])
        await stage.decide(approval.id, approves=False)
        await stage.ledger.tasks.sweep(now())
        swept = await stage.ledger.tasks.find(created["taskId"])
        await stage.ledger.tasks.sweep(now() + timedelta(hours=1))

        assert b"hunter" not in kept.request
        assert swept.request is None
        assert await stage.ledger.tasks.find(created["taskId"]) is None


@pytest.mark.parametrize("meta", [META, DECLARED | {"x": 1}])
async def test_a_call_that_does_not_declare_the_extension_gets_no_task(sqlite_url, meta):
    async with staged(sqlite_url, hold="0s") as stage:
        result = await call(stage, meta=meta)

        assert result["resultType"] == ("task" if "x" in meta else "complete")


async def test_an_answer_within_the_silent_hold_needs_no_task(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        waiting = asyncio.create_task(call(stage))
        (approval,) = await stage.pending()
        await stage.decide(approval.id)

        assert (await waiting)["content"][0]["text"] == "done: write_file"


async def test_a_legacy_call_gets_no_task_whatever_it_declares(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        meta = {"io.modelcontextprotocol/clientCapabilities": {"extensions": {EXTENSION: {}}}}
        params = {"name": "write_file", "arguments": WRITE, "_meta": meta}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {"MCP-Protocol-Version": "2025-11-25"}

        answer = await stage.post(json.dumps(message).encode(), headers)

        assert answer.told["status"] == "pending"


async def test_a_denial_is_a_completed_task_with_an_error_result(ledger_url):
    async with staged(ledger_url, hold="0s") as stage:
        created = await call(stage)
        (approval,) = await stage.pending()
        await stage.decide(approval.id, approves=False, reason="no")

        done = await got(stage, created["taskId"])
        anew = await call(stage)

        assert done["status"] == "completed"
        assert done["result"]["isError"] is True
        assert "structuredContent" not in done["result"]
        assert done["result"]["_meta"][TOLD]["status"] == "denied"
        assert anew["status"] == "working"
        assert stage.server.calls() == []


async def test_an_expiry_is_told_apart_from_a_denial(sqlite_url):
    policy = """\
version: 1
rules:
  - name: short
    match: {tool: write_file}
    effect: require_approval
    approval: {expires_in: 1s}
"""
    async with staged(sqlite_url, hold="0s", policy=policy) as stage:
        created = await call(stage)
        (approval,) = await stage.pending()

        async def over():
            expire = ExpireApproval(id=uuid.uuid4().hex, actor="placet:test", approval=approval.id)
            return await stage.ledger.execute(expire)

        await until(over)
        done = await got(stage, created["taskId"])

        assert done["result"]["_meta"][TOLD]["status"] == "expired"


async def test_a_policy_that_denies_meanwhile_voids_the_approval_and_nothing_runs(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        created = await call(stage)
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
        await stage.policy.activate(
            "version: 1\nrules:\n  - {name: freeze, match: {}, effect: deny}\n"
        )

        done = await got(stage, created["taskId"])

        assert done["result"]["_meta"][TOLD]["status"] == "voided"
        assert stage.server.calls() == []


async def test_a_tool_that_changes_meanwhile_voids_the_approval_and_nothing_runs(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        created = await call(stage)
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
        stage.server.tools[1]["description"] = "Writes elsewhere."

        done = await got(stage, created["taskId"])

        assert done["result"]["_meta"][TOLD]["status"] == "voided"
        assert stage.server.calls() == []


async def test_of_two_tasks_of_one_approval_one_runs_and_the_other_hears_why(ledger_url):
    async with staged(ledger_url, hold="0s") as stage:
        one, two = await call(stage, number=1), await call(stage, number=2)
        (approval,) = await stage.pending()
        await stage.decide(approval.id)

        answers = await asyncio.gather(
            *(ended(stage, created["taskId"]) for created in (one, two) * 4)
        )

        results = {answer["taskId"]: answer["result"] for answer in answers}
        assert len(stage.server.calls()) == 1
        told = [r["_meta"][TOLD]["status"] for r in results.values() if r.get("isError")]
        assert told == ["used"]


async def test_while_the_call_runs_the_task_is_working_and_then_gives_its_result(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        stage.server.gate.clear()
        created = await call(stage)
        (approval,) = await stage.pending()
        await stage.decide(approval.id)

        running = await got(stage, created["taskId"])
        again = await got(stage, created["taskId"])
        stage.server.gate.set()
        done = await ended(stage, created["taskId"])
        once_more = await got(stage, created["taskId"])

        assert running["status"] == again["status"] == "working"
        assert again["statusMessage"] == "the call runs at its server"
        assert done["status"] == "completed"
        assert once_more["result"] == done["result"]
        assert len(stage.server.calls()) == 1


async def test_whoever_asked_may_leave_while_the_call_runs(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        stage.server.gate.clear()
        created = await call(stage)
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
        asking = asyncio.create_task(got(stage, created["taskId"]))
        await asyncio.wait_for(stage.server.running.wait(), 60)
        asking.cancel()
        stage.server.gate.set()

        done = await ended(stage, created["taskId"])

        assert done["result"]["content"][0]["text"] == "done: write_file"
        assert not stage.server.gone.is_set()


async def test_a_json_rpc_error_of_the_server_is_a_failed_task(sqlite_url):
    error = {"code": -32602, "message": "no such path", "data": {"n": 1}}

    async def reply(message, _):
        body = {"jsonrpc": "2.0", "id": message["id"], "error": error}
        return web.json_response(body, status=400)

    async with staged(sqlite_url, hold="0s") as stage:
        stage.server.reply = reply
        created = await call(stage)
        (approval,) = await stage.pending()
        await stage.decide(approval.id)

        done = await ended(stage, created["taskId"])

        assert (done["status"], done["error"]) == ("failed", error)


async def test_a_server_that_breaks_off_is_a_failed_task_that_may_have_run(sqlite_url):
    async def cut(_, request):
        request.transport.abort()
        await asyncio.sleep(5)

    async with staged(sqlite_url, hold="0s") as stage:
        stage.server.reply = cut
        created = await call(stage)
        (approval,) = await stage.pending()
        await stage.decide(approval.id)

        done = await ended(stage, created["taskId"])

        assert done["status"] == "failed"
        assert "may have run" in done["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        (
            b'data: {}\n\nid: 1\ndata: {"jsonrpc":"2.0",\ndata: "id":1,'
            b'\ndata: "result":{"content":[],"big":1.50}}\n\n'
        ),
        b': hi\r\n\r\ndata: {"jsonrpc":"2.0","id":1,"result":{"content":[],"big":1.50}}\r\n\r\n',
    ],
)
async def test_events_of_the_server_are_read_for_the_result(sqlite_url, body):
    async def stream(_, asked):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(asked)
        await response.write(body)
        return response

    async with staged(sqlite_url, hold="0s") as stage:
        stage.server.reply = stream
        created = await call(stage)
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
        answer = await ask(stage, "tasks/get", created["taskId"])

        assert b'"result": {"content":[],"big":1.50}' in answer.body


async def test_an_answer_too_large_to_keep_is_told_as_that(sqlite_url):
    async def reply(message, _):
        return {"content": [], "x": "a" * 9_000_000}

    async with staged(sqlite_url, hold="0s") as stage:
        stage.server.reply = reply
        created = await call(stage)
        (approval,) = await stage.pending()
        await stage.decide(approval.id)

        done = await ended(stage, created["taskId"])

        assert done["status"] == "failed"
        assert "larger than" in done["error"]["message"]


@pytest.mark.parametrize("method", ["tasks/get", "tasks/cancel", "tasks/update"])
async def test_a_task_is_its_agents_own_and_needs_the_extension(sqlite_url, method):
    async with staged(sqlite_url, hold="0s") as stage:
        task = (await call(stage))["taskId"]

        stranger = await ask(stage, method, task, key=OTHER_BOT)
        guessed = await ask(stage, method, task[:-1])
        undeclared = await ask(stage, method, task, meta=META)

        assert [a.status for a in (stranger, guessed, undeclared)] == [400, 400, 400]
        assert [a.error["code"] for a in (stranger, guessed)] == [-32602, -32602]
        assert undeclared.error["code"] == -32021
        assert undeclared.error["data"] == {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
        assert not any(b"tasks/" in body for _, _, body in stage.server.seen)


async def test_a_name_that_no_database_can_look_for_is_no_task(ledger_url):
    params = {"taskId": "placet-task-\0", "_meta": DECLARED}
    message = {"jsonrpc": "2.0", "id": "q", "method": "tasks/get", "params": params}
    name = base64.b64encode(b"placet-task-\0").decode()

    async with staged(ledger_url) as stage:
        headers = modern_headers("tasks/get", f"=?base64?{name}?=")
        answer = await stage.post(json.dumps(message).encode(), headers)

    assert (answer.status, answer.error["code"]) == (400, -32602)


async def test_a_cancelled_task_runs_nothing_and_its_approval_stays_open(ledger_url):
    async with staged(ledger_url, hold="0s") as stage:
        task = (await call(stage))["taskId"]
        (approval,) = await stage.pending()

        acknowledged = await ask(stage, "tasks/cancel", task)
        await stage.decide(approval.id)
        found = await got(stage, task)
        before = list(stage.server.calls())
        ran = await call(stage)

        assert acknowledged.json["result"] == {"resultType": "complete"}
        assert found["status"] == "cancelled"
        assert before == []
        assert ran["content"][0]["text"] == "done: write_file"


async def test_cancelling_a_task_whose_call_runs_stops_the_server(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        stage.server.gate.clear()
        task = (await call(stage))["taskId"]
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
        await got(stage, task)

        await ask(stage, "tasks/cancel", task)
        await asyncio.wait_for(stage.server.gone.wait(), 60)
        (ended_call,) = await stage.ended()

        assert (await ended(stage, task))["status"] == "cancelled"
        assert ended_call.outcome == "failed"


async def test_an_update_of_a_task_that_asks_nothing_is_acknowledged(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        task = (await call(stage))["taskId"]

        answer = await ask(stage, "tasks/update", task, inputResponses={"x": {}})

        assert answer.json["result"] == {"resultType": "complete"}


async def test_another_replica_answers_for_a_task_and_runs_it_once(postgres_url):
    async with (
        staged(postgres_url, hold="0s") as one,
        staged(postgres_url, hold="0s", server=one.server) as two,
    ):
        task = (await call(one))["taskId"]
        (approval,) = await two.pending()
        await two.decide(approval.id)

        found = await asyncio.gather(*(ended(stage, task) for stage in (one, two) * 5))

        assert len({json.dumps(answer["result"]) for answer in found}) == 1
        assert len(one.server.calls()) == 1
        assert (await one.topics()).count("ApprovalDispatched") == 1


async def test_a_call_that_runs_at_one_replica_is_cancelled_at_any_other(postgres_url):
    async with (
        staged(postgres_url, hold="0s") as one,
        staged(postgres_url, hold="0s", server=one.server) as two,
    ):
        one.server.gate.clear()
        tasks = [(await call(one, WRITE | {"path": path}))["taskId"] for path in "ab"]
        for approval in await one.pending(2):
            await one.decide(approval.id)
        running = [await got(one, task) for task in tasks]

        acknowledged = await ask(two, "tasks/cancel", tasks[0])
        await asyncio.wait_for(one.server.gone.wait(), 60)
        found = [await ended(stage, tasks[0]) for stage in (one, two)]
        other = await got(two, tasks[1])

        assert [each["statusMessage"] for each in running] == ["the call runs at its server"] * 2
        assert acknowledged.json["result"] == {"resultType": "complete"}
        assert [each["status"] for each in found] == ["cancelled", "cancelled"]
        assert (await one.ended())[0].outcome == "failed"
        assert other["status"] == "working"


async def test_a_task_that_another_replica_cancels_before_its_claim_is_not_run(
    postgres_url, monkeypatch
):
    monkeypatch.setattr("gateway.tasks.task_runs._LOOK_SECONDS", 3600)
    listing, listed = asyncio.Event(), asyncio.Event()

    async def slow_to_list(_, message):
        if message["method"] == "tools/list":
            listing.set()
            await listed.wait()

    async with (
        staged(postgres_url, hold="0s") as one,
        staged(postgres_url, hold="0s", server=one.server) as two,
    ):
        task = (await call(one))["taskId"]
        (approval,) = await one.pending()
        await one.decide(approval.id)
        one.server.instead = slow_to_list
        asking = asyncio.create_task(got(one, task))
        await listing.wait()

        await ask(two, "tasks/cancel", task)
        listed.set()
        await asking

        assert (await ended(one, task))["status"] == "cancelled"
        assert one.server.calls() == []
        assert (await one.ledger.approval(approval.id)).status is ApprovalStatus.APPROVED


async def test_a_ledger_that_is_away_answers_no_task_and_runs_nothing(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        task = (await call(stage))["taskId"]
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
        await asyncio.to_thread(stage.ledger.close)

        answer = await ask(stage, "tasks/get", task)

        assert (answer.status, answer.error["code"]) == (503, -31008)
        assert stage.server.calls() == []


async def test_a_task_that_cannot_be_kept_is_told_pending(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        with stage.ledger._parts.database.write() as connection:
            connection.execute(text("ALTER TABLE transient_task RENAME TO gone"))

        result = await call(stage)

        assert result["_meta"][TOLD]["status"] == "pending"


async def test_a_result_that_cannot_be_kept_yet_is_told_and_kept_later(sqlite_url, monkeypatch):
    monkeypatch.setattr(task_results, "_PAUSE", 0.05)
    async with staged(sqlite_url, hold="0s") as stage:
        task = (await call(stage))["taskId"]
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
        stage.server.gate.clear()
        await got(stage, task)
        with stage.ledger._parts.database.write() as connection:
            connection.execute(
                text(
                    "CREATE TRIGGER full BEFORE UPDATE ON transient_task"
                    " BEGIN SELECT RAISE(ABORT, 'full'); END"
                )
            )
        stage.server.gate.set()
        told = await ended(stage, task)
        with stage.ledger._parts.database.write() as connection:
            connection.execute(text("DROP TRIGGER full"))

        async def kept():
            found = await stage.ledger.tasks.find(task)
            return found.result is not None

        await until(kept)

        assert told["result"]["content"][0]["text"] == "done: write_file"
        assert (await got(stage, task))["result"] == told["result"]


async def test_above_its_number_of_held_calls_a_client_with_tasks_gets_its_task_at_once(sqlite_url):
    async with staged(sqlite_url, hold="1m", own=", held_calls: 0") as stage:
        assert (await call(stage))["status"] == "working"


async def test_an_undeliverable_card_is_told_at_once_and_makes_no_task(sqlite_url):
    async with staged(sqlite_url, hold="1m") as stage:
        waiting = asyncio.create_task(call(stage))
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

        assert (await waiting)["_meta"][TOLD]["status"] == "undeliverable"
