"""Triggers, stacks and home tabs: when a view may be opened, pushed, updated."""

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from small_workspace import ALICE, BOT_TOKEN, modal, spec

from bot.workspace.server import LocalWorkspace


class Clock:
    """Seconds that pass when told to."""

    def __init__(self):
        self.seconds = 1000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def local(clock):
    workspace = LocalWorkspace(spec(), clock=clock)
    await workspace.start()
    yield workspace
    await workspace.close()


def trigger(local, view=None):
    return local.workspace.tickets.trigger(ALICE, view)


async def refusal(call):
    with pytest.raises(SlackApiError) as refused:
        await call
    return refused.value.response["error"]


async def test_a_trigger_opens_one_view(local, client):
    once = trigger(local)

    await client.views_open(trigger_id=once, view=modal())

    assert await refusal(client.views_open(trigger_id=once, view=modal())) == (
        "exchanged_trigger_id"
    )


async def test_a_trigger_lives_three_seconds(local, client, clock, monkeypatch, own_limits):
    lives = "bot.workspace.tickets.TRIGGER_SECONDS"
    monkeypatch.setattr(lives, own_limits[lives])
    late = trigger(local)
    clock.seconds += 3.1

    assert await refusal(client.views_open(trigger_id=late, view=modal())) == "expired_trigger_id"


async def test_an_invented_trigger_is_invalid(client):
    assert await refusal(client.views_open(trigger_id="1.2", view=modal())) == "invalid_trigger_id"


async def test_a_refused_view_uses_no_trigger_up(local, client):
    kept = trigger(local)

    error = await refusal(client.views_open(trigger_id=kept, view=modal(heading="x" * 25)))
    await client.views_open(trigger_id=kept, view=modal())

    assert error == "invalid_arguments"
    assert len(await local.views(ALICE)) == 1


async def test_a_stack_holds_three_views(local, client):
    view = (await client.views_open(trigger_id=trigger(local), view=modal()))["view"]
    for _ in range(2):
        pushed = await client.views_push(trigger_id=trigger(local, view["id"]), view=modal())

    fourth = client.views_push(trigger_id=trigger(local, view["id"]), view=modal())

    assert await refusal(fourth) == "push_limit_reached"
    assert pushed["view"]["root_view_id"] == view["id"]


async def test_closing_shows_the_view_below(local, client):
    first = (await client.views_open(trigger_id=trigger(local), view=modal()))["view"]
    second = await client.views_push(trigger_id=trigger(local, first["id"]), view=modal())

    await local.close_view(ALICE, second["view"]["id"])

    assert [each["id"] for each in await local.views(ALICE)] == [first["id"]]


async def test_an_update_with_an_old_hash_is_a_conflict(local, client):
    view = (await client.views_open(trigger_id=trigger(local), view=modal()))["view"]

    await client.views_update(view_id=view["id"], hash=view["hash"], view=modal(heading="new"))
    again = client.views_update(view_id=view["id"], hash=view["hash"], view=modal())

    assert await refusal(again) == "hash_conflict"
    assert (await local.views(ALICE))[0]["title"]["text"] == "new"


async def test_a_closed_view_is_not_found(local, client):
    view = (await client.views_open(trigger_id=trigger(local), view=modal()))["view"]
    await local.close_view(ALICE, view["id"])

    assert await refusal(client.views_update(view_id=view["id"], view=modal())) == "not_found"


async def test_an_external_id_names_one_view(local, client):
    named = modal(external_id="mine")
    await client.views_open(trigger_id=trigger(local), view=named)

    await client.views_update(external_id="mine", view=modal(heading="new", external_id="mine"))
    view_id = (await local.views(ALICE))[0]["id"]
    push = client.views_push(trigger_id=trigger(local, view_id), view=named)

    assert (await local.views(ALICE))[0]["title"]["text"] == "new"
    assert await refusal(push) == "duplicate_external_id"


async def test_a_view_of_more_than_250_kb_is_too_large(local, client):
    text = {"type": "plain_text", "text": "é" * 3000}
    large = modal(*[{"type": "section", "text": text}] * 50)

    assert await refusal(client.views_open(trigger_id=trigger(local), view=large)) == (
        "view_too_large"
    )


async def test_a_home_tab_is_published_per_person(local):
    client = AsyncWebClient(token=BOT_TOKEN, base_url=local.api_url)

    first = await client.views_publish(user_id=ALICE, view={"type": "home", "blocks": []})
    again = await client.views_publish(user_id=ALICE, view={"type": "home", "blocks": []})
    stale = client.views_publish(
        user_id=ALICE, hash=first["view"]["hash"], view={"type": "home", "blocks": []}
    )

    assert first["view"]["id"] == again["view"]["id"]
    assert await refusal(stale) == "hash_conflict"
