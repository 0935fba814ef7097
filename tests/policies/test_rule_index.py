"""The index finds the rules that a scan would find, and looks at few others."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from policies.rules.decisions import Effect
from policies.rules.policy import compile_policy
from policies.rules.rule_index import RuleIndex
from policies.rules.rules import Asking, Rule
from policies.values.calls import Risk
from policies.values.matching import Glob, Matcher, Subject
from policies.values.memory import Memory

PATTERNS = st.lists(st.text("ab*?", min_size=1, max_size=4).map(Glob), min_size=1, max_size=3)
NAMES = st.text("ab", min_size=1, max_size=4)


@st.composite
def rules(draw):
    def globs():
        return draw(st.none() | PATTERNS.map(tuple))

    match = Matcher(server=globs(), tool=globs(), agent=globs(), team=globs())
    exception = draw(st.none() | PATTERNS.map(lambda tools: Matcher(tool=tuple(tools))))
    return Rule("r", "/rules/0", 1, 1, match, exception, None, Effect.DENY, Asking())


SUBJECTS = st.builds(
    Subject, NAMES, NAMES, NAMES, NAMES, st.none() | NAMES, st.sampled_from(list(Risk))
)


@given(st.lists(rules(), max_size=8), st.lists(SUBJECTS, min_size=1, max_size=5))
def test_the_index_answers_as_a_scan_does(written, subjects):
    numbered = [replace(rule, name=str(number)) for number, rule in enumerate(written)]
    index = RuleIndex(numbered)

    for subject in subjects:
        scanned = tuple(rule for rule in numbered if rule.concerns(subject))
        assert index.concerning(subject) == scanned


class Counted(Matcher):
    """A matcher that counts how often it is asked."""

    asked: list[str]

    def matches(self, subject):
        self.asked.append(subject.tool)
        return super().matches(subject)


def test_of_a_thousand_rules_few_are_looked_at():
    asked: list[str] = []
    index = RuleIndex([_counted(number, asked) for number in range(1000)])

    found = index.concerning(Subject("s4", "read_777", "a", "t", None, Risk.READ))

    assert [rule.name for rule in found] == ["777"]
    assert len(asked) <= 4


def _counted(number, asked):
    tool = (f"read_{number}", f"read_{number}*", f"*_read_{number}")[number % 3]
    matcher = Counted(server=(Glob(f"s{number % 7}"),) if number % 3 else None, tool=(Glob(tool),))
    object.__setattr__(matcher, "asked", asked)
    return Rule(str(number), "", 1, 1, matcher, None, None, Effect.DENY, Asking())


def test_what_is_remembered_is_bounded():
    memory: Memory[int, int] = Memory()

    for number in range(5000):
        memory.keep(number, number)

    assert len(memory) <= 4096
    assert memory.recall(4999) == 4999


def test_calls_with_names_of_any_length_are_not_remembered():
    policy = compile_policy("version: 1\nowners: {'*/*': sre}\n")

    policy.concerning(Subject("s", "x" * 100_000, "a", "t", None, Risk.READ))

    assert policy.owner("s", "x" * 100_000) == "sre"
    assert (len(policy._remembered), len(policy._owned)) == (0, 0)
