"""A list shows an agent the tools that it may be able to call, all else byte for byte."""

import json

import pytest
from aiohttp import web
from gateway_stage import META, RawServer, Stage, modern_headers, staged
from hypothesis import given
from hypothesis import strategies as st

from gateway.tool_lists import ToolLists
from gateway.upstreams import UpstreamFailed

LEGACY = {"MCP-Protocol-Version": "2025-11-25"}
POLICY = """\
version: 1
default: require_approval
hide: ["files/secret_*"]
rules:
  - {name: reads, match: {tool: "read_*"}, effect: allow}
  - {name: no-drops, match: {tool: "drop_*"}, effect: deny}
  - {name: only-main, match: {tool: "push_*"}, when: 'args.branch == "main"', effect: deny}
  - {name: not-you, match: {tool: "write_file", agent: other-bot}, effect: deny}
"""
READ = '{"name":"read_file", "description":"Reads \\u00e9","inputSchema":{"type":"object"},"z":1E2}'
WRITE = '{ "name" : "write_file", "inputSchema":{"type":"object"} }'
DROP = '{"name":"drop_table","inputSchema":{"type":"object"}}'
PUSH = '{"name":"push_files","inputSchema":{"type":"object"}}'
SECRET = '{"name":"secret_thing","inputSchema":{"type":"object"}}'


def listing(*tools: str, more: str = "") -> bytes:
    return f'{{"jsonrpc":"2.0","id":7,"result":{{"tools":[{", ".join(tools)}]{more}}}}}'.encode()


ALL = listing(READ, DROP, WRITE, SECRET, PUSH, more=',"nextCursor":"", "x":{"a":1.50}')
KEPT = listing(READ, WRITE, PUSH, more=',"nextCursor":"", "x":{"a":1.50}').replace(b"}, {", b"},{")


async def listed(stage: Stage, *, legacy: bool, key: str | None = None):
    params = {} if legacy else {"_meta": META}
    headers = LEGACY if legacy else modern_headers("tools/list")
    message = {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": params}
    more = {"key": key} if key else {}
    return await stage.post(json.dumps(message).encode(), headers, **more)


@pytest.fixture
async def stage(sqlite_url):
    async with staged(sqlite_url, policy=POLICY) as opened:
        yield opened


def answers_lists(stage: Stage, body: bytes, content_type: str = "application/json") -> None:
    async def reply(request: web.Request, message: dict) -> web.StreamResponse | None:
        if message.get("method") != "tools/list" or message.get("id") != 7:
            return None
        return web.Response(body=body, content_type=content_type)

    stage.server.instead = reply


async def test_what_an_agent_could_never_call_is_not_in_its_list(stage):
    answers_lists(stage, ALL)

    answer = await listed(stage, legacy=True)

    assert answer.body == KEPT


async def test_lists_differ_by_agent(stage):
    answers_lists(stage, ALL)

    answer = await listed(stage, legacy=True, key="other-bot-key-0123456789-0123456789-012345")

    names = [tool["name"] for tool in answer.json["result"]["tools"]]
    assert names == ["read_file", "push_files"]


async def test_a_modern_list_is_private_and_not_kept_for_long(stage):
    more = ',"ttlMs":3600000,"cacheScope":"public","resultType":"complete"'
    answers_lists(stage, listing(READ, more=more))

    answer = await listed(stage, legacy=False)

    assert answer.json["result"] | {"tools": []} == {
        "tools": [],
        "ttlMs": 60000,
        "cacheScope": "private",
        "resultType": "complete",
    }


async def test_a_list_in_a_stream_is_shortened_too(stage):
    note = b'event: message\nid: 3\ndata: {"jsonrpc":"2.0","method":"notifications/x"}\n\n'
    stream = b": hello\n\n" + note + b"id: 4\r\ndata: " + ALL + b"\r\n\r\n"
    answers_lists(stage, stream, "text/event-stream")

    answer = await listed(stage, legacy=True)

    assert answer.body == b": hello\n\n" + note + b"id: 4\ndata: " + KEPT + b"\n\n"


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
async def test_a_list_that_can_be_read_in_two_ways_is_not_passed_on(stage, content_type):
    body = ALL.replace(b'"nextCursor":""', b'"tools":[]')
    framed = b"data: " + body + b"\n\n" if "event" in content_type else body
    answers_lists(stage, framed, content_type)

    answer = await listed(stage, legacy=True)

    assert b"drop_table" not in answer.body
    assert b'"code": -31007' in answer.body
    assert b'"id": 7' in answer.body


async def test_a_hidden_tool_is_denied_when_it_is_called(sqlite_url):
    server = RawServer()
    server.tools.append({"name": "secret_thing", "inputSchema": {"type": "object"}})
    await server.start()
    async with staged(sqlite_url, policy=POLICY, server=server) as stage:
        answer = await stage.call("secret_thing")
    await server.close()

    assert answer.told["status"] == "denied_by_policy"
    assert answer.told["rules"] == [{"rule": "hide files/secret_*", "pointer": "/hide/0"}]


async def test_a_server_that_only_observes_lists_all_it_has(sqlite_url):
    def observing(text: str) -> str:
        return text.replace("team: platform, headers", "team: platform, observe: true, headers")

    async with staged(sqlite_url, policy=POLICY, rewrite=observing) as stage:
        answers_lists(stage, ALL)

        answer = await listed(stage, legacy=True)

    assert answer.body == ALL


NAMES = st.lists(st.sampled_from(["read_a", "drop_b", "push_c", "drop_d", "read_e"]), unique=True)
BLANKS = st.sampled_from(["", " ", "\n\t"])


@given(NAMES, BLANKS, st.sampled_from([b"\n", b"\r\n", b"\r"]), st.booleans())
def test_kept_tools_keep_their_bytes_and_order_however_a_list_is_written(names, blank, end, stream):
    tools = [f'{{{blank}"name":{blank}"{name}",{blank}"n":1.0{blank}}}' for name in names]
    body = f'{{"result":{blank}{{"tools":[{blank}{f"{blank},".join(tools)}]}},"id":7}}'.encode()
    lists = ToolLists("files", lambda tool: tool.name.startswith("drop"), 7, private=False)

    if stream:
        lines = end.join(b"data: " + line for line in body.split(b"\n"))
        edited = lists._event(lines + end + end)
        edited = b"\n".join(line[6:] for line in edited.replace(b"\r", b"\n").split(b"\n") if line)
    else:
        edited = lists.edited(body)

    kept = [tool for tool, name in zip(tools, names, strict=True) if not name.startswith("drop")]
    assert [t["name"] for t in json.loads(edited)["result"]["tools"]] == [
        name for name in names if not name.startswith("drop")
    ]
    assert all(tool.encode() in edited for tool in kept if not stream or "\n" not in tool)


@given(st.binary(max_size=300))
def test_hostile_bytes_are_passed_as_no_list_or_refused(body):
    lists = ToolLists("files", lambda _: True, 7, private=True)

    try:
        edited = lists.edited(body)
    except UpstreamFailed:
        return

    told = json.loads(edited)
    result = told.get("result") if isinstance(told, dict) else None
    assert not isinstance(result, dict) or not result.get("tools")
