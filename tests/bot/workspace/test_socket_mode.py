"""A real Bolt app in Socket Mode: what people do reaches it, what it says reaches them."""

import asyncio

import pytest
from aiohttp import ClientSession
from small_workspace import (
    ALICE,
    BOB,
    GENERAL,
    GUEST,
    SECRET,
    actions,
    button,
    modal,
    spec,
    text_input,
)

from bot.workspace.delivery import Ack
from bot.workspace.errors import Impossible
from bot.workspace.server import LocalWorkspace
from bot.workspace.spec import SlashCommand

SUBMIT = {"type": "plain_text", "text": "Send"}
REASON = modal(text_input("why"), submit=SUBMIT, callback_id="reason")


async def posted(client, *elements, channel=GENERAL):
    answer = await client.chat_postMessage(
        channel=channel, text="x", blocks=[actions(*elements or [button("go", value="7F3K")])]
    )
    return answer["ts"]


async def opened(local, app, connect, client, *, answer=None):
    """Open a modal for Alice; its submission is acknowledged with `answer`."""

    @app.action("go")
    async def opens(ack, body, client):
        await client.views_open(trigger_id=body["trigger_id"], view=REASON)
        await ack()

    @app.view("reason")
    async def submitted(ack):
        await ack(**(answer or {}))

    await connect(app)
    ts = await posted(client)
    await local.click(ALICE, GENERAL, ts, "go")
    return await local.wait_for_view(ALICE)


async def test_a_pressed_button_reaches_the_app_as_slack_would_send_it(local, app, connect, client):
    bodies = []

    @app.action("go")
    async def pressed(ack, body):
        bodies.append(body)
        await ack()

    await connect(app)
    ts = await posted(client)

    shown = await local.click(ALICE, GENERAL, ts, "go")

    body = bodies[0]
    assert shown.acknowledged
    assert body["user"] == {
        "id": ALICE,
        "username": "alice",
        "name": "alice",
        "team_id": "T0LOCAL",
    }
    assert body["team"] == {"id": "T0LOCAL", "domain": "local"}
    assert body["api_app_id"] == "A0PLACET"
    assert body["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": GENERAL,
        "is_ephemeral": False,
    }
    assert body["channel"] == {"id": GENERAL, "name": "general"}
    assert body["message"]["ts"] == ts
    assert body["message"]["bot_id"] == "B0PLACET"
    assert body["state"] == {"values": {}}
    assert set(body["actions"][0]) == {
        "action_id",
        "block_id",
        "text",
        "value",
        "type",
        "action_ts",
    }
    assert body["actions"][0]["value"] == "7F3K"
    assert body["response_url"].startswith("http://127.0.0.1:")


async def test_a_stranger_carries_the_team_of_the_other_workspace(local, app, connect, client):
    teams = []

    @app.action("go")
    async def pressed(ack, body):
        teams.append((body["user"]["team_id"], body["team"]["id"]))
        await ack()

    await connect(app)
    ts = await posted(client)

    await local.click(GUEST, GENERAL, ts, "go")

    assert teams == [("T0OTHER", "T0LOCAL")]


async def test_a_press_in_a_message_for_one_person_carries_no_message(local, app, connect, client):
    bodies = []

    @app.action("go")
    async def pressed(ack, body, respond):
        bodies.append(body)
        await ack()
        await respond(delete_original=True)

    await connect(app)
    answer = await client.chat_postEphemeral(
        channel=GENERAL, user=ALICE, text="x", blocks=[actions(button("go"))]
    )

    await local.click(ALICE, GENERAL, answer["message_ts"], "go")
    await local.wait_until(lambda: local.workspace.ephemerals(ALICE) == [])

    assert bodies[0]["container"]["is_ephemeral"] is True
    assert "message" not in bodies[0]


async def test_a_click_that_nobody_acknowledges_shows_slacks_error_mark(
    local, app, connect, client
):
    @app.action("go")
    async def silent():
        return None

    await connect(app)
    ts = await posted(client)
    local.sockets.ack_seconds = 0.2

    shown = await local.click(ALICE, GENERAL, ts, "go")

    assert shown.error == "Placet did not answer in time"


async def test_a_click_without_any_connection_fails_at_once(local, client):
    ts = await posted(client)

    shown = await local.click(ALICE, GENERAL, ts, "go")

    assert shown.error == "Placet is not connected to this workspace"


async def test_people_cannot_press_what_they_do_not_see(local, client):
    ts = await posted(client, channel=SECRET)

    with pytest.raises(Impossible, match="sees no channel"):
        await local.click(ALICE, SECRET, ts, "go")
    with pytest.raises(Impossible, match="no `other` to press"):
        await local.click(BOB, SECRET, ts, "other")


async def test_the_deactivated_cannot_act(local, client):
    ts = await posted(client)
    await local.change_user(ALICE, deleted=True)

    with pytest.raises(Impossible, match="deactivated"):
        await local.click(ALICE, GENERAL, ts, "go")


