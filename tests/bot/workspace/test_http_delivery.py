"""The same app over HTTP: signed requests to /slack/events."""

from contextlib import asynccontextmanager

from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from small_workspace import ALICE, BOT_TOKEN, GENERAL, actions, button, modal, spec, text_input

from bot.workspace.server import LocalWorkspace, RequestUrl

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


@asynccontextmanager
async def served(*, secret=SECRET, register):
    """Run a Bolt app over HTTP and a workspace that delivers there, signing with `secret`."""
    client = AsyncWebClient(token=BOT_TOKEN)
    app = AsyncApp(client=client, signing_secret=SECRET)
    register(app)
    runner = web.AppRunner(app.web_app("/slack/events"), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    local = LocalWorkspace(spec(), request_url=RequestUrl(url, secret), ack_seconds=60)
    await local.start()
    client.base_url = local.api_url
    try:
        yield local, client
    finally:
        await local.close()
        await runner.cleanup()


def listeners(seen):
    def register(app):
        @app.action("go")
        async def pressed(ack, body, client):
            seen.append(body["trigger_id"])
            if len(seen) == 1:
                view = modal(
                    text_input("why"),
                    submit={"type": "plain_text", "text": "Send"},
                    callback_id="reason",
                )
                await client.views_open(trigger_id=body["trigger_id"], view=view)
            await ack()

        @app.view("reason")
        async def submitted(ack, view):
            text = view["state"]["values"]["why"]["typed"]["value"]
            await ack(response_action="errors", errors={"why": f"not {text}"})

        @app.command("/placet")
        async def commanded(ack, body):
            await ack(f"you said {body['text']}")

    return register


async def test_clicks_modals_and_commands_work_over_signed_http():
    seen = []

    async with served(register=listeners(seen)) as (local, client):
        posted = await client.chat_postMessage(
            channel=GENERAL, text="x", blocks=[actions(button("go"))]
        )
        clicked = await local.click(ALICE, GENERAL, posted["ts"], "go")
        view = await local.wait_for_view(ALICE)
        submitted = await local.submit_view(ALICE, view["id"], {"why": "so"})
        commanded = await local.command(ALICE, GENERAL, "/placet", "ünï & code=1")

    assert clicked.acknowledged
    assert submitted.errors == {"why": "not so"}
    assert commanded.text == "you said ünï & code=1"


async def test_a_wrong_signature_is_not_acknowledged():
    seen = []

    async with served(register=listeners(seen), secret="another") as (local, _):
        commanded = await local.command(ALICE, GENERAL, "/placet", "list")

    assert commanded.error == "Placet answered with HTTP status 401"
    assert seen == []


async def test_the_same_signed_request_may_be_delivered_twice():
    seen = []

    async with served(register=listeners(seen)) as (local, client):
        posted = await client.chat_postMessage(
            channel=GENERAL, text="x", blocks=[actions(button("go"))]
        )
        await local.duplicate_next()
        clicked = await local.click(ALICE, GENERAL, posted["ts"], "go")

    assert clicked.acknowledged
    assert len(seen) == 2
    assert seen[0] == seen[1]


async def test_an_app_that_is_away_cannot_be_reached(free_port):
    url = f"http://127.0.0.1:{free_port}/slack/events"
    local = LocalWorkspace(spec(), request_url=RequestUrl(url, SECRET))

    shown = await local.command(ALICE, GENERAL, "/placet", "list")

    assert shown.error == "Placet could not be reached"
