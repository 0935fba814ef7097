"""Headers that repeat arguments say what the arguments say, or the call goes no further."""

import base64
import json

import pytest
from gateway_stage import META, RawServer, modern_headers, staged
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.shared.inbound import find_invalid_x_mcp_header, validate_mcp_param_headers

from gateway.wire.definitions import tool_of
from gateway.wire.errors import Rejected
from gateway.wire.mirrored_headers import check_mirrored, headers_for, mirrored_by
from policies.values.strict_json import parse

REGION = {"type": "string", "x-mcp-header": "Region"}
SCHEMA = {
    "type": "object",
    "properties": {
        "region": REGION,
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "dry": {"type": "boolean", "x-mcp-header": "Dry-Run"},
        "at": {
            "type": "object",
            "properties": {"zone": {"type": "string", "x-mcp-header": "Zone"}},
        },
        "other": {"type": "string"},
    },
}


def tool(schema):
    found = tool_of("files", parse(json.dumps({"name": "t", "inputSchema": schema}).encode()))
    assert found is not None
    return found


def arguments(text):
    return parse(text.encode())


def refused(text, headers, schema=SCHEMA, *, required=True):
    try:
        check_mirrored(tool(schema), arguments(text), headers, 7, required=required)
    except Rejected as rejected:
        return (rejected.status, rejected.code, rejected.id) == (400, -32020, 7)
    return False


def packed(text):
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("{}", {}),
        ('{"other": "x"}', {}),
        ('{"region": null}', {}),
        ('{"region": "eu"}', {"Mcp-Param-Region": "eu"}),
        ('{"region": ""}', {"Mcp-Param-Region": ""}),
        ('{"region": "eu"}', {"Mcp-Param-Region": packed("eu")}),
        ('{"region": "ü"}', {"Mcp-Param-Region": packed("ü")}),
        ('{"region": "SGVsbG8="}', {"Mcp-Param-Region": "SGVsbG8="}),
        ('{"region": "=?base64?SGVsbG8="}', {"Mcp-Param-Region": "=?base64?SGVsbG8="}),
        ('{"count": 42}', {"Mcp-Param-Count": "42"}),
        ('{"count": 42}', {"Mcp-Param-Count": "42.0"}),
        ('{"count": 42.0}', {"Mcp-Param-Count": "42"}),
        ('{"count": 4.2e1}', {"Mcp-Param-Count": "42"}),
        ('{"count": -0}', {"Mcp-Param-Count": "0"}),
        ('{"count": 12345678901234567890}', {"Mcp-Param-Count": "12345678901234567890"}),
        ('{"dry": true}', {"Mcp-Param-Dry-Run": "true"}),
        ('{"dry": false}', {"Mcp-Param-Dry-Run": "false"}),
        ('{"at": {"zone": "a"}}', {"Mcp-Param-Zone": "a"}),
        ('{"at": {"zone": null}}', {}),
        ('{"at": 3}', {}),
        ('{"region": ["eu"]}', {}),
        ("{}", {"Mcp-Param-Unknown": "whatever"}),
    ],
)
def test_headers_that_say_the_same_pass(text, headers):
    assert not refused(text, headers)


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ('{"region": "eu"}', {}),
        ('{"region": ""}', {}),
        ('{"region": "eu"}', {"Mcp-Param-Region": "us"}),
        ('{"region": "eu"}', {"Mcp-Param-Region": "EU"}),
        ('{"region": "Hello"}', {"Mcp-Param-Region": "=?base64?SGVsbG8?="}),
        ('{"region": "Hello"}', {"Mcp-Param-Region": "=?base64?SGVs!!!bG8=?="}),
        ('{"region": "Hello"}', {"Mcp-Param-Region": "=?base64?SGVsbG9=?="}),
        ('{"region": "\\ufffd"}', {"Mcp-Param-Region": "=?base64?/w==?="}),
        ("{}", {"Mcp-Param-Region": "eu"}),
        ('{"region": null}', {"Mcp-Param-Region": "null"}),
        ('{"region": ["eu"]}', {"Mcp-Param-Region": '["eu"]'}),
        ('{"region": 1}', {"Mcp-Param-Region": "2"}),
        ('{"count": 42}', {"Mcp-Param-Count": "43"}),
        ('{"count": 42}', {"Mcp-Param-Count": "042"}),
        ('{"count": 42}', {"Mcp-Param-Count": "42 "}),
        ('{"count": 42}', {"Mcp-Param-Count": "0x2a"}),
        ('{"count": "42"}', {"Mcp-Param-Count": "42.0"}),
        ('{"dry": true}', {"Mcp-Param-Dry-Run": "True"}),
        ('{"dry": true}', {"Mcp-Param-Dry-Run": "1"}),
        ('{"dry": 1}', {"Mcp-Param-Dry-Run": "true"}),
        ('{"at": {"zone": "a"}}', {"Mcp-Param-Zone": "b"}),
        ('{"zone": "a"}', {"Mcp-Param-Zone": "a"}),
    ],
)
def test_headers_that_say_something_else_or_nothing_are_refused(text, headers):
    assert refused(text, headers)


