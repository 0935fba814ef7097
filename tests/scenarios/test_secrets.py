"""Secrets in arguments reach the server and nothing else."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from scenarios.stage import ALICE, AUDITOR, BOB, CAT, CI_BOT, META, PLATFORM, Stage
from sqlalchemy import MetaData, create_engine, select

from bot.workspace.snapshot import snapshot

pytestmark = pytest.mark.timeout(120)

SECRETS = [
    "correct-horse-battery-staple",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "AKIAIOSFODNN7EXAMPLE",
    "4111 1111 1111 1111",
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
    "hunter2hunter2",
]

ARGUMENTS = {
    "path": "a.txt",
    "db_password": SECRETS[0],
    "text": f"push with {SECRETS[1]} and {SECRETS[2]}, card {SECRETS[3]}",
    "pem": f"-----BEGIN PRIVATE KEY-----\n{SECRETS[4]}\n-----END PRIVATE KEY-----",
    "url": f"postgres://app:{SECRETS[5]}@db.example/x",
}


async def test_secrets_in_arguments_are_in_no_event_card_log_or_projection(staged, tmp_path):
    async with staged() as stage:
        replica = await stage.serve()
        await replica.call("write_file", ARGUMENTS)
        card = await stage.card()
        await stage.press(BOB, "approval.approve")
        changed = await replica.call("write_file", ARGUMENTS | {"db_password": "another"})
        result = await replica.call("write_file", ARGUMENTS)
        _, log, _ = await stage.run("audit", "log", "--json")
        for form in ("ocsf", "jsonl", "csv"):
            code, exported, _ = await stage.run("audit", "export", "--format", form)
            assert (code, "write_file" in exported) == (0, True)
            log += exported
        await replica.stop()

        assert changed["isError"] is True
        assert not result.get("isError")
        assert stage.server.runs == [("write_file", ARGUMENTS)]
        kept = json.dumps(card) + log + replica.log.read_text()
        for file in tmp_path.glob("placet.db*"):
            kept += file.read_bytes().decode("latin-1")
        assert [secret for secret in SECRETS if secret in kept] == []


@pytest.mark.parametrize("breaks", ["after the body", "in the head"])
async def test_the_log_does_not_quote_requests_that_are_not_http(staged, breaks):
    head = f"POST /mcp/files HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {CI_BOT}\r\n"
    body = json.dumps({"params": {"arguments": ARGUMENTS}})
    length = 5 if breaks == "after the body" else "x"
    async with staged() as stage:
        replica = await stage.serve()
        host, _, port = replica.agents.partition(":")

        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{head}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}".encode())
        answer = await reader.read()
        writer.close()
        await replica.stop()

        log = replica.log.read_text()
        assert answer.startswith(b"HTTP/1.0 400")
        assert "the request is not HTTP/1.1 that can be read in one way only" in log
        assert [secret for secret in (*SECRETS, CI_BOT) if secret in log] == []
        assert "arguments" not in log


SHAPED = {
    "AWS": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS id": "AKIAI44QH8DHBEXAMPLE",
    "GitHub": "ghp_Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MDEyMzQ1",
    "GitHub, fine-grained": "github_pat_11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ0123456789",
    "Slack": "xoxb-2401234567-2409876543-Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8",
    "Stripe": "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjaS1ib3QifQ.Xk3mV2Qe7YbW1sRzT5uJ0aLdN8cPfHg",
    "PEM": "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDAbCdEfGhIjKlM",
}
PLACED = {
    "in a URL": "s3cretPassw0rd",
    "in a query": "q7tokenInAQuery",
    "in a header": "b3arerInAHeader.x1",
    "in a cookie": "c00kieInAHeader",
    "in prose": "pr0se-hunter2",
    "behind is": "sp0ken-hunter2",
    "in a tag": "tagged-hunter",
    "in SQL": "stated hunter",
    "as a name": "n4me0fnobody1234",
    "on a command line": "sshpass-hunter",
}
TEXTS = [
    f"the key is {SHAPED['AWS']} of {SHAPED['AWS id']}",
    f"remote: {SHAPED['GitHub']} and {SHAPED['GitHub, fine-grained']} are not allowed",
    f"posted with {SHAPED['Slack']}; charged with {SHAPED['Stripe']}",
    f"invalid JWT '{SHAPED['JWT']}'",
    f"-----BEGIN RSA PRIVATE KEY-----\n{SHAPED['PEM']}\n-----END RSA PRIVATE KEY-----",
    f"could not reach https://deploy:{PLACED['in a URL']}@git.example/repo.git",
    f"GET https://api.example/v1/items?page=2&token={PLACED['in a query']} failed",
    f"curl -H 'Authorization: Bearer {PLACED['in a header']}' said 401",
    f"sent Cookie: session={PLACED['in a cookie']}; path=/",
    f"login failed, password: {PLACED['in prose']}",
    f"the password is {PLACED['behind is']}, says <password>{PLACED['in a tag']}</password>",
    f"ALTER USER app IDENTIFIED BY '{PLACED['in SQL']}' failed",
    f"git clone https://{PLACED['as a name']}@git.example/x failed",
    f"sshpass -p {PLACED['on a command line']} ssh app@host said 255",
]
INNOCENT = {"path": "a.txt", "text": "\n".join(TEXTS), "lines": TEXTS, "at": {"note": TEXTS[6]}}
ALL = [*SHAPED.values(), *PLACED.values()]
TOOL = f"read_{SHAPED['GitHub']}"

SHOWING = """\
version: 1
rules:
  - {name: reads, match: {risk: read}, effect: allow}
  - {name: asks, match: {tool: "write_*"}, effect: require_approval, show_result: true}
