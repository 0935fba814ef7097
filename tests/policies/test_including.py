"""A policy may be several files, name its conditions and say who owns which tools."""

from datetime import UTC, datetime

import pytest

from policies.deciding.assessment import assess
from policies.people.people import Directory
from policies.risks.risk import RiskFinding
from policies.rules.bundles import Bundle
from policies.rules.decisions import Effect, Term
from policies.rules.policy import compile_policy
from policies.rules.policy_differences import PolicyChange, policy_changes
from policies.rules.policy_lines import lines_at
from policies.rules.policy_sources import Unread
from policies.values.calls import Call, Risk, Tool
from policies.values.problems import InvalidDocument

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
DIRECTORY = Directory(server_teams={"github": "platform", "files": "platform"})
MAIN = """\
version: 1
default: allow
include: {github: policies/github.yaml}
conditions:
  protected: args.branch in ["main", "release"]
rules:
  - {name: wipes, match: {tool: wipe_*}, effect: deny}
owners: {"github/deploy_*": sre, "*/deploy_prod": security, "files/*": storage}
"""
GITHUB = """\
version: 1
default: deny
conditions: {forced: "has(args.force) && args.force"}
rules:
  - {name: pushes, match: {tool: push}, when: protected || forced, effect: require_approval}
  - {name: reads, match: {server: git*, tool: get_*}, effect: allow}
hide: [github/admin_*]
redact: [pat]
risk: {"*/odd": financial}
grants: {never: {risk: destructive}}
"""
WHOLE = Bundle(MAIN, {"policies/github.yaml": GITHUB}).text


def said(policy, server, tool, **arguments):
    call = Call("ci", "platform", None, server, tool, arguments)
    return assess(
        call,
        policy,
        tool=Tool(server, tool, "", "{}", ""),
        risk=RiskFinding(Risk.WRITE, "it writes"),
        at=NOON,
        directory=DIRECTORY,
    )


def problems_of(text, **options):
    with pytest.raises(InvalidDocument) as caught:
        compile_policy(text, file="conf/policy.yaml", **options)
    return [str(problem) for problem in caught.value.problems]


def test_an_included_file_speaks_of_its_server_only():
    policy = compile_policy(WHOLE)

    assert said(policy, "github", "get_issue").effect is Effect.ALLOW
    assert said(policy, "github", "other").effect is Effect.DENY
    assert said(policy, "files", "other").effect is Effect.ALLOW
    assert said(policy, "files", "admin_x").effect is Effect.ALLOW
    assert said(policy, "github", "admin_x").effect is Effect.DENY


def test_what_an_included_file_says_is_named_by_its_place_in_the_policy():
    policy = compile_policy(WHOLE)

    pushed = said(policy, "github", "push", branch="main").spoke[0]
    hidden = said(policy, "github", "admin_x").spoke[0]
    fell_back = said(policy, "github", "other").spoke[0]

    assert (pushed.rule, pushed.pointer) == ("github/pushes", "/include/github/rules/0")
    assert (hidden.rule, hidden.pointer) == ("github/hide github/admin_*", "/include/github/hide/0")
    assert (fell_back.rule, fell_back.pointer) == ("default", "/include/github/default")


def test_other_settings_of_an_included_file_hold_for_its_server():
    policy = compile_policy(WHOLE)

    assert [(str(target), risk) for target, risk in policy.risks] == [
        ("github/odd", Risk.FINANCIAL)
    ]
    assert [never.server[0].pattern for never in policy.grants.never] == ["github"]
    assert policy.redact == ("pat",)


def test_a_policys_text_holds_every_file_and_is_compiled_again_from_that():
    policy = compile_policy(WHOLE)

    assert policy.text == WHOLE
    assert Bundle.of(WHOLE) == Bundle(MAIN, {"policies/github.yaml": GITHUB})
    assert compile_policy(policy.text).digest == policy.digest
    assert policy.digest != compile_policy(WHOLE.replace("pat]", "pass]")).digest


def test_the_lines_of_an_included_rule_are_found():
    lines = lines_at(WHOLE, "/include/github/rules/1")

    assert (lines.first, lines.lines) == (6, (GITHUB.split("\n")[5],))
    assert lines_at(WHOLE, "/rules/0").first == 7


def test_changes_in_included_files_are_told():
    changed = WHOLE.replace("tool: push}", "tool: push_*}").replace("pat]", "pass]")

    assert policy_changes(WHOLE, changed) == [
        PolicyChange("github/pushes", "match", '{"tool": "push"}', '{"tool": "push_*"}'),
        PolicyChange("", "include/github/redact", '["pat"]', '["pass"]'),
    ]


@pytest.mark.parametrize(
    ("arguments", "effect"),
    [
        ({"branch": "main"}, Effect.REQUIRE_APPROVAL),
        ({"branch": "dev", "force": True}, Effect.REQUIRE_APPROVAL),
        ({"branch": "dev"}, Effect.DENY),
        ({}, Effect.REQUIRE_APPROVAL),
    ],
)
def test_named_conditions_are_shared(arguments, effect):
    assert said(compile_policy(WHOLE), "github", "push", **arguments).effect is effect


def test_named_conditions_are_made_of_each_other_in_any_order():
    policy = compile_policy(
        "version: 1\n"
        "conditions:\n"
        "  late: now.getHours() >= 12 // in UTC\n"
        "  frozen: late && big\n"
        "  big: args.n > 1\n"
        "rules: [{name: r, when: 'frozen && args.l.all(x, x)', effect: deny}]\n"
    )

    assert policy.rules[0].condition.source == (
        "((now.getHours() >= 12 // in UTC\n) && (args.n > 1\n)\n) && args.l.all(x, x)"
    )


