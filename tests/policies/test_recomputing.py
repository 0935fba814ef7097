"""A recorded call is decided anew as far as what is kept of it lets anybody tell."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_text import RULES, policy_of

from policies.deciding.assessment import assess
from policies.past.recomputing import KeptCall, recompute
from policies.people.people import Agent, Directory
from policies.risks.risk import RiskFinding
from policies.rules.decisions import Effect
from policies.rules.policy import compile_policy
from policies.rules.policy_lines import lines_at
from policies.secrets.redaction import redact
from policies.values.calls import Call, JsonValue, Number, Risk, Tool
from policies.values.strict_json import canonical, parse

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FINDING = RiskFinding(Risk.WRITE, "`push` in its name")


def kept(hidden: int = 0, team: str | None = "platform", **arguments: JsonValue) -> KeptCall:
    call = Call("ci-bot", "platform", None, "github", "push_files", arguments)
    tool = Tool("github", "push_files", "", "{}", "aa")
    return KeptCall(call, hidden, "alice", tool, FINDING, team, NOON)


def doubts(rules: str, call: KeptCall) -> list[tuple[str, str]]:
    policy = compile_policy("version: 1\ndefault: allow\n" + policy_of(rules).partition("\n")[2])
    return [(each.rule.name, each.because) for each in recompute(call, policy).doubts]


@pytest.mark.parametrize(
    ("condition", "in_doubt"),
    [
        ("args.token == 'x'", True),
        ("has(args.token)", True),
        ("size(args) > 1", True),
        ("args['token'] == 'x'", True),
        ("args.auth.user == 'x'", False),
        ("args.auth.key == 'x'", True),
        ("args.auth.size() > 1", True),
        ("args.note.startsWith('a')", True),
        ("args.list.exists(x, x == 'b')", True),
        ("args.branch == 'main'", False),
        ("agent.owner == 'alice'", False),
        ("call.risk == 'write'", False),
    ],
)
def test_a_rule_is_in_doubt_where_it_looks_at_a_hidden_value(condition, in_doubt):
    call = kept(
        hidden=4,
        token="[hidden]",
        auth={"user": "u", "key": "[hidden]"},
        note="a [hidden]",
        list=["a", "[hidden]"],
        branch="main",
    )

    found = doubts(f'{{name: r, when: "{condition}", effect: deny}}', call)

    assert bool(found) is in_doubt


def test_a_key_that_is_hidden_might_be_any_that_is_missing():
    call = kept(hidden=1, **{"[hidden]": Number("1")})

    assert doubts("{name: r, when: args.x > 1, effect: deny}", call)


@pytest.mark.parametrize(
    ("rule", "in_doubt"),
    [
        ("{name: r, match: {team: platform}, effect: deny}", True),
        ("{name: r, match: {team: platform, tool: get_*}, effect: deny}", False),
        ("{name: r, except: {team: platform}, effect: deny}", True),
        ("{name: r, except: {team: platform, tool: get_*}, effect: deny}", False),
        ("{name: r, match: {team: x}, except: {tool: push_*}, effect: deny}", False),
        ("{name: r, when: call.team == 'platform', effect: deny}", True),
        ("{name: r, when: call.tool == 'platform', effect: deny}", False),
    ],
)
def test_a_rule_is_in_doubt_where_it_asks_for_a_team_that_is_not_known(rule, in_doubt):
    assert bool(doubts(rule, kept(team=None))) is in_doubt
    assert not doubts(rule, kept(team="platform"))


@pytest.mark.parametrize(
    ("condition", "in_doubt"),
    [
        ("now < timestamp('2026-11-23T11:59:55Z')", True),
        ("now < timestamp('2026-11-23T13:00:00Z')", False),
    ],
)
def test_a_rule_is_in_doubt_where_its_answer_changed_with_the_time_just_then(condition, in_doubt):
    assert bool(doubts(f'{{name: r, when: "{condition}", effect: deny}}', kept())) is in_doubt


def test_a_parameter_beside_the_arguments_is_not_taken_for_one():
    call = kept(**{"params.x": "1", "a": "1"})

    assert doubts("{name: r, when: size(args) > 1, effect: deny}", call)
    assert not doubts("{name: r, when: args.a == '1', effect: deny}", call)


def test_what_a_call_may_come_to_is_told_with_each_doubted_rule():
    policy = compile_policy(
        policy_of(
            """{name: a, match: {tool: push_*}, effect: allow}
            {name: d, when: args.token == 'x', effect: deny}"""
        )
    )

    found = recompute(kept(hidden=1, token="[hidden]"), policy)

    assert found.certain.effect is Effect.ALLOW
    assert found.effects == {Effect.ALLOW, Effect.DENY}


SECRETS = st.sampled_from(["ghp_0123456789abcdefghijABCDEFGHIJ012345", "main", "release", "x"])
ARGUMENTS = st.dictionaries(
    st.sampled_from(["branch", "token", "n", "l", "x"]),
    SECRETS | st.integers(0, 3).map(lambda n: Number(str(n))) | st.lists(SECRETS, max_size=2),
    max_size=4,
)


@given(st.lists(st.sampled_from(RULES), max_size=5, unique=True), ARGUMENTS)
def test_what_was_decided_with_every_value_is_among_what_it_may_come_to(rules, arguments):
    policy = compile_policy(policy_of("\n".join(rules)))
    real = kept(**arguments)
    directory = Directory(
        agents={"ci-bot": Agent("ci-bot", "platform", "alice")},
        server_teams={"github": "platform"},
    )
    decided = assess(real.call, policy, tool=real.tool, risk=FINDING, at=NOON, directory=directory)
    shown = redact(arguments, ())
    recorded = parse(canonical(shown.value).encode())
    assert isinstance(recorded, dict)

    found = recompute(replace(kept(hidden=shown.hidden, **recorded), team="platform"), policy)

    doubted = {each.rule.pointer for each in found.doubts}
    assert decided.effect in found.effects
    assert {each.pointer for each in decided.spoke} - {"/default"} <= doubted | {
        each.pointer for each in found.certain.spoke
    }
    if not doubted:
        assert found.certain == decided


TEXT = """\
version: 1
# first
rules:
  - name: a
    when: |
      args.x == 1

    effect: deny

  # the second
  - {name: b, match: {tool: x},
     effect: allow}
default: deny
hide: ["a/b", "c/d"]
"""


@pytest.mark.parametrize(
    ("pointer", "first", "count"),
    [("/rules/0", 4, 5), ("/rules/1", 11, 2), ("/default", 13, 1), ("/hide/1", 14, 1)],
)
def test_the_lines_of_a_pointer_are_those_of_the_text(pointer, first, count):
    found = lines_at(TEXT, pointer)

    assert found is not None
    assert found.first == first
    assert list(found.lines) == TEXT.split("\n")[first - 1 : first - 1 + count]


@pytest.mark.parametrize("pointer", ["/rules/2", "/rules/a", "/nothing", "/rules/0/when/x"])
def test_a_pointer_to_nothing_has_no_lines(pointer):
    assert lines_at(TEXT, pointer) is None


def test_a_text_that_is_no_yaml_has_no_lines():
    assert lines_at("a: [", "/a") is None
