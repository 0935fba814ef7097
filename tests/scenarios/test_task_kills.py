"""The process is killed while a task waits or runs; another one answers for it."""

import asyncio
import contextlib
import json

import aiohttp
import pytest
from scenarios.stage import BOB, META, until

pytestmark = pytest.mark.timeout(240)

WRITE = {"path": "a.txt", "text": "hello"}
GONE = (aiohttp.ClientError, ConnectionError, asyncio.TimeoutError)
DECLARED = META | {
    "io.modelcontextprotocol/clientCapabilities": {
        "extensions": {"io.modelcontextprotocol/tasks": {}}
    },
}


async def asked(replica, method, params, name):
    """Send a request and return its result."""
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params | {"_meta": DECLARED}}
    headers = {"Mcp-Method": method, "Mcp-Name": name}
    status, answer = await replica.post(json.dumps(message).encode(), headers)
    assert status == 200, answer
    return json.loads(answer)["result"]


async def created(replica):
    """Make a call that becomes a task, and return the task's id."""
    params = {"name": "write_file", "arguments": WRITE}
    result = await asked(replica, "tools/call", params, "write_file")
    assert result["resultType"] == "task", result
    return result["taskId"]


async def got(replica, task):
    """Return the result of tasks/get."""
    return await asked(replica, "tasks/get", {"taskId": task}, task)


async def ended(replica, task):
    """Poll a task until it ended."""

    async def over():
        found = await got(replica, task)
        return found if found["status"] != "working" else None

    return await until(over)


async def ended_over_a_kill(stage, point):
    """Have a task approved, the process killed at `point`, and the next one end the task."""
    replica = await stage.serve(kill_at=point)
    task = await created(replica)
    pressing = asyncio.create_task(stage.press(BOB, "approval.approve"))
    with contextlib.suppress(*GONE):
        while (await got(replica, task))["status"] == "working":
            await asyncio.sleep(0.05)
    await replica.died()
    pressing.cancel()  # a process that died acknowledges nothing
    await asyncio.gather(pressing, return_exceptions=True)
    await replica.start()
    return await ended(replica, task)


async def test_killed_while_a_task_waits_it_runs_once_in_the_next_process(staged):
    async with staged(hold="0s") as stage:
        replica = await stage.serve()
        task = await created(replica)
        await replica.kill()
        await replica.start()
        waiting = await got(replica, task)
        await stage.press(BOB, "approval.approve")

        done = await ended(replica, task)
        again = await got(replica, task)

        assert waiting["status"] == "working"
        assert done["status"] == "completed"
        assert done["result"].get("isError") is not True
        assert again["result"] == done["result"]
        assert stage.server.runs == [("write_file", WRITE)]


async def test_killed_before_the_task_was_told_of_the_call_still_waits_for_its_approval(staged):
    async with staged(hold="0s") as stage:
        replica = await stage.serve(kill_at="task-kept")
        with contextlib.suppress(*GONE):
            await created(replica)
        await replica.died()

        await replica.start()
        task = await created(replica)
        await stage.press(BOB, "approval.approve")

        assert (await ended(replica, task))["status"] == "completed"
        assert stage.server.runs == [("write_file", WRITE)]


async def test_killed_before_the_claim_the_task_still_runs_once(staged):
    async with staged(hold="0s") as stage:
        done = await ended_over_a_kill(stage, "claiming")

        assert done["result"].get("isError") is not True
        assert stage.server.runs == [("write_file", WRITE)]


async def test_killed_after_the_claim_nobody_knows_and_nothing_runs_again(staged):
    async with staged(hold="0s") as stage:
        done = await ended_over_a_kill(stage, "claimed")

        assert done["status"] == "completed"
        assert done["result"]["isError"] is True
        assert done["result"]["_meta"]["placet/decision"]["status"] == "outcome_unknown"
        assert "may or may not have run" in done["result"]["content"][0]["text"]
        assert stage.server.runs == []


async def test_killed_while_the_call_runs_the_task_says_that_nobody_knows(staged):
    async with staged(hold="0s") as stage:
        replica = await stage.serve()
        task = await created(replica)
        await stage.press(BOB, "approval.approve")
        stage.server.gate.clear()
        running = await got(replica, task)
        await replica.kill()
        stage.server.gate.set()

        await replica.start()
        done = await ended(replica, task)

        assert running["status"] == "working"
        assert done["result"]["_meta"]["placet/decision"]["status"] == "outcome_unknown"
        assert stage.server.runs == [("write_file", WRITE)]
        assert "OutcomeUnknown" in await stage.events()


async def test_killed_once_the_answer_is_kept_the_next_process_tells_it(staged):
    async with staged(hold="0s") as stage:
        done = await ended_over_a_kill(stage, "forwarded")

        assert done["result"].get("isError") is not True
        assert stage.server.runs == [("write_file", WRITE)]


async def test_a_process_that_drains_lets_a_tasks_call_end(staged):
    async with staged(hold="0s") as stage:
        replica = await stage.serve()
        task = await created(replica)
        await stage.press(BOB, "approval.approve")
        stage.server.gate.clear()
        await got(replica, task)
        stopping = asyncio.create_task(replica.stop())
        stage.server.gate.set()
        assert await stopping == 0

        await replica.start()
        done = await ended(replica, task)

        assert done["result"].get("isError") is not True
        assert "OutcomeUnknown" not in await stage.events()


async def test_killed_once_a_round_is_decided_it_is_not_sent_and_its_question_is_spent(staged):
    async with staged(hold="0s") as stage:
        stage.server.asks = True
        replica = await stage.serve(kill_at="continued")
        call = {"name": "write_file", "arguments": WRITE}
        await replica.call("write_file", WRITE)
        await stage.press(BOB, "approval.approve")
        asking = await asked(replica, "tools/call", call, "write_file")
        brought = {"requestState": asking["requestState"], "inputResponses": {"name": {}}}
        with contextlib.suppress(*GONE):
            await asked(replica, "tools/call", call | brought, "write_file")
        await replica.died()

        await replica.start()
        again = await asked(replica, "tools/call", call | brought, "write_file")

        async def lost():
            return "OutcomeUnknown" in await stage.events()

        await until(lost, 60)

        assert asking["resultType"] == "input_required"
        assert again["_meta"]["placet/decision"]["status"] == "used"
        assert stage.server.runs == []