@pytest.mark.parametrize(
    ("conditions", "when", "expected"),
    [
        ("{a: b, b: a}", "a", "2:14: the condition `a` is made of itself: `a`, `b`, `a`"),
        ("{a: a}", "a", "2:14: the condition `a` is made of itself: `a`, `a`"),
        ("{a: args.x ==}", "a", "2:26: not a condition: it ends too early"),
        ("{abc: args.x}", "abd", "3:25: there is no `abd`; did you mean `abc`?"),
        ("{now: args.x}", "args.y", "2:14: `now` is a word that CEL knows already"),
        ("{in: args.x}", "args.y", "2:14: `in` is a word that CEL knows already"),
        ("{Big: args.x}", "args.y", "2:14: `Big` is not a condition's name"),
        ("{a: 3}", "a", "2:17: `a` must be text"),
        ("{a: ' '}", "a", "2:17: `a` is not a condition"),
        ("[a]", "args.y", "2:13: `conditions` must be a map of keys and values"),
        ("{a: 'args.l.all(x, x)'}", "'args.m.all(y, a)'", "3:40: `all` stands inside another"),
        ("{a: args.x}", "'args.m.all(a, a)'", "3:33: `all` hides `a`"),
        ("{a: args.x}", "a == 1 && b", "3:35: there is no `b`"),
    ],
)
def test_conditions_that_cannot_be_meant_are_refused_where_they_stand(conditions, when, expected):
    text = (
        f"version: 1\nconditions: {conditions}\nrules: [{{name: r, when: {when}, effect: deny}}]\n"
    )

    problems = problems_of(text)

    assert len(problems) == 1
    assert problems[0].startswith(f"conf/policy.yaml:{expected}")


def test_named_conditions_cannot_grow_beyond_reason():
    doubling = "\n".join(f"  c{n}: c{n - 1} && c{n - 1}" for n in range(1, 20))
    deep = "\n".join(f"  d{n}: d{n + 1}" for n in range(60))

    assert "too long when its named conditions are written out" in " ".join(
        problems_of(f"version: 1\nconditions:\n  c0: args.x == 1\n{doubling}\n")
    )
    assert "made of each other more than 20 deep" in " ".join(
        problems_of(f"version: 1\nconditions:\n{deep}\n  d60: args.x\n")
    )


def test_the_most_specific_owner_of_a_tool_is_asked():
    policy = compile_policy(WHOLE.replace("default: allow", "default: require_approval"))

    assert said(policy, "files", "read").terms == (Term("storage", 1),)
    assert said(policy, "github", "push", branch="main").terms == (Term("platform", 1),)
    assert policy.owner("github", "deploy_test") == "sre"
    assert policy.owner("github", "deploy_prod") == "sre"
    assert policy.owner("files", "deploy_prod") == "security"


def test_rules_match_the_team_that_owns_the_tool():
    policy = compile_policy(
        "version: 1\ndefault: allow\nowners: {'github/deploy_*': sre}\n"
        "rules: [{name: r, match: {team: sre}, when: call.team == 'sre', effect: deny}]\n"
    )

    assert said(policy, "github", "deploy_it").effect is Effect.DENY
    assert said(policy, "github", "push").effect is Effect.ALLOW


@pytest.mark.parametrize(
    ("replaced", "by", "expected"),
    [
        ("effect: allow}", "effect: alow}", "github.yaml:6:63: `effect` must be `allow`,"),
        ("server: git*", "server: files", "github.yaml:6:35: the file is included for `github`"),
        ("github/admin_*", "files/x", "github.yaml:7:8: `files/x` is at another server"),
        ('"*/odd"', '"files/odd"', "github.yaml:9:8: `files/odd` is at another server"),
        ("{never:", "{longest: 1h, never:", "github.yaml:10:10: unknown key `longest` in `grants`"),
        ("redact", "include: {}\nredact", "github.yaml:8:1: unknown key `include`"),
        ("{forced:", "{protected:", "github.yaml:3:14: the policy file names a condition"),
        ("version: 1", "version: [", "github.yaml:3:11: not YAML"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_an_included_file_names_that_file(replaced, by, expected):
    broken = Bundle(MAIN, {"policies/github.yaml": GITHUB.replace(replaced, by, 1)}).text

    assert [each for each in problems_of(broken) if each.startswith(f"conf/policies/{expected}")]


def test_an_included_file_that_is_not_there_is_named_where_it_is_included():
    text = Bundle(MAIN, {}).text

    (problem,) = problems_of(text)
    assert problem == (
        "conf/policy.yaml:3:19: `policies/github.yaml`: the file is not here;"
        " write it, or remove it from `include`"
    )
    unread = {"policies/github.yaml": Unread("it is a folder", "name a file")}
    assert problems_of(text, unread=unread) == [
        "conf/policy.yaml:3:19: `policies/github.yaml`: it is a folder; name a file"
    ]


def test_rules_of_different_files_are_not_called_the_same():
    text = WHOLE.replace("name: wipes", "name: github/reads")

    (problem,) = problems_of(text)
    assert problem.startswith(
        "conf/policies/github.yaml:6:5: a rule named `github/reads` is already in conf/policy.yaml;"
    )
