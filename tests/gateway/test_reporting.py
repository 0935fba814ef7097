"""What becomes of calls is told in the log: denials, refusals and failures aloud but sparingly."""

import json
import logging

import pytest
from aiohttp import web
from gateway_stage import CI_BOT, RawServer, staged

from gateway.sparing import Sparing

READ = {"path": "a.txt"}


@pytest.fixture
def told(caplog):
    """Return what gives the lines that were told of calls so far, as (level, sentence, fields)."""
    caplog.set_level(logging.DEBUG, "placet.calls")

    def lines(level=logging.INFO):
        return [
            record
            for record in caplog.records
            if record.name == "placet.calls" and record.levelno >= level
        ]

    return lines


async def test_a_denial_is_told_with_a_sentence_and_fields(sqlite_url, told):
    async with staged(sqlite_url) as stage:
        await stage.call("drop_table", {"password": "hunter2"}, number="r-1")

        (line,) = told()
        assert line.levelno == logging.INFO
        assert line.getMessage() == "ci-bot was denied files/drop_table by no-drops"
        assert (line.agent, line.server, line.tool) == ("ci-bot", "files", "drop_table")
        assert (line.decision, line.rules, line.request_id) == ("deny", ["no-drops"], '"r-1"')
        assert line.call.startswith("call_")
        assert line.duration_ms > 0
        assert "hunter2" not in str(line.__dict__)


@pytest.mark.parametrize(("number", "said"), [(12, "12"), ("r-1", '"r-1"')])
async def test_a_request_that_goes_no_further_is_told_with_its_id(sqlite_url, told, number, said):
    async def reply(_message, _request):
        return web.Response(status=401)

    async with staged(sqlite_url) as stage:
        stage.server.reply = reply
        await stage.call("read_file", READ, number=number)

        refusal = told()[-1]
        assert (refusal.status, refusal.request_id) == (502, said)


async def test_an_allowed_call_is_told_to_those_only_who_want_every_detail(sqlite_url, told):
    async with staged(sqlite_url) as stage:
        await stage.call("read_file", READ)
        await stage.ended()

        assert told() == []
        decided, ended = told(logging.DEBUG)
        assert (decided.decision, ended.outcome) == ("allow", "ok")
        assert decided.call == ended.call


async def test_a_flood_of_denials_is_ten_lines(sqlite_url, told):
    async with staged(sqlite_url) as stage:
        for number in range(30):
            await stage.call("drop_table", {"n": number})

        assert len(told()) == 10


async def test_a_bad_key_is_told_without_the_key(sqlite_url, told):
    async with staged(sqlite_url) as stage:
        await stage.call("read_file", READ, key="wrong-key-0123456789-0123456789-0123456789")

        (line,) = told()
        assert (line.code, line.status, line.peer) == (-31001, 401, "127.0.0.1")
        assert "wrong-key" not in str(line.__dict__)
        assert stage.registry.get_sample_value("placet_bad_keys_total", {"shown": "key"}) == 1


async def test_a_server_that_fails_is_a_warning_that_names_it(sqlite_url, told):
    server = RawServer()
    await server.start()
    async with staged(sqlite_url, server=server) as stage:
        await server.close()
        await stage.call("read_file", READ)

        failed = told(logging.WARNING)[0]
        assert (failed.server, failed.outcome) == ("files", "failed")
        labels = {"server": "files", "kind": "unreachable"}
        assert stage.registry.get_sample_value("placet_server_failures_total", labels) == 1


async def test_a_call_that_only_ran_because_its_server_observes_is_told(sqlite_url, told):
    def observing(text):
        return text.replace("team: platform, headers", "team: platform, observe: true, headers")

    async with staged(sqlite_url, rewrite=observing) as stage:
        await stage.call("drop_table", READ)

        (line,) = told()
        assert (line.decision, line.observed) == ("deny", True)


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"jsonrpc":"2.0"}'])
async def test_what_cannot_be_read_is_told_and_not_quoted(sqlite_url, told, body):
    async with staged(sqlite_url) as stage:
        await stage.post(body)

        (line,) = told()
        assert line.status == 400
        assert CI_BOT not in str(line.__dict__)
        assert json.dumps(line.getMessage())


def test_of_one_kind_some_pass_and_the_rest_are_counted():
    now = 0.0
    sparing = Sparing(2, 10.0, lambda: now)

    first = [sparing.passes("a") for _ in range(5)]
    other = sparing.passes("b")
    now = 10.0
    later = [sparing.passes("a") for _ in range(3)]

    assert first == [0, 0, None, None, None]
    assert other == 0
    assert later == [3, 0, None]


def test_very_many_kinds_take_no_more_memory():
    sparing = Sparing(1, 10.0, lambda: 0.0)

    for kind in range(5_000):
        sparing.passes(kind)

    assert len(sparing._kinds) == 1_000
