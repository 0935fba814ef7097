"""What Claude Code tells a hook is read so that no tool is taken for another one."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hooks.claude_code import Elsewhere, Other, Unreadable, Use, Used, permission, read

BASH = {
    "session_id": "s1",
    "cwd": "/home/alice",
    "hook_event_name": "PreToolUse",
    "tool_name": "Bash",
    "tool_input": {"command": "make"},
    "tool_use_id": "toolu_1",
}


def told(*behind, **changes):
    return read(json.dumps(BASH | changes).encode(), "claude-code", behind)


def mcp(name, server=None, source="user", behind=()):
    about = {"mcp_server": {"name": server, "source": source}} if server else {}
    return told(*behind, tool_name=name, **about)


def test_a_tool_of_its_own_is_of_the_external_server():
    use = told()

    assert isinstance(use, Use)
    assert (use.server, use.tool, use.arguments) == ("claude-code", "Bash", {"command": "make"})


def test_before_and_after_a_use_have_one_request_id():
    after = told(hook_event_name="PostToolUse", tool_response={"stdout": "ok"})

    assert isinstance(after, Used)
    assert after.request_id == told().request_id
    assert told(tool_use_id="toolu_2").request_id != told().request_id
    assert told(session_id="s2").request_id != told().request_id


def test_a_use_without_an_id_has_no_request_id():
    assert told(tool_use_id=None).request_id is None


def test_a_tool_of_an_mcp_server_is_of_that_server():
    use = mcp("mcp__files__read_file")

    assert (use.server, use.tool) == ("files", "read_file")


def test_a_name_that_two_servers_could_have_is_told_by_the_server():
    use = mcp("mcp__my_files__x__read", "my.files__x")

    assert (use.server, use.tool) == ("my.files__x", "read")


@pytest.mark.parametrize(
    "name",
    ["mcp__files__evil__rm", "mcp__files", "mcp__", "mcp__files__", "mcp____x", "mcp__a___b"],
)
def test_a_name_that_two_servers_could_have_is_refused_where_none_is_named(name):
    with pytest.raises(Unreadable):
        mcp(name)


def test_a_server_that_is_not_the_tools_is_refused():
    with pytest.raises(Unreadable):
        mcp("mcp__evil__rm", "files")


def test_a_server_behind_placet_is_decided_on_there():
    assert mcp("mcp__files__rm", behind=["files"]) == Elsewhere("files")
    assert mcp("mcp__files__rm", "files", behind=["files"]) == Elsewhere("files")


def test_only_the_definition_that_is_meant_is_behind_placet():
    assert mcp("mcp__files__rm", "files", "user", ["files@user"]) == Elsewhere("files")
    assert isinstance(mcp("mcp__files__rm", "files", "project", ["files@user"]), Use)
    assert isinstance(mcp("mcp__files__rm", behind=["files@user"]), Use)


@pytest.mark.parametrize(
    ("server", "name"),
    [("files__evil", "mcp__files__evil__rm"), ("filesx", "mcp__filesx__rm")],
)
def test_a_server_with_a_similar_name_is_not_behind_placet(server, name):
    assert isinstance(mcp(name, server, behind=["files"]), Use)


@pytest.mark.parametrize(
    ("changes", "outcome", "error"),
    [
        ({"hook_event_name": "PostToolUse", "tool_response": "x"}, "ok", None),
        ({"hook_event_name": "PostToolUseFailure", "error": "no"}, "tool-error", "no"),
        (
            {"hook_event_name": "PostToolUseFailure", "error": "stop", "is_interrupt": True},
            "failed",
            "stop",
        ),
    ],
)
def test_an_outcome_is_what_claude_code_says(changes, outcome, error):
    used = told(duration_ms=12.6, **changes)

    assert (used.outcome, used.error, used.duration_ms) == (outcome, error, 13)


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        (b'{"out": "\\ud83d"}', 11),
        (b'{"Id": 1, "id": 2}', 15),
        (b"[" * 150 + b"]" * 150, 300),
    ],
)
def test_a_use_is_over_however_its_answer_is_written(answer, size):
    text = b'{"hook_event_name": "PostToolUse", "session_id": "s1", "tool_use_id": "toolu_1", '

    used = read(text + b'"duration_ms": 3, "tool_response": ' + answer + b"}", "claude-code")

    assert used == Used(told().request_id, "ok", 3, size, None)


def test_an_error_that_ends_within_a_character_is_told_without_that_half():
    used = told(hook_event_name="PostToolUseFailure", error="no \ud83d")

    assert (used.outcome, used.error) == ("tool-error", "no ?")


@pytest.mark.parametrize(
    ("changes", "blocks"),
    [
        ({"hook_event_name": "PermissionRequest"}, True),
        ({"hook_event_name": "Stop", "tool_name": None}, False),
    ],
)
def test_another_event_blocks_where_it_is_about_a_tool(changes, blocks):
    assert told(**changes) == Other(changes["hook_event_name"], blocks)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"nonsense",
        b"{}",
        b'{"hook_event_name": 1}',
        b'{"hook_event_name": "PreToolUse"}',
        b'{"hook_event_name": "PreToolUse", "tool_name": ""}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": []}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Read", "tool_name": "Bash"}',
        b'{"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"a": NaN}}',
        b"\xff\xfe",
        b'{"hook_event_name": "PreToolUse", "hook_event_name": "PostToolUse"}',
        b'{"hook_event_name": "PostToolUse", "tool_response": ' + b"[" * 9999 + b"]" * 9999 + b"}",
        b'{"hook_event_name": "PostToolUse", "tool_response": "\\ud800", "duration_ms": NaN}',
        b'{"hook_event_name": "PostToolUse", "tool_response": "\\ud800", "duration_ms": 1e999}',
    ],
)
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(Unreadable):
        read(text, "claude-code")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_comes_is_read_or_refused(text):
    with contextlib.suppress(Unreadable):
        read(text, "claude-code")


def test_an_answer_has_the_shape_that_claude_code_reads():
    assert json.loads(permission("deny", "no")) == {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": "no",
        }
    }
