"""The JSON API: who may do what, what is refused and how, and a description that is true."""

import asyncio
import contextlib
import json

import pytest
from asking_api import OPERATOR, api, asked, with_servers
from gateway_stage import CI_BOT, OTHER_BOT, until
from hypothesis import given as drawn
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for

from gateway.api.decision_bodies import Ask
from gateway.api.json_bodies import _read
from gateway.api.openapi import document
from gateway.api.problems import PREFIX, Kind, Problem
from gateway.wire.definitions import is_tool_name

READING = ("/v1/approvals", "/v1/approvals/apr_1", "/v1/grants", "/v1/audit")


@pytest.fixture
async def given(sqlite_url):
    async with api(sqlite_url) as opened:
        yield opened


def kind(answer):
    return answer[0], answer[1]["type"].removeprefix(PREFIX)


async def test_the_description_is_there_for_everybody(given):
    status, told = await given.get("/v1/openapi.json", key=None)

    assert status == 200
    assert told["openapi"] == "3.1.1"
    assert sorted(told["paths"]) == [
        "/v1/approvals",
        "/v1/approvals/{id}",
        "/v1/audit",
        "/v1/decisions",
        "/v1/decisions/{id}",
        "/v1/decisions/{id}/outcome",
        "/v1/grants",
        "/v1/openapi.json",
    ]


def test_every_schema_of_the_description_is_one():
    schemas = json.loads(document())["components"]["schemas"]

    for schema in schemas.values():
        assert validator_for(schema, Draft202012Validator) is Draft202012Validator
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("body", ["Ask", "Report"])
def test_a_member_that_may_be_left_out_is_not_described_as_always_sent(body):
    members = json.loads(document())["components"]["schemas"][body]["properties"]

    assert [name for name, member in members.items() if "default" in member] == []


def test_what_counts_where_a_member_is_left_out_is_said_in_words():
    wait = json.loads(document())["components"]["schemas"]["Ask"]["properties"]["wait"]

    assert wait["description"].endswith("ask again with GET. `0` unless given.")


def test_no_parameter_of_a_query_is_described_as_null():
    paths = json.loads(document())["paths"].values()
    queries = [each for item in paths for each in item.get("get", {}).get("parameters", [])]

    assert {each["name"] for each in queries} >= {"wait", "agent", "page", "about"}
    assert [each["name"] for each in queries if "null" in json.dumps(each["schema"])] == []


@drawn(st.text(max_size=300).filter(lambda name: not name.endswith("\n")))  # re's $ is not ECMA's
def test_the_description_says_which_names_of_tools_are_taken(name):
    schema = json.loads(document())["components"]["schemas"]["Ask"]["properties"]["tool"]

    assert Draft202012Validator(schema).is_valid(name) == is_tool_name(name)


@pytest.mark.parametrize("name", ["", "a\n", "a\x00", "\x85", "x" * 257])
async def test_what_is_no_name_of_a_tool_is_told_so(given, name):
    status, told = await given.post("/v1/decisions", asked(name))

    assert (status, [error["pointer"] for error in told["errors"]]) == (400, ["/tool"])


def test_every_type_of_problem_is_described_somewhere():
    text = json.loads(document())
    described = json.dumps(text["paths"])

    missing = [each for each in Kind if f"{PREFIX}{each}" not in described]
    assert missing == [Kind.WRONG_METHOD]  # of no operation that is described


def test_every_operation_has_a_name_of_its_own():
    paths = json.loads(document())["paths"]
    names = [
        o["operationId"] for item in paths.values() for k, o in item.items() if k != "parameters"
    ]

    assert len(names) == len(set(names)) == 9


@pytest.mark.parametrize("path", READING)
async def test_reading_needs_an_operators_key(given, path):
    answers = [await given.get(path, key) for key in (CI_BOT, OTHER_BOT, None, "x" * 40)]

    assert [kind(answer) for answer in answers] == [
        (403, "not-permitted"),
        (403, "not-permitted"),
        (401, "not-authenticated"),
        (401, "not-authenticated"),
    ]


