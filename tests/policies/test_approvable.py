"""What the policy can ask and nobody could give is refused before it happens."""

import pytest

from policies.checking.approvable import nobody_could_approve, possible_approvers
from policies.configuration.configuration import parse_configuration
from policies.people.people import Agent
from policies.rules.bundles import Bundle
from policies.rules.policy import compile_policy
from policies.values.matching import Glob

CONFIGURATION = """\
version: 1
policy: policy.yaml
ledger: {url: "sqlite:///placet.db"}
listen: {agents: "127.0.0.1:8787", operations: "127.0.0.1:8789"}
people:
  alice: {slack: T0ACME/U0ALICE}
  bob: {slack: T0ACME/U0BOB}
  cat: {subject: cat@example.com}
teams:
  platform: {channel: C0PLATFORM, approvers: [alice, bob]}
  security: {channel: C0SEC, approvers: [alice]}
  group: {channel: C0GRP, approvers: [{group: S0GRP}]}
servers:
  files: {command: [files], team: platform}
agents:
  ci-bot: {team: platform, owner: alice, key: "0123456789abcdef0123456789abcdef"}
slack: {mode: socket, bot_token: b, app_token: a}
"""
CALLS = "to approve calls of `ci-bot` to `files`"
WHY = "owners never approve their agents' calls; add approvers with a Slack id to `platform`"


def problems(policy: str, replaced: str = "", by: str = "") -> list[str]:
    configuration = parse_configuration(
        CONFIGURATION.replace(replaced, by) if replaced else CONFIGURATION, {}
    )
    return [str(each) for each in nobody_could_approve(configuration, compile_policy(policy))]


def test_a_team_with_another_approver_than_the_owner_can_approve():
    assert problems("version: 1\n") == []


def test_a_one_person_teams_own_agent_is_refused():
    assert problems("version: 1\n", "approvers: [alice, bob]", "approvers: [alice]") == [
        f"placet.yaml:16:3: the default asks 1 of team `platform` {CALLS}, and nobody could: {WHY}"
    ]


@pytest.mark.parametrize(
    ("replaced", "by"),
    [
        ("owner: alice", "owner: alice, on_behalf_of: bob"),
        ("approvers: [alice, bob]", "approvers: []"),
        ("approvers: [alice, bob]", "approvers: [alice, cat]"),
    ],
)
def test_those_for_whom_the_agent_acts_and_those_without_a_slack_id_do_not_count(replaced, by):
    assert len(problems("version: 1\n", replaced, by)) == 1


def test_a_user_group_counts_as_if_anybody_were_in_it():
    policy = """\
version: 1
default: deny
rules:
  - {name: a, effect: require_approval, approval: {team: group, approvals: 9}}
"""

    assert problems(policy) == []


def test_what_a_limit_asks_has_to_be_there_and_to_have_enough_people():
    policy = """\
version: 1
default: deny
limits:
  - {name: a, at_most: 1, within: 1h, effect: require_approval, approval: {team: securty}}
  - {name: b, at_most: 1, within: 1h, effect: require_approval, approval: {approvals: 2}}
"""

    assert problems(policy) == [
        (
            "policy.yaml:4:5: limit `a` asks a team `securty` that is not there; "
            "did you mean `security`?"
        ),
        (
            f"policy.yaml:5:5: limit `b` asks 2 of team `platform` {CALLS}, and only `bob` could: "
            f"{WHY}"
        ),
    ]


def test_a_rule_that_asks_more_than_there_are_is_refused_where_it_stands():
    policy = """\
version: 1
default: deny
rules:
  - {name: fine, effect: require_approval}
  - {name: two, match: {tool: push_*}, effect: require_approval, approval: {approvals: 2}}
  - {name: sec, effect: require_approval, approval: {team: security}}
"""

    assert [line.partition(", and ")[0] for line in problems(policy)] == [
        f"policy.yaml:5:5: rule `two` asks 2 of team `platform` {CALLS}",
        f"policy.yaml:6:5: rule `sec` asks 1 of team `security` {CALLS}",
    ]


