"""Intercept's files are read as it reads them; what cannot be carried over has its place told."""

import pytest
from broken_files import broken

from policies.editors.formatting import formatted
from policies.intercept.importing import Written, imported
from policies.intercept.source import carried_over
from policies.intercept.writing import policy_text
from policies.rules.policy_differences import policy_changes
from policies.rules.policy_file import PolicyFile
from policies.values.problems import InvalidDocument

WHOLE = """\
version: "1"
default: deny
hide: [secret]
tools:
  pay:
    rules:
      - name: cap
        conditions:
          - {path: args.amount, op: lte, value: 500}
      - name: spent
        conditions:
          - {path: state.pay.spent, op: lte, value: 1000}
        state: {counter: spent, window: day, increment_from: args.amount}
      - name: large
        action: require_approval
        approval_timeout: 30m
  refund:
    rules:
      - {name: never, action: deny}
  "*":
    rules:
      - {name: every, rate_limit: 60/minute}
"""


def written(tools: str, *, server: str | None = "bank", top: str = "") -> str:
    """Return the rules of the policy that these tools come to, without its heading."""
    source = carried_over(f'version: "1"\n{top}tools:\n{tools}', file="bank.yaml", server=server)
    return policy_text([source]).partition("rules:\n")[2]


@pytest.mark.parametrize(("replaced", "by", "expected"), broken("broken_imports.txt"))
def test_what_cannot_be_carried_over_is_told_with_its_place(replaced, by, expected):
    assert replaced in WHOLE

    with pytest.raises(InvalidDocument) as refused:
        carried_over(WHOLE.replace(replaced, by, 1), file="bank.yaml")

    told = [str(problem) for problem in refused.value.problems]
    assert told == [f"bank.yaml:{line}" for line in expected]


def test_what_is_malformed_hides_nothing_that_cannot_be_carried_over():
    text = (
        WHOLE.replace('version: "1"', 'version: "2"')
        .replace("op: lte, value: 500", "op: less, value: 500")
        .replace("action: require_approval", "action: deny")
        .replace("{name: never, action: deny}", "{name: never, spend: {daily: 5}}")
    )

    with pytest.raises(InvalidDocument) as refused:
        carried_over(text, file="bank.yaml")

    assert [str(problem).partition(";")[0] for problem in refused.value.problems] == [
        'bank.yaml:1:10: `version` must be "1"',
        (
            "bank.yaml:9:37: `op` must be `eq`, `neq`, `in`, `not_in`, `lt`, `lte`, `gt`, `gte`, "
            "`regex`, `contains` or `exists`"
        ),
        "bank.yaml:16:9: `approval_timeout` goes with `action: require_approval` only",
        "bank.yaml:19:23: `spend` bounds what a server charges, which is known only after the call",
    ]


def test_a_whole_file_becomes_rules_limits_and_hidden_tools():
    text = policy_text([carried_over(WHOLE, file="bank.yaml", server="bank")])

    assert (
        text.partition("version: 1\n")[2]
        == """\
default: require_approval
hide:
  - bank/secret
rules:
  # bank.yaml:7
  - name: "pay: cap"
    match: {server: bank, tool: pay}
    when: args.amount > 500
    effect: deny
  # bank.yaml:14
  - name: "pay: large"
    match: {server: bank, tool: pay}
    effect: require_approval
    approval: {expires_in: 30m}
  # bank.yaml:19
  - name: "refund: never"
    match: {server: bank, tool: refund}
    effect: deny
  # bank.yaml:2
  - name: tools that are not listed
    match: {server: bank}
    except: {server: bank, tool: [pay, refund]}
    effect: deny
  # bank.yaml:2
  - name: tools that are listed
    match: {server: bank, tool: [pay, refund]}
    effect: allow
limits:
  # bank.yaml:10
  - name: "pay: spent"
    match: {server: bank, tool: pay}
    per: tool
    sum: args.amount
    at_most: 1000
    within: 1d
    effect: deny
  # bank.yaml:22
  - name: "every tool: every"
    match: {server: bank}
    per: server
    at_most: 60
    within: 1m
    effect: deny
    message: Rate limit of 60 per minute reached. Try again later.
"""
    )


