"""`placet slack check` says everything that is wrong in a workspace at once, and posts nothing."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace

import acme
import forked
import pytest
from office import APP_TOKEN, BOT, BOT_TOKEN, EVERYBODY, PLATFORM, SECURITY, spec

from bot.checking import Finding, Wanted, Weight, look
from bot.slack.client import SlackClient
from bot.slack.manifest import SCOPES
from bot.workspace.faults import AnswerError
from bot.workspace.server import LocalWorkspace
from bot.workspace.spec import WorkspaceChannel
from policies.people.people import Directory, Person, Team

CHANNELS = {PLATFORM: "team platform", SECURITY: "team security"}
ABSENT = WorkspaceChannel(SECURITY, "security", tuple(set(EVERYBODY) - {BOT}))


@asynccontextmanager
async def workspace(**changed):
    local = LocalWorkspace(spec(**{"scopes": frozenset(SCOPES)} | changed), rate_limits=False)
    await local.start()
    try:
        yield local
    finally:
        await local.close()


async def found(local, *, directory=acme.DIRECTORY, channels=None, app_token=APP_TOKEN, token=None):
    slack = SlackClient(token or BOT_TOKEN, local.api_url, patient=True)
    wanted = Wanted(directory, channels or CHANNELS, app_token)
    return [finding async for finding in look(slack, wanted)]


def wrong(findings: list[Finding]) -> dict[str, str]:
    return {each.subject: each.said for each in findings if each.weight is Weight.WRONG}


def doubtful(findings: list[Finding]) -> dict[str, str]:
    return {each.subject: each.said for each in findings if each.weight is Weight.DOUBTFUL}


async def test_a_workspace_as_the_docs_set_it_up_has_nothing_wrong() -> None:
    async with workspace() as local:
        findings = await found(local)

        assert [each for each in findings if each.weight is not Weight.GOOD] == []
        assert {request.method for request in await local.requests()}.isdisjoint(
            {"chat.postMessage", "chat.update", "chat.postEphemeral"}
        )


async def test_everything_wrong_is_said_at_once() -> None:
    people = {
        "out": Person("out", "T0ACME/U0NOBODY"),
        "guest": Person("guest", "T0ACME/U0GUEST"),
        "robot": Person("robot", "T0ACME/U0ROBOT"),
        "far": Person("far", "T0OTHER/U0BOB"),
        "mute": Person("mute"),
    }
    directory = Directory(
        people=people,
        teams={"platform": Team("platform", PLATFORM, tuple(people), ("S0NOWHERE",))},
    )
    channels = [WorkspaceChannel(PLATFORM, "platform", EVERYBODY), ABSENT]
    scopes = frozenset(SCOPES) - {"commands"} | {"files:read"}

    async with workspace(channels=channels, scopes=scopes) as local:
        local.workspace.channels.all()[0].is_archived = True
        findings = await found(
            local, directory=directory, channels={**CHANNELS, "C0NONE": "team x"}, app_token="xapp-"
        )

    assert wrong(findings) == {
        "scope commands": "is missing: it adds the slash command /placet",
        "app token": "Slack says invalid_auth",
        "channel C0NONE of team x": "Slack says channel_not_found",
        f"channel {PLATFORM} of team platform": "it is archived, nobody can post there",
        f"channel {SECURITY} of team security": "the bot is not in it",
        "approver out of platform (T0ACME/U0NOBODY)": "Slack says user_not_found",
        "approver guest of platform (T0ACME/U0GUEST)": "is a guest",
        "approver robot of platform (T0ACME/U0ROBOT)": "is a bot",
        "approver far of platform (T0OTHER/U0BOB)": "is of workspace T0OTHER, the bot is in T0ACME",
        "approver mute of platform": "has no `slack` in the configuration and cannot click",
        "user group S0NOWHERE of platform": "Slack says no_such_subteam",
        "team platform": "nobody can be found in Slack who may decide for it",
    }
    assert doubtful(findings) == {"scopes": "the token may do more than Placet needs: files:read"}


async def test_beside_a_token_that_does_not_work_only_the_other_token_can_be_looked_at() -> None:
    async with workspace() as local:
        both = await found(local, token="xoxb-other", app_token="xapp-other")
        one = await found(local, token="xoxb-other", app_token=APP_TOKEN)

    assert wrong(both) == {
        "bot token": "auth.test failed: Slack says invalid_auth",
        "app token": "Slack says invalid_auth",
    }
    assert doubtful(both).keys() == {"scopes, channels, people"}
    assert wrong(one).keys() == {"bot token"}


async def test_a_user_group_that_no_scope_lets_be_read_is_not_a_matter_of_its_id() -> None:
    async with workspace(scopes=frozenset(SCOPES) - {"usergroups:read"}) as local:
        findings = await found(local)

    (group,) = [each for each in findings if each.subject.startswith("user group")]
    assert group.said == "Slack says missing_scope"
    assert "`usergroups:read`" in group.advice


@pytest.mark.parametrize(
    ("method", "subject"),
    [
        ("auth.test", "scopes"),
        ("apps.connections.open", "app token"),
        ("conversations.info", f"channel {PLATFORM} of team platform"),
        ("users.info", "approver alice of platform (T0ACME/U0ALICE)"),
        ("usergroups.users.list", "user group S0PLATFORM of platform"),
    ],
)
async def test_where_slack_fails_half_way_that_is_told_and_all_else_looked_at(
    method, subject
) -> None:
    async with workspace() as local:
        slack = SlackClient(BOT_TOKEN, local.api_url, patient=True)
        looking = look(slack, Wanted(acme.DIRECTORY, CHANNELS, APP_TOKEN))
        first = await anext(looking)
        await local.fail_next(method, AnswerError("fatal_error"))
        findings = [finding async for finding in looking]

    assert first.weight is Weight.GOOD
    bad = {each.subject for each in findings if each.weight is not Weight.GOOD}
    assert bad == {subject}


async def test_without_the_scopes_for_it_a_channel_is_only_doubtful() -> None:
    scopes = frozenset(SCOPES) - {"channels:read", "groups:read"}

    async with workspace(scopes=scopes, channels=[ABSENT]) as local:
        findings = await found(local, channels={SECURITY: "team security"})

    assert wrong(findings) == {}
    assert f"channel {SECURITY} of team security" in doubtful(findings)


async def test_an_empty_user_group_and_a_deactivated_approver_are_told() -> None:
    people = [replace(user, deleted=True) if user.name == "bob" else user for user in spec().users]

    async with workspace(users=people, usergroups={"S0PLATFORM": []}) as local:
        findings = await found(local)

    assert wrong(findings) == {
        "approver bob of platform (T0ACME/U0BOB)": "is deactivated",
        "user group S0PLATFORM of platform": "nobody is in it",
    }


CONFIGURATION = """
version: 1
policy: policy.yaml
ledger: {{url: "sqlite:///placet.db"}}
listen: {{agents: "127.0.0.1:8787", operations: "127.0.0.1:8789"}}
people: {{alice: {{slack: T0ACME/U0ALICE}}, bob: {{slack: T0ACME/U0BOB}}}}
teams: {{platform: {{channel: C0NONE, approvers: [bob]}}}}
servers: {{files: {{url: "http://127.0.0.1:9/mcp", team: platform}}}}
agents: {{ci-bot: {{team: platform, owner: alice, key: "${{CI_BOT_KEY}}"}}}}
slack:
  mode: socket
  bot_token: "${{BOT}}"
  app_token: "${{APP}}"
  api_url: "{api_url}"
