"""Two texts of a policy differ in rules and settings, whatever their order and form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_text import RULES, policy_of

from policies.rules.policy_differences import PolicyChange, line_changes, policy_changes

BEFORE = """\
version: 1
default: deny
rules:
  - {name: a, match: {tool: [x, y]}, effect: allow}
  - {name: b, effect: deny}
redact: ["*password*"]
"""
AFTER = """\
version: 1
rules:
  - {name: c, effect: deny}
  - name: a
    match:
      tool: [x]
    effect: allow
redact: ["*password*"]
hide: [a/b]
"""


def test_what_changed_is_told_by_rule_and_key_and_by_setting():
    assert policy_changes(BEFORE, AFTER) == [
        PolicyChange("a", "match", '{"tool": ["x", "y"]}', '{"tool": ["x"]}'),
        PolicyChange("b", "", '{"effect": "deny", "name": "b"}', None),
        PolicyChange("c", "", None, '{"effect": "deny", "name": "c"}'),
        PolicyChange("", "default", '"deny"', None),
        PolicyChange("", "hide", None, '["a/b"]'),
    ]


@given(st.permutations(RULES), st.permutations(RULES))
def test_the_order_of_rules_is_no_difference(before, after):
    assert policy_changes(policy_of("\n".join(before)), policy_of("\n".join(after))) == []


@pytest.mark.parametrize("text", ["", "- a", "a: [", "text"])
def test_a_text_that_is_no_policy_cannot_be_compared_by_rules(text):
    assert policy_changes(text, AFTER) is None
    assert policy_changes(AFTER, text) is None


def test_lines_are_told_as_they_are_written():
    assert line_changes("a\nb\n", "a\nc\n") == [
        "--- before",
        "+++ after",
        "@@ -1,2 +1,2 @@",
        " a",
        "-b",
        "+c",
    ]
    assert line_changes("a\n", "a\n") == []
