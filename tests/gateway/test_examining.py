"""One call looked at: what people see of it, and whose agent it is."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gateway.acceptance import Acceptance
from gateway.examining import Asked, Examined, Examiner
from gateway.waiting import Ticket
from policies.calls import Call, JsonValue, Number, Tool
from policies.decisions import Effect
from policies.digests import digest, digest_key
from policies.people import Agent, Directory
from policies.policy import Policy, compile_policy

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
