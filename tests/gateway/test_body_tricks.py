"""Nothing that two parsers could read differently reaches a server."""

import gzip
import json
import zlib
from io import BytesIO

import pytest
from gateway_stage import META, modern_headers, staged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.wire.envelopes import read_message
from gateway.wire.errors import Rejected

LEGACY = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "read_file", "arguments": {"path": "a"}},
}
GOOD = json.dumps(LEGACY)
PARAMS = '"params": {"name": "read_file", "arguments": {"path": "a"}}'


def without(member):
    return json.dumps({name: value for name, value in LEGACY.items() if name != member}).encode()


def changed(**members):
    return json.dumps(LEGACY | members).encode()


def params(**members):
    return json.dumps(LEGACY | {"params": LEGACY["params"] | members}).encode()


TRICKS = {
    "batch": (f"[{GOOD}]".encode(), -32600),
    "batch of two": (f"[{GOOD},{GOOD}]".encode(), -32600),
    "empty batch": (b"[]", -32600),
    "empty": (b"", -32700),
    "blank": (b" \n", -32700),
    "not json": (b"hello", -32700),
    "two messages": (f"{GOOD}{GOOD}".encode(), -32700),
    "two lines": (f"{GOOD}\n{GOOD}".encode(), -32700),
    "trailing nul": (GOOD.encode() + b"\x00", -32700),
    "comment": (GOOD.replace("{", "{/**/", 1).encode(), -32700),
    "trailing comma": (GOOD.replace('"id": 1,', '"id": 1,,').encode(), -32700),
    "single quotes": (GOOD.replace('"', "'").encode(), -32700),
    "text": (b'"tools/call"', -32600),
    "number": (b"1", -32600),
    "null": (b"null", -32600),
    "byte order mark": (b"\xef\xbb\xbf" + GOOD.encode(), -32700),
    "utf-16": (GOOD.encode("utf-16"), -32700),
    "utf-16 without mark": (GOOD.encode("utf-16-le"), -32700),
    "utf-32": (GOOD.encode("utf-32"), -32700),
    "latin-1": (GOOD.replace('"a"', '"é"').encode("latin-1"), -32700),
    "overlong utf-8": (GOOD.encode().replace(b'"a"', b'"\xc0\xaf"'), -32700),
    "bad utf-8": (GOOD.encode().replace(b'"a"', b'"\xff"'), -32700),
    "lone surrogate": (GOOD.replace('"a"', '"\\ud800"').encode(), -32700),
    "control character": (GOOD.replace('"a"', '"\x01"').encode(), -32700),
    "not a number": (GOOD.replace('"a"', "NaN").encode(), -32700),
    "infinity": (GOOD.replace('"a"', "-Infinity").encode(), -32700),
    "too large a number": (GOOD.replace('"a"', "1e400").encode(), -32700),
    "leading zero": (GOOD.replace('"a"', "01").encode(), -32700),
    "duplicate method": (
        GOOD.replace('"method": ', '"method": "ping", "method": ').encode(),
        -32600,
    ),
    "duplicate id": (GOOD.replace('"id": 1', '"id": 1, "id": 2').encode(), -32600),
    "duplicate params": (GOOD.replace(PARAMS, f"{PARAMS}, {PARAMS}").encode(), -32600),
    "duplicate name": (
        GOOD.replace('"name": ', '"name": "drop_table", "name": ').encode(),
        -32600,
    ),
    "duplicate by escape": (
        GOOD.replace('"name": ', '"n\\u0061me": "drop_table", "name": ').encode(),
        -32600,
    ),
    "duplicate argument": (GOOD.replace('"path": ', '"path": 1, "path": ').encode(), -32600),
    "case variant name": (
        GOOD.replace('"name": ', '"Name": "drop_table", "name": ').encode(),
        -32600,
    ),
    "case variant argument": (
        GOOD.replace('"path": ', '"PATH": 1, "path": ').encode(),
        -32600,
    ),
    "long s": (GOOD.replace(PARAMS, f'{PARAMS}, "param\u017f": {{}}').encode(), -32600),
    "only a long s": (GOOD.replace('"params"', '"param\u017f"').encode(), -32600),
    "only a capital": (GOOD.replace('"method"', '"Method"').encode(), -32600),
    "capital arguments": (GOOD.replace('"arguments"', '"Arguments"').encode(), -32602),
    "capital name": (GOOD.replace('"name"', '"NAME"').encode(), -32602),
    "full-width name": (
        GOOD.replace('"name": ', '"\uff4eame": "drop_table", "name": ').encode(),
        -32600,
    ),
    "no id": (without("id"), -32600),
    "null id": (changed(id=None), -32600),
    "fractional id": (changed(id=1.5), -32600),
    "negative zero": (changed(id=1.5).replace(b"1.5", b"-0"), -32600),
    "true id": (changed(id=True), -32600),
    "id is a list": (changed(id=[1]), -32600),
    "id is an object": (changed(id={}), -32600),
    "long id": (changed(id="x" * 1000), -32600),
    "no version": (without("jsonrpc"), -32600),
    "version 1": (changed(jsonrpc="1.0"), -32600),
    "version as number": (changed(jsonrpc=2.0), -32600),
    "no method": (without("method"), -32600),
    "method is a list": (changed(method=["tools/call"]), -32600),
    "method is empty": (changed(method=""), -32600),
    "request and answer": (changed(result={}), -32600),
    "unknown member": (changed(extra=1), -32600),
    "params are a list": (changed(params=["read_file"]), -32600),
    "params are text": (changed(params="read_file"), -32600),
    "params are null": (changed(params=None), -32600),
    "no params": (without("params"), -32602),
    "arguments are a list": (params(arguments=["a"]), -32602),
    "arguments are text": (params(arguments="a"), -32602),
    "arguments are null": (params(arguments=None), -32602),
    "name is a list": (params(name=["read_file"]), -32602),
    "name is empty": (params(name=""), -32602),
    "name is null": (params(name=None), -32602),
    "name with a nul": (params(name="read_file\x00"), -32602),
    "name with a line feed": (params(name="read_file\n"), -32602),
    "name too long": (params(name="r" * 300), -32602),
    "meta is a list": (params(_meta=[]), -32602),
    "task is text": (params(task="t"), -32602),
    "too deep": (params(arguments=json.loads("[" * 99 + "]" * 99)), -32600),
    "far too deep": ((b'{"a":' * 5000) + b"1" + (b"}" * 5000), -32600),
    "deep list": (b"[" * 100_000 + b"]" * 100_000, -32600),
    "unknown method": (changed(method="tools/execute"), -32601),
    "method in capitals": (changed(method="Tools/Call"), -32601),
    "method with a blank": (changed(method="tools/call "), -32601),
    "method of the server": (changed(method="sampling/createMessage"), -32601),
    "modern method": (changed(method="server/discover"), -32601),
    "unknown notification": (
        b'{"jsonrpc":"2.0","method":"notifications/tools/call"}',
        -32601,
    ),
}


