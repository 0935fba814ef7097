"""The policy file is refused with everything that is wrong with it, each with its place."""

from datetime import timedelta
from hashlib import sha256

import pytest
from broken_files import broken
from hypothesis import given
from hypothesis import strategies as st
from whole_files import POLICY as WHOLE

from policies.rules.decisions import Effect
from policies.rules.policy import Policy, compile_policy
from policies.rules.rules import Asking
from policies.values.calls import Risk
from policies.values.matching import Glob, Matcher, Subject
from policies.values.problems import InvalidDocument


def problems_of(text: str) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        compile_policy(text)
    return [str(problem) for problem in caught.value.problems]


def test_the_whole_file_is_compiled():
    policy = compile_policy(WHOLE)

    reads, branches, drops = policy.rules
    assert policy.default is Effect.REQUIRE_APPROVAL
    assert reads.match == Matcher(risk=(Risk.READ,))
    assert (branches.pointer, branches.line, branches.column) == ("/rules/1", 5, 5)
    assert branches.match.tool == (Glob("push_*"), Glob("merge_*"))
    assert branches.asking == Asking(
        "platform", 2, timedelta(minutes=10), timedelta(minutes=5), reason_required=True
    )
    assert drops.message == "open a ticket"
    assert policy.grants.longest == timedelta(hours=8)
    assert policy.redact == ("*password*", "card.number")
    assert [(str(target), risk) for target, risk in policy.risks] == [("github/get_*", Risk.READ)]


def test_the_digest_is_the_sha256_of_the_text():
    assert compile_policy(WHOLE).digest == sha256(WHOLE.encode()).hexdigest()


def test_a_policy_without_rules_holds_every_call_for_approval():
    policy = compile_policy("version: 1\n")

    assert (policy.default, policy.rules) == (Effect.REQUIRE_APPROVAL, ())
    assert policy.grants.longest == timedelta(hours=8)


def test_several_matchers_may_say_what_no_grant_lifts():
    policy = compile_policy("version: 1\ngrants: {never: [{risk: destructive}, {server: vault}]}\n")

    assert policy.grants.forbid(Subject("vault", "get", "ci", "sec", None, Risk.READ))
    assert policy.grants.forbid(Subject("files", "wipe", "ci", "ops", None, Risk.DESTRUCTIVE))
    assert not policy.grants.forbid(Subject("files", "get", "ci", "ops", None, Risk.READ))


def test_rules_are_scanned_once_for_calls_of_one_kind():
    policy = compile_policy(WHOLE)
    subject = Subject("github", "push_files", "ci", "platform", None, Risk.WRITE)

    first = policy.concerning(subject)

    assert [rule.name for rule in first] == ["protected-branches"]
    assert policy.concerning(subject) is first


def test_what_is_remembered_of_calls_is_bounded():
    policy = compile_policy(WHOLE)

    for number in range(5000):
        policy.concerning(Subject("s", f"tool{number}", "ci", "platform", None, Risk.WRITE))

    assert len(policy._remembered) <= 4096


@pytest.mark.parametrize(("replaced", "by", "expected"), broken("broken_policies.txt"))
def test_what_is_wrong_is_said_with_its_place_and_what_to_write(replaced, by, expected):
    assert replaced in WHOLE

    problems = problems_of(WHOLE.replace(replaced, by, 1))

    assert problems == [f"policy.yaml:{line}" for line in expected]


def test_every_problem_is_told_at_once():
    text = (
        WHOLE.replace("effect: allow", "effect: alow")
        .replace("args.branch in", "agrs.branch in")
        .replace("10m", "10")
        .replace("github/get", "get")
        .replace("name: no-drops", "name: reads")
        .replace("default:", "defualt:")
    )

    assert [problem.partition(": ")[0] for problem in problems_of(text)] == [
        "policy.yaml:2:1",
        "policy.yaml:4:48",
        "policy.yaml:8:11",
        "policy.yaml:10:58",
        "policy.yaml:11:12",
        "policy.yaml:14:8",
    ]


@given(st.text(alphabet="abcinstv:{}[], \n-\"'$#1", max_size=60), st.integers(0, len(WHOLE)))
def test_no_text_breaks_the_compiler(noise, place):
    try:
        policy = compile_policy(WHOLE[:place] + noise + WHOLE[place:])
    except InvalidDocument as invalid:
        assert invalid.problems != ()  # noqa: PT017 - the other way out is a policy
    else:
        assert isinstance(policy, Policy)
