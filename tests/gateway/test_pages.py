"""Pages of origins that may call are told so (Fetch, CORS protocol); those of others are not."""

import asyncio
import json

import pytest
from aiohttp import web
from fuzzing import fuzzed
from gateway_stage import CI_BOT, META, modern_headers, staged
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from token_stage import taking_tokens

APP = "https://app.example.com"
LOCAL = "http://localhost:5173"
ASKS = {"Access-Control-Request-Method": "POST"}
LEGACY = {"MCP-Protocol-Version": "2025-11-25"}
LISTING = b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}'
SHOWN = "MCP-Protocol-Version, Mcp-Session-Id, WWW-Authenticate, Retry-After, Allow"
NAMED = {
    "Access-Control-Allow-Origin": APP,
    "Access-Control-Expose-Headers": SHOWN,
    "Vary": "Origin",
}
HEADERS = (
    "Accept, Authorization, Content-Type, Last-Event-ID, "
    "MCP-Protocol-Version, Mcp-Method, Mcp-Name, Mcp-Session-Id, "
    "baggage, traceparent, tracestate"
)
ELSEWHERE = ["https://evil.example", "null", "http://localhost@evil.example", f"{APP}.evil.example"]


def letting_in(text):
    """Let the app's origin in."""
    return text.replace("gateway: {", f'gateway: {{allowed_origins: ["{APP}"], ')


@pytest.fixture
async def stage(sqlite_url):
    async with staged(sqlite_url, rewrite=letting_in) as opened:
        yield opened


def of_pages(headers):
    """Return the headers that say something to pages."""
    return {
        name: value
        for name, value in headers.items()
        if name.lower().startswith("access-control-") or name == "Vary"
    }


async def asked(stage, path, headers):
    """Ask as a browser does before a page may call, and return status, headers and body."""
    async with stage.http.options(f"{stage.url}{path}", headers=headers) as answer:
        return answer.status, answer.headers, await answer.read()


@pytest.mark.parametrize("origin", [APP, LOCAL, "http://127.0.0.1:1", "http://[::1]:3000"])
@pytest.mark.parametrize(
    "path",
    [
        *("/mcp/files", "/mcp/nowhere", "/mcp/files/", "/v1/decisions", "/v1/decisions/x"),
        *("/v1/nothing", "/.well-known/oauth-protected-resource/mcp/files"),
    ],
)
async def test_a_page_that_may_call_is_told_so_without_a_key(stage, path, origin):
    status, headers, body = await asked(stage, path, ASKS | {"Origin": origin})

    assert (status, body) == (204, b"")
    assert of_pages(headers) == {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "GET, POST, DELETE",
        "Access-Control-Allow-Headers": HEADERS,
        "Access-Control-Expose-Headers": SHOWN,
        "Access-Control-Max-Age": "7200",
        "Vary": "Origin, Access-Control-Request-Headers",
    }


async def test_a_page_reaches_into_a_private_network_where_its_browser_asks(stage):
    wish = {"Origin": APP, "Access-Control-Request-Private-Network": "true"}

    _, headers, _ = await asked(stage, "/mcp/files", ASKS | wish)

    assert headers["Access-Control-Allow-Private-Network"] == "true"


@pytest.mark.parametrize("origin", ELSEWHERE)
@pytest.mark.parametrize("path", ["/mcp/files", "/mcp/files/", "/v1/decisions"])
async def test_a_page_of_another_origin_is_refused_and_told_nothing(stage, path, origin):
    for headers in (ASKS | {"Origin": origin}, {"Origin": origin}):
        status, told, _ = await asked(stage, path, headers)

        assert status == 403
        assert of_pages(told) == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": APP, "Host": "evil.example"},
        [("Origin", APP), ("Origin", LOCAL)],
        [("Origin", APP), ("Origin", "https://evil.example")],
    ],
)
async def test_an_origin_that_is_in_doubt_is_told_nothing(stage, headers):
    listed = [*(headers.items() if isinstance(headers, dict) else headers), *ASKS.items()]

    status, told, _ = await asked(stage, "/mcp/files", listed)

    assert status in {403, 405}
    assert of_pages(told) == {}


@pytest.mark.parametrize("headers", [{}, ASKS, {"Origin": APP}])
async def test_options_that_no_browser_asks_beforehand_are_refused(stage, headers):
    status, _, _ = await asked(stage, "/mcp/files", headers)

    assert status == 405


