"""A task goes on with what its server asks for, also where that made a task of its own of it."""

import asyncio
import json
from datetime import timedelta

import pytest
from aiohttp import web
from asking_server import ANSWERS, Asking
from gateway_stage import CI_BOT, META, OTHER_BOT, RawServer, modern_headers, staged, until

from gateway.tasks import task_desk, task_rounds

EXTENSION = "io.modelcontextprotocol/tasks"
DECLARED = META | {
    "io.modelcontextprotocol/clientCapabilities": {"extensions": {EXTENSION: {}}},
}
TOLD = "placet/decision"


async def ask(stage, method, params, *, name=None, key=CI_BOT):
    """Send a request and return the whole answer."""
    message = {"jsonrpc": "2.0", "id": 3, "method": method, "params": params | {"_meta": DECLARED}}
    headers = modern_headers(method, name or params["taskId"])
    return await stage.post(json.dumps(message).encode(), headers, key=key)


async def running(stage):
    """Make a task, have it approved, and return its id."""
    params = {"name": "write_file", "arguments": {"path": "a"}}
    created = (await ask(stage, "tools/call", params, name="write_file")).json["result"]
    (approval,) = await stage.pending()
    await stage.decide(approval.id)
    return created["taskId"]


async def got(stage, task):
    """Return the result of tasks/get."""
    return (await ask(stage, "tasks/get", {"taskId": task})).json["result"]


async def until_it(stage, task, *statuses):
    """Poll a task until its status is one of these."""

    async def there():
        found = await got(stage, task)
        return found if found["status"] in statuses else None

    return await until(there)


async def give(stage, task, responses):
    """Send what a task asks for."""
    params = {"taskId": task, "inputResponses": responses}
    answer = await ask(stage, "tasks/update", params)
    assert answer.json["result"] == {"resultType": "complete"}


@pytest.mark.parametrize("streams", [False, True])
async def test_a_task_asks_what_its_server_asks_and_goes_on_with_the_answers(ledger_url, streams):
    async with staged(ledger_url, hold="0s") as stage:
        server = stage.server.reply = Asking(rounds=2, streams=streams)
        task = await running(stage)
        keys = []
        for _ in range(2):
            asking = await until_it(stage, task, "input_required")
            ((key, request),) = asking["inputRequests"].items()
            keys.append(key)
            assert request == {"method": "elicitation/create", "params": {"message": "Who?"}}
            await give(stage, task, {key: ANSWERS["name"], "nobody asked": {}})
        done = await until_it(stage, task, "completed")

        assert keys == ["1:name", "2:name"]
        assert done["result"]["content"][0]["text"] == "hello"
        sent = [json.loads(body) for body in server.bodies]
        assert [message["params"].get("inputResponses") for message in sent] == [
            None,
            ANSWERS,
            ANSWERS,
        ]
        assert b"s\\u00e9cret/1" in server.bodies[2]
        assert len({message["id"] for message in sent}) == 3
        names = await stage.topics()
        assert names.count("ApprovalRequested") == 1
        assert names.count("CallContinued") == 2


async def test_answers_may_come_one_by_one(sqlite_url):
    asks = {"a": {"method": "roots/list"}, "b": {"method": "roots/list"}}

    async def reply(message, _):
        if "inputResponses" in message["params"]:
            return {"content": [{"type": "text", "text": "thanks"}]}
        result = {"resultType": "input_required", "inputRequests": asks}
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})

    async with staged(sqlite_url, hold="0s") as stage:
        stage.server.reply = reply
        task = await running(stage)
        await until_it(stage, task, "input_required")
        await give(stage, task, {"1:b": {"roots": [1.50]}})
        left = await until_it(stage, task, "input_required")
        await give(stage, task, {"1:a": {"roots": []}, "1:b": {"roots": ["changed"]}})
        done = await until_it(stage, task, "completed")

        assert list(left["inputRequests"]) == ["1:a"]
        assert done["result"]["content"][0]["text"] == "thanks"
        sent = json.loads(stage.server.calls()[-1])["params"]["inputResponses"]
        assert sent == {"b": {"roots": [1.50]}, "a": {"roots": []}}


async def test_over_replicas_each_question_is_answered_once(postgres_url):
    async with (
        staged(postgres_url, hold="0s") as one,
        staged(postgres_url, hold="0s", server=one.server) as two,
    ):
        server = one.server.reply = Asking(rounds=1)
        task = await running(one)
        await until_it(one, task, "input_required")

        await asyncio.gather(
            *(give(stage, task, {"1:name": ANSWERS["name"]}) for stage in (one, two) * 3)
        )
        done = await asyncio.gather(*(until_it(stage, task, "completed") for stage in (one, two)))

        assert [found["result"]["content"][0]["text"] for found in done] == ["hello"] * 2
        assert len(server.bodies) == 2


