"""Whatever callers and servers send: nothing breaks, and nothing runs that was not decided on."""

import json

import pytest
from fuzzing import GarblingServer, fuzzed
from gateway_stage import CI_BOT, META, MODERN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

EXAMPLES = max(200, settings.default.max_examples)
"""How many are tried: 10,000 with `--hypothesis-profile=long`."""

pytestmark = pytest.mark.timeout(600 + 2 * EXAMPLES)

hard = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

TOOLS = ["read_file", "drop_table", "write_file", "unlisted", "", "read_file ", "READ_FILE"]
METHODS = [
    *("tools/call", "tools/list", "initialize", "ping", "server/discover", "resources/read"),
    *("notifications/cancelled", "notifications/initialized", "tasks/get", "tasks/cancel"),
    *("subscriptions/listen", "logging/setLevel", "tools/Call", "tools/call ", "rpc", ""),
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from([2**63, -0.0, 1e308, "\ud800", "a" * 300, *TOOLS, *METHODS])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=6) | st.sampled_from(["name", "_meta"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@st.composite
def messages(draw):
    """Draw a message that is nearly right, as JSON text."""
    modern = draw(st.booleans())
    params = {"name": draw(st.sampled_from(TOOLS)), "arguments": {"path": draw(values)}}
    if modern:
        params["_meta"] = dict(META)
    method = draw(st.sampled_from(METHODS) | st.just("tools/call") | st.just("tools/call"))
    message = {"jsonrpc": "2.0", "id": draw(st.integers(0, 99)), "method": method, "params": params}
    for part in (message, params):
        for key in draw(st.lists(st.sampled_from(sorted(part)), max_size=1)):
            if draw(st.booleans()):
                part[key] = draw(values)
            else:
                del part[key]
        if draw(st.integers(0, 4)) == 0:
            extras = ["task", "requestState", "inputResponses", "Name", "Method", "result", "error"]
            part[draw(st.sampled_from(extras))] = draw(values)
    if draw(st.integers(0, 9)) == 0:
        spelt = st.sampled_from([str.title, str.upper, " {}".format])
        message = {draw(spelt)(key): value for key, value in message.items()}
    if draw(st.integers(0, 9)) == 0:
        message = draw(values | st.just([message]) | st.just([message, message]))
    return json.dumps(message, ensure_ascii=draw(st.booleans())).encode(errors="surrogatepass")


@st.composite
def bodies(draw):
    """Draw a body: a message, or one that was cut, doubled, spoilt or made of anything."""
    body = draw(messages())
    match draw(st.integers(0, 11)):
        case 0:
            return draw(st.binary(max_size=200))
        case 1:
            return body[: draw(st.integers(0, len(body)))]
        case 2:
            at = draw(st.integers(0, len(body)))
            return body[:at] + draw(st.binary(min_size=1, max_size=4)) + body[at:]
        case 3:
            doubled = b'"name":"read_file","name":"drop_table"'
            return body.replace(b'"name": "read_file"', doubled)
        case 4:
            return draw(st.sampled_from([b"\xef\xbb\xbf", b" ", b"\n\n", b"\0", b"/**/"])) + body
        case 5:
            return body + draw(st.sampled_from([b" ", b"\n", b"\0", b"{}", body]))
        case 6:
            return body.decode(errors="replace").encode("utf-16")
        case _:
            return body


def standard(body):
    """Return the headers that go with a body, as far as it can be read."""
    headers = [
        ("Host", "localhost"),
        ("Authorization", f"Bearer {CI_BOT}"),
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
    ]
    try:
        message = json.loads(body)
        params = message["params"]
    except (ValueError, TypeError, KeyError):
        return headers
    if isinstance(params, dict) and isinstance(params.get("_meta"), dict):
        headers.append(("MCP-Protocol-Version", MODERN))
        if isinstance(message.get("method"), str):
            headers.append(("Mcp-Method", message["method"]))
        if isinstance(params.get("name"), str):
            headers.append(("Mcp-Name", params["name"]))
    return headers


texts = st.text(st.characters(codec="latin-1", exclude_characters="\r\n"), max_size=12)
odd_headers = st.tuples(
    st.sampled_from(
        [
            *("Host", "Origin", "Authorization", "Content-Type", "Content-Length", "Accept"),
            *("Transfer-Encoding", "Content-Encoding", "Connection", "Expect", "Upgrade", "TE"),
            *("Mcp-Session-Id", "mcp-method", "MCP-NAME", "Mcp-Param-X", "MCP-Protocol-Version"),
            *("Last-Event-ID", "Forwarded", "X-Forwarded-For", "Cookie", "traceparent", "X y", ""),
        ]
    ),
    texts
    | st.sampled_from(
        [
            *(
                "localhost",
                "evil.example",
                "http://localhost",
                "null",
                "Bearer",
                f"Bearer {CI_BOT}",
            ),
            *("application/json", "text/plain", "application/json; charset=utf-16", "0", "5", "-1"),
            *("chunked", "gzip", "identity, chunked", "close", "keep-alive", "100-continue", "h2c"),
            *("tools/call", "read_file", "=?base64?cmVhZF9maWxl?=", "=?base64?!?=", MODERN),
            *("2025-11-25", "2024-11-05", "9999-99-99", "*/*", "text/event-stream;q=0", "a" * 9000),
        ]
    ),
)
lines = st.sampled_from(
    ["POST /mcp/files HTTP/1.1"] * 8
    + [
        *("GET /mcp/files HTTP/1.1", "DELETE /mcp/files HTTP/1.1", "PUT /mcp/files HTTP/1.1"),
        *(
            "POST /mcp/files?a=b HTTP/1.1",
            "POST /mcp/%66iles HTTP/1.1",
            "POST //mcp/files HTTP/1.1",
        ),
        *("POST http://evil.example/mcp/files HTTP/1.1", "POST /mcp/files HTTP/1.0"),
        *("POST /mcp/none HTTP/1.1", "POST /mcp/../mcp/files HTTP/1.1", "POST * HTTP/1.1", "x"),
        *(
            "post /mcp/files HTTP/1.1",
            "POST /v1/decisions HTTP/1.1",
            "GET /v1/audit HTTP/1.1",
            "POST /mcp/files HTTP/2.0",
            "OPTIONS /mcp/files HTTP/1.1",
        ),
    ]
)


@st.composite
def requests(draw):
    """Draw the bytes of one request, with a header or two that are odd, doubled or missing."""
    body = draw(bodies())
    headers = [*standard(body), ("Content-Length", str(len(body)))]
    if draw(st.integers(0, 2)) == 0:
        at = draw(st.integers(0, len(headers) - 1))
        headers[at : at + draw(st.integers(0, 1))] = draw(st.lists(odd_headers, max_size=2))
    if draw(st.integers(0, 9)) == 0:
        chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        headers = [*standard(body), ("Transfer-Encoding", "chunked")]
        body = draw(st.sampled_from([chunked, chunked[:-2], b"zz\r\n" + chunked]))
    head = [draw(lines), *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*head, "", ""]).encode("latin-1", "replace") + body


@st.composite
def conversations(draw):
    """Draw what one caller sends on a connection: requests, in pieces of any size; how many."""
    asked = draw(st.lists(requests(), min_size=1, max_size=3))
    sent = b"".join(asked)
    cuts = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=3)))
    pieces = [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    return pieces, len(asked)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    with fuzzed(f"sqlite:///{folder}/placet.db") as opened:
        yield opened


@hard
@given(conversations())
def test_whatever_a_caller_sends_nothing_breaks_and_nothing_runs_undecided(gateway, conversation):
    pieces, count = conversation

    answer = gateway.send(*pieces, answers=count)

    assert gateway.faults.seen == []
    assert answer == b"" or answer.startswith(b"HTTP/")
    assert b"Placet failed" not in answer
    assert gateway.undecided() == {}


results = st.sampled_from(
    [
        b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":true}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"\xc3\xa9\xe2\x80\xa8"}]}}',
        b'{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"\\u0000\\ud800"}}',
        b'{"jsonrpc":"2.0","id":2,"result":{}}',
        b'{"jsonrpc":"2.0","id":1,"result":{},"result":{"content":1e999}}',
        b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p"}}',
        b'{"jsonrpc":"2.0","id":"s","method":"sampling/createMessage","params":{}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","requestState":"x"}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"task","task":{"taskId":7}}}',
        b"[]",
        b"null",
        b'{"result":NaN}',
        b"[" * 5000,
        b'"' + b"x" * 100_000 + b'"',
    ]
) | st.binary(max_size=60)
ends = st.sampled_from([b"\n", b"\r\n", b"\r"])


@st.composite
def events(draw):
    """Draw a stream of events, nearly as they should be."""
    lines = []
    for _ in range(draw(st.integers(0, 4))):
        end = draw(ends)
        for field in draw(st.lists(st.sampled_from([b"id: 7", b"retry: 1", b": c", b"event: x"]))):
            lines += [field, end]
        body = draw(results)
        lines += [b"data: ", body.replace(b"\n", b" "), end]
        if draw(st.integers(0, 3)) == 0:
            lines += [b"data:", draw(results).replace(b"\n", b" "), end]
        lines.append(draw(st.sampled_from([end, end, end, b"", b"\n\n\n"])))
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + b"".join(lines)


@st.composite
def answers(draw):
    """Draw the bytes of an HTTP answer, in pieces of any size."""
    kind, body = draw(
        st.tuples(st.just(b"text/event-stream"), events())
        | st.tuples(st.just(b"application/json"), results)
        | st.tuples(st.binary(max_size=8), st.binary(max_size=40))
    )
    head = [draw(st.sampled_from([b"HTTP/1.1 200 OK"] * 6 + _STATUS_LINES))]
    head.append(b"Content-Type: " + kind.replace(b"\n", b"").replace(b"\r", b""))
    match draw(st.integers(0, 5)):
        case 0:
            head.append(b"Transfer-Encoding: chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
        case 1:
            head.append(b"Content-Length: %d" % (len(body) + draw(st.integers(-1, 1))))
        case 2:
            pass
        case _:
            head.append(b"Content-Length: %d" % len(body))
    head += draw(st.lists(st.sampled_from(_FIELDS), max_size=2))
    sent = draw(
        st.just(b"\r\n".join([*head, b"", b""]) + body)
        | st.just(b"\r\n".join([*head, b"", b""]) + body)
        | st.binary(max_size=100)
    )
    cuts = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=3)))
    return [sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)]


