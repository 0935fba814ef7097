"""The control API, by which another process disturbs and inspects the workspace."""

from contextlib import suppress
from pathlib import Path
from typing import get_args

import pytest
from aiohttp import ClientError, ClientSession
from slack_sdk.errors import SlackApiError
from small_workspace import ALICE, BOT, GENERAL

from bot.workspace.control_requests import ControlRequest
from bot.workspace.page_requests import PageRequest
from bot.workspace.spec import WorkspaceChannel


@pytest.fixture
async def control(local):
    """Return a function that asks the control API."""
    headers = {"Authorization": f"Bearer {local.access.token}"}
    async with ClientSession(headers=headers) as session:

        async def ask(path="do", /, **asked):
            if path == "do":
                async with session.post(local.control_url + path, json=asked) as answer:
                    return answer.status, await answer.json()
            async with session.get(local.control_url + path, params=asked) as answer:
                return answer.status, await answer.json()

        yield ask


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"error": "channel_not_found"}, "channel_not_found"),
        ({"status": 500}, "status 500"),
        ({"retry_after": 3}, "ratelimited"),
        ({"delay": 0.01}, "ok"),
        ({"cut": True}, "cut"),
        ({"lose_answer": True}, "ok, answer lost"),
    ],
)
async def test_faults_are_asked_for_by_name(control, local, client, fault, outcome):
    client.retry_handlers.clear()
    await control(do="fail_next", method="auth.test", **fault)

    with suppress(SlackApiError, ClientError):
        await client.auth_test()

    assert [each.outcome for each in await local.requests("auth.test")] == [outcome]


async def test_an_unclear_wish_is_refused_and_changes_nothing(control, local):
    wishes = [
        {"do": "fail_next", "method": "x"},
        {"do": "fail_next", "method": "x", "error": "a", "status": 500},
        {"do": "explode"},
        {"do": "join", "channel": GENERAL},
        {"do": "outage", "reason": "x"},
    ]

    answers = [await control(**wish) for wish in wishes]

    assert [status for status, _ in answers] == [400] * 5
    assert local.api.away is False


async def test_channels_and_members_change(control, client):
    await control(do="add_channel", id="C0NEW", name="new")
    outside = (await client.conversations_info(channel="C0NEW"))["channel"]["is_member"]
    await control(do="join", channel="C0NEW", user=BOT)
    inside = (await client.conversations_info(channel="C0NEW"))["channel"]["is_member"]
    await control(do="archive", channel="C0NEW")
    archived = (await client.conversations_info(channel="C0NEW"))["channel"]["is_archived"]
    await control(do="remove_channel", channel="C0NEW")

    assert (outside, inside, archived) == (False, True, True)
    assert await control(do="leave", channel="C0NEW", user=BOT) == (
        409,
        {"refused": "channel_not_found"},
    )


async def test_people_and_groups_change(control, local):
    await control(do="add_user", id="U0DAN", name="dan", is_restricted=True)
    await control(do="change_user", user=ALICE, deleted=True)
    await control(do="set_usergroup", group="S0PLATFORM", users=["U0DAN"])

    assert local.workspace.people.at("U0DAN").is_restricted
    assert local.workspace.people.at(ALICE).deleted
    assert local.workspace.people.group("S0PLATFORM") == ["U0DAN"]


async def test_an_outage_begins_and_ends(control, local, client):
    await control(do="outage", refuse=True)
    began = local.api.away
    await control(do="recover")

    assert began
    assert (await client.auth_test())["ok"]


async def test_messages_and_requests_can_be_read(control, client):
    root = (await client.chat_postMessage(channel=GENERAL, text="root"))["ts"]
    await client.chat_postMessage(channel=GENERAL, text="reply", thread_ts=root)
    await client.chat_postEphemeral(channel=GENERAL, user=ALICE, text="psst")

    _, messages = await control("messages", channel=GENERAL)
    _, thread = await control("messages", channel=GENERAL, thread_ts=root)
    _, ephemerals = await control("ephemerals", user=ALICE)
    _, requests = await control("requests", method="chat.postMessage")
    missing = await control("messages", channel="C0NOWHERE")

    assert [each["text"] for each in messages] == ["root", "reply"]
    assert thread[0]["reply_count"] == 1
    assert [each["text"] for each in ephemerals] == ["psst"]
    assert [each["arguments"]["text"] for each in requests] == ["root", "reply"]
    assert missing == (404, {"refused": "channel_not_found"})


async def test_waiting_ends_when_the_message_comes_or_in_time(local, client):
    await local.add_channel(WorkspaceChannel("C0NEW", "new", (BOT,)))

    with pytest.raises(TimeoutError):
        await local.wait_for_message("C0NEW", bool, 0.01)
    await client.chat_postMessage(channel="C0NEW", text="x")

    assert (await local.wait_for_message("C0NEW", bool))["text"] == "x"


def test_all_that_can_be_asked_over_http_is_in_the_docs() -> None:
    text = (Path(__file__).parents[3] / "docs" / "local-workspace.md").read_text(encoding="utf-8")
    asked = [
        name
        for model in (*get_args(get_args(ControlRequest)[0]), *get_args(get_args(PageRequest)[0]))
        for name in get_args(model.model_fields["do"].annotation)
    ]

    assert len(asked) > 20
    assert [name for name in asked if f"`{name}`" not in text] == []
