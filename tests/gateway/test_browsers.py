"""Pages in a real browser call by the official clients, where their origin may."""

import asyncio
import contextlib
import json
import subprocess
from itertools import product
from pathlib import Path

import pytest
from aiohttp import web
from gateway_stage import (
    CI_BOT,
    META,
    RawServer,
    modern_headers,
    staged,
    staged_before,
    until,
)
from playwright.async_api import async_playwright

from ledger.lives.approvals import ApprovalStatus

NODE = Path(__file__).parent.parent / "node"
ROLLDOWN = NODE / "node_modules" / "rolldown" / "bin" / "cli.mjs"
KINDS = ["sdk1", "legacy", "auto"]
TOOLS = ("read_note", "write_note", "read_slowly", "write_slowly", "read_badly")
EVERYWHERE_HERE = "--host-resolver-rules=MAP *.example 127.0.0.1"
FETCHED = """async ([url, headers, message]) => {
  const both = "application/json, text/event-stream";
  const given = { "Content-Type": "application/json", Accept: both };
  const sent = { method: "POST", headers: { ...given, ...headers }, body: message };
  try {
    const answer = await fetch(url, sent);
    return [answer.status, answer.headers.get("WWW-Authenticate")];
  } catch (error) {
    return error.name;
  }
}"""


@pytest.fixture
async def context(chromium):
    """Give a browser to which all hosts under `.example` are this machine."""
    async with async_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", EVERYWHERE_HERE]
        launched = await playwright.chromium.launch(executable_path=chromium, args=options)
        yield await launched.new_context()
        await launched.close()


@pytest.fixture(scope="module")
def bundle(node, tmp_path_factory):
    """Give the script of a page with the official clients."""
    written = tmp_path_factory.mktemp("bundle") / "page.js"
    options = ["--platform", "browser", "--format", "esm", "--file", str(written)]
    command = [str(node), str(ROLLDOWN), "page.mjs", *options]
    subprocess.run(command, cwd=NODE, check=True, capture_output=True)
    return written.read_text()


@contextlib.asynccontextmanager
async def paged(script):
    """Serve a page at every host of this machine; give the port."""

    async def page(_):
        text = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js">'
        return web.Response(text=f"{text}</script>", content_type="text/html")

    async def code(_):
        return web.Response(text=script, content_type="text/javascript")

    application = web.Application()
    application.router.add_get("/", page)
    application.router.add_get("/page.js", code)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@pytest.fixture
async def scene(sqlite_url, sdk_server, bundle, context):
    """Give a gateway, and what opens a page of a host."""
    async with paged(bundle) as port:

        def letting_in(text):
            allowed = f'allowed_origins: ["http://app.example:{port}"]'
            return text.replace("gateway: {", f"gateway: {{{allowed}, ")

        async def opened(host):
            page = await context.new_page()
            await page.goto(f"http://{host}:{port}/")
            await page.wait_for_function("globalThis.used !== undefined")
            return page

        own = ", hold: 5m"
        async with staged(
            sqlite_url, hold="0s", own=own, server=sdk_server, rewrite=letting_in
        ) as stage:
            yield stage, opened


def use(stage, kind, calls):
    """Return what a page is to do."""
    return "(args) => used(...args)", [kind, f"{stage.url}/mcp/files", CI_BOT, calls]


async def using(stage, page, kind):
    """Have a page list the tools, call one and wait for another; return what it got."""
    calls = [["read_note", {"name": kind}], ["write_note", {"name": kind, "text": "x"}]]
    using = asyncio.create_task(page.evaluate(*use(stage, kind, calls)))

    async def waits():
        return using.done() or await stage.ledger.approvals(ApprovalStatus.PENDING)

    waiting = await until(waits)
    if waiting is not True:
        await stage.decide(waiting[0].id)
    return await using


async def test_pages_list_tools_and_call_them_also_one_that_waits(scene):
    stage, opened = scene
    found = {}

    for host, kind in product(["app.example", "localhost"], KINDS):
        found[host, kind] = await using(stage, await opened(host), f"{kind}")

    assert [told.get("raised") for told in found.values()] == [None] * 6
    assert {tuple(told["tools"]) for told in found.values()} == {TOOLS}
    assert [told["texts"][1] for told in found.values()] == [
        *("sdk1: x", "legacy: x", "auto: x", "sdk1: xx", "legacy: xx", "auto: xx"),
    ]


async def test_pages_of_other_origins_can_do_nothing(scene):
    stage, opened = scene
    page = await opened("evil.example")

    found = [await page.evaluate(*use(stage, kind, [["read_note", {}]])) for kind in KINDS]

    assert ["Failed to fetch" in told["raised"] for told in found] == [True] * 3
    assert await stage.topics() == []


async def test_a_page_sees_what_is_wrong_with_its_key_and_others_see_nothing(scene):
    stage, opened = scene
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
    good = {"Authorization": f"Bearer {CI_BOT}", "Mcp-Param-Region": "eu"}
    page, other = await opened("app.example"), await opened("evil.example")

    async def fetched(where, own):
        headers = modern_headers("tools/list") | own
        url = f"{stage.url}/mcp/files"
        return await where.evaluate(FETCHED, [url, headers, json.dumps(message)])

    assert await fetched(page, {}) == [401, 'Bearer realm="placet"']
    assert await fetched(page, {"X-Other": "1"}) == "TypeError"
    assert await fetched(page, good) == [200, None]
    assert await fetched(other, good) == "TypeError"


CALLING = """<!doctype html><script>
  const [headers, message] = %s;
  const sent = new XMLHttpRequest();
  sent.open("POST", "/mcp/files", false);
  for (const [name, value] of Object.entries(headers)) sent.setRequestHeader(name, value);
  sent.send(JSON.stringify(message));
</script>"""


class Paging(RawServer):
    """A server that answers browsers with a page, which calls a tool where it came from."""

    async def _stream(self, request, number):
        if "text/html" not in request.headers["Accept"]:
            return await super()._stream(request, number)
        headers = modern_headers("tools/call", "read_file") | {"Content-Type": "application/json"}
        params = {"name": "read_file", "arguments": {}, "_meta": META}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        text = CALLING % json.dumps([headers, message])
        return web.Response(text=text, content_type="text/html")


async def test_a_page_that_a_server_answers_with_can_do_nothing(sqlite_url, context):
    guest = "  guest: {team: platform, owner: alice, anonymous: true}"
    async with staged_before(sqlite_url, Paging(), agents=guest) as stage:
        page = await context.new_page()
        answer = await page.goto(f"{stage.url}/mcp/files")

        assert answer.status == 200
        assert stage.server.calls() == []
        assert await stage.topics() == []
