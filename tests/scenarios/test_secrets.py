"""Secrets in arguments reach the server and nothing else."""

import asyncio
import json

import pytest
from scenarios.stage import BOB, CI_BOT

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
