"""A list shows an agent the tools that it may be able to call, all else byte for byte."""

import json
import threading

import pytest
from aiohttp import web
from gateway_stage import CI_BOT, META, RawServer, Stage, modern_headers, staged, until
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from gateway.tools.tool_lists import ToolLists
from gateway.upstreams import UpstreamAnswer, UpstreamFailed
from gateway.wire.event_streams import EventReader
from policies.values.calls import Number

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
KEPT = listing(READ, WRITE, PUSH, more=',"nextCursor":"", "x":{"a":1.50}')


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


async def nothing_new(_):
    return None


def lists_of(*, private=False):
    def drops(tool):
        return tool.name.startswith("drop")

    return ToolLists("files", drops, nothing_new, Number("7"), private=private)


@given(NAMES, BLANKS)
def test_kept_tools_keep_their_bytes_and_what_parts_them_however_a_list_is_written(names, blank):
    tools = [f'{{{blank}"name":{blank}"{name}",{blank}"n":1.0{blank}}}' for name in names]

    def written(some):
        listed = f"{blank},{blank}".join(some)
        return f'{{"result":{blank}{{"tools":[{blank}{listed}{blank}]}},"id":7}}'.encode()

    edited = lists_of().edited(written(tools))

    kept = [tool for tool, name in zip(tools, names, strict=True) if not name.startswith("drop")]
    assert edited.body == written(kept)
    assert [tool.name for tool in edited.tools] == names


@given(st.data())
async def test_a_stream_is_edited_alike_in_whatever_pieces_and_lines_it_comes(data):
    ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
    blanks = ends.filter(lambda end: end != b"\n")  # after CR, LF would begin no line
    note = b'{"jsonrpc":"2.0","method":"notifications/message"}'
    events = [b": hello", b"id: 3", b"data: " + note, b"", b"event: message", b"data"]
    events += [b"data:" + line for line in listing(WRITE, DROP).split(b" ")] + [b"", b""]
    stream = b""
    for line in events:
        stream += line + data.draw(ends if line or not stream.endswith(b"\r") else blanks)
    if data.draw(st.booleans()):
        stream = b"\xef\xbb\xbf" + stream

    async def pieces():
        rest = stream
        while rest:
            size = data.draw(st.integers(1, len(rest)))
            yield rest[:size]
            rest = rest[size:]

    edited = b"".join([block async for block in lists_of().events(pieces())])

    reader = EventReader()
    texts = list(reader.feed(edited.replace(b"\r\n", b"\n").replace(b"\r", b"\n")))
    told = [json.loads(text) for text in texts]
    assert told[0]["method"] == "notifications/message"
    assert [tool["name"] for tool in told[1]["result"]["tools"]] == ["write_file"]
    assert len(told) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"[" + ALL + b"]",
        ALL.replace(b'"result"', b'"Result"'),
        ALL.replace(b'"tools"', b'"Tools"'),
        ALL.replace(b'"tools"', '"tool\u017f"'.encode()),
        ALL.replace(b'"tools"', b'"TOOL\\u0053"'),
        b'{"jsonrpc":"2.0","id":7,"result":{"tools":{"0":' + DROP.encode() + b"}}}",
        b'{"jsonrpc":"2.0","id":7,"result":[' + DROP.encode() + b"]}",
        b"\xef\xbb\xbf" + ALL,
        b'"' + ALL.replace(b'"', b"'") + b'"',
    ],
)
def test_what_some_clients_might_take_for_a_list_is_not_passed_on(body):
    with pytest.raises(UpstreamFailed):
        lists_of().edited(body)


