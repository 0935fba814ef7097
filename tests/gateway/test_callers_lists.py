"""Tools that a server lists to some callers only: in their session, their era, to their agent."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from gateway_stage import (
    CI_BOT,
    META,
    OTHER_BOT,
    RawServer,
    modern_headers,
    staged,
    staged_before,
    until,
)

from gateway.tools import callers_lists, kept_lists, learning_pace
from ledger.deciding.accepting import AcceptTools
from ledger.lives.approvals import ApprovalStatus

EXTRA = {"name": "read_extra", "description": "Reads more.", "inputSchema": {"type": "object"}}
OTHERWISE = {**EXTRA, "description": "Reads it aloud."}
WRITE = {"name": "write_extra", "description": "Writes more.", "inputSchema": {"type": "object"}}
LISTING = {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}}


class Apart(RawServer):
    """A server of sessions that lists further tools in some of them, and knows no other era.

    `beside` are those tools by session; a session that is in `over` has ended, and one
    in `ailing` is told no tools.
    """

    def __init__(self):
        super().__init__()
        self.beside = {}
        self.over = set()
        self.ailing = set()
        self.begun = 0

    async def _result(self, message, request):
        session = request.headers.get("Mcp-Session-Id", "")
        if message["method"] == "server/discover":
            return web.Response(status=400, text="what?")
        if session in self.over:
            return web.json_response({"error": "no such session"}, status=404)
        if message["method"] == "tools/list" and session in self.ailing:
            return web.json_response({"error": "not now"}, status=429)
        if message["method"] == "tools/list":
            tools = self.tools + self.beside.get(session, [])
            return web.json_response({**LISTING, "id": message["id"], "result": {"tools": tools}})
        answer = await super()._result(message, request)
        if message["method"] == "initialize":
            self.begun += 1
            answer.headers["Mcp-Session-Id"] = f"session-{self.begun}"
        return answer

    def lists(self):
        """Return the sessions and ids of all requests for the list."""
        asked = [
            (h.get("Mcp-Session-Id"), json.loads(b)) for _, h, b in self.seen if b"s/list" in b
        ]
        return [(session, message["id"]) for session, message in asked]


class Session:
    """A caller of versions before 2026-07-28; `name` is its session at the server."""

    def __init__(self, stage, key):
        self.stage = stage
        self.key = key
        self.headers = {"MCP-Protocol-Version": "2025-06-18"}
        self.name = ""

    async def post(self, message):
        """Send a message in the session."""
        return await self.stage.post(json.dumps(message).encode(), self.headers, key=self.key)

    async def list(self):
        """Return the names of the tools that are listed."""
        answer = await self.post(LISTING)
        return [tool["name"] for tool in answer.json["result"]["tools"]]

    async def call(self, tool, **arguments):
        """Call a tool."""
        params = {"name": tool, "arguments": arguments}
        return await self.post(
            {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
        )


async def begun(stage, key=CI_BOT, beside=()):
    """Begin a session in which the server lists further tools."""
    session = Session(stage, key)
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    answer = await session.post(message)
    session.headers["Mcp-Session-Id"] = answer.headers["Mcp-Session-Id"]
    session.name = f"session-{stage.server.begun}"
    stage.server.beside[session.name] = list(beside)
    return session


@pytest.fixture
async def stage(sqlite_url):
    """Give a stage whose server lists by session; calls are held in silence no longer than set."""
    async with staged_before(sqlite_url, Apart(), hold="0s") as staging:
        yield staging


async def accept(stage, *names):
    """Accept tools as they were seen last, and wait until the gateway has heard."""
    seen = {tool.tool: tool.hash for tool in await stage.ledger.tools("files")}
    tools = tuple((name, seen[name]) for name in names)
    number = len(await stage.ledger.events(limit=10_000))
    command = AcceptTools(id=f"accept:{number}", actor="shell:bob", server="files", tools=tools)
    await stage.ledger.execute(command)
    known = stage.gateway._acceptance._seen

    async def heard():
        return all(known["files", name].accepts(seen[name]) for name in names)

    await until(heard)


async def look_again(stage):
    """Have the gateway ask for its own list."""
    await stage.gateway._toolboxes["files"].learn_now("", None)


async def seen_and_gone(stage):
    """Return what the ledger was told of tools, in order."""
    events = [recorded.event for recorded in await stage.ledger.events(limit=10_000)]
    return [(e.TOPIC, e.tool) for e in events if e.TOPIC in {"ToolSeen", "ToolGone"}]


async def test_people_are_asked_about_a_tool_that_only_the_session_lists_and_then_it_runs(stage):
    session = await begun(stage, beside=[EXTRA])
    listed = await session.list()

    pending = await session.call("read_extra")
    (approval,) = await stage.pending()
    await look_again(stage)
    await stage.decide(approval.id)
    ran = await session.call("read_extra")

    assert "read_extra" in listed
    assert pending.told["status"] == "pending"
    assert approval.request.description == "Reads more."
    assert ran.text == "done: read_extra"


async def test_an_accepted_tool_of_a_session_stays_known_whatever_the_own_list_names(stage):
    session = await begun(stage, beside=[EXTRA])
    await session.list()
    await accept(stage, "read_extra")

    await look_again(stage)

    assert (await session.call("read_extra")).text == "done: read_extra"


async def test_a_tool_that_was_not_listed_here_before_is_looked_for_in_the_session(stage):
    session = await begun(stage, beside=[EXTRA])

    answer = await session.call("read_extra")

    assert answer.told["status"] == "pending"
    (asked, number) = stage.server.lists()[-1]
    assert asked == session.name
    assert number.startswith("placet-")  # no request of the client has that id
    method, headers, _ = stage.server.seen[-1]
    assert (method, headers["MCP-Protocol-Version"]) == ("POST", "2025-06-18")
    assert headers["Authorization"] == "Bearer upstream-secret"


async def test_a_tool_whose_definition_changed_in_the_session_does_not_run_as_approved(stage):
    session = await begun(stage, beside=[WRITE])
    await session.list()
    await accept(stage, "write_extra")
    await session.call("write_extra")
    (approval,) = await stage.pending()
    stage.server.beside[session.name] = [{**WRITE, "description": "Writes to the press."}]

    await stage.decide(approval.id)
    answer = await session.call("write_extra")

    assert answer.told["status"] == "pending"
    assert answer.told["approval"] != approval.id
    assert (await stage.ledger.approval(approval.id)).reason == "the tool's definition changed"
    assert stage.server.calls() == []


@pytest.mark.parametrize("now", [[], [{**WRITE, "description": "Writes to the press."}]])
async def test_a_held_call_does_not_run_once_its_tool_is_another_in_the_session(sqlite_url, now):
    server = Apart()
    await server.start()
    async with staged(sqlite_url, server=server, hold="1m") as stage:
        session = await begun(stage, beside=[WRITE])
        held = asyncio.create_task(session.call("write_extra"))
        (approval,) = await stage.pending()
        server.beside[session.name] = now

        await stage.decide(approval.id)

        assert (await held).told["status"] == "voided"
        assert server.calls() == []
    await server.close()


async def test_an_approval_is_not_used_while_the_session_does_not_say_its_tools(stage):
    session = await begun(stage, beside=[WRITE])
    await session.call("write_extra")
    (approval,) = await stage.pending()
    await stage.decide(approval.id)
    stage.server.beside[session.name] = [None, "no tools"] * 5000

    answer = await session.call("write_extra")

    assert "cannot be looked up now" in answer.error["message"]
    assert stage.server.calls() == []
    stage.server.beside[session.name] = [WRITE]
    assert (await session.call("write_extra")).text == "done: write_extra"


async def test_listing_and_calling_again_and_again_tells_the_ledger_of_the_tool_once(stage):
    session = await begun(stage, beside=[EXTRA, WRITE])

    for _ in range(5):
        await session.list()
        await session.call("read_extra")
        await session.call("write_file")
        await look_again(stage)

    new = [what for what in await seen_and_gone(stage) if what[1].endswith("extra")]
    assert new == [("ToolSeen", "read_extra"), ("ToolSeen", "write_extra")]


async def test_another_session_neither_sees_nor_calls_the_tool(stage):
    session, other = await begun(stage, beside=[EXTRA]), await begun(stage)
    await session.list()
    await accept(stage, "read_extra")

    denied = await other.call("read_extra")

    assert "read_extra" not in await other.list()
    assert "does not list a tool of this name" in denied.text
    assert stage.server.calls() == []
    assert (await session.call("read_extra")).text == "done: read_extra"


async def test_a_session_that_has_no_such_tool_ends_no_approval_of_another_ones(stage):
    session, other = await begun(stage, beside=[EXTRA]), await begun(stage)
    await session.list()
    await session.call("read_extra")
    (approval,) = await stage.pending()

    denied = await other.call("read_extra")
    await stage.decide(approval.id)
    ran = await session.call("read_extra")

    assert "does not list a tool of this name" in denied.text
    assert ran.text == "done: read_extra"


async def test_a_tool_that_is_gone_for_all_ends_its_approval_when_it_is_called(stage):
    session = await begun(stage)
    await session.call("write_file")
    (approval,) = await stage.pending()
    stage.server.tools = [tool for tool in stage.server.tools if tool["name"] != "write_file"]
    await look_again(stage)

    await session.call("write_file")

    ended = await stage.ledger.approval(approval.id)
    assert ended.status is ApprovalStatus.VOIDED


async def test_a_tool_that_no_list_has_is_denied_and_looked_for_once_a_second(stage):
    session = await begun(stage)
    before = len(stage.server.lists())

    answers = await asyncio.gather(*(session.call(f"unknown_{n}") for n in range(20)))

    assert all("does not list a tool of this name" in answer.text for answer in answers)
    assert len(stage.server.lists()) - before <= 4


async def test_calls_of_an_accepted_tool_of_a_session_look_nothing_up_for_a_while(stage):
    session = await begun(stage, beside=[EXTRA])
    await session.list()
    await accept(stage, "read_extra")
    await session.call("read_extra")
    before = len(stage.server.lists())

    for _ in range(5):
        await session.call("read_extra")

    assert len(stage.server.lists()) == before
    assert len(stage.server.calls()) == 6


async def test_calls_of_one_session_that_wait_for_its_list_share_it(stage):
    session = await begun(stage, beside=[EXTRA])
    before = len(stage.server.lists())

    await asyncio.gather(*(session.call("read_extra", n=n) for n in range(20)))

    assert len(await stage.pending(20)) == 20
    assert len(stage.server.lists()) - before < 20


async def test_of_two_definitions_of_one_name_each_session_runs_its_own_if_that_is_accepted(stage):
    session, other = await begun(stage, beside=[EXTRA]), await begun(stage, beside=[OTHERWISE])
    await session.list()
    await accept(stage, "read_extra")
    await other.list()

    for _ in range(3):
        ran, held = await session.call("read_extra"), await other.call("read_extra")
        await session.list()
        await other.list()
        await look_again(stage)

        assert ran.text == "done: read_extra"
        assert held.told["status"] == "pending"
    (approval,) = await stage.pending()
    assert approval.request.description == "Reads it aloud."
    assert len(stage.server.calls()) == 3


async def test_a_definition_of_the_session_counts_where_the_own_list_has_another(stage):
    session, other = await begun(stage, beside=[OTHERWISE]), await begun(stage, beside=[EXTRA])
    stage.server.beside["session-1"] = [EXTRA]  # which is Placet's own
    await look_again(stage)
    await accept(stage, "read_extra")
    await session.list()

    for _ in range(2):
        held, ran = await session.call("read_extra"), await other.call("read_extra")

        assert held.told["status"] == "pending"
        assert ran.text == "done: read_extra"
    (approval,) = await stage.pending()
    assert approval.request.description == "Reads it aloud."


@pytest.fixture
async def differing(stage):
    """Give a session whose list defines a tool otherwise than Placet's own, which is accepted."""
    session = await begun(stage, beside=[OTHERWISE])
    stage.server.beside["session-1"] = [EXTRA]  # which is Placet's own
    await look_again(stage)
    await accept(stage, "read_extra")
    await session.list()
    assert (await session.call("read_extra")).told["status"] == "pending"
    return session


