"""Faults, outages and rate limits, as the app meets them."""

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from small_workspace import ALICE, BOT_TOKEN, GENERAL, actions, button, spec

from bot.workspace.faults import (
    AnswerError,
    AnswerStatus,
    CutConnection,
    Delay,
    Hang,
    LoseAnswer,
    RateLimit,
)
from bot.workspace.rates import Rates
from bot.workspace.server import LocalWorkspace


def posting(client):
    return client.chat_postMessage(channel=GENERAL, text="x")


async def refusal(call):
    with pytest.raises(SlackApiError) as refused:
        await call
    return refused.value.response


async def test_the_next_calls_of_a_method_fail_and_then_no_more(local, client):
    await local.fail_next("chat.postMessage", AnswerError("channel_not_found"), times=2)

    errors = [(await refusal(posting(client)))["error"] for _ in range(2)]
    await client.auth_test()
    answer = await posting(client)

    assert errors == ["channel_not_found", "channel_not_found"]
    assert answer["ok"]
    assert len(await local.messages(GENERAL)) == 1


async def test_a_fault_may_be_for_any_method(local, client):
    await local.fail_next("*", AnswerStatus(500))

    assert (await refusal(client.users_info(user=ALICE))).status_code == 500


async def test_a_rate_limit_is_survived_by_waiting(local):
    client = AsyncWebClient(token=BOT_TOKEN, base_url=local.api_url)
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
    await local.fail_next("chat.postMessage", RateLimit(retry_after=0))

    await posting(client)

    outcomes = [each.outcome for each in await local.requests("chat.postMessage")]
    assert outcomes == ["ratelimited", "ok"]


async def test_a_hanging_call_times_out_and_does_nothing(local):
    client = AsyncWebClient(token=BOT_TOKEN, base_url=local.api_url, timeout=1)
    await local.fail_next("chat.postMessage", Hang())

    with pytest.raises(TimeoutError):
        await posting(client)

    assert await local.messages(GENERAL) == []


async def test_a_delayed_call_is_done_all_the_same(local, client):
    await local.fail_next("chat.postMessage", Delay(0.01))

    await posting(client)

    assert len(await local.messages(GENERAL)) == 1


async def test_a_cut_connection_does_nothing(local):
    client = AsyncWebClient(token=BOT_TOKEN, base_url=local.api_url, retry_handlers=[])
    await local.fail_next("chat.postMessage", CutConnection())

    with pytest.raises(aiohttp.ClientError):
        await posting(client)

    assert await local.messages(GENERAL) == []


async def test_a_lost_answer_leaves_the_message_posted(local):
    client = AsyncWebClient(token=BOT_TOKEN, base_url=local.api_url, retry_handlers=[])
    await local.fail_next("chat.postMessage", LoseAnswer())

    with pytest.raises(aiohttp.ClientError):
        await posting(client)

    assert len(await local.messages(GENERAL)) == 1


async def test_faults_may_be_called_off(local, client):
    await local.fail_next("chat.postMessage", AnswerError("fatal_error"), times=9)

    await local.clear_faults()

    assert (await posting(client))["ok"]


@pytest.mark.parametrize("refuse", [False, True])
async def test_after_an_outage_the_app_is_back_at_the_same_address(
    local, app, connect, client, refuse
):
    @app.action("go")
    async def pressed(ack):
        await ack()

    await connect(app)
    ts = (await client.chat_postMessage(channel=GENERAL, text="x", blocks=[actions(button("go"))]))[
        "ts"
    ]

    await local.outage(refuse=refuse)
    with pytest.raises((SlackApiError, aiohttp.ClientError)):
        await posting(client)
    await local.wait_until(lambda: local.sockets.connected == 0)
    shown = await local.click(ALICE, GENERAL, ts, "go")
    await local.recover()
    await local.wait_until_connected(seconds=30)
    again = await local.click(ALICE, GENERAL, ts, "go")

    assert shown.error == "Placet is not connected to this workspace"
    assert again.acknowledged


async def test_messages_to_one_channel_come_a_second_apart_after_a_burst():
    seconds = [100.0]
    rates = Rates(lambda: seconds[0])

    burst = [rates.wait_for("chat.postMessage", "C1") for _ in range(16)]
    other = rates.wait_for("chat.postMessage", "C2")
    seconds[0] += 1
    later = [rates.wait_for("chat.postMessage", "C1") for _ in range(2)]

    assert burst == [0] * 15 + [1]
    assert other == 0
    assert later == [0, 1]


async def test_updates_are_limited_to_fifty_a_minute():
    seconds = [100.0]
    rates = Rates(lambda: seconds[0])

    waits = [rates.wait_for("chat.update", "C1") for _ in range(51)]
    seconds[0] += 1.2
    later = rates.wait_for("chat.update", "C2")

    assert waits == [0] * 50 + [2]
    assert later == 0


async def test_too_many_messages_are_answered_429_with_the_seconds_to_wait():
    local = LocalWorkspace(spec(), clock=lambda: 7.0)
    await local.start()
    client = AsyncWebClient(token=BOT_TOKEN, base_url=local.api_url)
    for _ in range(15):
        await posting(client)

    refused = await refusal(posting(client))
    await local.close()

    assert refused.status_code == 429
    assert refused["error"] == "ratelimited"
    assert refused.headers["Retry-After"] == "1"


async def test_without_rate_limits_a_test_may_post_as_it_likes():
    local = LocalWorkspace(spec(), rate_limits=False, clock=lambda: 7.0)
    await local.start()
    client = AsyncWebClient(token=BOT_TOKEN, base_url=local.api_url)

    for _ in range(40):
        await posting(client)
    await local.close()

    assert len(await local.messages(GENERAL)) == 40
