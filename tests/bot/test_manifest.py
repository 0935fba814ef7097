"""The manifest is one that Slack takes, and asks for no more than is used."""

import json

import jsonschema
import pytest
from office import BOB, PLATFORM, open_office

from bot.listeners.commands import COMMAND
from bot.slack.manifest import SCOPES, http_manifest, manifest, reading_emails
from ledger.lives.approvals import ApprovalStatus

URL = "https://placet.example/slack/events"


@pytest.mark.parametrize(
    "told",
    [manifest(), http_manifest(URL), reading_emails(http_manifest(URL))],
    ids=["socket", "http", "emails"],
)
def test_slacks_own_schema_takes_the_manifest(told, shared_data) -> None:
    schema = json.loads((shared_data / "slack-manifest.schema.2.0.0.json").read_text())

    errors = list(jsonschema.Draft7Validator(schema).iter_errors(told))

    assert [error.message for error in errors] == []


def test_each_scope_is_explained() -> None:
    assert sorted(SCOPES) == manifest()["oauth_config"]["scopes"]["bot"]


def test_the_manifest_declares_the_command_that_is_listened_to() -> None:
    (declared,) = manifest()["features"]["slash_commands"]

    assert declared["command"] == COMMAND


def test_over_http_slack_is_told_one_address() -> None:
    told = http_manifest(URL)

    assert told["settings"]["interactivity"]["request_url"] == URL
    assert told["features"]["slash_commands"][0]["url"] == URL
    assert told["settings"]["socket_mode_enabled"] is False
    assert manifest()["settings"]["socket_mode_enabled"] is True


async def test_the_scopes_of_the_manifest_are_enough(sqlite_url) -> None:
    async with open_office(sqlite_url, scopes=frozenset(SCOPES)) as office:
        await office.listening()
        approval = await office.ask()

        await office.click("U0MEMBER", approval, "approve")
        answer = await office.local.command(BOB, PLATFORM, "/placet", "pending")

        await office.becomes(approval, ApprovalStatus.APPROVED)
        await office.card(approval, "Approved: files")
        assert answer.acknowledged
        outcomes = {request.outcome for request in await office.local.requests()}
        assert outcomes == {"ok"}
