"""A server that only observes has its calls decided and recorded, and none of them blocked."""

import pytest
from gateway_stage import staged

from ledger.events.events import CallDecided
from ledger.lives.approvals import ApprovalStatus
from policies.rules.decisions import Effect

WRITE = {"path": "a.txt", "text": "x"}


def observing(text):
    return text.replace("team: platform, headers", "team: platform, observe: true, headers")


async def decided(stage):
    events = [recorded.event for recorded in await stage.ledger.events(limit=10_000)]
    return [event for event in events if isinstance(event, CallDecided)]


@pytest.mark.parametrize("legacy", [False, True], ids=["modern", "legacy"])
@pytest.mark.parametrize(
    ("tool", "effect"),
    [
        ("read_file", Effect.ALLOW),
        ("drop_table", Effect.DENY),
        ("write_file", Effect.REQUIRE_APPROVAL),
        ("unlisted", Effect.DENY),
    ],
)
async def test_whatever_is_decided_is_recorded_first_and_the_call_runs(
    ledger_url, tool, effect, legacy
):
    async with staged(ledger_url, rewrite=observing) as stage:
        answer = await stage.call(tool, WRITE, legacy=legacy)

        (event,) = await decided(stage)
        (ended,) = await stage.ended()
        assert answer.text == f"done: {tool}"
        assert (event.effect, event.observed, event.approval) == (effect, True, None)
        assert ended.outcome == "ok"
        assert await stage.topics() == ["CallDecided", "CallCompleted"]


async def test_the_agent_sees_the_servers_own_answer_and_nothing_of_the_decision(sqlite_url):
    async with staged(sqlite_url, rewrite=observing) as stage:
        allowed = await stage.call("read_file", WRITE)
        denied = await stage.call("drop_table", WRITE)

        assert denied.body == allowed.body.replace(b"read_file", b"drop_table")
        assert denied.headers.keys() == allowed.headers.keys()
        assert b"placet" not in denied.body


async def test_nobody_is_asked(sqlite_url):
    async with staged(sqlite_url, rewrite=observing) as stage:
        await stage.call("write_file", WRITE)

        assert await stage.ledger.approvals(*ApprovalStatus) == []


async def test_what_the_policy_would_have_blocked_is_counted(sqlite_url):
    async with staged(sqlite_url, rewrite=observing) as stage:
        await stage.call("read_file", WRITE)
        await stage.call("drop_table", WRITE)

        def counted(name, effect):
            labels = {"server": "files", "effect": effect}
            return stage.registry.get_sample_value(name, labels)

        assert counted("placet_calls_total", "deny") == 1
        assert counted("placet_observed_calls_total", "deny") == 1
        assert counted("placet_observed_calls_total", "allow") is None


async def test_a_ledger_that_is_closed_still_means_no_call(sqlite_url):
    async with staged(sqlite_url, rewrite=observing) as stage:
        stage.ledger.close()

        answer = await stage.call("drop_table", WRITE)

        assert answer.status == 503
        assert stage.server.calls() == []


async def test_strict_parsing_still_refuses(sqlite_url):
    async with staged(sqlite_url, rewrite=observing) as stage:
        body = (
            b'{"jsonrpc":"2.0","id":1,"method":"tools/call",'
            b'"params":{"name":"read_file","name":"drop_table"}}'
        )

        answer = await stage.post(body, {"MCP-Protocol-Version": "2025-11-25"})

        assert answer.error["code"] == -32600
        assert stage.server.calls() == []


async def test_a_caller_without_a_key_is_still_refused(sqlite_url):
    async with staged(sqlite_url, rewrite=observing) as stage:
        answer = await stage.call("read_file", WRITE, key="not-a-key-of-any-agent-0123456789-0123")

        assert answer.status == 401
        assert stage.server.calls() == []


async def test_an_approval_asked_for_before_is_neither_used_nor_ended(ledger_url):
    async with staged(ledger_url, hold="0s") as stage:
        await stage.call("write_file", WRITE)
        (before,) = await stage.pending()

    async with staged(ledger_url, rewrite=observing) as stage:
        await stage.call("write_file", WRITE)
        after = await stage.ledger.approval(before.id)

        assert after is not None
        assert (after.status, after.dispatched_call) == (ApprovalStatus.PENDING, None)


async def test_the_projections_are_those_of_the_events(ledger_url):
    async with staged(ledger_url, rewrite=observing) as stage:
        await stage.call("write_file", WRITE)
        await stage.call("drop_table", WRITE)
        await stage.ended(2)

        assert await stage.ledger.differences() == []
