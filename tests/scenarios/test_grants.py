"""Grants by slash command: who may, what they lift, and when they end."""

import asyncio

import pytest
from scenarios.stage import BOB, CAT, EVE, POLICY

pytestmark = pytest.mark.timeout(180)

WRITE = {"path": "a.txt", "text": "hello"}
GRANT = "grant ci-bot files/write_file for 1h because migration"


def with_rule(rule):
    return POLICY.replace("redact:", f"  - {rule}\nredact:")


async def test_an_approvers_grant_lets_the_next_call_run_and_is_named(staged):
    async with staged() as stage:
        replica = await stage.serve()

        shown = await stage.slash(BOB, GRANT)
        result = await replica.call("write_file", WRITE)

        assert "grt_" in shown
        assert result["content"][0]["text"].startswith("done: write_file")
        names = await stage.events()
        assert names.count("GrantIssued") == 1
        assert names.count("GrantUsed") == 1
        assert "ApprovalRequested" not in names


async def test_anybody_elses_grant_is_refused_with_the_reason_and_recorded(staged):
    async with staged() as stage:
        replica = await stage.serve()

        shown = await stage.slash(EVE, GRANT)
        result = await replica.call("write_file", WRITE)

        assert "not an approver" in shown
        assert result["isError"] is True
        names = await stage.events()
        assert "GrantRefused" in names
        assert "GrantIssued" not in names


@pytest.mark.parametrize("approval", ["{approvals: 2}", "{reason: required}", "{team: security}"])
async def test_one_approvers_grant_does_not_lift_what_needs_more(staged, approval):
    rule = (
        "{name: more, match: {tool: write_file}, effect: require_approval,"
        f" approval: {approval}}}"
    )
    async with staged(policy=with_rule(rule)) as stage:
        replica = await stage.serve()

        await stage.slash(BOB, GRANT)
        result = await replica.call("write_file", WRITE)

        assert result["isError"] is True
        assert stage.server.calls() == []


async def test_a_grant_over_the_cap_is_an_error_and_not_a_shorter_grant(staged):
    async with staged() as stage:
        await stage.serve()

        shown = await stage.slash(CAT, GRANT.replace("1h", "9h"))

        assert "8" in shown
        assert "GrantIssued" not in await stage.events()


async def test_a_grant_revoked_on_one_replica_lifts_nothing_on_the_other(staged, ledger_url):
    replicas = ["one"] if ledger_url.startswith("sqlite") else ["one", "two"]
    async with staged() as stage:
        serving = [await stage.serve(name) for name in replicas]
        shown = await stage.slash(BOB, GRANT)
        grant = "grt_" + shown.split("grt_")[1].split('"')[0].split(" ")[0].rstrip("`.,\\")
        for replica in serving:
            result = await replica.call("write_file", WRITE)
            assert not result.get("isError")
        ran = len(stage.server.runs)

        await stage.slash(BOB, f"revoke {grant}")
        results = [await replica.call("write_file", WRITE) for replica in serving]

        assert all(result["isError"] for result in results)
        assert len(stage.server.runs) == ran


async def test_a_click_on_one_replica_frees_the_call_held_on_the_other(staged, ledger_url):
    if ledger_url.startswith("sqlite"):
        return
    async with staged(hold="1m") as stage:
        serving = [await stage.serve("one"), await stage.serve("two")]
        results = []

        for number, replica in enumerate(serving):
            call = asyncio.create_task(replica.call("write_file", {"path": f"{number}.txt"}))
            await stage.press(BOB, "approval.approve", saying=f"{number}.txt")
            results.append(await call)

        assert not any(result.get("isError") for result in results)
        assert len(stage.server.runs) == 2
