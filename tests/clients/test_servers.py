"""Servers that others wrote, behind Placet: their tools, and calls allowed, denied, approved."""

import contextlib
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from clients.conftest import DRIVERS, FOLDER, NODE
from clients.driven import Driven, Place, running
from mcp import Client, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from ports import free_port
from processes import serving
from scenarios.stage import BOB, CI_BOT, Stage

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

NPM = NODE / "node_modules" / "@modelcontextprotocol"
FIXTURE = NODE.parent / "conformance" / "fixture_server.py"
POLICY = """\
version: 1
default: require_approval
rules:
  - name: harmless
    match:
      tool: [read_*, get-structured-content, convert_time, git_status, test_*, get-roots*, trigger*]
    effect: allow
  - name: forbidden
    match: {tool: [move_file, drop_*, get-env, get_current_time, git_reset, test_error_*]}
    effect: deny
    message: that is done by people
  - {name: far, match: {tool: convert_time}, when: args.time == "12:30", effect: require_approval}
  - {name: free, match: {tool: analyze}, when: args.name == "freely", effect: allow}
  - {name: sounds, match: {tool: test_audio_content}, effect: require_approval}
"""


@dataclass(frozen=True)
class Case:
    """A server: the era it speaks at most, and a call of each kind as (tool, arguments)."""

    name: str
    version: str
    allowed: tuple[str, dict[str, Any]]
    denied: tuple[str, dict[str, Any]]
    asked: tuple[str, dict[str, Any]]


MODERN, LEGACY = "2026-07-28", "2025-11-25"
_ZONES = {"source_timezone": "Europe/Berlin", "target_timezone": "Asia/Tokyo"}
CASES = [
    Case(
        "filesystem",
        MODERN,
        ("read_text_file", {"path": "FOLDER/old.txt"}),
        ("move_file", {"source": "FOLDER/old.txt", "destination": "FOLDER/new.txt"}),
        ("write_file", {"path": "FOLDER/new.txt", "content": "Grüße\n"}),
    ),
    *(
        Case(
            name,
            version,
            ("get-structured-content", {"location": "Chicago"}),
            ("get-env", {}),
            ("get-annotated-message", {"messageType": "error", "includeImage": True}),
        )
        for name, version in (("everything", MODERN), ("everything-http", LEGACY))
    ),
    Case(
        "time",
        MODERN,
        ("convert_time", {**_ZONES, "time": "09:15"}),
        ("get_current_time", {"timezone": "UTC"}),
        ("convert_time", {**_ZONES, "time": "12:30"}),
    ),
    Case(
        "git",
        MODERN,
        ("git_status", {"repo_path": "FOLDER"}),
        ("git_reset", {"repo_path": "FOLDER"}),
        ("git_add", {"repo_path": "FOLDER", "files": ["old.txt"]}),
    ),
    Case(
        "fixture",
        MODERN,
        ("test_multiple_content_types", {}),
        ("test_error_handling", {}),
        ("test_audio_content", {}),
    ),
    Case(
        "tasks",
        MODERN,
        ("read_sample", {"name": "a"}),
        ("drop_sample", {"name": "a"}),
        ("analyze", {"name": "a"}),
    ),
]

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
modes = pytest.mark.parametrize("mode", ["auto", "legacy"])


