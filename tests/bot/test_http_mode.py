"""Slack over HTTP: signed requests count once, everything else is turned away at the door."""

import asyncio
import json
import logging
import time
from itertools import product
from urllib.parse import urlencode

import acme
import aiohttp
import pytest
from office import BOB, CAT, OUT, PLATFORM
from signed_requests import FORM, send

from ledger.lives.approvals import ApprovalStatus
from policies.rules.decisions import Term

TWO = acme.assessed(terms=(Term("platform", 2),))


def click(approval, card, who=BOB, **changed):
    """Return a click as Slack sends it."""
    act = next(block for block in card["blocks"] if block["type"] == "actions")
    payload = {
        "type": "block_actions",
        "user": {"id": who, "username": "bob", "team_id": "T0ACME"},
        "api_app_id": "A0PLACET",
        "team": {"id": "T0ACME", "domain": "acme"},
        "enterprise": None,
        "container": {"type": "message", "message_ts": card["ts"], "channel_id": PLATFORM},
        "channel": {"id": PLATFORM, "name": "platform"},
        "trigger_id": "1.2.3",
        "actions": [
            {
                "type": "button",
                "action_id": "approval.approve",
                "block_id": act["block_id"],
                "value": approval,
                "action_ts": "1763899200.000001",
            }
        ],
    }
    return urlencode({"payload": json.dumps(payload | changed)}).encode()


async def test_a_signed_click_approves(http_office) -> None:
    approval = await http_office.ask()
    card = await http_office.card(approval)

    status, _ = await send(http_office, click(approval, card))

    assert status == 200
    assert (await http_office.approval(approval)).status is ApprovalStatus.APPROVED


async def test_people_of_the_workspace_click_type_and_submit_over_http(http_office) -> None:
    approval = await http_office.ask()
    await http_office.click(BOB, approval, "deny")
    view = await http_office.local.wait_for_view(BOB)
    await http_office.local.submit_view(BOB, view["id"], {"reason": "no"})
    answer = await http_office.local.command(BOB, PLATFORM, "/placet", "pending")

    assert (await http_office.approval(approval)).status is ApprovalStatus.DENIED
    assert "Nothing waits for you." in str(answer.blocks)


async def test_a_command_with_the_word_payload_in_it_is_heard(http_office) -> None:
    answer = await http_office.local.command(
        BOB, PLATFORM, "/placet", "grant ci-bot files/payload for 1h"
    )

    assert (answer.text or "").startswith("Granted grt_")


async def test_the_same_signed_request_twice_is_one_vote(http_office) -> None:
    approval = await http_office.ask(assessment=TWO)
    card = await http_office.card(approval)
    body, at = click(approval, card), str(int(time.time()))

    first = await send(http_office, body, at=at)
    again = await asyncio.gather(*[send(http_office, body, at=at) for _ in range(3)])

    assert {first[0], *(status for status, _ in again)} == {200}
    topics = await http_office.topics(approval)
    assert topics.count("VoteCast") == 1
    assert topics.count("VoteRefused") == 0


async def test_two_approvers_in_the_same_instant_make_one_decision(http_office) -> None:
    approval = await http_office.ask()
    card = await http_office.card(approval)

    await asyncio.gather(
        send(http_office, click(approval, card, BOB)), send(http_office, click(approval, card, CAT))
    )

    topics = await http_office.topics(approval)
    assert topics.count("ApprovalGiven") == 1
    assert topics.count("VoteRefused") == 1


@pytest.mark.parametrize(
    ("at", "signed"),
    [
        (None, "v0=" + "0" * 64),
        (None, "v1=" + "0" * 64),
        (None, "nonsense"),
        ("abc", "v0=" + "0" * 64),
        ("-1", "v0=" + "0" * 64),
        ("9" * 30, "v0=" + "0" * 64),
        ("1000000000", None),
        ("4000000000", None),
    ],
)
async def test_what_slack_did_not_sign_now_is_turned_away(http_office, at, signed) -> None:
    approval = await http_office.ask()
    card = await http_office.card(approval)

    status, _ = await send(http_office, click(approval, card), at=at, signed=signed)

    assert status == 401
    assert (await http_office.approval(approval)).votes == ()


async def test_a_request_without_signature_headers_is_turned_away(http_office) -> None:
    url = f"http://127.0.0.1:{http_office.http_port}/slack/events"
    async with aiohttp.ClientSession() as session, session.post(url, data=b"payload={}") as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"\xff\xfe\x00", FORM, 400),
        (b"[1, 2]", "application/json", 400),
        (b'"text"', "application/json", 400),
        (b"{", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (urlencode({"payload": "[]"}).encode(), FORM, 400),
        (urlencode({"payload": "null"}).encode(), FORM, 400),
        (urlencode([("payload", "{}"), ("payload", "{}")]).encode(), FORM, 400),
        (b"", FORM, 400),
        (b"a=1", "text/plain", 400),
        (urlencode({"payload": '{"type":"block_actions"}'}).encode(), FORM, 400),
        (urlencode({"payload": '{"type":"block_actions","user":5}'}).encode(), FORM, 400),
        (urlencode({"payload": '{"type":"view_submission","view":[]}'}).encode(), FORM, 400),
        (urlencode({"command": "/placet"}).encode(), FORM, 400),
        (b"x" * (1024 * 1024 + 1), FORM, 413),
    ],
    ids=range(15),
)
async def test_what_cannot_be_read_is_refused_and_never_an_error_of_ours(
    http_office, body, content_type, expected
) -> None:
    status, _ = await send(http_office, body, content_type=content_type)

    assert status == expected