@pytest.fixture
async def stage(sqlite_url):
    async with staged(sqlite_url) as opened:
        yield opened


async def test_no_trick_reaches_the_server_and_each_gets_a_clear_error(stage):
    before = len(stage.server.seen)

    answers = {name: await stage.post(body) for name, (body, _) in TRICKS.items()}

    assert {name: answer.error["code"] for name, answer in answers.items()} == {
        name: code for name, (_, code) in TRICKS.items()
    }
    assert all(len(answer.error["message"]) > 15 for answer in answers.values())
    assert {answer.json["jsonrpc"] for answer in answers.values()} == {"2.0"}
    assert len(stage.server.seen) == before
    assert await stage.topics() == []


async def test_the_error_carries_the_id_where_it_can_be_read(stage):
    known = await stage.post(changed(id="seven", params=[]))
    unknown = await stage.post(b"hello")

    assert (known.status, known.json["id"]) == (400, "seven")
    assert (unknown.status, unknown.json["id"]) == (400, None)


async def test_packed_bodies_and_other_content_types_are_refused(stage):
    before = len(stage.server.seen)
    packed = {"gzip": gzip.compress(GOOD.encode()), "deflate": zlib.compress(GOOD.encode())}

    answers = [await stage.post(body, {"Content-Encoding": name}) for name, body in packed.items()]
    answers += [
        await stage.post(GOOD.encode(), {"Content-Encoding": name}) for name in ("br", "identity")
    ]
    answers += [
        await stage.post(GOOD.encode(), {"Content-Type": kind})
        for kind in (
            "text/plain",
            "application/xml",
            "application/json; charset=utf-16",
            "application/json-patch+json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
        )
    ]

    assert {(answer.status, answer.error["code"]) for answer in answers} == {(415, -31003)}
    assert len(stage.server.seen) == before