class Before(Stage):
    """Placet before all of them; calls of ci-bot are not held."""

    servers: dict[str, dict[str, Any]]

    def configuration(self, replica):
        settings = json.loads(super().configuration(replica))
        settings["servers"] = {
            name: {**server, "team": "platform"} for name, server in self.servers.items()
        }
        settings["agents"]["ci-bot"]["hold"] = "0s"
        return json.dumps(settings, indent=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give a folder with a file in it, which is a repository as well."""
    folder = tmp_path_factory.mktemp("folder").resolve()
    (folder / "old.txt").write_text("what was\n")
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", folder], check=True)
    return folder


@pytest.fixture(scope="module")
def servers(node, clients_python, folder):
    """Give the sections of placet.yaml; what speaks HTTP is running."""
    everything = NPM / "server-everything" / "dist" / "index.js"
    over_http, fixture, tasks = free_port(), free_port(), free_port()
    with (
        serving([node, everything, "streamableHttp"], over_http, {"PORT": str(over_http)}),
        serving([sys.executable, FIXTURE, str(fixture)], fixture),
        serving([clients_python, FOLDER / "tasks_server.py", str(tasks)], tasks),
    ):
        commands = {
            "filesystem": [node, NPM / "server-filesystem" / "dist" / "index.js", folder],
            "everything": [node, everything, "stdio"],
            "time": [clients_python, "-m", "mcp_server_time", "--local-timezone", "UTC"],
            "git": [clients_python, "-m", "mcp_server_git", "--repository", folder],
        }
        yield {
            **{name: {"command": [*map(str, words)]} for name, words in commands.items()},
            "everything-http": {"url": f"http://127.0.0.1:{over_http}/mcp"},
            "fixture": {"url": f"http://127.0.0.1:{fixture}/mcp"},
            "tasks": {"url": f"http://127.0.0.1:{tasks}/mcp"},
        }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def placet(servers, tmp_path_factory):
    """Give a stage with one `placet serve` before the servers."""
    folder = tmp_path_factory.mktemp("placet")
    stage = Before(folder, f"sqlite:///{folder}/placet.db", POLICY, "500ms")
    stage.servers = servers
    await stage.open()
    try:
        await stage.serve()
        yield stage
    finally:
        await stage.close()


@contextlib.asynccontextmanager
async def through(placet, case, mode, **more):
    """Connect to a server through Placet."""
    url = f"http://{placet.replicas[0].agents}/mcp/{case.name}"
    headers = {"Authorization": f"Bearer {CI_BOT}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode, **more) as client,
    ):
        yield client


@contextlib.asynccontextmanager
async def directly(servers, case, mode, **more):
    """Connect to a server, or start it."""
    server = servers[case.name]
    if "url" in server:
        async with Client(server["url"], mode=mode, **more) as client:
            yield client
    else:
        program, *words = server["command"]
        async with Client(
            stdio_client(StdioServerParameters(command=program, args=words)), mode="legacy", **more
        ) as client:
            yield client


def call(client, request, folder):
    """Make a call with the folder's name where FOLDER stands."""
    tool, arguments = request
    text = json.dumps(arguments).replace("FOLDER", str(folder))
    return client.call_tool(tool, json.loads(text))


def undo(folder):
    """Undo in the folder what approved calls do there."""
    (folder / "new.txt").unlink(missing_ok=True)
    forget = ["rm", "--quiet", "--cached", "--ignore-unmatch", "old.txt"]
    subprocess.run(["git", "-C", folder, *forget], check=True)


def shown(result):
    return result.content, result.structured_content, bool(result.is_error)


def listed(case, found):
    """Return the tools as they are listed, but for the one that is denied."""
    return [tool for tool in found.tools if tool.name != case.denied[0]]


@cases
@modes
async def test_the_tools_are_those_that_the_server_lists(case, mode, placet, servers):
    async with directly(servers, case, mode) as client:
        direct = await client.list_tools()

    async with through(placet, case, mode) as client:
        found = await client.list_tools()
        version = client.protocol_version

    assert listed(case, found) == listed(case, direct)
    assert len(direct.tools) > 1
    assert version == (LEGACY if mode == "legacy" else case.version)


@cases
@modes
async def test_allowed_calls_answer_what_the_server_answers_and_denied_ones_say_why(
    case, mode, placet, servers, folder
):
    async with directly(servers, case, mode) as client:
        direct = await call(client, case.allowed, folder)

    async with through(placet, case, mode) as client:
        allowed = await call(client, case.allowed, folder)
        denied = await call(client, case.denied, folder)

    assert shown(allowed) == shown(direct)
    assert not allowed.is_error
    assert denied.is_error
    assert "that is done by people" in denied.content[0].text


async def sampled(_context, _params):
    text = types.TextContent(type="text", text="a model's words")
    return types.CreateMessageResult(role="assistant", content=text, model="none")


async def elicited(_context, _params):
    return types.ElicitResult(action="decline")


async def rooted(_context):
    return types.ListRootsResult(roots=[types.Root(uri="file:///tmp/here")])


CAPABLE = {
    "sampling_callback": sampled,
    "elicitation_callback": elicited,
    "list_roots_callback": rooted,
}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("trigger-sampling-request", {"prompt": "say something", "maxTokens": 9}),
        ("trigger-elicitation-request", {}),
        ("get-roots-list", {}),
    ],
)
async def test_tools_that_ask_the_client_are_listed_to_those_who_can_answer_and_answer_alike(
    tool, arguments, placet, servers
):
    (case,) = (case for case in CASES if case.name == "everything-http")
    async with directly(servers, case, "legacy", **CAPABLE) as client:
        direct = await client.call_tool(tool, arguments)

    async with through(placet, case, "legacy", **CAPABLE) as client:
        found = await client.list_tools()
        allowed = await client.call_tool(tool, arguments)

    assert tool in {each.name for each in found.tools}
    assert shown(allowed) == shown(direct)
    assert not allowed.is_error


@cases
@modes
async def test_an_approved_call_answers_what_the_server_answers(
    case, mode, placet, servers, folder
):
    undo(folder)
    async with through(placet, case, mode) as client:
        pending = await call(client, case.asked, folder)
        approval = pending.meta["placet/decision"]["approval"]
        told = await placet.press(BOB, "approval.approve", saying=approval)
        approved = await call(client, case.asked, folder)

    undo(folder)
    async with directly(servers, case, mode) as client:
        direct = await call(client, case.asked, folder)

    assert pending.is_error
    assert "Approved" in told
    assert shown(approved) == shown(direct)
    assert not approved.is_error


async def test_a_task_of_the_server_is_driven_through_placet(placet, clients_python):
    place = Place(f"http://{placet.replicas[0].agents}/mcp/tasks", CI_BOT)
    driver = await Driven.start(clients_python, DRIVERS / "fastmcp_4.py", "tasks")
    async with running(driver) as client:
        done = await client.call(place, "analyze", name="freely").result()

    assert done["structuredContent"] == {"result": "analyzed freely"}


async def test_a_call_that_waited_as_a_task_goes_on_as_the_servers_own_task(placet, clients_python):
    place = Place(f"http://{placet.replicas[0].agents}/mcp/tasks", CI_BOT)
    driver = await Driven.start(clients_python, DRIVERS / "fastmcp_4.py", "tasks")
    async with running(driver) as client:
        call = client.call(place, "analyze", name="sample-b")
        told = await placet.press(BOB, "approval.approve", saying="sample-b")
        done = await call.result()

    assert "Approved" in told
    assert done["structuredContent"] == {"result": "analyzed sample-b"}
