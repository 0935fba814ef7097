"""The policy file is refused with everything that is wrong with it, each with its place."""

from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.calls import Risk
from policies.decisions import Effect
from policies.matching import Glob, Matcher, Subject
from policies.policy import Policy, compile_policy
from policies.problems import InvalidDocument
from policies.rules import Asking

WHOLE = """\
version: 1
default: require_approval
rules:
  - {name: reads, match: {risk: read}, effect: allow}
  - name: protected-branches
    match: {server: github, tool: ["push_*", "merge_*"]}
    except: {tool: merge_preview}
    when: args.branch in ["main", "release"]
    effect: require_approval
    approval: {team: platform, approvals: 2, expires_in: 10m, use_within: 5m, reason: required}
  - {name: no-drops, match: {tool: "*drop*"}, effect: deny, message: open a ticket}
grants: {longest: 8h, never: {risk: destructive}}
redact: ["*password*", card.number]
risk: {"github/get_*": read}
"""


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
        "platform", 2, timedelta(minutes=10), timedelta(minutes=5), True
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


@pytest.mark.parametrize(
    ("replaced", "by", "expected"),
    [
        ("version: 1", "version: true", ["1:10: `version` must be a whole number; write digits only, without quotes"]),
        ("default: require_approval", "default: ask", [
            "2:10: `default` must be `allow`, `require_approval` or `deny`; write it like that"]),
        ("default: require_approval", "defualt: deny", ["2:1: unknown key `defualt`; did you mean `default`?"]),
        ("redact:", "limits: [{name: refunds}]\nredact:", [
            "13:1: `limits` are not enforced by this version; remove them, or write a rule with `effect: require_approval`"]),
        ("redact:", "observe: true\nredact:", [
            "13:1: `observe` is not enforced by this version; remove it: every server is gated"]),
        ("name: reads, ", "", ["4:5: `name` is missing in `rules`; add it"]),
        ("name: reads", "name: no-drops", [
            "11:12: a rule named `no-drops` is already on line 4; give each rule a name of its own"]),
        ("name: reads", 'name: ""', ["4:12: `name` is not a rule's name; write 1 to 100 printable characters"]),
        ("effect: allow", "effect: alow", [
            "4:48: `effect` must be `allow`, `require_approval` or `deny`; write it like that"]),
        (", effect: allow", "", ["4:5: `effect` is missing in `rules`; add it"]),
        ("effect: allow", "effect: allow, message: hi", [
            "4:55: `message` has no meaning where the effect is allow; remove it"]),
        ("effect: allow", "effect: allow, approval: {approvals: 1}", [
            "4:55: `approval` has no meaning where the effect is allow; remove it, or write `require_approval`"]),
        ("match: {risk: read}", "match: {risk: reading}", [
            "4:33: `risk` must be `read`, `write`, `execute`, `destructive` or `financial`; write it like that"]),
        ("match: {risk: read}", "match: {risks: read}", ["4:27: unknown key `risks` in `match`; did you mean `risk`?"]),
        ("match: {risk: read}", "match: {tool: []}", [
            "4:33: `tool` is an empty list; name at least one, or remove the key"]),
        ("match: {risk: read}", 'match: {tool: ["a", ""]}', [
            '4:39: `tool` is not a pattern; write 1 to 256 characters, for example "push_*"']),
        ("match: {risk: read}", "match: {tool: 3}", [
            "4:33: `tool` must be text; write text, in quotes where it looks like a number or a word like `true`"]),
        ("match: {risk: read}", "mach: {risk: read}", ["4:19: unknown key `mach` in `rules`; did you mean `match`?"]),
        ("except: {tool: merge_preview}", "except: {}", [
            "7:5: an empty `except` would take out every call; name what to take out, or remove it"]),
        ("args.branch in", "agrs.branch in", ["8:11: there is no `agrs`; did you mean `args`?"]),
        ('["main", "release"]', '["main", ', [
            "8:34: not a condition: missing ']' at its end; "
            'write CEL, for example `args.branch in ["main", "release"]`']),
        ('args.branch in ["main", "release"]', "'args.branch.startWith(\"m\")'", [
            "8:24: there is no function `startWith`; did you mean `startsWith`?"]),
        ('args.branch in ["main", "release"]', "", ["8:5: `when` has no value; write one, or remove the key"]),
        ('args.branch in ["main", "release"]', '" "', ["8:11: `when` is not a condition; write 1 to 4,000 characters of CEL"]),
        ('args.branch in ["main", "release"]', "true", [
            "8:11: `when` must be text; write text, in quotes where it looks like a number or a word like `true`"]),
        ('args.branch in ["main", "release"]', "args.l.all(x, args.m.exists(y, x == y))", [
            "8:32: `exists` stands inside another comprehension; write two rules, or one comprehension"]),
        ('args.branch in ["main", "release"]', "|\n      args.a == 1 &&\n      agent.nam == 'x'", [
            "10:13: `agent` has no `nam`; did you mean `name`?"]),
        ("approvals: 2", "approvals: 0", ["10:43: `approvals`: input should be greater than or equal to 1; mend the value"]),
        ("expires_in: 10m", "expires_in: 10", [
            "10:58: `expires_in` is not a duration; write a number and a unit, for example `30s`, `15m`, `8h` or `7d`"]),
        ("expires_in: 10m", "expires_in: 0s", [
            "10:58: `expires_in` must be between 1s and 30d; write a duration within these bounds"]),
        ("use_within: 5m", "use_within: 400d", [
            "10:75: `use_within` must be between 1s and 30d; write a duration within these bounds"]),
        ("reason: required", "reason: yes", ["10:87: `reason` must be `required` or `optional`; write it like that"]),
        ("approval: {team", "aproval: {team", ["10:5: unknown key `aproval` in `rules`; did you mean `approval`?"]),
        ("longest: 8h", "longest: forever", [
            "12:19: `longest` is not a duration; write a number and a unit, for example `30s`, `15m`, `8h` or `7d`"]),
        ("never: {risk: destructive}", "never: []", [
            "12:30: `never` is an empty list; name at least one, or remove the key"]),
        ('"github/get_*": read', '"get_*": read', [
            '14:8: `get_*` is not `server/tool`; write both sides, for example "github/get_*"']),
        ('"github/get_*": read', '"github/get_*": none', [
            "14:24: `github/get_*` must be `read`, `write`, `execute`, `destructive` or `financial`; write it like that"]),
        ("card.number", "3", [
            "13:24: `redact` must be text; write text, in quotes where it looks like a number or a word like `true`"]),
        ("    effect: require_approval", "  effect: require_approval", [
            "9:3: not YAML: expected <block end>, but found '?'; mend the line; quote values that hold `: `, `#` or brackets"]),
    ],
)  # fmt: skip
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
