"""Frameworks ask over HTTP whether a call may run, wait for people, run it and report."""

import asyncio

import pytest
from asking_api import OPERATOR, api, asked
from gateway_stage import CI_BOT, OTHER_BOT, until

from ledger.lives.approvals import ApprovalStatus
from ledger.lives.calls import CallStatus
from ledger.lives.deliveries import RecordUndeliverable


@pytest.fixture
async def given(sqlite_url):
    async with api(sqlite_url) as opened:
        yield opened


async def pending(given, **body):
    """Ask for a call that waits; return its decision."""
    told = await given.ask(**body)
    assert told["decision"] == "pending"
    return told


async def test_what_the_policy_allows_may_run_and_is_recorded_before(given):
    told = await given.ask("Read", arguments={"file_path": "/a"})

    assert (told["decision"], told["status"]) == ("allow", "allowed")
    assert [rule["pointer"] for rule in told["rules"]] == ["/rules/3"]
    assert told["report_until"] is not None
    record = await given.stage.ledger.call(told["id"])
    assert record.status is CallStatus.RUNNING


async def test_what_the_policy_denies_says_by_which_rule(given):
    told = await given.ask("KillShell")

    assert (told["decision"], told["status"]) == ("deny", "denied_by_policy")
    assert told["rules"][0]["rule"] == "no-kills"
    assert "killing is done by people" in told["message"]


async def test_a_tool_that_is_not_declared_is_denied(given):
    told = await given.ask("Teleport")

    assert told["status"] == "denied_by_policy"
    assert told["rules"][0]["rule"] == "unlisted-tool"


async def test_a_tool_that_is_not_declared_needs_approval_where_the_server_says_so(given):
    told = await given.ask("burn", server="asking")

    assert told["decision"] == "pending"
    assert told["rules"][0]["rule"] == "undeclared-tool"


async def test_a_server_that_only_observes_lets_run_what_would_wait(given):
    told = await given.ask("run", server="watched")

    assert (told["decision"], told["observed"]) == ("allow", True)


async def test_the_tools_of_an_mcp_server_are_those_that_it_lists(given):
    allowed = await given.ask("read_file", server="files")
    unlisted = await given.ask("fly", server="files")

    assert allowed["decision"] == "allow"
    assert unlisted["decision"] == "deny"
    assert given.stage.server.calls() == []


async def test_a_call_that_waits_is_asked_of_people_and_claimed_once_by_its_id(given):
    told = await pending(given)
    assert told["teams"] == ["platform"]
    assert (await given.look(told["id"]))["decision"] == "pending"

    await given.stage.decide(told["approval"])
    first, second = await asyncio.gather(
        given.look(told["id"], wait=5), given.look(told["id"], wait=5)
    )

    assert (first["decision"], second["decision"]) == ("allow", "allow")
    assert "approved by bob" in first["message"]
    topics = await given.stage.topics()
    assert topics.count("ApprovalDispatched") == 1


@pytest.mark.parametrize("undeliverable", [False, True])
async def test_who_runs_the_call_is_told_to_ask_again_and_not_to_call(given, undeliverable):
    told = await pending(given)
    if undeliverable:
        failed = {"approval": told["approval"], "team": "platform", "channel": "C0"}
        await given.stage.ledger.execute(
            RecordUndeliverable(id="u", actor="slack", error="x", **failed)
        )

    looked = await given.look(told["id"])

    assert looked["status"] == ("undeliverable" if undeliverable else "pending")
    assert looked["message"].endswith(
        "Ask for this decision again, by its id or with the same call, to learn the answer; until "
        "that is `allow`, do not run it."
    )
    assert "runs" not in looked["message"]


async def test_waiting_ends_as_soon_as_people_have_decided(given):
    told = await pending(given)
    looking = asyncio.create_task(given.look(told["id"], wait=60))
    await until(lambda: _held(given, 1))

    await given.stage.decide(told["approval"])

    assert (await looking)["decision"] == "allow"


async def test_an_agent_takes_its_question_back_which_is_no_denial(given):
    told = await pending(given)
    path = f"/v1/decisions/{told['id']}"

    others, _ = await given.send("DELETE", path, OTHER_BOT)
    first = await given.send("DELETE", path, CI_BOT)
    again = await given.send("DELETE", path, CI_BOT)

    assert others == 404
    assert first == again
    status, answer = first
    assert (status, answer["decision"], answer["status"]) == (200, "deny", "cancelled")
    approval = await given.stage.ledger.approval(told["approval"])
    assert approval.status is ApprovalStatus.CANCELLED
    assert approval.reason == "withdrawn by the agent `ci-bot`"


async def test_a_call_that_was_let_through_is_not_taken_back(given):
    told = await pending(given)
    await given.stage.decide(told["approval"])
    await given.look(told["id"], wait=5)

    status, problem = await given.send("DELETE", f"/v1/decisions/{told['id']}", CI_BOT)

    assert status == 409
    assert "nothing is left to take back" in problem["detail"]


