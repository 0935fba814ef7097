"""Globs match whole texts, case by case, in linear time; all keys of a matcher must fit."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.values.calls import Risk
from policies.values.matching import Glob, Matcher, Subject, Target

PUSH = Subject("github", "push_files", "ci-bot", "platform", None, Risk.WRITE)


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("push_*", "push_files", True),
        ("push_*", "push_", True),
        ("push_*", "Push_files", False),
        ("*drop*", "drop", True),
        ("*drop*", "back_drop_it", True),
        ("?", "", False),
        ("?", "é", True),
        ("a?c*e", "abcde", True),
        ("a?c*e", "abce", True),
        ("a?c*e", "ace", False),
        ("*", "", True),
        ("**", "any", True),
        ("a*a", "a", False),
        ("*ab", "aab", True),
        ("*a?b*", "xxaab", True),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("a.c", "abc", False),
        ("*\n*", "a\nb", True),
        ("a", "a\n", False),
    ],
)
def test_a_glob_matches_the_whole_text(pattern, text, fits):
    assert Glob(pattern).matches(text) is fits


@given(st.text("ab?*", max_size=8), st.text("ab?*", max_size=12))
def test_a_glob_means_what_the_regular_expression_of_the_same_form_means(pattern, text):
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")

    assert Glob(pattern).matches(text) is bool(re.fullmatch(expression, text, re.DOTALL))


def test_a_glob_made_to_backtrack_answers_at_once():
    assert Glob("*a" * 120 + "*b").matches("a" * 50_000) is False
    assert Glob("*a?" * 80 + "*b").matches("a" * 50_000) is False


@pytest.mark.parametrize(
    ("matcher", "fits", "mismatch"),
    [
        (Matcher(), True, None),
        (Matcher(server=(Glob("github"),), tool=(Glob("push_*"), Glob("merge_*"))), True, None),
        (Matcher(server=(Glob("gitlab"),)), False, "server"),
        (Matcher(tool=(Glob("merge_*"),)), False, "tool"),
        (Matcher(agent=(Glob("ci-*"),), team=(Glob("platform"),)), True, None),
        (Matcher(agent=(Glob("deploy-*"),)), False, "agent"),
        (Matcher(team=(Glob("security"),)), False, "team"),
        (Matcher(on_behalf_of=(Glob("*"),)), False, "on_behalf_of"),
        (Matcher(risk=(Risk.READ, Risk.WRITE)), True, None),
        (Matcher(server=(Glob("github"),), risk=(Risk.READ,)), False, "risk"),
    ],
)
def test_all_keys_that_are_given_must_fit(matcher, fits, mismatch):
    assert matcher.matches(PUSH) is fits
    assert matcher.mismatch(PUSH) == mismatch


def test_a_target_names_a_server_and_a_tool():
    target = Target.parse("github/get_*")

    assert target.matches("github", "get_issue")
    assert not target.matches("gitlab", "get_issue")
    assert Target.parse("files/a/b").matches("files", "a/b")
    assert str(target) == "github/get_*"


@pytest.mark.parametrize("text", ["", "github", "github/", "/get_*", "/"])
def test_a_target_with_one_side_only_is_refused(text):
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Target.parse(text)