async def test_a_modal_brings_what_was_entered(local, app, connect, client):
    states = []

    @app.action("go")
    async def opens(ack, body, client):
        await client.views_open(trigger_id=body["trigger_id"], view=REASON)
        await ack()

    @app.view("reason")
    async def submitted(ack, body, view):
        states.append((view["state"], view["callback_id"], body["user"]["id"]))
        await ack()

    await connect(app)
    await local.click(ALICE, GENERAL, await posted(client), "go")
    view = await local.wait_for_view(ALICE)

    shown = await local.submit_view(ALICE, view["id"], {"why": "too wide"})

    entered = {"why": {"typed": {"type": "plain_text_input", "value": "too wide"}}}
    assert shown.acknowledged
    assert states == [({"values": entered}, "reason", ALICE)]
    assert await local.views(ALICE) == []


async def test_slacks_client_keeps_back_what_is_incomplete(local, app, connect, client):
    view = await opened(local, app, connect, client)

    shown = await local.submit_view(ALICE, view["id"], {})

    assert shown.errors == {"why": "Please complete this required field."}


async def test_errors_of_a_submission_stand_beside_their_inputs(local, app, connect, client):
    answer = {"response_action": "errors", "errors": {"why": "say more"}}
    view = await opened(local, app, connect, client, answer=answer)

    shown = await local.submit_view(ALICE, view["id"], {"why": "no"})

    assert shown.errors == {"why": "say more"}
    assert [each["id"] for each in await local.views(ALICE)] == [view["id"]]


async def test_errors_for_no_input_are_trouble(local, app, connect, client):
    answer = {"response_action": "errors", "errors": {"elsewhere": "say more"}}
    view = await opened(local, app, connect, client, answer=answer)

    shown = await local.submit_view(ALICE, view["id"], {"why": "no"})

    assert shown.error == "We had some trouble connecting. Try again?"


@pytest.mark.parametrize(
    ("answer", "titles"),
    [
        ({"response_action": "update", "view": modal(heading="Done")}, ["Done"]),
        ({"response_action": "push", "view": modal(heading="More")}, ["A modal", "More"]),
        ({"response_action": "clear"}, []),
        ({}, []),
    ],
)
async def test_a_submission_changes_the_stack_as_the_app_says(
    local, app, connect, client, answer, titles
):
    view = await opened(local, app, connect, client, answer=answer)

    await local.submit_view(ALICE, view["id"], {"why": "because"})

    assert [each["title"]["text"] for each in await local.views(ALICE)] == titles


async def test_an_invalid_view_in_an_answer_leaves_the_modal_and_says_so(
    local, app, connect, client
):
    answer = {"response_action": "update", "view": modal(heading="x" * 25)}
    view = await opened(local, app, connect, client, answer=answer)

    shown = await local.submit_view(ALICE, view["id"], {"why": "because"})

    assert shown.error == "We had some trouble connecting. Try again? (invalid_arguments)"
    assert (await local.views(ALICE))[0]["title"]["text"] == "A modal"


async def test_closing_is_told_to_an_app_that_asked_for_it(local, app, connect, client):
    closed = []

    @app.action("go")
    async def opens(ack, body, client):
        view = REASON | {"notify_on_close": True}
        await client.views_open(trigger_id=body["trigger_id"], view=view)
        await ack()

    @app.view_closed("reason")
    async def on_close(ack, body):
        closed.append((body["view"]["callback_id"], body["is_cleared"]))
        await ack()

    await connect(app)
    await local.click(ALICE, GENERAL, await posted(client), "go")
    view = await local.wait_for_view(ALICE)

    shown = await local.close_view(ALICE, view["id"])

    assert shown.acknowledged
    assert closed == [("reason", False)]


async def test_a_button_in_a_modal_may_update_it(local, app, connect, client):
    page = modal(actions(button("next")), callback_id="pages")

    @app.action("go")
    async def opens(ack, body, client):
        await client.views_open(trigger_id=body["trigger_id"], view=page)
        await ack()

    @app.action("next")
    async def turn(ack, body, client):
        view = body["view"]
        await client.views_update(
            view_id=view["id"], hash=view["hash"], view=page | {"title": SUBMIT}
        )
        await ack()

    await connect(app)
    await local.click(ALICE, GENERAL, await posted(client), "go")
    view = await local.wait_for_view(ALICE)

    shown = await local.click_in_view(ALICE, view["id"], "next")

    assert shown.acknowledged
    assert (await local.views(ALICE))[0]["title"]["text"] == "Send"


