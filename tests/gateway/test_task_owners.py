"""The tasks that a server runs by itself are for the agent that began them, and for no other."""

import asyncio
import json

import pytest
from aiohttp import web
from gateway_stage import CI_BOT, META, OTHER_BOT, RawServer, modern_headers, staged, until
from sqlalchemy import text

EXTENSION = "io.modelcontextprotocol/tasks"
DECLARED = META | {
    "io.modelcontextprotocol/clientCapabilities": {"extensions": {EXTENSION: {}}},
}
ALLOWING = """\
version: 1
rules:
  - {name: all, match: {}, effect: allow}
"""
LEGACY = {"MCP-Protocol-Version": "2025-11-25"}


class TaskServer(RawServer):
    """A server that makes every call a task, in either era, with ids of its own."""

    def __init__(self, shape="json"):
        super().__init__()
        self.made = 0
        self.shape = shape
        self.about = []
        self.names = []

    async def _result(self, message, request):
        if message["method"].startswith("tasks/"):
            self.about.append(message)
            tasks = [{"taskId": name, "n": 1.5} for name in self.names]
            listed = message["method"] == "tasks/list"
            result = {"tasks": tasks, "nextCursor": "c"} if listed else {"seen": True}
            return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})
        return await super()._result(message, request)

    async def done(self, message, request):
        self.made += 1
        name = self.names[self.made - 1] if self.made <= len(self.names) else f"t/{self.made}"
        self.names = [*self.names, *([] if name in self.names else [name])]
        task = {"taskId": name, "status": "working", "ttl": 60000, "ttlMs": None}
        modern = "io.modelcontextprotocol/protocolVersion" in message["params"].get("_meta", {})
        result = {"resultType": "task", **task} if modern else {"task": task}
        answer = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}, indent=1)
        if self.shape == "json":
            return web.Response(text=answer, content_type="application/json")
        kind = "text/event-stream" if self.shape == "events" else "application/json"
        response = web.StreamResponse(headers={"Content-Type": kind})
        await response.prepare(request)
        if self.shape == "events":
            answer = "".join(f"data: {line}\n" for line in answer.split("\n")) + "\n"
            await response.write(b'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n')
        for at in range(0, len(answer), 30):
            await response.write(answer[at : at + 30].encode())
        return response


@pytest.fixture
async def server(request):
    opened = TaskServer(getattr(request, "param", "json"))
    await opened.start()
    yield opened
    await opened.close()


async def ask(stage, method, params, *, key=CI_BOT, legacy=False, name=None):
    """Send a request of either era and return the whole answer."""
    headers = dict(LEGACY)
    if not legacy:
        params = params | {"_meta": DECLARED}
        headers = modern_headers(method, name or params.get("taskId"))
    message = {"jsonrpc": "2.0", "id": 5, "method": method, "params": params}
    return await stage.post(json.dumps(message).encode(), headers, key=key)


async def begun(stage, *, key=CI_BOT, legacy=False):
    """Make a call that the server makes a task, and return the task's id."""
    params = {"name": "read_file", "arguments": {}} | ({"task": {}} if legacy else {})
    answer = await ask(stage, "tools/call", params, key=key, legacy=legacy, name="read_file")
    body = answer.body.decode()
    return body.split('"taskId": "')[1].split('"')[0]


@pytest.mark.parametrize("server", ["json", "events", "pieces"], indirect=True)
@pytest.mark.parametrize("legacy", [True, False], ids=["legacy", "modern"])
async def test_only_who_began_a_task_can_ask_for_it(ledger_url, server, legacy):
    async with staged(ledger_url, policy=ALLOWING, server=server) as stage:
        task = await begun(stage, legacy=legacy)
        methods = ["tasks/get", "tasks/cancel", "tasks/result" if legacy else "tasks/update"]

        own = [await ask(stage, method, {"taskId": task}, legacy=legacy) for method in methods]
        reached = len(server.about)
        others = [
            await ask(stage, method, {"taskId": task}, legacy=legacy, key=OTHER_BOT)
            for method in methods
        ]

        assert [answer.json["result"] for answer in own] == [{"seen": True}] * 3
        assert [answer.error["code"] for answer in others] == [-32602] * 3
        assert {answer.status for answer in others} == {200 if legacy else 400}
        assert (reached, len(server.about)) == (3, 3)


@pytest.mark.parametrize("named", ["nobodys", 7, None, ["t/1"], "placet-task-x"])
@pytest.mark.parametrize("legacy", [True, False], ids=["legacy", "modern"])
async def test_a_task_that_nobody_is_known_to_have_begun_is_nobodys(
    sqlite_url, server, legacy, named
):
    async with staged(sqlite_url, policy=ALLOWING, server=server) as stage:
        await begun(stage, legacy=legacy)

        answer = await ask(stage, "tasks/get", {"taskId": named}, legacy=legacy, name="-")

        assert answer.error["code"] in {-32602, -32020}
        assert server.about == []