@pytest.mark.parametrize(
    "tools",
    [
        "  pay:\n",
        "  pay: {}\n",
        "  pay: {rules: }\n",
        "  pay:\n    rules: []\n",
        "  pay:\n    rules:\n",
    ],
)
def test_tools_without_rules_are_allowed_as_in_the_source(tools):
    assert (
        written(tools)
        == """\
  # bank.yaml:1
  - name: what no other rule denies
    match: {server: bank}
    effect: allow
"""
    )


def test_names_that_are_there_twice_or_missing_become_names_of_their_own():
    rules = "[{name: no, action: deny}, {name: no, action: deny}, {action: deny}]"

    text = written(f"  pay: {{rules: {rules}}}\n")

    assert [line for line in text.splitlines() if "name:" in line] == [
        '  - name: "pay: no"',
        '  - name: "pay: no (2)"',
        '  - name: "pay: deny"',
        "  - name: what no other rule denies",
    ]


def test_a_source_without_a_server_speaks_of_every_server():
    text = written("  pay: {rules: [{name: no, action: deny}]}\n", server=None, top="hide: [x]\n")

    assert "server:" not in text


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        (
            'version: "1"\ndescription: "one\\nrules: [{name: x, effect: allow}]"\ntools:\n  pay:\n'
            '    rules: [{name: "a\\u2028b", action: deny, on_deny: "c\\n- d: \\"e\\""}]\n'
        ),
    ],
)
def test_what_is_written_has_the_form_of_fmt_and_says_the_same(text):
    found = imported([Written("bank.yaml", text, "bank")])

    plain = policy_text(found.sources)
    assert formatted(found.text, PolicyFile) == found.text
    assert policy_changes(plain, found.text) == []


def test_a_text_of_the_source_cannot_end_a_comment_or_a_value():
    top = 'description: "one\\nrules: [{name: x, effect: allow}]"\n'
    rules = 'rules: [{name: "a\\u2028b", action: deny, on_deny: "c\\n- d: \\"e\\""}]'

    source = carried_over(f'version: "1"\n{top}tools:\n  pay: {{{rules}}}\n', file="bank.yaml")

    text = policy_text([source])
    assert "# one rules: [{name: x, effect: allow}]\n" in text
    assert '  - name: "pay: a b"\n' in text
    assert '    message: "c\\n- d: \\"e\\""\n' in text


def test_a_pattern_where_the_source_knows_only_names_forbids_more_and_says_so():
    source = carried_over(
        'version: "1"\ntools: {"delete_*": {rules: [{name: no, action: deny}]}}\n', file="a.yaml"
    )

    assert '    match: {tool: "delete_*"}\n' in policy_text([source])
    (note,) = source.notes
    assert str(note) == (
        "a.yaml:2:9: Intercept takes `delete_*` for the name of one tool, so that it stops no "
        "other; here it is a pattern for what it forbids and asks, and lists no tool"
    )
    assert note.stricter


def test_a_published_file_is_read_with_its_comments_and_rules_without_names():
    text = """\
#  ── Policy: Bank MCP Server ──
version: "1"
description: "Policy for acme/bank"
#  Set to "deny" to reject tool calls not listed below
default: "allow"
tools:
    #  ── Read Tools ──
    #  API-get-account: Retrieve an account
    API-get-account:
        rules: []
    pay:
        rules:
            - rate_limit: 30/hour

  # Uncomment to apply a global rate limit across all tools:
  # "*":
  #   rules:
  #     - name: "global rate limit"
  #       rate_limit: 60/minute
"""

    source = carried_over(text, file="bank.yaml", server="bank")

    assert [rule.name for rule in source.rules] == ["what no other rule denies"]
    assert [(limit.name, limit.at_most) for limit in source.limits] == [("pay: 30/hour", 30)]