"""


def by_rpc(number: Any) -> web.Response:
    error = {"code": -32000, "message": " ".join(TEXTS), "data": {"tried": TEXTS}}
    return web.json_response({"jsonrpc": "2.0", "id": number, "error": error})


def by_tool(number: Any) -> web.Response:
    content = [{"type": "text", "text": text} for text in TEXTS]
    result = {"content": content, "isError": True, "resultType": "complete"}
    return web.json_response({"jsonrpc": "2.0", "id": number, "result": result})


def by_http(_: Any) -> web.Response:
    return web.Response(status=500, text="\n".join(TEXTS), reason=f"no {SHAPED['Stripe']}")


def by_nonsense(_: Any) -> web.Response:
    return web.Response(text="\n".join(TEXTS), content_type="application/json")


def by_stream(number: Any) -> web.Response:
    error = {"code": -32000, "message": TEXTS[4] + TEXTS[5]}
    message = json.dumps({"jsonrpc": "2.0", "id": number, "error": error})
    return web.Response(text=f"data: {message}\n\n", content_type="text/event-stream")


FAULTS: list[Callable[[Any], web.Response]] = [by_rpc, by_tool, by_http, by_nonsense, by_stream]


async def test_secrets_that_no_name_gives_away_are_nowhere(staged, tmp_path):
    async with staged(policy=SHOWING) as stage:
        replica = await stage.serve()
        for fault in FAULTS:
            stage.server.fault = fault
            await called(replica, "read_file", INNOCENT)
        stage.server.fault = by_tool
        await called(replica, "write_file", INNOCENT)
        await stage.press(BOB, "approval.approve")
        await called(replica, "write_file", INNOCENT)
        await called(replica, "write_file", INNOCENT | {"more": "x"})
        await stage.deny(CAT, TEXTS[5])
        await called(replica, TOOL, INNOCENT)
        await decided_over_http(stage, replica)
        await stage.card_saying("denied")

        told = await everything_told(stage, replica)
        await replica.stop()
        told |= {"log": replica.log.read_text(), "ledger": stored(stage, tmp_path)}

    outcomes = {each for each in ("rpc-error", "tool-error", "failed") if each in told["ledger"]}
    assert outcomes == {"rpc-error", "tool-error", "failed"}
    looked_at = ("ledger", "page", "audit log --json", "audit?limit=500", "approvals")
    assert [where for where in looked_at if "[hidden]" not in told[where]] == []
    assert {where: left for where, text in told.items() if (left := leaked(text))} == {}


def leaked(text: str) -> list[str]:
    return [secret for secret in ALL if secret in text]


async def called(replica, tool: str, arguments: dict[str, Any]) -> None:
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments, "_meta": META},
    }
    headers = {"Mcp-Method": "tools/call", "Mcp-Name": tool}
    status, answer = await replica.post(json.dumps(message).encode(), headers)
    assert status < 600, answer


async def decided_over_http(stage: Stage, replica) -> None:
    """Ask over the JSON API, and report an error with every secret in it."""
    url = f"http://{replica.agents}/v1/decisions"
    headers = {"Authorization": f"Bearer {CI_BOT}"}
    asked = {"server": "files", "tool": "read_file", "arguments": INNOCENT, "request_id": "r1"}
    async with stage.http.post(url, json=asked, headers=headers) as answer:
        assert (await answer.json())["decision"] == "allow"
    outcome = {"outcome": "tool-error", "error": " ".join(TEXTS), "duration_ms": 1}
    async with stage.http.post(f"{url}/request:r1/outcome", json=outcome, headers=headers) as said:
        assert said.status == 200, await said.text()


async def everything_told(stage: Stage, replica) -> dict[str, str]:
    """Return all that people, operators and auditors can be told, by where."""
    told = {}
    for name, argv in {
        "audit log": ("audit", "log"),
        "audit log --json": ("audit", "log", "--json"),
        "approvals": ("approvals", "list", "--all", "--json"),
        "replay": ("audit", "replay", "--json"),
    }.items():
        code, out, errors = await stage.run(*argv)
        assert code == 0, errors
        told[name] = out + errors
    headers = {"Authorization": f"Bearer {AUDITOR}"}
    for path in ("audit?limit=500", "approvals", "grants"):
        async with stage.http.get(f"http://{replica.agents}/v1/{path}", headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            told[path] = await answer.text()
    for path in ("metrics", "readyz"):
        async with stage.http.get(f"http://{replica.operations}/{path}") as answer:
            told[path] = await answer.text()
    page = [snapshot(stage.workspace.workspace, user, 1) for user in (ALICE, BOB, CAT)]
    told["page"] = json.dumps([page, await stage.workspace.messages(PLATFORM)], default=str)
    return told


def stored(stage: Stage, folder) -> str:
    """Return every byte of SQLite's files, or every column of PostgreSQL."""
    if not stage.ledger_url.startswith("postgres"):
        files = [file.read_bytes() for file in folder.glob("placet.db*")]
        return b"\n".join(files).decode("latin-1")
    engine, tables = create_engine(stage.ledger_url), MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        rows = [row for each in tables.sorted_tables for row in connection.execute(select(each))]
    engine.dispose()
    return "\n".join(str(value) for row in rows for value in row)
