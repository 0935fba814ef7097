"""Regular expressions of Go match the same texts in a condition."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.conditions.arguments import Scope
from policies.conditions.conditions import compile_condition
from policies.intercept.patterns import Untranslatable, translated
from policies.intercept.values import literal


def matches(pattern: str, text: str) -> object:
    """Return what a condition says of a text, the pattern carried over."""
    condition = compile_condition(f"args.x.matches({literal(translated(pattern))})")
    nothing = Scope.nothing()
    return condition.holds(Scope({"x": text}, {}, {}, nothing.now))


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"^\d+$", "٣", False),  # Go counts in ASCII
        (r"\w", "é", False),
        (r"\W", "é", True),
        (r"\bab", "éab", True),
        (r"\s", "\u00a0", False),
        (r"[\d-]", "-", True),
        (r"[^\D5]", "5", False),
        ("[[a]", "[", True),  # a bracket in a class is only a bracket
        ("[a&&b]", "&", True),
        ("[a-c&&b]", "a", True),
        ("[]a]", "]", True),
        ("[^]a]", "]", False),
        (r"\<b\>", "<b>", True),
        ("a{,2}", "a{,2}", True),
        ("a{,2}", "aa", False),
        ("a{2}", "aa", True),
        ("a}", "a}", True),
        (r"\Q.*\E$", "a.*", True),
        (r"\Q.*", "ab", False),
        (r"\x41\x{1F600}", "A\U0001f600", True),
        (r"\101\01", "A\x01", True),
        ("(?i)MAIN", "main", True),
        ("(?P<year>[0-9]{4})-(?:x|y)", "2026-y", True),
        ("(?<year>a)", "a", True),
        ("^a$", "a\n", False),
        ("(?s)a.b", "a\nb", True),
        ("a.b", "a\nb", False),
        (r"\pL\p{^Greek}", "aβ", False),
        ("[[:alpha:]]", "é", False),
        (r"\_\-\/", "_-/", True),
        ("#~ é", "# ~#~ é", True),
    ],
)
def test_a_pattern_of_go_matches_what_it_matches_there(pattern, text, expected):
    assert matches(pattern, text) is expected


@pytest.mark.parametrize(
    "pattern",
    ["a(?=b)", "a(?!b)", "(?<=a)b", r"(a)\1", r"\Ba", r"\C", "(?x)a", "[a", "[b-a]", r"\é",
     "a{1001}", r"\x{110000}", "a\\", r"[\b]"],
)  # fmt: skip
def test_what_go_refuses_or_nobody_else_has_is_refused(pattern):
    with pytest.raises(Untranslatable):
        translated(pattern)


PIECES = st.sampled_from(
    ["a", "b", "5", "-", "[ab]", "[^ab]", r"[\d-]", "[a&]", r"[\w.]", "(?:a|5)", r"\d", r"\W",
     r"\.", "é", "a+", "b*", "5?", "a{1,2}", "$", "^", "|", r"\b", r"\[", "&", "~", "#", " "]
)  # fmt: skip


@given(
    pattern=st.lists(PIECES, max_size=5).map("".join).filter(lambda text: "**" not in text),
    text=st.text(alphabet="ab5-.&é[~# \n", max_size=5),
)
def test_patterns_match_as_an_engine_of_others_does(pattern, text):
    judge = re.compile(pattern.replace("$", r"\Z"), re.ASCII)

    assert matches(pattern, text) is (judge.search(text) is not None)