async def test_a_question_may_wait_itself(given):
    asking = asyncio.create_task(given.ask(wait=60))
    (approval,) = await given.stage.pending()

    await given.stage.decide(approval.id, approves=False, reason="not today")

    told = await asking
    assert (told["decision"], told["status"]) == ("deny", "denied")
    assert "not today" in told["message"]


async def cut_off(given, request):
    """Ask, and hang up once that is kept and waits; return the approval."""
    asking = asyncio.create_task(given.ask(request_id=request, wait=60))
    (approval,) = await given.stage.pending()
    call = approval.id.replace("apr_", "call_")
    await until(lambda: given.stage.ledger.tasks.find(call))
    await until(lambda: _held(given, 1))
    asking.cancel()
    await until(lambda: _held(given, 0))
    return approval


async def test_whoever_is_cut_off_while_it_asks_waits_on_by_its_request_id(given):
    approval = await cut_off(given, "r1")

    looking = asyncio.create_task(given.look("request:r1", wait=60))
    await until(lambda: _held(given, 1))
    await given.stage.decide(approval.id)

    assert (await looking)["decision"] == "allow"
    assert (await given.report("request:r1"))[0] == 200


async def test_whoever_was_cut_off_finds_what_was_approved_meanwhile(given):
    approval = await cut_off(given, "r1")

    await given.stage.decide(approval.id)

    assert (await given.look("request:r1"))["decision"] == "allow"


async def test_whoever_goes_away_while_waiting_claims_nothing(given):
    told = await pending(given)
    looking = asyncio.create_task(given.look(told["id"], wait=60))
    await until(lambda: _held(given, 1))
    looking.cancel()
    await until(lambda: _held(given, 0))

    await given.stage.decide(told["approval"])

    known = await given.stage.ledger.approval(told["approval"])
    assert known.status is ApprovalStatus.APPROVED
    assert (await given.look(told["id"]))["decision"] == "allow"


async def test_an_approval_serves_one_of_two_identical_calls(given):
    first, second = await pending(given), await pending(given)
    assert first["approval"] == second["approval"]
    await given.stage.decide(first["approval"])

    used, late = await given.look(first["id"]), await given.look(second["id"])

    assert used["decision"] == "allow"
    assert (late["decision"], late["status"]) == ("deny", "used")


async def test_a_request_that_is_sent_again_gets_the_same_decision(given):
    first = await given.ask("Read", request_id="toolu_1")
    again = await given.ask("Read", request_id="toolu_1")
    named = await given.look("request:toolu_1")

    assert first == again == named
    topics = await given.stage.topics()
    assert topics.count("CallDecided") == 1


async def test_a_request_that_is_sent_again_uses_the_approval_that_it_waited_for(given):
    told = await pending(given, request_id="r1")
    await given.stage.decide(told["approval"])

    again, once_more = await given.ask(request_id="r1"), await given.ask(request_id="r1")

    assert again == once_more
    assert (again["id"], again["decision"]) == (told["id"], "allow")
    topics = await given.stage.topics()
    assert topics.count("ApprovalDispatched") == 1


async def test_many_that_send_one_request_at_once_get_one_decision(given):
    told = await asyncio.gather(*(given.ask("Read", request_id="r1") for _ in range(20)))

    assert len({each["id"] for each in told}) == 1
    assert {each["decision"] for each in told} == {"allow"}
    assert (await given.stage.topics()).count("CallDecided") == 1


async def test_many_that_send_one_request_that_waits_at_once_all_hear_that_it_waits(given):
    told = await asyncio.gather(*(given.ask(request_id="r1") for _ in range(50)))

    assert len({each["id"] for each in told}) == 1
    assert {each["decision"] for each in told} == {"pending"}


async def test_many_that_wait_for_one_request_all_hear_that_it_was_approved(given):
    asking = [asyncio.create_task(given.ask(request_id="r1", wait=60)) for _ in range(50)]
    (approval,) = await given.stage.pending()
    await until(lambda: _held(given, 50))
    await given.stage.decide(approval.id)

    told = await asyncio.gather(*asking)

    assert {each["decision"] for each in told} == {"allow"}
    assert (await given.stage.topics()).count("ApprovalDispatched") == 1


async def test_a_request_id_stands_for_one_call_only(given):
    await given.ask("Read", request_id="r1", arguments={"file_path": "/a"})

    status, told = await given.post(
        "/v1/decisions", asked("Read", request_id="r1", arguments={"file_path": "/b"})
    )

    assert (status, told["type"]) == (409, "urn:placet:problem:request-id-taken")


async def test_two_calls_under_one_request_id_at_once_are_never_both_allowed(given):
    bodies = [asked("Read", request_id="r1", arguments={"n": number % 2}) for number in range(20)]
    answers = await asyncio.gather(*(given.post("/v1/decisions", body) for body in bodies))

    allowed = {
        body["arguments"]["n"]
        for body, (status, _) in zip(bodies, answers, strict=True)
        if status == 200
    }
    assert len(allowed) == 1
    assert {status for status, _ in answers} == {200, 409}