async def test_a_restart_forgets_no_question(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        stage.server.reply = Asking(rounds=1)
        task = await running(stage)
        await until_it(stage, task, "input_required")
    async with staged(sqlite_url, hold="0s") as stage:
        stage.server.reply = Asking(rounds=0)
        asking = await got(stage, task)
        await give(stage, task, {"1:name": ANSWERS["name"]})
        done = await until_it(stage, task, "completed")

    assert list(asking["inputRequests"]) == ["1:name"]
    assert done["result"]["content"][0]["text"] == "hello"


async def test_a_policy_that_denies_by_now_ends_the_task(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        server = stage.server.reply = Asking(rounds=1)
        task = await running(stage)
        await until_it(stage, task, "input_required")
        await stage.policy.activate(
            "version: 1\nrules:\n  - {name: freeze, match: {}, effect: deny}\n"
        )
        await give(stage, task, {"1:name": ANSWERS["name"]})
        done = await until_it(stage, task, "completed")

        assert done["result"]["_meta"][TOLD]["status"] == "denied_by_policy"
        assert len(server.bodies) == 1


async def test_a_tool_that_changed_by_now_ends_the_task(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        server = stage.server.reply = Asking(rounds=1)
        task = await running(stage)
        await until_it(stage, task, "input_required")
        stage.server.tools[1]["description"] = "Writes elsewhere."
        await give(stage, task, {"1:name": ANSWERS["name"]})
        done = await until_it(stage, task, "completed")

        assert done["result"]["_meta"][TOLD]["status"] == "voided"
        assert len(server.bodies) == 1


async def test_a_cancelled_task_brings_no_answers(sqlite_url):
    async with staged(sqlite_url, hold="0s") as stage:
        server = stage.server.reply = Asking(rounds=1)
        task = await running(stage)
        await until_it(stage, task, "input_required")
        await ask(stage, "tasks/cancel", {"taskId": task})
        await give(stage, task, {"1:name": ANSWERS["name"]})

        assert (await got(stage, task))["status"] == "cancelled"
        assert len(server.bodies) == 1


async def test_a_server_that_only_wants_to_be_asked_again_is_after_a_rest(sqlite_url, monkeypatch):
    async def later(message, _):
        states.append(message["params"].get("requestState"))
        if len(states) > 2:
            return {"content": [{"type": "text", "text": "done"}]}
        result = {"resultType": "input_required", "requestState": f"later {len(states)}"}
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})

    states = []
    async with staged(sqlite_url, hold="0s") as stage:
        stage.server.reply = later
        task = await running(stage)
        resting = [await got(stage, task) for _ in range(3)]
        before = len(states)
        monkeypatch.setattr(task_desk, "_AGAIN", timedelta(0))
        done = await until_it(stage, task, "completed")

        assert {found["status"] for found in resting} == {"working"}
        assert before == 1
        assert states == [None, "later 1", "later 2"]
        assert done["result"]["content"][0]["text"] == "done"


async def test_a_server_may_ask_only_so_often(sqlite_url, monkeypatch):
    monkeypatch.setattr(task_rounds, "MOST_ROUNDS", 1)
    async with staged(sqlite_url, hold="0s") as stage:
        stage.server.reply = Asking(rounds=9)
        task = await running(stage)
        await until_it(stage, task, "input_required")
        await give(stage, task, {"1:name": ANSWERS["name"]})
        failed = await until_it(stage, task, "failed")

        assert "more than 1 times" in failed["error"]["message"]


class TaskingServer(RawServer):
    """A server that makes every call a task of its own."""

    name = "t/\u00e9 1"

    def __init__(self):
        super().__init__()
        self.asked = []

    async def _result(self, message, request):
        if message["method"].startswith("tasks/"):
            self.asked.append((message, request.headers["Mcp-Name"]))
            result = {"resultType": "complete", "taskId": self.name, "status": "working", "n": 1.5}
            if message["params"].get("inputResponses"):
                result = {"resultType": "complete"}
            return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})
        return await super()._result(message, request)

    async def done(self, message, _):
        result = {"resultType": "task", "taskId": self.name, "status": "working", "ttlMs": 60000}
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})


async def test_a_task_of_the_servers_own_is_asked_for_behind_ours(sqlite_url):
    server = TaskingServer()
    await server.start()
    async with staged(sqlite_url, hold="0s", server=server) as stage:
        task = await running(stage)

        async def handed():
            found = await got(stage, task)
            return found if "n" in found else None

        found = await until(handed)
        await give(stage, task, {"x": {}})
        cancelled = await ask(stage, "tasks/cancel", {"taskId": task})
        other = await ask(stage, "tasks/get", {"taskId": task}, key=OTHER_BOT)
        theirs = await ask(stage, "tasks/get", {"taskId": "t/1"})

        assert (found["taskId"], found["status"]) == (task, "working")
        assert cancelled.json["result"]["taskId"] == task
        assert (other.error["code"], theirs.error["code"]) == (-32602, -32602)
        methods = [message["method"] for message, _ in server.asked]
        assert methods[-2:] == ["tasks/update", "tasks/cancel"]
        assert {message["params"]["taskId"] for message, _ in server.asked} == {server.name}
        assert {header for _, header in server.asked} == {"=?base64?dC/DqSAx?="}
    await server.close()
