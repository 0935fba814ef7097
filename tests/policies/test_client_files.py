"""The files of MCP clients are read in each client's form."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.configuration.client_files import (
    ReachedServer,
    StartedServer,
    UnusableServer,
    client_servers,
)
from policies.values.refusals import Refused

VARIABLES = {"TOKEN": "t0ken", "HOME": "/home/alice"}


def read(text):
    return client_servers(text if isinstance(text, str) else json.dumps(text), VARIABLES)


@pytest.mark.parametrize(
    "form",
    [
        lambda servers: {"mcpServers": servers},
        lambda servers: {"servers": servers, "inputs": []},
        lambda servers: {"mcp": {"servers": servers}},
        lambda servers: {"context_servers": servers},
        lambda servers: {"theme": "dark", "projects": {"/work": {"mcpServers": servers}}},
    ],
    ids=["Claude, Cursor", "VS Code", "VS Code settings", "Zed", "Claude Code"],
)
def test_each_clients_form_is_known(form):
    servers = {"files": {"command": "npx", "args": ["-y", "files"], "disabled": False}}

    assert read(form(servers)) == [StartedServer("files", ("npx", "-y", "files"))]


def test_servers_that_are_reached_say_where_and_how():
    one, other, third = read(
        {
            "servers": {
                "one": {"type": "http", "url": "https://a.example/mcp", "headers": {"X": "y"}},
                "other": {"type": "sse", "url": "https://a.example/sse"},
                "third": {"serverUrl": "https://b.example/mcp"},
            }
        }
    )

    assert (one.url, one.old) == ("https://a.example/mcp", False)
    assert one.headers["X"].get_secret_value() == "y"
    assert other == ReachedServer("other", "https://a.example/sse", {}, old=True)
    assert third.url == "https://b.example/mcp"


def test_comments_and_commas_too_many_are_passed_over_and_texts_are_kept():
    text = """\ufeff{
      // my servers
      "mcpServers": { /* one */
        "a": {"command": "x", "args": ["http://h//p", "/* no */", "a,]",],},
      },
    }"""

    assert read(text) == [StartedServer("a", ("x", "http://h//p", "/* no */", "a,]"))]


def test_variables_are_filled_in():
    (server,) = read(
        {
            "mcpServers": {
                "a": {
                    "command": "${userHome}/x",
                    "args": ["${env:TOKEN}", "${OTHER:-else}", "$5"],
                    "env": {"KEY": "${TOKEN}", "EMPTY": None},
                    "cwd": "${workspaceFolder}",
                }
            }
        }
    )

    assert server.command == ("/home/alice/x", "t0ken", "else", "$5")
    assert {name: value.get_secret_value() for name, value in server.env.items()} == {
        "KEY": "t0ken",
        "EMPTY": "",
    }
    assert server.cwd == "."
    assert "t0ken" not in repr(server.env)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({}, "neither a `command` nor a `url`"),
        ({"command": 5}, "`command"),
        ({"command": "x", "args": "y"}, "`args` is not what clients write there"),
        ({"command": "x", "args": ["${input:key}"]}, "the client asks for `key`"),
        ({"url": "https://h/${MISSING}"}, "needs the variable `MISSING`, which is not set"),
        ("x", "is not what clients write there"),
    ],
)
def test_a_server_that_cannot_be_used_says_why_and_the_others_go_on(entry, why):
    bad, good = read({"mcpServers": {"bad": entry, "good": {"command": "x"}}})

    assert isinstance(bad, UnusableServer)
    assert why in bad.why
    assert good == StartedServer("good", ("x",))


@pytest.mark.parametrize("text", ["", "[]", "{}", "{", '{"mcpServers": {}}', "[" * 100_000])
def test_a_file_without_servers_is_refused(text):
    with pytest.raises(Refused, match=r"file"):
        read(text)


@given(
    st.text()
    | st.recursive(
        st.none() | st.text(),
        lambda inner: st.dictionaries(
            st.sampled_from(
                ["mcpServers", "servers", "mcp", "projects", "a", "command", "args", "url"]
            ),
            inner,
        ),
    ).map(json.dumps)
)
def test_any_text_is_read_or_refused(text):
    try:
        servers = read(text)
    except Refused:
        return

    assert all(server.name is not None for server in servers)