"""


async def run(folder, *arguments: str, **environment: str) -> tuple[int, str, str]:
    process = await forked.start_piped(
        "slack",
        *arguments,
        environment=environment,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, wrong_said = await process.communicate()
    return process.returncode or 0, said.decode(), wrong_said.decode()


async def test_the_command_ends_with_1_where_something_is_wrong_and_2_without_a_token(
    tmp_path,
) -> None:
    async with workspace() as local:
        (tmp_path / "placet.yaml").write_text(CONFIGURATION.format(api_url=local.api_url))
        (tmp_path / "policy.yaml").write_text("version: 1\n")

        code, said, _ = await run(tmp_path, "check", "--json", BOT=BOT_TOKEN, APP=APP_TOKEN)
        unset = await run(tmp_path, "check")

    findings = [json.loads(line) for line in said.splitlines()]
    assert code == 1
    assert [each["subject"] for each in findings if each["weight"] == "wrong"] == [
        "channel C0NONE of team platform"
    ]
    assert unset[0] == 2
    assert "`slack.bot_token` names a variable that is not set" in unset[2]
    assert "`slack.app_token` names a variable that is not set" in unset[2]


@pytest.mark.parametrize("token", [BOT_TOKEN, APP_TOKEN])
async def test_no_token_is_ever_shown(token, tmp_path) -> None:
    async with workspace() as local:
        findings = await found(local, app_token="xapp-other")

    assert token not in str(findings)
