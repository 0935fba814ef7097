"""Secrets in arguments reach the server and nothing else."""

import json

import pytest
from scenarios.stage import BOB

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
        await replica.stop()

        assert changed["isError"] is True
        assert not result.get("isError")
        assert stage.server.runs == [("write_file", ARGUMENTS)]
        kept = json.dumps(card) + log + replica.log.read_text()
        for file in tmp_path.glob("placet.db*"):
            kept += file.read_bytes().decode("latin-1")
        assert [secret for secret in SECRETS if secret in kept] == []