def test_a_header_may_be_missing_where_the_protocol_does_not_know_of_it():
    assert not refused('{"region": "eu"}', {}, required=False)
    assert refused('{"region": "eu"}', {"Mcp-Param-Region": "us"}, required=False)


@pytest.mark.parametrize(
    "schema",
    [
        True,
        [],
        {"x-mcp-header": "Region"},
        {"properties": {"a": {"type": "string", "x-mcp-header": ""}}},
        {"properties": {"a": {"type": "string", "x-mcp-header": "a b"}}},
        {"properties": {"a": {"type": "string", "x-mcp-header": "a\r\nb"}}},
        {"properties": {"a": {"type": "string", "x-mcp-header": 1}}},
        {"properties": {"a": {"type": "object", "x-mcp-header": "A"}}},
        {"properties": {"a": {"type": ["string"], "x-mcp-header": "A"}}},
        {"properties": {"a": {"x-mcp-header": "A"}}},
        {"properties": {"a": REGION, "b": {"type": "string", "x-mcp-header": "REGION"}}},
        {
            "properties": {
                "a": REGION,
                "b": {"type": "array", "items": REGION | {"x-mcp-header": "B"}},
            }
        },
        {"anyOf": [{"properties": {"a": REGION}}]},
        {"$defs": {"r": REGION}, "properties": {"a": {"$ref": "#/$defs/r"}}},
    ],
)
def test_a_schema_with_an_annotation_that_is_none_repeats_nothing(schema):
    assert mirrored_by(tool(schema)) == ()
    assert not refused('{"a": "x"}', {"Mcp-Param-Region": "other"}, schema)


def test_data_in_a_schema_are_no_annotations():
    schema = {"properties": {"a": REGION | {"default": {"x-mcp-header": "No"}}}}

    assert [mirrored.header for mirrored in mirrored_by(tool(schema))] == ["Mcp-Param-Region"]


def test_a_fraction_is_compared_where_it_is_repeated_and_may_be_missing():
    schema = {"properties": {"a": {"type": "number", "x-mcp-header": "A"}}}

    assert not refused('{"a": 1.50}', {}, schema)
    assert not refused('{"a": 1.50}', {"Mcp-Param-A": "1.5"}, schema)
    assert refused('{"a": 1.50}', {"Mcp-Param-A": "1.51"}, schema)


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**18), 10**18), st.text(), st.lists(st.booleans())
)
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "region": VALUES,
        "count": VALUES,
        "dry": VALUES,
        "at": st.one_of(VALUES, st.fixed_dictionaries({}, optional={"zone": VALUES})),
    },
)


@settings(deadline=None)
@given(given=ARGUMENTS)
def test_what_we_write_is_what_the_official_servers_and_we_expect(given):
    text = json.dumps(given)
    headers = headers_for(tool(SCHEMA), arguments(text))

    assert all(value.isascii() and value.isprintable() for value in headers.values())
    assert find_invalid_x_mcp_header(SCHEMA) is None
    assert validate_mcp_param_headers(SCHEMA, given, headers) is None
    assert not refused(text, headers)


@settings(deadline=None)
@given(
    given=ARGUMENTS,
    headers=st.dictionaries(
        st.sampled_from(["Region", "Count", "Dry-Run", "Zone"]),
        st.text(alphabet="aetruflse0142.=?b", max_size=6),
    ),
)
def test_what_the_official_servers_refuse_we_refuse(given, headers):
    sent = {f"Mcp-Param-{name}": value for name, value in headers.items()}

    if validate_mcp_param_headers(SCHEMA, given, sent) is not None:
        assert refused(json.dumps(given), sent)


async def test_a_call_is_refused_before_anything_is_decided(sqlite_url):
    server = RawServer()
    server.tools[1]["inputSchema"] = SCHEMA
    await server.start()
    params = {"name": "write_file", "arguments": {"region": "eu"}, "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    headers = modern_headers("tools/call", "write_file")

    async with staged(sqlite_url, server=server, hold="0s") as stage:
        missing = await stage.post(body.encode(), headers)
        other = await stage.post(body.encode(), headers | {"Mcp-Param-Region": "us"})
        undecided = await stage.topics()
        asked = await stage.post(body.encode(), headers | {"mcp-param-region": "eu"})
    await server.close()

    assert [(each.status, each.error["code"]) for each in (missing, other)] == [(400, -32020)] * 2
    assert "(argument `region`)" in missing.error["message"]
    assert undecided == []
    assert asked.told["status"] == "pending"


async def test_the_servers_gets_the_headers_as_they_came(sqlite_url):
    server = RawServer()
    server.tools[0]["inputSchema"] = SCHEMA
    await server.start()
    params = {"name": "read_file", "arguments": {"region": "eu"}, "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    headers = modern_headers("tools/call", "read_file")
    headers |= {"Mcp-Param-Region": packed("eu"), "Mcp-Param-Unknown": "passes"}

    async with staged(sqlite_url, server=server) as stage:
        answer = await stage.post(body.encode(), headers)
        (seen,) = [headers for _, headers, body in server.seen if b"tools/call" in body]
    await server.close()

    assert answer.status == 200
    assert (seen["Mcp-Param-Region"], seen["Mcp-Param-Unknown"]) == (packed("eu"), "passes")