async def test_a_body_of_100_mb_is_refused_and_the_gateway_goes_on(stage):
    before = len(stage.server.seen)

    answer = await stage.post(BytesIO(b" " * 100_000_000 + GOOD.encode()))
    after = await stage.call("read_file", legacy=True)

    assert (answer.status, answer.error["code"]) == (413, -31004)
    assert after.status == 200
    assert len(stage.server.seen) == before + 1


async def test_a_body_without_length_is_refused_once_it_is_too_large(stage):
    async def endless():
        for _ in range(100):
            yield b" " * 1_000_000

    headers = {"Content-Type": "application/json", "Authorization": "Bearer " + "x" * 40}
    headers["Authorization"] = f"Bearer {'ci-bot-key-0123456789-0123456789-0123456789'}"

    async with stage.http.post(f"{stage.url}/mcp/files", data=endless(), headers=headers) as answer:
        refused = await answer.json()

    assert answer.status == 413
    assert refused["error"]["code"] == -31004


def message(draw_params, method="tools/call"):
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": draw_params}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3)
    ),
    max_leaves=10,
)
NAMES = st.sampled_from(["name", "Name", "arguments", "ARGUMENTS", "_meta", "method", "id", "x"])
BODIES = st.one_of(
    st.binary(max_size=200),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(NAMES, JSON, max_size=4).map(lambda p: json.dumps(message(p)).encode()),
    st.dictionaries(NAMES | st.text(max_size=5), JSON, max_size=4).map(
        lambda more: json.dumps(LEGACY | more).encode()
    ),
    st.tuples(st.integers(0, len(GOOD)), st.binary(max_size=3), st.integers(0, 3)).map(
        lambda cut: GOOD[: cut[0]].encode() + cut[1] + GOOD[cut[0] + cut[2] :].encode()
    ),
)


def outcome_of(body):
    try:
        return read_message(body)
    except Rejected as rejected:
        return rejected


@given(body=BODIES)
@settings(max_examples=400, deadline=None)
def test_whatever_is_sent_is_one_message_or_a_clear_error(body):
    outcome = outcome_of(body)

    if isinstance(outcome, Rejected):
        assert outcome.status == 400
        assert outcome.code in {-32700, -32600, -32602}
    else:
        assert set(outcome.whole) <= {"jsonrpc", "id", "method", "params", "result", "error"}
        assert set(json.loads(body)) == set(outcome.whole)


@given(body=BODIES)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_what_reaches_the_server_was_decided_and_is_what_was_sent(stage, body):
    before = len(stage.server.seen)

    answer = await stage.post(body)

    arrived = [seen for _, _, seen in stage.server.seen[before:]]
    calls = [seen for seen in arrived if b"tools/call" in seen]
    assert all(call == body for call in calls)
    assert answer.status != 500
    assert len(calls) <= sum(
        recorded.event.TOPIC == "CallDecided"
        for recorded in await stage.ledger.events(limit=10_000)
    )


