"""Tests of a policy decide as the gateway does, and say what is not as expected."""

import pytest
from broken_files import broken
from hypothesis import given
from hypothesis import strategies as st

from policies.people.people import Agent, Directory
from policies.rules.policy import compile_policy
from policies.trials.trial_checks import trial_problems
from policies.trials.trial_file import TrialFile
from policies.trials.trial_results import coverage, tried
from policies.trials.trials import Ground, TriedServer, trials_of
from policies.values.calls import Tool
from policies.values.problems import InvalidDocument
from policies.yaml.documents import read_document
from policies.yaml.validation import validated

POLICY = """\
version: 1
default: deny
rules:
  - {name: reads, match: {risk: read}, effect: allow}
  - name: releases
    match: {tool: write_file}
    when: args.path.startsWith("release/")
    effect: require_approval
    approval: {team: platform, approvals: 2}
  - {name: nights, when: now.getHours() < 6, effect: deny, message: sleep}
  - {name: owners, when: agent.owner == "bob", effect: deny}
limits:
  - name: sums-of-n
    match: {tool: read_file}
    when: has(args.n)
    sum: args.n
    at_most: 10
    within: 1h
    per: agent
    effect: deny
"""
TESTS = """\
version: 1
policy: policy.yaml
agents: {ci-bot: {team: platform, owner: alice}}
servers:
  files: {team: platform, tools: [read_file, write_file]}
tests:
  - name: reading
    call: files/read_file
    arguments: {path: notes.txt}
    expect: allow
  - name: writing
    call: files/write_file
    arguments: {path: release/1.txt}
    expect: {effect: require_approval, team: platform, approvals: 2, rules: releases}
"""


def ground_of(written):
    """Return what tests stand on, as it is when tools are written in the file."""
    agents = {
        name: Agent(name, section.team, section.owner or "")
        for name, section in written.agents.items()
    }
    servers = {}
    for name, section in written.servers.items():
        names = [tool.values["name"] for tool in section.tools]
        tools = {each: Tool(name, each, "", "{}", "") for each in names}
        servers[name] = TriedServer(section.team, tools)
    directory = Directory(
        agents={name: agent for name, agent in agents.items() if agent.owner},
        server_teams={name: server.team for name, server in servers.items() if server.team},
    )
    return Ground(compile_policy(POLICY), servers, agents, directory)


def read(text):
    """Return the document of a file of tests, its sections, what they stand on, the problems."""
    document = read_document(text, file="policy.test.yaml")
    written, problems = validated(TrialFile, document)
    ground = None
    if written is not None:
        ground = ground_of(written)
        problems += trial_problems(document, written, ground)
    return document, written, ground, sorted(problems)


def results_of(test, *, agent="{team: platform, owner: alice}"):
    """Return what one test comes to."""
    head = TESTS[: TESTS.index("  - name: reading")].replace(
        "{team: platform, owner: alice}", agent
    )
    document, written, ground, problems = read(f"{head}  - {test}\n")
    assert problems == []
    (result,) = tried(trials_of(document, written, ground), ground)
    return [(each.key, each.expected, each.came) for each in result.differences]


@pytest.mark.parametrize(("replaced", "by", "expected"), broken("broken_trials.txt"))
def test_what_is_wrong_is_said_with_its_place_and_what_to_write(replaced, by, expected):
    assert replaced in TESTS

    _, _, _, problems = read(TESTS.replace(replaced, by, 1))

    assert [str(each) for each in problems] == [f"policy.test.yaml:{line}" for line in expected]


def test_a_policy_that_does_what_is_expected_has_no_difference_and_untried_rules_are_told():
    document, written, ground, _ = read(TESTS)

    results = tried(trials_of(document, written, ground), ground)
    (covered,) = coverage([ground.policy, ground.policy], results)

    assert [result.differences for result in results] == [(), ()]
    assert [rule.name for rule in covered.untried] == ["nights", "owners", "sums-of-n"]


