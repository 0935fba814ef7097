"""Answers through a response URL: five within thirty minutes."""

from slack_sdk.webhook.async_client import AsyncWebhookClient
from small_workspace import ALICE, BOB, GENERAL, actions, button

from bot.workspace.faults import AnswerStatus


async def pressed(local, app, connect, client, **posting):
    """Press a button as Alice and return the response URL the app was given."""
    urls = []

    @app.action("go")
    async def on_press(ack, body):
        urls.append(body["response_url"])
        await ack()

    await connect(app)
    blocks = [actions(button("go"))]
    if "user" in posting:
        answer = await client.chat_postEphemeral(
            channel=GENERAL, text="x", blocks=blocks, **posting
        )
        ts = answer["message_ts"]
    else:
        ts = (await client.chat_postMessage(channel=GENERAL, text="x", blocks=blocks))["ts"]
    await local.click(ALICE, GENERAL, ts, "go")
    return AsyncWebhookClient(urls[0]), ts


async def test_an_answer_is_seen_by_the_person_only(local, app, connect, client):
    respond, _ = await pressed(local, app, connect, client)

    answer = await respond.send(text="recorded")

    assert (answer.status_code, answer.body) == (200, "ok")
    assert [m["text"] for m in await local.ephemerals(ALICE)] == ["recorded"]
    assert await local.ephemerals(BOB) == []


async def test_an_answer_may_be_for_the_channel(local, app, connect, client):
    respond, _ = await pressed(local, app, connect, client)

    await respond.send(text="for all", response_type="in_channel")

    assert (await local.messages(GENERAL))[-1]["text"] == "for all"


async def test_an_answer_may_replace_the_message(local, app, connect, client):
    respond, ts = await pressed(local, app, connect, client)

    await respond.send(text="done", replace_original=True)

    messages = await local.messages(GENERAL)
    assert [(m["ts"], m["text"], m.get("blocks")) for m in messages] == [(ts, "done", None)]


async def test_an_answer_may_delete_what_only_the_person_saw(local, app, connect, client):
    respond, _ = await pressed(local, app, connect, client, user=ALICE)

    await respond.send(delete_original=True)

    assert await local.ephemerals(ALICE) == []


async def test_a_response_url_is_good_for_five_answers(local, app, connect, client):
    respond, _ = await pressed(local, app, connect, client)

    answers = [await respond.send(text=str(each)) for each in range(6)]

    assert [each.status_code for each in answers] == [200] * 5 + [404]
    assert "used_url" in answers[-1].body


async def test_an_answer_beyond_the_limits_is_refused(local, app, connect, client):
    respond, _ = await pressed(local, app, connect, client)
    header = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}

    answer = await respond.send(text="x", blocks=[header])

    assert "invalid_blocks" in answer.body
    assert await local.ephemerals(ALICE) == []


async def test_a_response_url_may_fail_as_any_method(local, app, connect, client):
    respond, _ = await pressed(local, app, connect, client)
    await local.fail_next("response_url", AnswerStatus(500))

    answers = [(await respond.send(text="x")).status_code for _ in range(2)]

    assert answers == [500, 200]


async def test_an_invented_url_answers_nothing(local):
    base = local.api_url.removesuffix("api/")

    answer = await AsyncWebhookClient(f"{base}response/guess").send(text="x")

    assert answer.status_code == 404
    assert "invalid_url" in answer.body
