"""A request that is sent again is counted, and waits no longer than is sensible."""

import time

import pytest
from office import BOB, BOT_TOKEN, open_office
from slack_sdk.errors import SlackApiError

from bot.slack.client import SlackClient, wait_of
from bot.slack.published_rates import PER_MINUTE
from bot.slack.rates import Rates, TooSoon
from bot.slack.retrying import asked_wait
from bot.workspace.faults import AnswerStatus, CutConnection, RateLimit

METHOD = "users.info"
ROOM = int(PER_MINUTE[METHOD] * 0.9)


@pytest.fixture
async def office(sqlite_url):
    async with open_office(sqlite_url) as office:
        yield office


def client(office, rates=None, **how) -> SlackClient:
    return SlackClient(BOT_TOKEN, office.local.api_url, patient=True, rates=rates, **how)


@pytest.mark.parametrize("fault", [AnswerStatus(500), AnswerStatus(503), CutConnection()])
async def test_where_slack_was_in_trouble_it_is_asked_once_more(office, fault) -> None:
    await office.local.fail_next(METHOD, fault)

    said = await client(office, Rates(time.monotonic)).users_info(user=BOB)

    assert said["user"]["id"] == BOB
    assert len(await office.local.requests(METHOD)) == 2


async def test_what_is_sent_again_is_counted_against_the_published_rate(office) -> None:
    now = [0.0]
    slack = client(office, Rates(lambda: now[0]))
    for _ in range(ROOM - 1):
        await slack.users_info(user=BOB)
    await office.local.fail_next(METHOD, AnswerStatus(503), times=2)

    with pytest.raises(TooSoon):
        await slack.users_info(user=BOB)

    assert len(await office.local.requests(METHOD)) == ROOM


async def test_when_slack_asks_to_wait_nobody_else_asks_meanwhile(office) -> None:
    rates = Rates(time.monotonic)
    slack = client(office, rates)
    await office.local.fail_next(METHOD, RateLimit(45))

    with pytest.raises(SlackApiError) as refused:
        await slack.users_info(user=BOB)
    with pytest.raises(TooSoon):
        await slack.users_info(user=BOB)

    assert wait_of(refused.value) == 45
    assert len(await office.local.requests(METHOD)) == 1


async def test_one_who_has_time_waits_for_the_turn(office) -> None:
    slack = client(office, Rates(time.monotonic, hurry=600.0), waiting=True)

    for _ in range(ROOM + 2):
        await slack.users_info(user=BOB)

    assert len(await office.local.requests(METHOD)) == ROOM + 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": ["3"]}, 3.0),
        ({}, 1.0),
        ({"Retry-After": []}, 1.0),
        ({"Retry-After": "3.5"}, 1.0),
        ({"Retry-After": "-5"}, 1.0),
        ({"Retry-After": "soon"}, 1.0),
        ({"Retry-After": "9" * 400}, 1.0),
        ({"Retry-After": "\u0663"}, 1.0),
    ],
    ids=str,
)
def test_a_wait_that_cannot_be_read_is_a_second(headers, seconds) -> None:
    assert asked_wait(headers) == seconds
