"""Outcomes are recorded however long the ledger is away, and read from whatever a server says."""

import asyncio
import json
import sqlite3
from dataclasses import replace

import pytest
from acme import ask, assessed
from gateway_stage import staged, until
from multidict import CIMultiDict
from open_ledgers import open_ledger, prepare

from gateway.calls.outcomes import Outcomes
from gateway.calls.reading_outcomes import OutcomeReader
from gateway.upstreams import UpstreamAnswer
from ledger.lives.calls import CallStatus
from policies.rules.decisions import Effect


async def test_an_outcome_waits_for_a_ledger_that_is_away(sqlite_url):
    async with staged(sqlite_url) as stage:
        stage.server.gate.clear()
        call = asyncio.create_task(stage.call("read_file"))
        await asyncio.wait_for(stage.server.running.wait(), 60)
        blocker = await asyncio.to_thread(
            sqlite3.connect, sqlite_url.removeprefix("sqlite:///"), check_same_thread=False
        )
        await asyncio.to_thread(blocker.execute, "BEGIN IMMEDIATE")

        stage.server.gate.set()
        answer = await call
        refused = await stage.call("read_file", number=2)
        await asyncio.to_thread(blocker.close)
        (ended,) = await stage.ended()

        assert answer.text == "done: read_file"
        assert (refused.status, refused.error["code"]) == (503, -31008)
        assert ended.outcome == "ok"


async def test_a_decision_that_was_not_confirmed_is_closed_when_the_ledger_is_back(sqlite_url):
    async with staged(sqlite_url) as stage:
        blocker = await asyncio.to_thread(
            sqlite3.connect, sqlite_url.removeprefix("sqlite:///"), check_same_thread=False
        )
        await asyncio.to_thread(blocker.execute, "BEGIN IMMEDIATE")

        refused = await stage.call("read_file")
        await asyncio.to_thread(blocker.close)

        async def settled():
            topics = await stage.topics()
            return topics.count("CallDecided") == topics.count("CallCompleted")

        await until(settled)
        assert refused.status == 503
        assert stage.server.calls() == []


@pytest.mark.parametrize("own", [True, False])
async def test_of_a_call_that_many_want_decided_only_ones_own_is_given_up(ledger_url, own):
    first = ask("call_1", assessed(Effect.ALLOW), named=True)
    with open_ledger(ledger_url) as ledger:
        await prepare(ledger)
        await ledger.execute(first)
        outcomes = Outcomes(ledger, lambda _point: None)

        outcomes.give_up("call_1", first if own else replace(first, id="another"))

        assert await outcomes.drain(20) == 0
        known = await ledger.call("call_1")
        assert known.status is (CallStatus.FAILED if own else CallStatus.RUNNING)


@pytest.mark.parametrize("taken", [True, False])
async def test_what_nobody_waits_for_any_more_is_not_decided_on_if_it_was_not_yet(
    ledger_url, taken
):
    asked = ask("call_1", assessed(Effect.ALLOW))
    with open_ledger(ledger_url) as ledger:
        await prepare(ledger)
        if taken:
            await ledger.execute(asked)
        outcomes = Outcomes(ledger, lambda _point: None)

        outcomes.abandon("call_1", asked)

        assert await outcomes.drain(20) == 0
        known = await ledger.call("call_1")
        assert (known and known.status) is (CallStatus.FAILED if taken else None)


def read(body, *, status=200, kind="application/json", show=False, cut=7):
    answer = UpstreamAnswer(status, CIMultiDict())
    answer.headers["Content-Type"] = kind
    reader = OutcomeReader(answer, show=show)
    for start in range(0, len(body), cut):
        reader.feed(body[start : start + cut])
    return reader.outcome()


def test_an_answer_in_events_is_found_among_other_messages():
    stream = (
        b'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\n\n'
        b'data: {"jsonrpc":"2.0","id":1,"method":"sampling/createMessage"}\n\n'
        b'data: {"jsonrpc":"2.0","id":1,"result":{"isError":true}}\n\n'
    )

    assert read(stream, kind="text/event-stream").name == "tool-error"


@pytest.mark.parametrize(
    ("body", "status", "kind", "name"),
    [
        (b"", 200, "text/event-stream", "failed"),
        (b"data: {}\n\n", 200, "text/event-stream", "failed"),
        (b"oops", 500, "text/plain", "failed"),
        (b'{"error":{"code":1,"message":"m"}}', 400, "application/json", "rpc-error"),
        (b'{"result":{}}', 200, "application/json", "ok"),
        (b'{"result":{"isError":"true"}}', 200, "application/json", "ok"),
        (b"[" * 100_000, 200, "application/json", "failed"),
        (b'{"result":{}}' + b" " * 5_000_000, 200, "application/json", "ok"),
        (b"data: " + b"x" * 1_100_000 + b"\n\n", 200, "text/event-stream", "ok"),
        (b"data: " + b"x" * 4_500_000 + b"\n\n", 200, "text/event-stream", "ok"),
        (
            b"data: " + b"x" * 1_100_000 + b'\n\ndata: {"error":{"code":1,"message":"m"}}\n\n',
            *(200, "text/event-stream", "rpc-error"),
        ),
        (b'data: {"r\\u0065sult":{"isError":true}}\n\n', 200, "text/event-stream", "tool-error"),
    ],
)
def test_an_outcome_is_read_from_any_answer(body, status, kind, name):
    assert read(body, status=status, kind=kind, cut=100_000).name == name


def test_content_is_kept_only_where_it_may_be_and_without_secrets():
    body = (
        b'{"result":{"content":[{"type":"text","text":"key AKIAIOSFODNN7EXAMPLE \\u202e"},'
        b'{"type":"image"},{"type":"text","text":"two"}]}}'
    )

    assert read(body).content is None
    assert read(body, show=True).content == "key [hidden] \u202e\ntwo"


def test_content_that_no_database_takes_is_made_whole():
    body = b'{"result":{"content":[{"type":"text","text":"a\\ud800b"}]}}'

    assert read(body, show=True).content == "a?b"


def test_content_without_text_is_kept_as_json_without_secrets():
    body = b'{"result":{"structuredContent":{"password":"x","n":1.50},"_meta":{"a":1}}}'

    assert read(body, show=True).content == '{"structuredContent":{"n":1.5,"password":"[hidden]"}}'


def test_half_a_secret_at_the_end_of_what_is_looked_at_is_not_kept():
    secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
    key = f"-----BEGIN PRIVATE KEY-----\n{'MIIEvQIBADANBgkq' * 120}\n-----END PRIVATE KEY----- "
    text = f"{key}{'.' * (1989 - len(key))} {secret} and more"

    found = read(json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"message": text}}).encode())

    assert text[:2000].endswith(secret[:10])
    assert found.error.startswith("[hidden] ...")
    assert secret[:8] not in found.error
    assert found.error.endswith("…")