async def test_a_difference_is_known_still_where_the_list_cannot_be_had(
    stage, differing, monkeypatch
):
    monkeypatch.setattr(callers_lists, "_AGAIN_SECONDS", 0.0)
    stage.server.ailing.add(differing.name)

    unknown = await differing.call("no_such_tool")
    known = await differing.call("read_extra")

    for answer in (unknown, known):
        assert "cannot be looked up now" in answer.error["message"]
    assert stage.server.calls() == []


async def test_a_difference_is_known_still_where_the_own_list_has_a_third(stage, differing):
    third = {**EXTRA, "description": "Reads all there is."}
    stage.server.beside["session-1"] = [third]
    await look_again(stage)
    await accept(stage, "read_extra")

    answer = await differing.call("read_extra")

    assert answer.told["status"] == "pending"
    assert stage.server.calls() == []


async def test_a_difference_is_known_still_where_there_is_no_room_for_the_list(
    stage, differing, monkeypatch
):
    monkeypatch.setattr(kept_lists, "_MOST_LISTS", 1)
    other = await begun(stage, beside=[WRITE])
    await other.list()

    answer = await differing.call("read_extra")

    assert answer.told["status"] == "pending"
    assert stage.server.calls() == []


async def test_where_the_list_had_no_room_and_cannot_be_had_again_nothing_runs(
    stage, differing, monkeypatch
):
    monkeypatch.setattr(kept_lists, "_MOST_LISTS", 1)
    other = await begun(stage, beside=[WRITE])
    await other.list()
    stage.server.ailing.add(differing.name)

    answer = await differing.call("read_extra")

    assert "cannot be looked up now" in answer.error["message"]
    assert stage.server.calls() == []