async def test_a_command_brings_its_fields_and_its_answer_is_seen_by_one_person(
    local, app, connect
):
    bodies = []

    @app.command("/placet")
    async def commanded(ack, body):
        bodies.append(body)
        await ack("nothing is pending")

    await connect(app)

    shown = await local.command(ALICE, GENERAL, "/placet", "list all")

    assert shown.text == "nothing is pending"
    assert [each["text"] for each in await local.ephemerals(ALICE)] == ["nothing is pending"]
    assert await local.ephemerals(BOB) == []
    assert set(bodies[0]) == {
        "token",
        "team_id",
        "team_domain",
        "channel_id",
        "channel_name",
        "user_id",
        "user_name",
        "command",
        "text",
        "api_app_id",
        "is_enterprise_install",
        "response_url",
        "trigger_id",
    }
    assert bodies[0]["text"] == "list all"


async def test_a_command_may_answer_the_whole_channel(local, app, connect):
    @app.command("/placet")
    async def commanded(ack):
        await ack(text="for all", response_type="in_channel")

    await connect(app)

    await local.command(ALICE, GENERAL, "/placet", "list")

    assert [each["text"] for each in await local.messages(GENERAL)] == ["for all"]


async def test_a_command_that_fails_is_told_to_the_person(local, app, connect):
    @app.command("/placet")
    async def commanded():
        return None

    await connect(app)
    local.sockets.ack_seconds = 0.2

    shown = await local.command(ALICE, GENERAL, "/placet", "list")

    told = (await local.ephemerals(ALICE))[0]
    assert shown.error == "Placet did not answer in time"
    assert told["text"] == "/placet failed: Placet did not answer in time"


async def test_an_unknown_command_is_no_command(local):
    with pytest.raises(Impossible, match="`/other` is not a command"):
        await local.command(ALICE, GENERAL, "/other")


async def test_opening_the_home_tab_is_an_event(local, app, connect):
    home = {"type": "home", "blocks": [actions(button("revoke"))]}

    @app.event("app_home_opened")
    async def on_open(event, client):
        await client.views_publish(user_id=event["user"], view=home)

    @app.action("revoke")
    async def revoke(ack, body, client):
        await client.views_publish(user_id=body["user"]["id"], view={"type": "home", "blocks": []})
        await ack()

    await connect(app)

    await local.open_home(ALICE)
    await local.wait_until(lambda: local.workspace.modals.home(ALICE) is not None)
    view = await local.home(ALICE)
    await local.click_in_view(ALICE, view["id"], "revoke")

    assert (await local.home(ALICE))["blocks"] == []


async def test_an_app_without_a_home_tab_has_none_to_open():
    workspace = LocalWorkspace(spec(home_tab=False))

    with pytest.raises(Impossible, match="has no home tab"):
        await workspace.open_home(ALICE)


async def test_each_envelope_goes_to_one_of_several_connections(local, app, connect, client):
    presses = []

    @app.action("go")
    async def pressed(ack):
        presses.append(1)
        await ack()

    await connect(app)
    await connect(app)
    ts = await posted(client)

    for _ in range(4):
        await local.click(ALICE, GENERAL, ts, "go")

    assert local.sockets.connected == 2
    assert len(presses) == 4


async def test_a_repeated_delivery_reaches_the_app_twice(local, app, connect, client):
    presses = []
    both = asyncio.Event()

    @app.action("go")
    async def pressed(ack, body):
        presses.append(body["trigger_id"])
        await ack()
        if len(presses) == 2:
            both.set()

    await connect(app)
    ts = await posted(client)
    await local.duplicate_next()

    shown = await local.click(ALICE, GENERAL, ts, "go")
    await asyncio.wait_for(both.wait(), 60)

    assert shown.acknowledged
    assert presses[0] == presses[1]


async def test_the_app_comes_back_after_a_disconnect(local, app, connect, client):
    @app.action("go")
    async def pressed(ack):
        await ack()

    await connect(app)
    ts = await posted(client)

    await local.disconnect_sockets()
    await local.wait_until(lambda: local.sockets.connected == 0)
    await local.wait_until_connected()
    shown = await local.click(ALICE, GENERAL, ts, "go")

    assert shown.acknowledged


async def test_a_ticket_opens_one_connection(local, client):
    app_client = type(client)(token="xapp-local", base_url=local.api_url)
    url = (await app_client.apps_connections_open(app_token="xapp-local"))["url"]

    async with ClientSession() as session:
        async with session.ws_connect(url) as connection:
            hello = await connection.receive_json()
        async with session.get(url.replace("ws://", "http://")) as again:
            status = again.status

    assert hello["type"] == "hello"
    assert hello["connection_info"] == {"app_id": "A0PLACET"}
    assert status == 403


async def test_mentions_are_escaped_where_the_command_asks_for_it():
    command = SlashCommand("/placet", should_escape=True)
    workspace = LocalWorkspace(spec(commands=[command]))
    workspace.interactions.delivery = wire = Noting()

    await workspace.command(ALICE, GENERAL, "/placet", "grant to @bob and @nobody")

    assert wire.payloads[0]["text"] == f"grant to <@{BOB}|bob> and @nobody"


class Noting:
    """A wire that keeps what is delivered."""

    def __init__(self):
        self.payloads = []

    async def deliver(self, _kind, payload, copies=1):
        self.payloads += [payload] * copies
        return Ack()