async def test_a_request_id_is_the_agents_own(given):
    await given.ask("Read", request_id="r1")
    other = await given.ask("Glob", request_id="r1", key=OTHER_BOT)

    assert other["tool"] == "Glob"


@pytest.mark.parametrize("key", [OTHER_BOT])
async def test_the_calls_of_others_are_not_there(given, key):
    told = await given.ask("Read", request_id="r1")

    seen = await given.get(f"/v1/decisions/{told['id']}", key)
    reported = await given.report(told["id"], key=key)
    by_request = await given.get("/v1/decisions/request:r1", key)

    assert [status for status, _ in (seen, reported, by_request)] == [404, 404, 404]


async def test_a_call_that_was_made_over_mcp_is_nobodys_to_report(given):
    await given.stage.call("read_file")
    (ended,) = await given.stage.ended()

    assert (await given.get(f"/v1/decisions/{ended.call}"))[0] == 404
    assert (await given.report(ended.call))[0] == 404


async def test_an_outcome_is_noted_once(given):
    told = await given.ask("Read")

    first = await given.report(told["id"], duration_ms=12, size=34)
    again = await given.report(told["id"], duration_ms=12, size=34)
    other = await given.report(told["id"], "failed")

    assert first == again
    assert first[1]["decision"] == "ended"
    assert first[1]["outcome"]["outcome"] == "ok"
    assert (other[0], other[1]["type"]) == (409, "urn:placet:problem:already-reported")
    assert (await given.stage.topics()).count("CallCompleted") == 1


async def test_what_was_reported_is_not_allowed_again(given):
    told = await given.ask("Read", request_id="r1")
    await given.report("request:r1")

    again = await given.ask("Read", request_id="r1")

    assert (again["id"], again["decision"], again["status"]) == (told["id"], "ended", "completed")


async def test_a_call_that_was_not_allowed_has_no_outcome(given):
    denied, waits = await given.ask("KillShell"), await pending(given)

    answers = [await given.report(told["id"]) for told in (denied, waits)]

    assert [told["type"] for _, told in answers] == ["urn:placet:problem:not-running"] * 2


async def test_secrets_are_taken_out_of_a_reported_error(given):
    told = await given.ask("Read")

    _, reported = await given.report(
        told["id"], "failed", error="Authorization: Bearer ghp_0123456789abcdefghijABCDEFGHIJ012345"
    )

    assert "ghp_" not in reported["outcome"]["error"]


async def test_an_identical_call_hears_how_the_earlier_one_ended(given):
    told = await pending(given)
    await given.stage.decide(told["approval"], approves=False, reason="no")

    heard = await given.ask()
    anew = await given.ask()

    assert (heard["id"], heard["decision"], heard["status"]) == (None, "deny", "denied")
    assert anew["decision"] == "pending"


async def test_whoever_heard_the_end_by_its_id_does_not_hear_it_again(given):
    told = await pending(given)
    await given.stage.decide(told["approval"], approves=False)
    assert (await given.look(told["id"]))["status"] == "denied"

    anew = await given.ask()

    assert anew["decision"] == "pending"


async def test_numbers_are_bound_as_they_are_written(given):
    body = b'{"server": "claude-code", "tool": "Bash", "arguments": {"n": %s}, "request_id": "r"}'

    first, _ = await given.post("/v1/decisions", body % b"1")
    other, told = await given.post("/v1/decisions", body % b"1.0")

    assert first == 200
    assert (other, told["type"]) == (409, "urn:placet:problem:request-id-taken")


async def test_an_agent_that_was_held_as_often_as_it_may_be_waits_no_more(sqlite_url):
    async with api(sqlite_url, own=", held_calls: 0") as given:
        told = await given.ask(wait=60)

        assert told["decision"] == "pending"


async def test_an_external_server_has_no_mcp_path(given):
    answered = await given.stage.post(b"{}", server="claude-code")

    assert answered.status == 404
    assert "speaks no MCP" in answered.error["message"]


async def test_nothing_is_decided_while_the_ledger_is_away(given):
    await asyncio.to_thread(given.stage.ledger.close)

    status, told = await given.post("/v1/decisions", asked("Read"))

    assert (status, told["type"]) == (503, "urn:placet:problem:undecided")


async def test_an_operators_key_asks_for_nothing(given):
    status, told = await given.post("/v1/decisions", asked("Read"), OPERATOR)

    assert (status, told["type"]) == (403, "urn:placet:problem:not-permitted")


async def test_a_gateway_that_stops_takes_no_question(given):
    await given.stage.gateway.drain(0.1)

    status, told = await given.post("/v1/decisions", asked("Read"))

    assert (status, told["type"]) == (503, "urn:placet:problem:undecided")


async def _held(given, calls):
    return sum(given.stage.gateway._room.held.values()) == calls
