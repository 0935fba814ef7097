"""Limits and the terms of grants, as agents meet them: over a real ledger and a real server."""

import asyncio
from datetime import timedelta

import pytest
from gateway_stage import POLICY, staged

from ledger.lives.grants import IssueGrant

LIMITED = """\
version: 1
rules: [{name: writes, match: {tool: write_file}, effect: allow}]
limits: [{name: busy, match: {tool: write_file}, per: agent, sum: args.n, at_most: 10, within: 1h}]
"""
ASKING = LIMITED.replace("within: 1h", "within: 1h, effect: require_approval")


async def grant(stage, **terms):
    command = IssueGrant(
        id="issue",
        actor="shell:root",
        grant="grt_1",
        agent="ci-bot",
        target="files/write_file",
        lasting=timedelta(hours=1),
        **terms,
    )
    await stage.ledger.execute(command)


async def test_calls_at_once_run_until_the_limit_is_reached(ledger_url):
    async with staged(ledger_url, policy=LIMITED) as stage:
        answers = await asyncio.gather(
            *(stage.call("write_file", {"path": f"{n}", "n": 3}, number=n) for n in range(9))
        )

        denied = [answer for answer in answers if answer.json["result"].get("isError")]
        assert len(stage.server.calls()) == 3
        counted = stage.registry.get_sample_value(
            "placet_limited_calls_total", {"server": "files", "limit": "busy", "effect": "deny"}
        )
        assert counted == 6
        assert len(denied) == 6
        assert denied[0].text == (
            "Denied by policy: `files/write_file` was stopped by limit `busy` (9 of at most 10 "
            "taken within 1h for agent `ci-bot`; the call adds 3). Nothing was executed. There is "
            "room again once earlier calls are longer ago than the limit looks back: do something "
            "else, or ask a person to change the policy"
        )


@pytest.mark.parametrize(
    ("amount", "obstacle"),
    [
        (b"-1", "`args.n` is negative"),
        (b"-1e-9", "`args.n` is negative"),
        (b'"1"', "`args.n` is not a number"),
        (b"null", "`args.n` is not a number"),
        (b"[1]", "`args.n` is not a number"),
        (b"1e300", "`args.n` is too large or too precise to be counted"),
        (b"1e-300", "`args.n` is too large or too precise to be counted"),
        (b"4111111111111111", "`args.n` looks like a card number"),
    ],
)
async def test_an_amount_that_cannot_be_told_finds_no_room(sqlite_url, amount, obstacle):
    async with staged(sqlite_url, policy=LIMITED) as stage:
        body = (
            b'{"jsonrpc":"2.0","id":1,"method":"tools/call",'
            b'"params":{"name":"write_file","arguments":{"n":%b}}}' % amount
        )
        answer = await stage.post(body, {"MCP-Protocol-Version": "2025-06-18"})

        assert f"what the call adds cannot be told: {obstacle}" in answer.text
        assert stage.server.calls() == []


async def test_a_call_that_never_reached_its_server_is_given_back(sqlite_url):
    async with staged(sqlite_url, policy=LIMITED) as stage:
        await stage.call("write_file", {"path": "0", "n": 6})
        port = int(stage.server.url.rpartition(":")[2].partition("/")[0])
        await stage.server.close()
        failed = await stage.call("write_file", {"path": "1", "n": 4}, number=2)
        await stage.ended(2)
        await stage.server.start(port)

        again = await stage.call("write_file", {"path": "2", "n": 4}, number=3)
        over = await stage.call("write_file", {"path": "3", "n": 1}, number=4)

        assert "nothing was sent to it" in str(failed.json)
        assert again.text == "done: write_file"
        assert "10 of at most 10" in over.text


async def test_people_answer_for_what_is_beyond_a_limit(sqlite_url):
    async with staged(sqlite_url, policy=ASKING, hold="0s") as stage:
        beyond = {"path": "b", "n": 11}
        assert (await stage.call("write_file", {"path": "a", "n": 5})).text == "done: write_file"
        assert (await stage.call("write_file", beyond)).told["status"] == "pending"
        (approval,) = await stage.pending()
        await stage.decide(approval.id, approves=False, reason="no")
        assert (await stage.call("write_file", beyond)).told["status"] == "denied"

        assert (await stage.call("write_file", beyond)).told["status"] == "pending"
        (approval,) = await stage.pending()
        await stage.decide(approval.id)
        assert (await stage.call("write_file", beyond)).text == "done: write_file"

        (spoke, *_) = approval.request.rules
        assert (spoke.rule, spoke.pointer) == ("busy", "/limits/0")
        assert spoke.because == (
            "5 of at most 10 taken within 1h for agent `ci-bot`; the call adds 11"
        )


async def test_a_grant_with_a_condition_and_a_sum_lifts_what_meets_both(ledger_url):
    async with staged(ledger_url, policy=POLICY, hold="0s") as stage:
        await grant(stage, when='args.path.startsWith("docs/")', sum="args.n", at_most="5")

        met = await stage.call("write_file", {"path": "docs/a", "n": 4}, number=1)
        over = await stage.call("write_file", {"path": "docs/a", "n": 2}, number=2)
        elsewhere = await stage.call("write_file", {"path": "/etc/motd", "n": 1}, number=3)
        last = await stage.call("write_file", {"path": "docs/a", "n": 1}, number=4)

        assert [met.text, last.text] == ["done: write_file"] * 2
        assert [over.told["status"], elsewhere.told["status"]] == ["pending"] * 2
        known = await stage.ledger.grant("grt_1")
        assert known is not None
        assert (known.used, known.taken) == (2, "5")
