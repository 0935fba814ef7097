"""Slack's Web API as slack_sdk's client meets it."""

import pytest
from aiohttp import ClientSession
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from small_workspace import (
    ALICE,
    APP_TOKEN,
    BOB,
    BOT,
    BOT_TOKEN,
    CAT,
    GENERAL,
    GUEST,
    SECRET,
    actions,
    button,
    spec,
)

from bot.workspace.server import LocalWorkspace
from bot.workspace.spec import WorkspaceUser


async def refusal(call):
    """Return the error with which Slack refuses a call."""
    with pytest.raises(SlackApiError) as refused:
        await call
    return refused.value.response["error"]


async def test_auth_test_tells_whose_token_it_is(client):
    answer = await client.auth_test()

    assert answer["user_id"] == BOT
    assert answer["bot_id"] == "B0PLACET"
    assert answer["team_id"] == "T0LOCAL"


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (None, "not_authed"),
        ("xoxb-wrong", "invalid_auth"),
        ("xoxb-\ufffd", "invalid_auth"),
        (APP_TOKEN, "not_allowed_token_type"),
    ],
)
async def test_a_method_wants_the_bots_token(local, token, error):
    client = AsyncWebClient(base_url=local.api_url)

    answer = await refusal(client.api_call("auth.test", data={"token": token} if token else {}))

    assert answer == error


async def test_a_connection_wants_the_apps_token(client):
    assert await refusal(client.apps_connections_open(app_token=BOT_TOKEN)) == (
        "not_allowed_token_type"
    )


async def test_a_missing_scope_is_named():
    local = LocalWorkspace(spec(scopes=frozenset({"chat:write"})))
    await local.start()
    client = AsyncWebClient(token=BOT_TOKEN, base_url=local.api_url)

    with pytest.raises(SlackApiError) as refused:
        await client.users_info(user=ALICE)
    await local.close()

    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "users:read"
    assert refused.value.response["provided"] == "chat:write"


async def test_each_kind_of_channel_is_read_with_a_scope_of_its_own():
    local = LocalWorkspace(spec(scopes=frozenset({"channels:history"})))
    await local.start()
    client = AsyncWebClient(token=BOT_TOKEN, base_url=local.api_url)

    public = await client.conversations_history(channel=GENERAL)
    with pytest.raises(SlackApiError) as refused:
        await client.conversations_history(channel=SECRET)
    await local.close()

    assert public["messages"] == []
    assert refused.value.response["error"] == "missing_scope"
    assert refused.value.response["needed"] == "groups:history"


async def test_an_unknown_method_is_unknown(client):
    assert await refusal(client.api_call("chat.guess")) == "unknown_method"


@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_arguments_may_come_in_the_query_or_a_form(local, verb):
    async with ClientSession() as session:
        fields = {"params": {"user": ALICE}} if verb == "GET" else {"data": {"user": ALICE}}
        async with session.request(
            verb,
            f"{local.api_url}users.info",
            headers={"Authorization": f"Bearer {BOT_TOKEN}"},
            **fields,
        ) as response:
            answer = await response.json()

    assert answer["user"]["name"] == "alice"


async def test_arguments_may_come_as_json(local):
    async with (
        ClientSession() as session,
        session.post(
            f"{local.api_url}chat.postMessage",
            headers={"Authorization": f"Bearer {BOT_TOKEN}"},
            json={"channel": GENERAL, "text": "hi", "blocks": [actions(button("go"))]},
        ) as response,
    ):
        answer = await response.json()

    assert answer["message"]["blocks"][0]["elements"][0]["action_id"] == "go"


async def test_broken_json_is_refused(local):
    async with (
        ClientSession() as session,
        session.post(
            f"{local.api_url}chat.postMessage",
            headers={"Content-Type": "application/json"},
            data=b'{"channel": ',
        ) as response,
    ):
        answer = await response.json()

    assert answer == {"ok": False, "error": "invalid_json"}


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("", "channel_not_found"),
        ("C0NOWHERE", "channel_not_found"),
        ("C0NOBOT", "not_in_channel"),
    ],
)
async def test_a_message_needs_a_channel_the_bot_is_in(client, channel, error):
    assert await refusal(client.chat_postMessage(channel=channel, text="x")) == error


async def test_a_private_channel_without_the_bot_is_not_there(local, client):
    await local.leave(SECRET, BOT)

    assert await refusal(client.chat_postMessage(channel=SECRET, text="x")) == ("channel_not_found")


async def test_an_archived_channel_takes_no_messages(local, client):
    await local.archive(GENERAL)

    assert await refusal(client.chat_postMessage(channel=GENERAL, text="x")) == "is_archived"


async def test_a_removed_channel_is_not_found(local, client):
    await local.remove_channel(GENERAL)

    assert await refusal(client.chat_postMessage(channel=GENERAL, text="x")) == (
        "channel_not_found"
    )


@pytest.mark.filterwarnings("ignore:The top-level `text`:UserWarning")
async def test_a_message_says_something(client):
    assert await refusal(client.chat_postMessage(channel=GENERAL, text="")) == "no_text"