async def test_what_differs_no_more_once_the_own_list_has_changed_costs_no_look(stage):
    session, other = await begun(stage), await begun(stage)
    stage.server.tools[0]["description"] = "Reads anything."
    await session.list()
    for text in ("Reads anything.", "Reads anything at all."):
        stage.server.tools[0]["description"] = text
        await look_again(stage)
    await accept(stage, "read_file")
    await other.call("read_file")
    before = len(stage.server.lists())

    await session.call("read_file")

    assert len(stage.server.lists()) == before
    assert len(stage.server.calls()) == 2


async def test_nothing_is_kept_of_a_session_that_its_client_ends(stage):
    session = await begun(stage, beside=[OTHERWISE])
    await session.list()
    headers = session.headers | {"Authorization": f"Bearer {CI_BOT}"}

    async with stage.http.delete(f"{stage.url}/mcp/files", headers=headers) as ended:
        listed = {tool.name for tool in stage.gateway._toolboxes["files"].listed()}

    assert ended.status == 200
    assert listed == {"read_file", "write_file", "drop_table"}


async def test_a_client_whose_session_is_over_hears_that(stage):
    session = await begun(stage, beside=[EXTRA])
    stage.server.over.add(session.name)

    answer = await session.call("read_extra")

    assert (answer.status, answer.error["code"]) == (404, -31006)
    assert stage.server.calls() == []