_STATUS_LINES = [
    *(b"HTTP/1.1 202 Accepted", b"HTTP/1.1 204 None", b"HTTP/1.1 302 Found", b"HTTP/1.1 401 No"),
    *(b"HTTP/1.1 404 No", b"HTTP/1.1 500 Oh", b"HTTP/1.1 503 \xe9\x01", b"HTTP/1.1 101 Switching"),
    *(b"HTTP/1.1 100 Continue", b"HTTP/1.0 200 OK", b"HTTP/2.0 200 OK", b"HTTP/1.1 2000 OK", b"x"),
    *(b"HTTP/1.1 304 Same", b"HTTP/1.1 103 Hints", b"HTTP/1.1 200", b"ICY 200 OK", b""),
]
_FIELDS = [
    *(b"Mcp-Session-Id: raw", b"Mcp-Session-Id: \xff\xfe", b"Mcp-Session-Id: a, b", b"X: \x01"),
    *(b"Content-Encoding: gzip", b"Connection: close", b"Connection: upgrade", b"Upgrade: h2c"),
    *(
        b"Location: http://evil.example/",
        b"WWW-Authenticate: Basic",
        b"Set-Cookie: a=b",
        b"X\xe9: 1",
    ),
    *(b"Content-Length: 5", b"Content-Type: text/plain", b"Transfer-Encoding: gzip", b": none"),
    *(
        b"Keep-Alive: timeout=0",
        b"Trailer: X",
        b"Retry-After: -1",
        b"Vary: *",
        b"X: " + b"y" * 9000,
    ),
]