@pytest.mark.parametrize(
    ("given_ms", "kept_ms"),
    [
        ("5000", 5000),
        ("60000", 60_000),
        ("60001", 60_000),
        ("-1", 0),
        ("1E300", 60_000),
        ('"7"', 0),
        ("null", 0),
        ("0.9", 0),
        (None, 0),
    ],
)
def test_a_modern_list_is_fresh_for_a_minute_at_most_and_never_longer_than_its_server_said(
    given_ms, kept_ms
):
    more = "" if given_ms is None else f',"ttlMs":{given_ms}'

    edited = lists_of(private=True).edited(listing(READ, more=more))

    result = json.loads(edited.body)["result"]
    assert (result["ttlMs"], result["cacheScope"]) == (kept_ms, "private")


@given(st.binary(max_size=300))
def test_hostile_bytes_are_passed_as_no_list_or_refused(body):
    lists = ToolLists("files", lambda _: True, nothing_new, Number("7"), private=True)

    try:
        edited = lists.edited(body).body
    except UpstreamFailed:
        return

    told = json.loads(edited)
    result = told.get("result") if isinstance(told, dict) else None
    assert not isinstance(result, dict) or not result.get("tools")


async def test_a_list_with_any_good_status_is_shortened(stage):
    async def reply(request: web.Request, message: dict) -> web.StreamResponse | None:
        if message.get("method") != "tools/list" or message.get("id") != 7:
            return None
        return web.Response(body=ALL, status=203, content_type="application/json")

    stage.server.instead = reply

    answer = await listed(stage, legacy=True)

    assert (answer.status, answer.body) == (203, KEPT)


async def test_an_error_passes_as_it_is(stage):
    error = b'{"jsonrpc":"2.0","id":7, "error":{"code":-32602,"message":"bad cursor"}}'
    answers_lists(stage, error)

    answer = await listed(stage, legacy=True)

    assert answer.body == error


async def test_a_page_may_become_empty_and_still_lead_to_the_next(stage):
    answers_lists(stage, listing(DROP, more=',"nextCursor":"more"'))

    answer = await listed(stage, legacy=True)

    assert answer.body == listing(more=',"nextCursor":"more"')


async def test_a_large_list_is_read_beside_the_event_loop():
    threads = set()

    def hides(tool):
        threads.add(threading.get_ident())
        return tool.name == "drop_table"

    more = json.dumps({"name": "read_more", "description": "x" * 200_000})
    lists = ToolLists("files", hides, nothing_new, Number("7"), private=False)

    answer = await lists.answer(UpstreamAnswer(200, CIMultiDict(), body=listing(READ, DROP, more)))

    assert answer.body == listing(READ, more)
    assert threading.get_ident() not in threads


async def test_what_is_new_in_a_list_is_known_before_its_reader_can_call_it(stage):
    stage.server.tools[0]["description"] = "Reads a file, and sends it home."

    await listed(stage, legacy=True)
    known = {tool.tool: tool for tool in await stage.ledger.tools("files")}
    held = await stage.call("read_file")

    assert known["read_file"].awaits
    assert held.told["status"] == "pending"


async def test_a_list_whose_news_cannot_be_recorded_is_not_passed_on(stage):
    answers_lists(stage, listing(READ.replace("Reads", "Eats")))
    stage.ledger.close()

    answer = await listed(stage, legacy=True)

    assert b"Eats" not in answer.body
    assert "cannot be noted" in answer.error["message"]


async def test_a_list_that_is_taken_up_on_another_stream_is_shortened_there(stage):
    stage.server.sessions = True
    headers = {**LEGACY, "Authorization": f"Bearer {CI_BOT}", "Accept": "text/event-stream"}
    before = stage.server.listeners
    async with stage.http.get(f"{stage.url}/mcp/files", headers=headers) as stream:
        await until(lambda: streaming(stage, before))
        stage.server.tell({"jsonrpc": "2.0", "id": 1, "result": {"tools": 5, "content": []}})
        stage.server.tell(json.loads(ALL))
        texts = [await stream.content.readuntil(b"\n\n") for _ in range(2)]

    assert b'"tools": 5' in texts[0]
    assert b"read_file" in texts[1]
    assert b"drop_table" not in texts[1]


async def streaming(stage, before):
    return stage.server.listeners > before