@pytest.mark.parametrize(
    ("test", "different"),
    [
        ("{call: files/read_file, expect: deny}", [("effect", "deny", "allow")]),
        (
            "{call: files/read_file, expect: {effect: allow, rules: [reads, nights]}}",
            [("rules", "nights, reads", "reads")],
        ),
        (
            (
                "{call: files/read_file, at: 2026-01-01T03:00:00Z, expect: {effect: deny,"
                " rules: [reads, nights], message: sleep}}"
            ),
            [],
        ),
        (
            (
                "{call: files/read_file, at: '2026-01-01T07:00:00+02:00', expect: {effect: deny,"
                " message: wake}}"
            ),
            [("message", "wake", "sleep")],
        ),
        (
            (
                "{call: files/write_file, arguments: {path: a}, expect: {effect: deny,"
                " rules: default, risk: read}}"
            ),
            [("risk", "read", "write")],
        ),
        (
            (
                "{call: files/write_file, arguments: {path: release/1}, expect:"
                " {effect: require_approval, team: security, approvals: 3, reason: required}}"
            ),
            [
                ("team", "security", "platform"),
                ("approvals", "3", "platform: 2"),
                ("reason", "required", "optional"),
            ],
        ),
        (
            (
                "{call: files/write_file, arguments: {path: release/1}, grants: [{name: g,"
                " target: files/*, teams: {platform: 2}}], expect: {effect: allow, grant: g}}"
            ),
            [],
        ),
        (
            (
                "{call: files/write_file, arguments: {path: release/1}, grants: [{name: g,"
                " target: files/*, teams: platform}], expect: {effect: allow, grant: g}}"
            ),
            [("effect", "allow", "require_approval"), ("grant", "g", "none")],
        ),
        (
            (
                "{call: files/read_file, arguments: {n: 2}, usage: {sums-of-n: 9},"
                " expect: {effect: deny, rules: reads}}"
            ),
            [("rules", "reads", "reads, sums-of-n")],
        ),
        (
            "{call: files/read_file, arguments: {n: 2}, usage: {sums-of-n: 8}, expect: allow}",
            [],
        ),
        (
            (
                "{call: files/write_file, arguments: {path: release/1, n: 2}, grants: [{name: g,"
                " target: files/*, teams: {platform: 2}, when: args.n < 3, sum: args.n, left: 1}],"
                " expect: {effect: allow, grant: g}}"
            ),
            [("effect", "allow", "require_approval"), ("grant", "g", "none")],
        ),
        (
            "{call: files/drop, expect: {effect: deny, rules: unlisted-tool}}",
            [],
        ),
    ],
)
def test_each_thing_that_is_expected_is_compared(test, different):
    assert results_of(test) == different


def test_numbers_in_json_text_keep_their_spelling():
    test = "{call: files/read_file, arguments: '{\"n\": 1e2}', expect: allow}"
    document, written, ground, _ = read(TESTS[: TESTS.index("  - name: reading")] + f"  - {test}\n")

    (trial,) = trials_of(document, written, ground)

    assert trial.call.arguments["n"].text == "1e2"


def test_an_owner_that_no_file_names_is_not_known_to_conditions_and_counts_against_the_call():
    test = "{call: files/read_file, expect: {effect: deny, rules: [reads, owners]}}"

    assert results_of(test, agent="{team: platform}") == []


@given(st.data())
def test_no_file_of_tests_is_so_broken_that_it_is_not_told_in_words(data):
    lines = TESTS.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        junk = data.draw(
            st.sampled_from(["", "[", "{a: }", "- x", "!!int 1", "\u0000", "? :", "é: 1"])
        )
        cut = data.draw(st.integers(0, len(lines[at])))
        lines[at] = lines[at][:cut] + junk + data.draw(st.sampled_from([lines[at][cut:], ""]))
    try:
        document, written, ground, problems = read("\n".join(lines))
    except InvalidDocument as invalid:
        problems = invalid.problems
    else:
        if written is not None and not problems:
            tried(trials_of(document, written, ground), ground)

    assert all(problem.what and problem.instead for problem in problems)