async def test_a_page_that_only_shares_our_host_is_let_in_but_told_nothing(sqlite_url):
    def hosted(text):
        return text.replace("gateway: {", 'gateway: {allowed_hosts: ["placet.example"], ')

    async with staged(sqlite_url, rewrite=hosted) as stage:
        for origin in ("http://placet.example", "https://placet.example:8443"):
            status, told, _ = await asked(stage, "/mcp/files", ASKS | {"Origin": origin})
            answer = await stage.post(LISTING, LEGACY | {"Origin": origin})

            assert (status, answer.status) == (405, 200)
            assert of_pages(told) == of_pages(answer.headers) == {}


names = st.text("!#$%&'*+.^_`|~-azAZ09", min_size=1, max_size=12)
wishes = st.sampled_from(["content-type", "cookie", "x-api-key", "Mcp-Param-", "mcp-params-x"])


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    with fuzzed(f"sqlite:///{folder}/placet.db") as opened:
        yield opened


fuzz = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fuzz
@given(
    st.lists(names.map("Mcp-Param-{}".format) | names | wishes, max_size=6),
    st.sampled_from([",", " , "]),
)
@example(["mcp-param-Region", "MCP-PARAM-REGION"], ",")
def test_headers_that_repeat_arguments_may_be_sent_and_no_others_of_the_servers(
    gateway, wished, between
):
    wish = between.join(wished)
    head = f"OPTIONS /mcp/files HTTP/1.1\r\nHost: localhost\r\nOrigin: {LOCAL}\r\n"
    head += f"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: {wish}\r\n"

    answer = gateway.send(f"{head}Connection: close\r\n\r\n".encode()).decode()

    allowed = answer.partition("Access-Control-Allow-Headers: ")[2].partition("\r\n")[0]
    mirrored = {
        name.lower() for name in wished if name.lower().removeprefix("mcp-param-") != name.lower()
    }
    assert answer.startswith("HTTP/1.1 204 ")
    assert allowed.startswith(HEADERS)
    assert set(allowed.removeprefix(HEADERS).split(", ")) - {""} == mirrored - {"mcp-param-"}


@fuzz
@given(
    st.sampled_from(["OPTIONS", "POST", "GET"]),
    st.binary(max_size=20).filter(lambda raw: not set(raw) & set(b"\r\n\0"))
    | st.sampled_from([b"*", b"null", b"http://localhost:5173/", b"http://localhost, http://x"]),
    st.sampled_from([b"", b"http://localhost", b"https://localhost:", b"HTTP://[::1]"]),
)
def test_whatever_an_origin_is_it_alone_is_named_and_never_all_of_them(
    gateway, method, tail, before
):
    origin = before + tail
    head = f"{method} /mcp/files HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n".encode()
    head += b"Content-Length: 0\r\nAccess-Control-Request-Method: POST\r\nOrigin: " + origin

    answer = gateway.send(head + b"\r\n\r\n")

    begin = b"Access-Control-Allow-Origin: "
    named = [line for line in answer.split(b"\r\n") if line.startswith(begin)]
    assert named in ([], [begin + origin.strip(b" \t")])
    assert b"Allow-Origin: *" not in answer
    assert b"Allow-Credentials" not in answer
    assert bool(named) == (answer.split()[1] != b"400" and b"-31002" not in answer)
    assert gateway.faults.seen == []


async def test_a_page_reads_what_it_is_answered(stage):
    answer = await stage.post(LISTING, LEGACY | {"Origin": APP})

    assert answer.status == 200
    assert of_pages(answer.headers) == NAMED


@pytest.mark.parametrize(
    ("body", "headers", "key", "status"),
    [
        (LISTING, {}, None, 401),
        (LISTING, {"Content-Type": "text/plain"}, CI_BOT, 415),
        (b"{", {}, CI_BOT, 400),
        (LISTING, {"Mcp-Session-Id": "of nobody"}, CI_BOT, 404),
    ],
)
async def test_a_page_reads_why_it_is_refused(stage, body, headers, key, status):
    answer = await stage.post(body, LEGACY | headers | {"Origin": APP}, key=key)

    assert answer.status == status
    assert of_pages(answer.headers) == NAMED


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("PUT", "/mcp/files", CI_BOT, 405),
        ("GET", "/mcp/nowhere", CI_BOT, 404),
        ("GET", "/nowhere", CI_BOT, 404),
        ("GET", "/v1/openapi.json", None, 200),
        ("GET", "/v1/decisions/x", None, 401),
        ("GET", "/v1/approvals", CI_BOT, 403),
        ("GET", "/v1/decisions", CI_BOT, 405),
    ],
)
async def test_a_page_reads_what_it_is_answered_at_any_path(stage, method, path, key, status):
    headers = {"Origin": APP} | ({"Authorization": f"Bearer {key}"} if key else {})

    async with stage.http.request(method, stage.url + path, headers=headers) as answer:
        assert answer.status == status
        assert of_pages(answer.headers) == NAMED