MODERN_CALL = message({"name": "read_file", "arguments": {}, "_meta": META})
HEADERS = modern_headers("tools/call", "read_file")
VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        (HEADERS | {"MCP-Protocol-Version": ""}, MODERN_CALL, -32020),
        (HEADERS | {"MCP-Protocol-Version": "2025-11-25"}, MODERN_CALL, -32020),
        (HEADERS | {"Mcp-Method": ""}, MODERN_CALL, -32020),
        (HEADERS | {"Mcp-Method": "tools/list"}, MODERN_CALL, -32020),
        (HEADERS | {"Mcp-Method": "Tools/Call"}, MODERN_CALL, -32020),
        (HEADERS | {"Mcp-Name": ""}, MODERN_CALL, -32020),
        (HEADERS | {"Mcp-Name": "drop_table"}, MODERN_CALL, -32020),
        (HEADERS | {"Mcp-Name": "=?base64?ZHJvcF90YWJsZQ==?="}, MODERN_CALL, -32020),
        (HEADERS | {"Mcp-Name": "=?base64?cmVhZF9maWxl=?="}, MODERN_CALL, -32020),
        (HEADERS, LEGACY, -32602),
        (HEADERS | {"MCP-Protocol-Version": "2024-01-01"}, LEGACY, -32022),
        (HEADERS | {"MCP-Protocol-Version": "banana"}, LEGACY, -32022),
        ({"Mcp-Name": "drop_table"}, LEGACY, -32020),
        ({"Mcp-Method": "ping"}, LEGACY, -32020),
        (HEADERS, message({"name": "read_file", "_meta": {VERSION: "2026-07-28"}}), -32602),
        (HEADERS, message({"name": "read_file", "_meta": {VERSION: 1}}), -32602),
        (
            HEADERS | {"MCP-Protocol-Version": "2025-11-25"},
            message(
                {"name": "read_file", "_meta": {VERSION: "2025-11-25", CAPABILITIES: {}}},
            ),
            -32022,
        ),
    ],
)
async def test_headers_that_differ_from_the_body_are_refused(stage, headers, body, code):
    before = len(stage.server.seen)

    answer = await stage.post(json.dumps(body).encode(), headers)

    assert (answer.status, answer.error["code"], answer.json["id"]) == (400, code, 1)
    assert len(stage.server.seen) == before


@pytest.mark.parametrize("name", ["Mcp-Name", "Mcp-Method", "MCP-Protocol-Version", "Mcp-Param-X"])
async def test_a_routing_header_that_comes_twice_is_refused(stage, name):
    before = len(stage.server.seen)
    headers = [("Content-Type", "application/json"), *HEADERS.items(), ("Mcp-Param-X", "a")]
    headers += [("Authorization", "Bearer ci-bot-key-0123456789-0123456789-0123456789")]
    headers.append((name, dict(headers)[name]))

    async with stage.http.post(
        f"{stage.url}/mcp/files", data=json.dumps(MODERN_CALL), headers=headers
    ) as answer:
        refused = await answer.json()

    assert (answer.status, refused["error"]["code"]) == (400, -32020)
    assert len(stage.server.seen) == before


async def test_a_name_encoded_in_base64_is_compared_decoded(stage):
    headers = HEADERS | {"Mcp-Name": "=?base64?cmVhZF9maWxl?="}

    answer = await stage.post(json.dumps(MODERN_CALL).encode(), headers)

    assert answer.text == "done: read_file"


async def test_a_modern_client_sends_no_answers_and_learns_unknown_methods_by_404(stage):
    reply = await stage.post(
        b'{"jsonrpc":"2.0","id":1,"result":{}}', {"MCP-Protocol-Version": "2026-07-28"}
    )
    unknown = await stage.post(
        json.dumps(message({"_meta": META}, "tools/execute")).encode(),
        modern_headers("tools/execute"),
    )

    assert (reply.status, reply.error["code"]) == (400, -32600)
    assert (unknown.status, unknown.error["code"]) == (404, -32601)