def test_a_team_that_is_not_there_is_refused():
    policy = "version: 1\nrules: [{name: a, effect: require_approval, approval: {team: plat}}]\n"

    assert problems(policy) == [
        "policy.yaml:2:9: rule `a` asks a team `plat` that is not there; did you mean `platform`?"
    ]


@pytest.mark.parametrize(
    "rule",
    [
        "{name: other, match: {agent: other}, effect: require_approval, approval: {approvals: 5}}",
        "{name: other, match: {server: other}, effect: require_approval, approval: {approvals: 5}}",
        "{name: other, match: {team: other}, effect: require_approval, approval: {approvals: 5}}",
        "{name: out, except: {agent: ci-*}, effect: require_approval, approval: {approvals: 5}}",
        "{name: x, match: {on_behalf_of: '*'}, effect: require_approval, approval: {approvals: 5}}",
    ],
)
def test_a_rule_that_speaks_of_no_agent_and_server_there_are_asks_nothing(rule):
    assert problems(f"version: 1\nrules:\n  - {rule}\n") == []


def test_what_is_denied_anyway_asks_nothing():
    policy = """\
version: 1
rules:
  - {name: all, match: {server: files}, effect: deny}
  - {name: five, effect: require_approval, approval: {approvals: 5}}
"""

    assert problems(policy) == []
    assert len(problems(policy.replace("deny}", "deny, when: args.x == 1}"))) == 1
    assert len(problems(policy.replace("server: files", "tool: push_*"))) == 1


def test_a_default_behind_rules_that_cover_everything_asks_nothing():
    policy = "version: 1\nrules: [{name: all, match: {tool: '*'}, effect: allow}]\n"

    assert problems(policy, "approvers: [alice, bob]", "approvers: [alice]") == []


def test_the_possible_approvers_of_an_agents_calls_can_be_asked_for():
    directory = parse_configuration(CONFIGURATION, {}).directory()

    assert possible_approvers(directory, "platform", Agent("x", "platform", "alice")) == {"bob"}
    assert possible_approvers(directory, "group", Agent("x", "platform", "alice")) is None
    assert possible_approvers(directory, "ghost", Agent("x", "platform", "alice")) == frozenset()


def test_owners_that_are_no_team_and_files_for_no_server_are_told_where_they_stand():
    text = Bundle(
        "version: 1\ninclude: {flies: a.yaml}\nowners: {'files/deploy_*': platfrom}\n",
        {"a.yaml": "version: 1\nowners: {'flies/x': nobody}\n"},
    ).text

    assert [problem.partition("; write")[0] for problem in problems(text)] == [
        (
            "policy.yaml:3:28: `files/deploy_*` is owned by a team `platfrom` that is not there; "
            "did you mean `platform`?"
        ),
        "a.yaml:2:21: `flies/x` is owned by a team `nobody` that is not there",
        (
            "policy.yaml:2:11: a file is included for a server `flies` that is not there; "
            "did you mean `files`?"
        ),
    ]


def test_the_team_that_owns_a_tool_must_be_able_to_approve_it():
    policy = "version: 1\nowners: {'files/deploy_*': security}\n"

    (problem,) = problems(policy)

    assert "the default asks 1 of team `security` to approve calls of `ci-bot`" in problem


def test_not_every_agent_at_every_server_is_held_against_every_rule(monkeypatch):
    looked, matches = [], Glob.matches
    monkeypatch.setattr(
        Glob, "matches", lambda glob, text: looked.append(text) or matches(glob, text)
    )
    agents = "".join(
        f"  a{n}: {{team: platform, owner: alice, key: {'k' * 32}{n}}}\n" for n in range(40)
    )
    servers = "".join(f"  s{n}: {{command: [s], team: platform}}\n" for n in range(10))
    rules = "".join(
        f"  - {{name: r{n}, match: {{agent: a{n % 40}, server: s{n % 10}}}, effect: allow}}\n"
        for n in range(100)
    )
    configuration = parse_configuration(
        CONFIGURATION.replace("agents:\n  ci", f"agents:\n{agents}  ci", 1).replace(
            "servers:\n", f"servers:\n{servers}", 1
        ),
        {},
    )

    found = nobody_could_approve(configuration, compile_policy(f"version: 1\nrules:\n{rules}"))

    assert found == []
    assert len(looked) < (41 + 11) * 100 * 2