async def test_timestamps_are_distinct_and_ascending(client):
    stamps = [
        (await client.chat_postMessage(channel=GENERAL, text=str(each)))["ts"] for each in range(5)
    ]

    assert stamps == sorted(set(stamps))
    assert all(len(each.partition(".")[2]) == 6 for each in stamps)


async def test_an_update_without_blocks_takes_them_away_and_marks_the_edit(local, client):
    ts = (await client.chat_postMessage(channel=GENERAL, text="x", blocks=[actions(button("go"))]))[
        "ts"
    ]

    await client.chat_update(channel=GENERAL, ts=ts, text="done")

    message = (await local.messages(GENERAL))[0]
    assert message["text"] == "done"
    assert "blocks" not in message
    assert message["edited"]["user"] == BOT


async def test_an_update_with_blocks_shows_no_edit(local, client):
    ts = (await client.chat_postMessage(channel=GENERAL, text="x"))["ts"]

    await client.chat_update(channel=GENERAL, ts=ts, text="y", blocks=[actions(button("go"))])

    assert "edited" not in (await local.messages(GENERAL))[0]


async def test_the_bot_updates_and_deletes_its_own_messages_only(local, client):
    message = await local.say(ALICE, GENERAL, "mine")

    update = client.chat_update(channel=GENERAL, ts=message["ts"], text="y")
    delete = client.chat_delete(channel=GENERAL, ts=message["ts"])

    assert await refusal(update) == "cant_update_message"
    assert await refusal(delete) == "cant_delete_message"


async def test_what_is_not_there_is_not_updated(client):
    update = client.chat_update(channel=GENERAL, ts="1.000001", text="y")

    assert await refusal(update) == "message_not_found"


async def test_an_edit_holds_four_thousand_characters(client):
    ts = (await client.chat_postMessage(channel=GENERAL, text="x"))["ts"]

    await client.chat_update(channel=GENERAL, ts=ts, text="y" * 4000)
    update = client.chat_update(channel=GENERAL, ts=ts, text="y" * 4001)

    assert await refusal(update) == "msg_too_long"


async def test_the_text_of_a_message_is_cut_at_forty_thousand_characters(local, client):
    await client.chat_postMessage(channel=GENERAL, text="y" * 40_001)

    assert len((await local.messages(GENERAL))[0]["text"]) == 40_000


async def test_a_deleted_message_is_gone(local, client):
    ts = (await client.chat_postMessage(channel=GENERAL, text="x"))["ts"]

    await client.chat_delete(channel=GENERAL, ts=ts)

    assert await local.messages(GENERAL) == []


async def test_a_thread_counts_its_replies_and_stays_out_of_the_channel(client):
    root = (await client.chat_postMessage(channel=GENERAL, text="root"))["ts"]
    for text in ("one", "two"):
        await client.chat_postMessage(channel=GENERAL, text=text, thread_ts=root)

    history = await client.conversations_history(channel=GENERAL)
    thread = await client.conversations_replies(channel=GENERAL, ts=root)

    assert [(m["text"], m["reply_count"]) for m in history["messages"]] == [("root", 2)]
    assert [m["text"] for m in thread["messages"]] == ["root", "one", "two"]


async def test_a_reply_needs_a_thread(client):
    post = client.chat_postMessage(channel=GENERAL, text="x", thread_ts="1.000001")

    assert await refusal(post) == "thread_not_found"


async def test_history_comes_in_pages_newest_first(client):
    for each in range(5):
        await client.chat_postMessage(channel=GENERAL, text=str(each))

    first = await client.conversations_history(channel=GENERAL, limit=3)
    cursor = first["response_metadata"]["next_cursor"]
    second = await client.conversations_history(channel=GENERAL, limit=3, cursor=cursor)

    assert [m["text"] for m in first["messages"]] == ["4", "3", "2"]
    assert [m["text"] for m in second["messages"]] == ["1", "0"]
    assert second["has_more"] is False


async def test_history_ends_where_it_is_asked_to(client):
    stamps = [
        (await client.chat_postMessage(channel=GENERAL, text=str(each)))["ts"] for each in range(3)
    ]

    after = await client.conversations_history(channel=GENERAL, oldest=stamps[1])
    upto = await client.conversations_history(channel=GENERAL, latest=stamps[1], inclusive=True)

    assert [m["text"] for m in after["messages"]] == ["2"]
    assert [m["text"] for m in upto["messages"]] == ["1", "0"]


async def test_metadata_is_kept_and_shown_when_asked_for(client):
    metadata = {"event_type": "approval", "event_payload": {"id": "7F3K"}}
    await client.chat_postMessage(channel=GENERAL, text="x", metadata=metadata)

    plain = await client.conversations_history(channel=GENERAL)
    full = await client.conversations_history(channel=GENERAL, include_all_metadata=True)

    assert "metadata" not in plain["messages"][0]
    assert full["messages"][0]["metadata"] == metadata