async def test_a_tool_that_the_ledger_has_no_room_for_is_neither_shown_nor_called(
    sqlite_url, monkeypatch
):
    monkeypatch.setattr(learning_pace, "ROOM", 3 * (learning_pace.EVENT + 120))
    server = Apart()
    await server.start()
    async with staged(sqlite_url, server=server, hold="0s") as stage:
        session = await begun(stage, beside=[EXTRA])

        listed, refused = await session.list(), await session.call("read_extra")

        assert "read_extra" not in listed
        assert "changed more than is recorded" in refused.error["message"]
        assert server.calls() == []
    await server.close()


async def test_a_definition_that_the_ledger_has_no_room_for_does_not_run_as_the_one_it_has(
    sqlite_url, monkeypatch
):
    monkeypatch.setattr(learning_pace, "ROOM", 3 * (learning_pace.EVENT + 120))
    server = Apart()
    await server.start()
    async with staged(sqlite_url, server=server, hold="0s") as stage:
        session = await begun(stage)
        server.tools, own = [], server.tools
        server.beside["session-1"] = own
        server.beside[session.name] = [{**own[0], "description": "Reads it aloud."}]

        await session.list()
        refused = await session.call("read_file")

        assert "changed more than is recorded" in refused.error["message"]
        assert server.calls() == []
    await server.close()