async def test_a_list_of_tasks_has_the_callers_own_only(sqlite_url, server):
    async with staged(sqlite_url, policy=ALLOWING, server=server) as stage:
        mine = await begun(stage, legacy=True)
        await begun(stage, legacy=True, key=OTHER_BOT)
        server.names.append("of another life")

        answer = await ask(stage, "tasks/list", {"cursor": "x"}, legacy=True)

        assert answer.json["result"] == {
            "tasks": [{"taskId": mine, "n": 1.5}],
            "nextCursor": "c",
        }


@pytest.mark.parametrize(
    "result", [{"tasks": {"taskId": "t/1"}}, {"tasks": ["t/1"]}, {"no": 1}, {"tasks": None}]
)
async def test_a_list_that_cannot_be_read_is_not_passed(sqlite_url, server, result):
    async with staged(sqlite_url, policy=ALLOWING, server=server) as stage:

        async def odd(message, request):
            return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})

        server._result = odd

        answer = await ask(stage, "tasks/list", {}, legacy=True)

        assert answer.error["code"] == -31007


async def test_an_error_of_the_server_passes_in_the_place_of_its_list(sqlite_url, server):
    error = {"code": -32601, "message": "no tasks here", "data": {"n": 1}}

    async def odd(message, request):
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "error": error})

    async with staged(sqlite_url, policy=ALLOWING, server=server) as stage:
        server._result = odd

        answer = await ask(stage, "tasks/list", {}, legacy=True)

        assert (answer.json["id"], answer.error) == (5, error)


async def test_another_replica_knows_whose_a_task_is(postgres_url, server):
    async with (
        staged(postgres_url, policy=ALLOWING, server=server) as one,
        staged(postgres_url, policy=ALLOWING, server=server) as two,
    ):
        task = await begun(one)

        own = await ask(two, "tasks/get", {"taskId": task})
        other = await ask(two, "tasks/get", {"taskId": task}, key=OTHER_BOT)

        assert own.json["result"] == {"seen": True}
        assert other.error["code"] == -32602


async def test_a_name_that_is_handed_out_anew_belongs_to_who_got_it_last(sqlite_url, server):
    async with staged(sqlite_url, policy=ALLOWING, server=server) as stage:
        task = await begun(stage)
        server.made = 0
        await begun(stage, key=OTHER_BOT)

        old = await ask(stage, "tasks/get", {"taskId": task})
        new = await ask(stage, "tasks/get", {"taskId": task}, key=OTHER_BOT)

        assert old.error["code"] == -32602
        assert new.json["result"] == {"seen": True}


@pytest.mark.parametrize("server", ["json", "events", "pieces"], indirect=True)
async def test_a_task_that_cannot_be_noted_is_not_handed_on(sqlite_url, server):
    async with staged(sqlite_url, policy=ALLOWING, server=server) as stage:
        with stage.ledger._parts.database.write() as connection:
            connection.execute(text("ALTER TABLE transient_handle RENAME TO gone"))
        params = {"name": "read_file", "arguments": {}}

        try:
            answer = await ask(stage, "tools/call", params, name="read_file")
            told = answer.body
        except OSError:
            told = b""
        (ended,) = await stage.ended()

        assert b"t/1" not in told
        assert (ended.outcome, "whose it is" in ended.error) == ("failed", True)


async def test_a_task_of_an_approved_call_is_its_agents_own(sqlite_url, server):
    async with staged(sqlite_url, hold="1m", server=server) as stage:
        params = {"name": "write_file", "arguments": {}, "task": {}}

        async def call():
            return await ask(stage, "tools/call", params, legacy=True)

        calling = asyncio.create_task(call())
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
        task = (await calling).json["result"]["task"]["taskId"]
        answer = await ask(stage, "tasks/result", {"taskId": task}, legacy=True)

        assert answer.json["result"] == {"seen": True}


async def test_changes_of_tasks_are_told_to_those_whose_tasks_they_are(sqlite_url, server):
    async with staged(sqlite_url, policy=ALLOWING, server=server) as stage:
        task = await begun(stage)
        before = server.listeners

        async def listen(names, key=CI_BOT):
            wanted = {"notifications": {"toolsListChanged": True, "taskIds": names}}
            return await ask(stage, "subscriptions/listen", wanted, key=key)

        refused = [await listen([task], OTHER_BOT), await listen(["t/9"]), await listen([1])]
        listening = asyncio.create_task(listen(["placet-task-mine", task]))

        async def open_now():
            return server.listeners > before

        await until(open_now)
        listening.cancel()

        assert [answer.error["code"] for answer in refused] == [-32602] * 3
        sent = json.loads(server.seen[-1][2])["params"]["notifications"]
        assert sent == {"toolsListChanged": True, "taskIds": [task]}