async def test_an_ephemeral_is_seen_by_one_member(local, client):
    await client.chat_postEphemeral(channel=GENERAL, user=ALICE, text="psst")
    stranger = client.chat_postEphemeral(channel=GENERAL, user=CAT, text="psst")

    assert [m["text"] for m in await local.ephemerals(ALICE)] == ["psst"]
    assert await local.ephemerals(BOB) == []
    assert await local.messages(GENERAL) == []
    assert await refusal(stranger) == "user_not_in_channel"


async def test_an_ephemeral_cannot_be_updated(client):
    ts = (await client.chat_postEphemeral(channel=GENERAL, user=ALICE, text="psst"))["message_ts"]

    update = client.chat_update(channel=GENERAL, ts=ts, text="y")

    assert await refusal(update) == "message_not_found"


async def test_people_are_described_as_slack_describes_them(client):
    stranger = (await client.users_info(user=GUEST))["user"]
    bot = (await client.users_info(user=BOT))["user"]

    assert stranger["team_id"] == "T0OTHER"
    assert stranger["is_stranger"] is True
    assert bot["is_bot"] is True
    assert await refusal(client.users_info(user="U0NOBODY")) == "user_not_found"


async def test_the_deactivated_are_marked(local, client):
    await local.add_user(WorkspaceUser("U0DAN", "dan", is_restricted=True))
    await local.change_user(BOB, deleted=True)

    users = {each["id"]: each for each in (await client.users_list())["members"]}

    assert users[BOB]["deleted"] is True
    assert users["U0DAN"]["is_restricted"] is True


async def test_user_groups_list_their_members(local, client):
    groups = await client.usergroups_list(include_users=True)
    members = await client.usergroups_users_list(usergroup="S0PLATFORM")
    await local.change_user(BOB, deleted=True)
    later = await client.usergroups_users_list(usergroup="S0PLATFORM")
    await local.set_usergroup("S0PLATFORM", None)

    assert groups["usergroups"][0]["handle"] == "platform"
    assert members["users"] == [BOB, CAT]
    assert later["users"] == [CAT]
    assert await refusal(client.usergroups_users_list(usergroup="S0PLATFORM")) == (
        "no_such_subteam"
    )


async def test_channels_are_listed_by_kind(client):
    both = await client.conversations_list(types="public_channel,private_channel")
    public = await client.conversations_list()

    assert {each["id"] for each in both["channels"]} == {GENERAL, SECRET, "C0NOBOT"}
    assert {each["id"] for each in public["channels"]} == {GENERAL, "C0NOBOT"}


async def test_a_channel_tells_whether_the_bot_is_in_it(client):
    inside = await client.conversations_info(channel=GENERAL, include_num_members=True)
    outside = await client.conversations_info(channel="C0NOBOT")

    assert inside["channel"]["is_member"] is True
    assert inside["channel"]["num_members"] == 3
    assert outside["channel"]["is_member"] is False


async def test_the_bot_may_join_a_public_channel(client):
    await client.conversations_join(channel="C0NOBOT")

    assert (await client.chat_postMessage(channel="C0NOBOT", text="here"))["ok"]
    assert BOT in (await client.conversations_members(channel="C0NOBOT"))["members"]


async def test_a_direct_conversation_is_opened_once(local, client):
    opened = (await client.conversations_open(users=ALICE))["channel"]["id"]
    posted = await client.chat_postMessage(channel=ALICE, text="hello")

    assert posted["channel"] == opened
    assert [m["text"] for m in await local.messages(opened)] == ["hello"]


async def test_a_reaction_is_added_once(local, client):
    ts = (await client.chat_postMessage(channel=GENERAL, text="x"))["ts"]

    await client.reactions_add(channel=GENERAL, timestamp=ts, name="eyes")
    again = client.reactions_add(channel=GENERAL, timestamp=ts, name="eyes")

    assert await refusal(again) == "already_reacted"
    assert (await local.messages(GENERAL))[0]["reactions"] == [
        {"name": "eyes", "users": [BOT], "count": 1}
    ]


async def test_a_permalink_points_to_the_message(client):
    ts = (await client.chat_postMessage(channel=GENERAL, text="x"))["ts"]

    link = (await client.chat_getPermalink(channel=GENERAL, message_ts=ts))["permalink"]

    assert link == f"https://local.slack.com/archives/{GENERAL}/p{ts.replace('.', '')}"


async def test_requests_are_noted_without_their_tokens(local, client):
    await client.chat_postMessage(channel=GENERAL, text="x")
    await AsyncWebClient(base_url=local.api_url).api_call("auth.test", data={"token": BOT_TOKEN})

    noted = (await local.requests("chat.postMessage"))[0]

    assert noted.arguments["text"] == "x"
    assert noted.outcome == "ok"
    assert BOT_TOKEN not in str(await local.requests())


async def test_the_page_is_no_part_of_the_api(local):
    async with ClientSession() as session, session.get(local.api_url[:-4] + "control/do") as got:
        assert got.status == 404