@pytest.fixture(scope="module")
def garbling(tmp_path_factory):
    server = GarblingServer()
    folder = tmp_path_factory.mktemp("garbling")
    with fuzzed(f"sqlite:///{folder}/placet.db", server) as opened:
        yield opened, server


@hard
@given(
    answers(),
    st.booleans(),
    st.sampled_from(["read_file", "write_file"]),
    st.booleans(),
    st.sampled_from(["tools/call", "tools/call", "resources/list"]),
    st.integers(),
)
def test_whatever_a_server_answers_nothing_breaks_and_every_call_has_an_outcome(
    garbling, pieces, linger, tool, modern, method, number
):
    gateway, server = garbling
    server.garbage, server.linger = pieces, linger
    params = {"name": tool, "arguments": {"n": number}, "_meta": {"progressToken": "p"}}
    params["_meta"] |= META if modern else {}
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    body = json.dumps(message).encode()
    head = [f"{name}: {value}" for name, value in standard(body)]
    head = ["POST /mcp/files HTTP/1.1", *head, f"Content-Length: {len(body)}", "", ""]

    answer = gateway.send("\r\n".join(head).encode() + body)

    assert gateway.faults.seen == []
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    assert b"Placet failed" not in answer
    assert b"evil.example" not in answer
    assert gateway.undecided() == {}
    assert gateway.ended()
