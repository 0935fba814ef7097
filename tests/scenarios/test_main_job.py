"""A call is allowed, denied, or asked for, approved and run; each tried from outside."""

import asyncio

import pytest
from scenarios.stage import ALICE, BOB, CAT, EVE, GUEST, OTHER_BOT, POLICY, until

pytestmark = pytest.mark.timeout(180)

WRITE = {"path": "a.txt", "text": "hello"}


async def test_what_policy_allows_runs_at_once(staged):
    async with staged() as stage:
        replica = await stage.serve()

        result = await replica.call("read_file", {"path": "a.txt"})

        assert result["content"][0]["text"] == "done: read_file {'path': 'a.txt'}"
        assert stage.server.runs == [("read_file", {"path": "a.txt"})]


async def test_what_policy_denies_never_reaches_the_server(staged):
    async with staged() as stage:
        replica = await stage.serve()

        result = await replica.call("drop_table", {"table": "users"})

        assert result["isError"] is True
        assert "dropping is done by people" in result["content"][0]["text"]
        assert "no-drops" in result["content"][0]["text"]
        assert stage.server.calls() == []


async def test_an_approved_call_runs_once_when_it_is_repeated(staged):
    async with staged() as stage:
        replica = await stage.serve()

        pending = await replica.call("write_file", WRITE)
        assert stage.server.calls() == []
        shown = await stage.press(BOB, "approval.approve")
        ran = await replica.call("write_file", WRITE)
        again = await replica.call("write_file", WRITE)

        assert pending["isError"] is True
        assert "nothing was executed" in pending["content"][0]["text"].lower()
        assert shown
        assert ran["content"][0]["text"].startswith("done: write_file")
        assert stage.server.runs == [("write_file", WRITE)]
        assert again["isError"] is True


async def test_a_held_call_runs_when_it_is_approved(staged):
    async with staged(hold="1m") as stage:
        replica = await stage.serve()

        call = asyncio.create_task(replica.call("write_file", WRITE))
        await stage.press(BOB, "approval.approve")
        result = await call

        assert result["content"][0]["text"].startswith("done: write_file")
        assert len(stage.server.runs) == 1


async def test_a_denial_reaches_the_caller_with_its_reason(staged):
    async with staged(hold="1m") as stage:
        replica = await stage.serve()

        call = asyncio.create_task(replica.call("write_file", WRITE))
        await stage.deny(BOB, "not on a Friday")
        result = await call

        assert result["isError"] is True
        assert "not on a Friday" in result["content"][0]["text"]
        assert stage.server.calls() == []


async def test_the_caller_may_call_again_with_what_was_suggested_and_people_are_asked_anew(staged):
    async with staged(hold="1m") as stage:
        replica = await stage.serve()

        call = asyncio.create_task(replica.call("write_file", WRITE))
        await stage.deny(BOB, "elsewhere", arguments='{"path": "b.txt", "text": "hello"}')
        told = (await answered(replica, call, WRITE))["_meta"]["placet/decision"]
        suggested = told["suggested_arguments"]
        again = asyncio.create_task(replica.call("write_file", suggested))
        await stage.press(BOB, "approval.approve", saying="b.txt")
        result = await answered(replica, again, suggested)

        assert told["status"] == "denied"
        assert result["content"][0]["text"].startswith("done: write_file")
        assert [arguments["path"] for _, arguments in stage.server.runs] == ["b.txt"]


async def answered(replica, call, arguments):
    """Return the answer once people gave one; a busy machine may be slower than the hold."""
    result = await call
    while result.get("_meta", {}).get("placet/decision", {}).get("status") == "pending":
        result = await replica.call("write_file", arguments)
    return result


async def test_silence_is_expiry_and_not_denial(staged):
    policy = POLICY.replace(
        "redact:",
        "  - {name: short, match: {tool: write_file}, effect: require_approval,"
        " approval: {expires_in: 2s}}\nredact:",
    )
    async with staged(policy=policy, hold="1m") as stage:
        replica = await stage.serve()

        result = await replica.call("write_file", WRITE)
        card = await stage.card_saying("expired")

        assert result["isError"] is True
        text = result["content"][0]["text"]
        assert text.startswith("Expired: nobody answered")
        assert "that is not a denial" in text
        assert "Approve once" not in str(card)
        assert stage.server.calls() == []


async def test_a_tool_that_the_server_does_not_list_is_denied(staged):
    async with staged() as stage:
        replica = await stage.serve()

        result = await replica.call("format_disk", {})

        assert result["isError"] is True
        assert stage.server.calls() == []


@pytest.mark.parametrize("who", [ALICE, EVE, GUEST])
async def test_owner_outsider_and_guest_are_refused_and_told_why(staged, who):
    async with staged() as stage:
        replica = await stage.serve()
        await replica.call("write_file", WRITE)

        shown = await stage.press(who, "approval.approve")
        result = await replica.call("write_file", WRITE)

        assert shown
        assert result["isError"] is True
        assert stage.server.calls() == []
        assert "VoteRefused" in await stage.events()


async def test_identical_calls_of_two_agents_are_two_approvals(staged):
    async with staged() as stage:
        replica = await stage.serve()
        await replica.call("write_file", WRITE)
        await stage.press(BOB, "approval.approve")

        other = await replica.call("write_file", WRITE, key=OTHER_BOT)

        assert other["isError"] is True
        assert stage.server.calls() == []


async def test_three_identical_calls_and_one_click_run_once(staged):
    async with staged(hold="1m") as stage:
        replica = await stage.serve()

        calls = [
            asyncio.create_task(replica.call("write_file", WRITE, number=number))
            for number in range(3)
        ]
        await until(lambda: replica.holds(3))
        await stage.press(BOB, "approval.approve")
        results = await asyncio.gather(*calls)

        ran = [result for result in results if not result.get("isError")]
        told = [result for result in results if result.get("isError")]
        assert len(ran) == 1
        assert stage.server.runs == [("write_file", WRITE)]
        assert all("used by an identical call" in r["content"][0]["text"] for r in told)


async def test_two_approvers_at_once_make_one_decision_and_both_are_told(staged):
    async with staged() as stage:
        replica = await stage.serve()
        await replica.call("write_file", WRITE)

        first, second = await asyncio.gather(
            stage.press(BOB, "approval.approve"), stage.press(CAT, "approval.approve")
        )

        assert first
        assert second
        names = await stage.events()
        assert names.count("ApprovalGiven") == 1
        assert names.count("VoteRefused") == 1