async def test_an_operator_reads_approvals(given):
    told = await given.ask()
    other = await given.ask("Write", key=OTHER_BOT)
    await given.stage.decide(other["approval"], reason="go on")

    _, every = await given.get("/v1/approvals", OPERATOR)
    _, pending = await given.get("/v1/approvals?status=pending&status=denied", OPERATOR)
    _, one = await given.get(f"/v1/approvals/{other['approval']}", OPERATOR)

    assert [each["id"] for each in every["approvals"]] == [other["approval"], told["approval"]]
    assert [each["id"] for each in pending["approvals"]] == [told["approval"]]
    assert (one["status"], one["by"], one["votes"][0]["reason"]) == ("approved", ["bob"], "go on")
    assert json.loads(one["arguments"]) == {"command": "make"}


async def test_approvals_come_a_page_at_a_time(given):
    asked_for = [(await given.ask(arguments={"n": n}))["approval"] for n in range(5)]

    found, page = [], ""
    while page is not None:
        _, told = await given.get(f"/v1/approvals?limit=2{page and f'&page={page}'}", OPERATOR)
        found += [each["id"] for each in told["approvals"]]
        page = told["next"]

    assert found == asked_for[::-1]


async def test_an_operator_reads_the_history_to_its_end(given):
    told = await given.ask("Read")
    await given.report(told["id"])

    found, after = [], 0
    while True:
        _, page = await given.get(f"/v1/audit?after={after}&limit=7", OPERATOR)
        found += page["events"]
        after = page["next"]
        if after == page["head"]:
            break

    assert [event["position"] for event in found] == list(range(1, page["head"] + 1))
    assert found[-1]["event"] == "CallCompleted"


async def test_the_history_is_filtered(given):
    await given.ask("Read")
    await given.ask("Glob", key=OTHER_BOT)
    waits = await given.ask()

    _, of = await given.get("/v1/audit?agent=other-bot&event=CallDecided", OPERATOR)
    _, story = await given.get(f"/v1/audit?about={waits['approval']}", OPERATOR)

    assert [event["state"]["tool"] for event in of["events"]] == ["Glob"]
    assert [event["event"] for event in story["events"]] == ["CallDecided", "ApprovalRequested"]


async def test_there_are_no_grants_to_begin_with(given):
    assert await given.get("/v1/grants", OPERATOR) == (200, {"grants": [], "next": None})


@pytest.mark.parametrize(
    "path",
    [
        "/v1/approvals?limit=0",
        "/v1/approvals?limit=1001",
        "/v1/approvals?limit=x",
        "/v1/approvals?limit=1&limit=2",
        "/v1/approvals?status=open",
        "/v1/approvals?color=red",
        "/v1/audit?after=-1",
        "/v1/audit?event=Nothing",
        "/v1/grants?live=maybe",
        "/v1/approvals?page=x",
        "/v1/approvals?page=apr_0123456789abcdef",
        "/v1/grants?page=x",
        "/v1/approvals/apr_1?x=1",
    ],
)
async def test_a_query_that_is_not_known_is_refused(given, path):
    assert kind(await given.get(path, OPERATOR)) == (400, "invalid-request")


async def test_what_holds_a_nul_names_nothing_on_any_database(ledger_url):
    queries = (
        *("/v1/approvals?agent=%00", "/v1/approvals?server=%00", "/v1/approvals?page=%00"),
        *("/v1/grants?agent=%00", "/v1/grants?page=%00"),
        *("/v1/audit?agent=%00", "/v1/audit?server=%00", "/v1/audit?about=apr_%00"),
    )
    calls = ("call_%00", "request:%00")

    async with api(ledger_url) as given:
        refused = [kind(await given.get(path, OPERATOR)) for path in queries]
        read = kind(await given.get("/v1/approvals/apr_%00", OPERATOR))
        looked = [kind(await given.get(f"/v1/decisions/{name}")) for name in calls]
        withdrawn = [kind(await given.send("DELETE", f"/v1/decisions/{c}", CI_BOT)) for c in calls]
        reported = [kind(await given.report(name)) for name in calls]

    assert set(refused) == {(400, "invalid-request")}
    assert {read, *looked, *withdrawn, *reported} == {(404, "not-found")}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b"null",
        b"{}",
        b'{"server": "claude-code"}',
        b'{"server": "claude-code", "tool": ""}',
        b'{"server": "claude-code", "tool": "a\\u0000b"}',
        b'{"server": "claude-code", "tool": "Read", "Tool": "Bash"}',
        b'{"server": "claude-code", "tool": "Read", "tool": "Bash"}',
        b'{"server": "claude-code", "tool": "Read", "arguments": []}',
        b'{"server": "claude-code", "tool": "Read", "arguments": {"a": 1, "a": 2}}',
        b'{"server": "claude-code", "tool": "Read", "arguments": {"a": NaN}}',
        b'{"server": "claude-code", "tool": "Read", "wait": -1}',
        b'{"server": "claude-code", "tool": "Read", "wait": 301}',
        b'{"server": "claude-code", "tool": "Read", "wait": "1"}',
        b'{"server": "claude-code", "tool": "Read", "request_id": "a b"}',
        b'{"server": "claude-code", "tool": "Read", "request_id": ""}',
        b'{"server": "claude-code", "tool": "Read", "approved": true}',
        b'\xef\xbb\xbf{"server": "claude-code", "tool": "Read"}',
        b'{"server": "claude-code", "tool": "\\ud800"}',
        b'{"a":' * 200 + b"1" + b"}" * 200,
    ],
)
async def test_a_question_that_could_be_read_otherwise_is_refused(given, body):
    assert kind(await given.post("/v1/decisions", body)) == (400, "invalid-request")
    assert await given.stage.topics() == []