async def test_other_methods_and_paths_lead_nowhere(http_office) -> None:
    base = f"http://127.0.0.1:{http_office.http_port}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{base}/slack/events") as answer:
            assert answer.status == 405
        async with session.post(f"{base}/elsewhere") as answer:
            assert answer.status == 404


async def test_a_click_for_another_app_is_refused(http_office) -> None:
    approval = await http_office.ask()
    card = await http_office.card(approval)

    status, _ = await send(http_office, click(approval, card, api_app_id="A0EVIL"))

    assert status == 403
    assert (await http_office.approval(approval)).votes == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"team": {"id": "T0EVIL", "domain": "evil"}},
        {"user": {"id": BOB, "username": "bob", "team_id": "T0EVIL"}},
        {"user": {"id": BOB}, "team": {"id": "T0EVIL"}},
    ],
)
async def test_a_click_from_another_workspace_is_refused_and_recorded(http_office, changed) -> None:
    approval = await http_office.ask()
    card = await http_office.card(approval)

    await send(http_office, click(approval, card, **changed))

    refused = [e for e in await http_office.events(approval) if e.TOPIC == "VoteRefused"]
    assert [event.because for event in refused] == ["stranger"]
    assert refused[0].person == "T0EVIL/U0BOB"


async def test_an_unknown_approval_is_answered_and_changes_nothing(http_office) -> None:
    approval = await http_office.ask()
    card = await http_office.card(approval)

    status, _ = await send(http_office, click("apr_none", card))

    assert status == 200
    await http_office.told(BOB, "Not counted: there is no such approval")


async def test_an_unknown_button_is_acknowledged(http_office) -> None:
    approval = await http_office.ask()
    card = await http_office.card(approval)
    other = [{"type": "button", "action_id": "else", "block_id": "x", "value": approval}]

    status, _ = await send(http_office, click(approval, card, actions=other))

    assert status == 200
    assert (await http_office.approval(approval)).votes == ()


async def test_slack_may_check_the_address(http_office) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB"}).encode()

    status, text = await send(http_office, body, content_type="application/json")

    assert status == 200
    assert "3eZbrw1aB" in text


async def test_a_body_with_a_bad_signature_is_not_logged(http_office, caplog) -> None:
    with caplog.at_level(logging.DEBUG):
        await send(http_office, b"payload=s3cr3t-of-somebody", signed="v0=" + "0" * 64)

    ours = [r for r in caplog.records if not r.name.startswith(("aiohttp", "asyncio"))]
    assert "s3cr3t-of-somebody" not in "\n".join(record.getMessage() for record in ours)


async def test_an_outsiders_click_is_told_over_http_too(http_office) -> None:
    approval = await http_office.ask()
    card = await http_office.card(approval)

    await send(http_office, click(approval, card, OUT))

    await http_office.told(OUT, "You are not an approver of `platform`")


def plan(approval="apr_1", **changed):
    """Return what travels with the modal that grants, forged."""
    spot = {"approval": approval, "channel": "C0PLATFORM", "ts": "1.1", "revision": 1}
    return json.dumps({"spot": spot, "seconds": 60, "scope": "tool"} | changed)


FORGED = [
    "",
    "{",
    "[]",
    '{"approval":1}',
    json.dumps({"approval": "apr_none", "channel": "C0", "ts": "1.1", "revision": 1}),
    plan("apr_none"),
    plan(scope="everything"),
    plan(seconds=10**40),
    plan(seconds=-5),
    plan(seconds=86_400),
    plan(scope="where", when="1 +"),
]
STATES = [{}, {"values": []}, {"values": {"reason": 5, "scope": {"scope": {"selected_option": 7}}}}]


async def test_a_modal_that_comes_back_forged_is_answered_and_changes_nothing(http_office) -> None:
    approval = await http_office.ask()
    await http_office.told_card(approval)
    views = ("approval.deny", "approval.approve", "approval.lasting", "approval.lasting.confirm")

    statuses = set()
    for number, (callback, metadata) in enumerate(product(views, FORGED)):
        view = {
            "id": f"V{number}",
            "type": "modal",
            "callback_id": callback,
            "private_metadata": metadata,
            "state": STATES[number % 3],
        }
        sent = {
            "type": "view_submission",
            "api_app_id": http_office.local.workspace.spec.app_id,
            "team": {"id": "T0ACME"},
            "user": {"id": BOB, "team_id": "T0ACME"},
            "trigger_id": f"t{number}",
            "view": view,
        }
        status, _ = await send(http_office, urlencode({"payload": json.dumps(sent)}).encode())
        statuses.add(status)

    assert statuses == {200}
    assert (await http_office.approval(approval)).status is ApprovalStatus.PENDING
    assert await http_office.ledger.grants(live=False) == []