class OfEras(RawServer):
    """Lists a tool to callers before 2026-07-28 only, and one to a single agent."""

    async def _result(self, message, request):
        if message["method"] != "tools/list":
            return await super()._result(message, request)
        tools = [*self.tools]
        if "io.modelcontextprotocol/protocolVersion" not in message["params"].get("_meta", {}):
            tools.append(EXTRA)
        if request.headers["Authorization"] == "Bearer of-ci":
            tools.append(WRITE)
        return web.json_response({**LISTING, "id": message["id"], "result": {"tools": tools}})


@asynccontextmanager
async def of_eras(url, hold):
    """Give a stage whose server lists by era and by agent."""
    server = OfEras()
    await server.start()
    own = 'agents: {ci-bot: {headers: {Authorization: "Bearer of-ci"}}}'

    def rewrite(text):
        return text.replace("team: platform, headers", f"team: platform, {own}, headers")

    async with staged(url, server=server, hold=hold, rewrite=rewrite) as staging:
        yield staging
    await server.close()


@pytest.fixture
async def both(sqlite_url):
    """Give such a stage on which nothing is held."""
    async with of_eras(sqlite_url, hold="0s") as staging:
        yield staging


async def test_a_tool_of_the_other_era_is_known_to_callers_of_that_era(both):
    old = await both.call("read_extra", legacy=True)
    new = await both.call("read_extra")

    assert old.told["status"] == "pending"
    assert "does not list a tool of this name" in new.text


async def test_a_tool_that_the_credentials_of_an_agent_show_is_known_to_that_agent(both):
    listed = await both.post(
        json.dumps({**LISTING, "params": {"_meta": META}}).encode(), modern_headers("tools/list")
    )
    own = await both.call("write_extra")
    others = await both.call("write_extra", key=OTHER_BOT)

    assert "write_extra" in str(listed.json["result"]["tools"])
    assert own.told["status"] == "pending"
    assert "does not list a tool of this name" in others.text


async def test_the_list_of_a_held_call_is_asked_for_with_all_that_its_client_said(sqlite_url):
    async with of_eras(sqlite_url, hold="1m") as stage:
        held = asyncio.create_task(stage.call("write_extra"))
        (approval,) = await stage.pending()
        before = len(stage.server.seen)
        await stage.decide(approval.id)
        answer = await held

        asked = [json.loads(b) for _, _, b in stage.server.seen[before:] if b"s/list" in b]
        assert answer.text == "done: write_extra"
        assert [each["params"]["_meta"] for each in asked] == [META] * len(asked) != []
