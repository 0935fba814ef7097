"""The demo's server: real effects in one folder, and nowhere else."""

import contextlib
import os
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.shared.exceptions import MCPError

from placet_demo_files import demo_server
from placet_demo_folder import NotDone, ScratchFolder


def names(folder: Path) -> list[str]:
    return sorted(found.name for found in folder.iterdir())


@pytest.fixture
def folder(tmp_path):
    inside = tmp_path / "scratch"
    inside.mkdir()
    (tmp_path / "outside.txt").write_text("secret")
    (inside / "notes.txt").write_text("hello")
    return inside


@pytest.fixture
async def url(folder):
    server = TestServer(demo_server(folder))
    await server.start_server()
    yield str(server.make_url("/mcp"))
    await server.close()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_official_clients_of_both_eras_change_real_files(url, folder, mode):
    async with Client(url, mode=mode) as client:
        listed = await client.list_tools()
        written = await client.call_tool("write_file", {"path": "new/a.txt", "content": "one"})
        read = await client.call_tool("read_file", {"path": "new/a.txt"})
        deleted = await client.call_tool("delete_file", {"path": "notes.txt"})

    assert [tool.name for tool in listed.tools] == [
        "list_files",
        "read_file",
        "write_file",
        "delete_file",
    ]
    assert written.content[0].text == "wrote 3 bytes to new/a.txt"
    assert read.content[0].text == "one"
    assert deleted.is_error is False
    assert (folder / "new" / "a.txt").read_text() == "one"
    assert not (folder / "notes.txt").exists()


async def test_what_a_tool_cannot_do_is_a_result_with_the_reason(url):
    async with Client(url) as client:
        missing = await client.call_tool("read_file", {"path": "none.txt"})
        unknown = await client.call_tool("read_file", {"name": "notes.txt"})

    assert missing.is_error
    assert missing.content[0].text == "`none.txt`: No such file or directory"
    assert unknown.content[0].text == "`read_file` takes `path`"


async def test_a_tool_that_is_not_there_is_an_error(url):
    async with Client(url) as client:
        with pytest.raises(MCPError, match="no such tool"):
            await client.call_tool("drop_everything", {})


def test_the_old_text_is_kept(folder):
    ScratchFolder(folder).write_file({"path": "notes.txt", "content": "new"})

    assert (folder / "notes.txt").read_text() == "new"
    assert (folder / "notes.txt.previous").read_text() == "hello"


def test_files_are_listed_with_their_sizes(folder):
    assert ScratchFolder(folder).list_files({}) == "notes.txt (5 bytes)"


@pytest.mark.parametrize(
    "path",
    [
        "../outside.txt",
        "/etc/passwd",
        "a/../../outside.txt",
        "..",
        ".",
        "",
        "a//b",
        "./notes.txt",
        "notes.txt/",
        "notes.txt\0.png",
        "link.txt",
        "linked/outside.txt",
        "pipe",
        "folder",
        "x" * 300,
    ],
)
def test_nothing_outside_the_folder_is_reached(folder, path):
    (folder / "link.txt").symlink_to(folder.parent / "outside.txt")
    (folder / "linked").symlink_to(folder.parent)
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    scratch = ScratchFolder(folder)

    for tool, arguments in (
        (scratch.read_file, {"path": path}),
        (scratch.write_file, {"path": path, "content": "x"}),
        (scratch.delete_file, {"path": path}),
    ):
        with pytest.raises(NotDone):
            tool(arguments)

    assert (folder.parent / "outside.txt").read_text() == "secret"
    assert names(folder.parent) == ["outside.txt", "scratch"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("./a\\~\0 \u2024\ud800"), max_size=12))
def test_no_path_leaves_the_folder(folder: Path, path: str):
    before = names(folder.parent)

    with contextlib.suppress(NotDone):
        ScratchFolder(folder).write_file({"path": path, "content": "x"})

    assert names(folder.parent) == before
