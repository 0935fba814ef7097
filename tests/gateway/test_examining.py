"""One call looked at: what people see of it, and whose agent it is."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gateway.calls.examining import Asked, Examined, Examiner
from gateway.calls.open_calls import Ticket
from gateway.tools.acceptance import Acceptance
from policies.people.people import Agent, Directory
from policies.rules.decisions import Effect
from policies.rules.policy import Policy, compile_policy
from policies.values.calls import Call, JsonValue, Number, Tool
from policies.values.digests import digest, digest_key

KEY = digest_key("k" * 32)
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
TOOL = Tool("files", "write", "Writes a file", "{}", "ab" * 32)
BOT = Agent(name="bot", team="platform", owner="alice")
ALLOWING = compile_policy("version: 1\nrules: [{name: all, match: {tool: write}, effect: allow}]")


def examiner() -> Examiner:
    """Return an examiner whose files name no agent."""
    directory = Directory(server_teams={"files": "platform"})
    acceptance = Acceptance(directory.server_teams)
    return Examiner(directory, (KEY,), frozenset(), "one", lambda: NOON, acceptance)


def examined(
    arguments: dict[str, JsonValue],
    *,
    by: Examiner | None = None,
    agent: Agent = BOT,
    policy: Policy = ALLOWING,
    **others: Any,
) -> Examined:
    """Return a call of `files/write` as it is seen."""
    params = {"name": "write", "arguments": arguments, **others}
    asked = Asked("call_1", agent, "files", "write", params, Ticket("bot", "files", "", "1"), 100)
    return (by or examiner()).examine(asked, policy, TOOL)


def test_where_nothing_is_hidden_people_see_what_the_digest_covers():
    arguments: dict[str, JsonValue] = {"path": "a", "mode": Number("1.0"), "at": ["b", None]}

    facts = examined(arguments).facts

    assert facts.arguments == '{"at":["b",null],"mode":1.0,"path":"a"}'
    assert facts.hidden == 0
    call = Call("bot", "platform", None, "files", "write", arguments)
    assert facts.digests == (digest(call, KEY),)


def test_what_is_hidden_is_in_the_digest_all_the_same():
    one, other = examined({"token": "first-one"}).facts, examined({"token": "another"}).facts

    assert one.arguments == other.arguments == '{"token":"[hidden]"}'
    assert one.digests != other.digests


def test_unknown_parameters_are_seen_beside_the_arguments():
    facts = examined({"path": "a"}, more={"b": True}).facts

    assert facts.arguments == '{"params.more":{"b":true},"path":"a"}'
    assert facts.digests != examined({"path": "a"}).facts.digests


def test_an_agent_of_the_ledger_is_seen_as_it_is_now():
    policy = compile_policy(
        "version: 1\ndefault: deny\n"
        "rules: [{name: hers, match: {tool: write}, when: agent.owner == 'alice', effect: allow}]"
    )
    same = examiner()

    assert examined({}, by=same, policy=policy).assessment.effect is Effect.ALLOW
    moved = replace(BOT, owner="bob")
    assert examined({}, by=same, agent=moved, policy=policy).assessment.effect is Effect.DENY
    assert examined({}, by=same, policy=policy).assessment.effect is Effect.ALLOW


ASKING = compile_policy(
    "version: 1\nrules: [{name: all, match: {tool: write}, effect: require_approval}]"
)
BY_PATH = compile_policy(
    "version: 1\ndefault: deny\n"
    "rules: [{name: a, match: {tool: write}, when: args.path == 'a', effect: allow}]"
)
BY_PERSON = compile_policy(
    "version: 1\ndefault: deny\nrules: [{name: hers, match: {on_behalf_of: alice}, effect: allow}]"
)


def effects(by: Examiner, *calls: dict[str, Any]) -> list[Effect]:
    """Return what one examiner says of calls, one after the other."""
    return [examined(call.pop("arguments", {}), by=by, **call).assessment.effect for call in calls]


def test_what_was_said_of_a_call_is_said_of_the_next_only_under_the_same_policy():
    found = effects(
        examiner(), {}, {"policy": ASKING}, {"policy": ASKING}, {"policy": ALLOWING}, {}
    )

    asks, allows = Effect.REQUIRE_APPROVAL, Effect.ALLOW
    assert found == [allows, asks, asks, allows, allows]


def test_what_a_condition_says_is_asked_of_every_call():
    calls = [{"arguments": {"path": path}, "policy": BY_PATH} for path in "abaab"]

    found = effects(examiner(), *calls)

    assert found == [Effect.ALLOW if each == "a" else Effect.DENY for each in "abaab"]


def test_what_is_said_to_an_agent_for_one_person_is_not_said_to_it_for_another():
    people = ["alice", "bob", None, "alice"]
    calls = [{"agent": replace(BOT, on_behalf_of=each), "policy": BY_PERSON} for each in people]

    found = effects(examiner(), *calls)

    assert found == [Effect.ALLOW, Effect.DENY, Effect.DENY, Effect.ALLOW]


def test_a_tool_that_is_not_the_one_called_is_denied_whatever_was_said_before():
    same = examiner()
    assert effects(same, {}) == [Effect.ALLOW]

    ticket = Ticket("bot", "files", "", "1")
    params: dict[str, JsonValue] = {"name": "other", "arguments": {}}
    asked = Asked("call_1", BOT, "files", "other", params, ticket, 100)

    assert same.examine(asked, ALLOWING, TOOL).assessment.effect is Effect.DENY
    assert effects(same, {}) == [Effect.ALLOW]


def test_a_tool_that_was_defined_anew_is_looked_at_anew():
    policy = compile_policy(
        "version: 1\ndefault: deny\nrules: [{name: r, match: {risk: read}, effect: allow}]"
    )
    hints = {"readOnlyHint": True, "destructiveHint": False}
    mild = replace(TOOL, name="get", description="Reads", hash="a" * 64, hints=hints)
    grave = replace(mild, description="Deletes everything", hash="b" * 64, hints={})
    same = examiner()
    params: dict[str, JsonValue] = {"name": "get", "arguments": {}}
    asked = Asked("call_1", BOT, "files", "get", params, Ticket("bot", "files", "", "1"), 100)

    found = [same.examine(asked, policy, tool) for tool in (mild, grave, mild)]

    fresh = [examiner().examine(asked, policy, tool) for tool in (mild, grave, mild)]
    assert [each.assessment for each in found] == [each.assessment for each in fresh]
    assert found[0].assessment != found[1].assessment