@drawn(st.binary(max_size=300))
def test_whatever_comes_is_a_question_or_a_problem(body):
    with contextlib.suppress(Problem):
        _read(body, Ask)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Content-Type": "text/plain"}, (415, "wrong-content")),
        ({"Content-Encoding": "gzip"}, (415, "wrong-content")),
        ({"Host": "evil.example"}, (403, "wrong-origin")),
        ({"Origin": "http://evil.example"}, (403, "wrong-origin")),
        ({"Authorization": "Basic abc"}, (401, "not-authenticated")),
    ],
)
async def test_what_the_mcp_endpoint_refuses_is_refused_here(given, headers, expected):
    assert kind(await given.post("/v1/decisions", asked("Read"), **headers)) == expected


async def test_a_body_may_be_so_large(given):
    body = asked("Read", arguments={"a": "x" * (4 * 1024 * 1024)})

    assert kind(await given.post("/v1/decisions", body)) == (413, "too-large")


async def test_a_server_that_is_not_configured_is_not_there(given):
    answer = await given.post("/v1/decisions", asked("Read", server="no\nwhere"))

    assert kind(answer) == (404, "no-such-server")
    assert answer[1]["detail"].startswith(r"there is no server `no\u{A}where`; ask for one")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/decisions", 405),
        ("PUT", "/v1/decisions/x", 405),
        ("POST", "/v1/approvals", 405),
        ("POST", "/v1/approvals/apr_1", 405),
        ("PUT", "/v1/grants", 405),
        ("GET", "/v1", 404),
        ("GET", "/v1/", 404),
        ("POST", "/v1/approvals/apr_1/approve", 404),
        ("GET", "/v1/agents", 404),
    ],
)
async def test_nothing_else_is_answered(given, method, path, status):
    answered, told = await given.send(method, path, OPERATOR)

    assert answered == status
    assert told["type"].startswith(PREFIX)


async def test_a_fault_of_ours_is_a_problem_without_its_details(given, monkeypatch):
    def broken(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr("gateway.api.decisions.told", broken)

    status, told = await given.post("/v1/decisions", asked("Read"))

    assert (status, told["type"]) == (500, f"{PREFIX}internal-error")
    assert "secret" not in json.dumps(told)


async def test_who_asks_too_much_at_once_is_told_to_come_again(sqlite_url):
    def few(text):
        return text.replace("gateway: {", "gateway: {capacity: {requests_per_agent: 1}, ")

    async with api(sqlite_url, rewrite=lambda text: few(with_servers(text))) as given:
        await given._read()
        waiting = asyncio.create_task(given.ask(wait=60))
        await until(lambda: _held(given, 1))

        assert kind(await given.post("/v1/decisions", asked("Read"))) == (429, "busy")
        (approval,) = await given.stage.pending()
        await given.stage.decide(approval.id)
        assert (await waiting)["decision"] == "allow"


async def _held(given, calls):
    return sum(given.stage.gateway._room.held.values()) == calls