async def test_a_page_reads_that_there_is_no_room_and_that_the_server_is_gone(sqlite_url):
    full = "capacity: {requests_per_agent: 1}, "
    async with staged(
        sqlite_url,
        rewrite=lambda text: letting_in(text).replace("gateway: {", f"gateway: {{{full}"),
    ) as stage:
        stage.server.gate.clear()
        running = asyncio.create_task(stage.call("read_file"))
        await stage.server.running.wait()
        crowded = await stage.post(LISTING, LEGACY | {"Origin": APP})
        stage.server.gate.set()
        await running
        await stage.server.close()
        gone = await stage.post(LISTING, LEGACY | {"Origin": APP})

        assert (crowded.status, gone.status) == (429, 502)
        assert of_pages(crowded.headers) == of_pages(gone.headers) == NAMED


def calling(tool, **meta):
    """Return the body and the headers of a page's call."""
    params = {"name": tool, "arguments": {}, "_meta": META | meta}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return json.dumps(message).encode(), modern_headers("tools/call", tool) | {"Origin": APP}


def saying(body, content_type):
    """Return what answers with headers that would let any page read, and send keys."""

    async def reply(_message, _request):
        headers = {
            "Content-Type": content_type,
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Credentials": "true",
            "Vary": "*",
        }
        return web.Response(body=body, headers=headers)

    return reply


@pytest.mark.parametrize(
    ("content_type", "begin"), [("application/json", b""), ("text/event-stream", b"data: ")]
)
async def test_what_a_server_says_of_pages_is_not_handed_on(stage, content_type, begin):
    answer = b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"resultType":"complete"}}'
    stage.server.reply = saying(begin + answer + b"\n\n", content_type)
    body, headers = calling("read_file")

    told = await stage.post(body, headers)
    others = await stage.post(body, {**headers, "Origin": ""})

    assert told.headers["Content-Type"] == content_type
    assert of_pages(told.headers) == NAMED
    assert of_pages(others.headers) == {}


async def test_a_page_reads_the_stream_of_a_call_that_is_held(sqlite_url):
    own = ", hold: 10m"
    async with staged(sqlite_url, rewrite=letting_in, hold="0s", own=own) as stage:
        body, headers = calling("write_file", progressToken="p")

        held = asyncio.create_task(stage.post(body, headers))
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
        answer = await held

        assert answer.headers["Content-Type"] == "text/event-stream"
        assert b"done: write_file" in answer.body
        assert of_pages(answer.headers) == NAMED


async def test_a_page_opens_the_stream_of_a_session(stage):
    headers = {"Authorization": f"Bearer {CI_BOT}", "Accept": "text/event-stream", "Origin": APP}

    async with stage.http.get(f"{stage.url}/mcp/files", headers=headers | LEGACY) as answer:
        assert answer.status == 200
        assert of_pages(answer.headers) == NAMED


async def test_who_is_no_page_is_told_nothing_also_after_one_on_the_same_connection(stage):
    host = stage.url.removeprefix("http://")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    heads = []

    for own in ("", f"Origin: {APP}\r\n", "", f"Origin: {LOCAL}\r\n", ""):
        head = f"POST /mcp/files HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {CI_BOT}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(LISTING)}\r\n{own}\r\n"
        writer.write(head.encode() + LISTING)
        found = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(found.lower().partition("content-length: ")[2].partition("\r\n")[0])
        await reader.readexactly(length)
        heads.append(found)
    writer.close()

    named = [head.partition("Allow-Origin: ")[2].partition("\r\n")[0] for head in heads]
    assert named == ["", APP, "", LOCAL, ""]
    assert [head.count("Vary") for head in heads] == [0, 1, 0, 1, 0]


async def test_pages_that_may_call_read_who_makes_tokens(sqlite_url, issuer):
    async with taking_tokens(sqlite_url, issuer) as stage:
        url = f"{stage.url}/.well-known/oauth-protected-resource/mcp/files"
        host = {"Host": "placet.acme.example"}
        told = {}
        for origin in (LOCAL, "https://evil.example", ""):
            headers = host | ({"Origin": origin} if origin else {})
            async with stage.http.get(url, headers=headers) as answer:
                assert answer.status == 200
                told[origin] = of_pages(answer.headers)

        assert told[LOCAL] == NAMED | {"Access-Control-Allow-Origin": LOCAL}
        assert told["https://evil.example"] == told[""] == {"Vary": "Origin"}
