"""Looking at a policy finds what decides nothing, and finds nothing where all is meant."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_text import policy_of

from policies.deciding.assessment import assess
from policies.linting.findings import Finding
from policies.linting.known import Known
from policies.linting.lint import linted
from policies.people.people import Agent, Directory, Team
from policies.risks.risk import RiskFinding
from policies.rules.policy import compile_policy
from policies.values.calls import Call, Number, Risk, Tool
from policies.values.inclusion import Broad, glob_includes, includes, overlap
from policies.values.matching import Glob, Matcher

NOTHING = Known()
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DIRECTORY = Directory(
    teams={"platform": Team("platform", "C1", ("bob",))},
    agents={"ci-bot": Agent("ci-bot", "platform", "alice")},
    server_teams={"github": "platform", "vault": "platform"},
)
KNOWN = Known(
    servers=("github", "vault"),
    tools={"github": {"get_issue", "push_files"}, "vault": {"read"}},
    agents={"ci-bot"},
    teams=("platform",),
    people=("alice", "bob"),
)


def found(text: str, known: Known = KNOWN) -> list[Finding]:
    return linted(compile_policy(text), known, None)


def told(rules: str, known: Known = NOTHING) -> list[str]:
    """Return the findings in these rules, the first of which stands on line 3."""
    return [str(finding).removeprefix("policy.yaml:") for finding in found(policy_of(rules), known)]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (
            (
                "{name: a, match: {tool: get_*}, effect: allow}\n"
                "{name: b, match: {tool: get_*}, effect: deny}"
            ),
            (
                "3:5: error: rule `a` allows the very calls that `b` on line 4 denies; "
                "remove one of the two (contradiction)"
            ),
        ),
        (
            (
                "{name: a, match: {tool: [get_x, put_x]}, effect: allow}\n"
                "{name: b, match: {tool: get_*}, effect: deny}\n"
                "{name: c, match: {tool: '*_x'}, except: {tool: get_*}, effect: require_approval}"
            ),
            (
                "3:5: warning: rule `a` never decides: `b` on line 4 and `c` on line 5 decide "
                "every call it speaks of; remove it, or narrow what decides before it "
                "(never-decides)"
            ),
        ),
        (
            (
                "{name: a, match: {tool: get_x}, when: args.n > 1, effect: require_approval}\n"
                "{name: b, when: args.n > 1, effect: deny}"
            ),
            (
                "3:5: warning: rule `a` never decides: `b` on line 4 denies every call it speaks of"
                "; remove it, or narrow what decides before it (never-decides)"
            ),
        ),
        (
            "{name: a, match: {tool: push_x}, except: {tool: push_*}, effect: deny}",
            (
                "3:5: error: rule `a` speaks of no call: `except` takes out all of `match`; "
                "narrow `except`, or remove the rule (speaks-of-nothing)"
            ),
        ),
        (
            "{name: a, when: 1 > 2, effect: deny}",
            (
                "3:5: warning: rule `a` never decides: its condition is never true; "
                "mend `when`, or remove it (constant)"
            ),
        ),
        (
            "{name: a, when: 1 < 2, effect: deny}",
            "3:5: warning: the condition of rule `a` is always true; remove `when` (constant)",
        ),
        (
            (
                "{name: a, effect: require_approval, approval: {approvals: 2}}\n"
                "{name: b, match: {tool: x}, effect: require_approval}"
            ),
            (
                "4:5: hint: rule `b` adds nothing to `a` on line 3; "
                "remove it, unless it is there for its name (adds-nothing)"
            ),
        ),
    ],
)
def test_a_rule_that_decides_nothing_is_found(rules, expected):
    assert told(rules) == [expected]


@pytest.mark.parametrize(
    "rules",
    [
        "{name: a, match: {tool: g_*}, effect: allow}\n{name: b, match: {tool: g_x}, effect: deny}",
        "{name: a, match: {tool: x}, effect: allow}\n{name: b, when: args.n > 1, effect: deny}",
        (
            "{name: a, match: {tool: x}, effect: allow}\n"
            "{name: b, except: {server: github}, effect: deny}"
        ),
        "{name: a, match: {on_behalf_of: '*'}, effect: deny}\n{name: b, effect: allow}",
        (
            "{name: a, match: {risk: read}, effect: deny}\n"
            "{name: b, match: {risk: write}, effect: allow}"
        ),
        (
            "{name: a, effect: require_approval}\n"
            "{name: b, effect: require_approval, approval: {expires_in: 5m}}"
        ),
        "{name: a, when: now.getHours() < 6, effect: deny}\n{name: b, effect: allow}",
        "{name: a, effect: deny}\n{name: b, match: {tool: x}, effect: deny, message: ask bob}",
    ],
)
def test_what_is_meant_is_not_found(rules):
    assert told(rules) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            "match: {tool: get_isue}, effect: deny",
            (
                "3:5: warning: `get_isue` in `match` of rule `a` fits no tool; "
                "did you mean `get_issue`? (unknown-tool)"
            ),
        ),
        (
            "match: {server: vault, tool: get_*}, effect: allow",
            (
                "3:5: warning: `get_*` in `match` of rule `a` fits no tool of `vault`; "
                "write one of `read` (unknown-tool)"
            ),
        ),
        (
            "match: {tool: '*drop*'}, effect: deny",
            (
                "3:5: hint: `*drop*` in `match` of rule `a` fits no tool; "
                "write one of `get_issue`, `push_files`, `read` (unknown-tool)"
            ),
        ),
        (
            "match: {server: gitub}, effect: allow",
            (
                "3:5: warning: `gitub` in `match` of rule `a` fits no server; "
                "did you mean `github`? (unknown-server)"
            ),
        ),
        (
            "match: {agent: cibot}, effect: deny",
            (
                "3:5: warning: `cibot` in `match` of rule `a` fits no agent; "
                "did you mean `ci-bot`? (unknown-agent)"
            ),
        ),
        (
            "except: {team: platfrom}, effect: deny",
            (
                "3:5: warning: `platfrom` in `except` of rule `a` fits no team; "
                "did you mean `platform`? (unknown-team)"
            ),
        ),
        (
            "match: {on_behalf_of: alcie}, effect: deny",
            (
                "3:5: warning: `alcie` in `match` of rule `a` fits no person; "
                "did you mean `alice`? (unknown-person)"
            ),
        ),
        ("match: {on_behalf_of: [T0ACME/U0EVE, '*@example.com', alice]}, effect: deny", None),
        ("match: {server: git*, tool: push_*}, effect: allow", None),
    ],
)
def test_a_pattern_that_fits_nothing_known_is_found(rule, expected):
    assert told(f"{{name: a, {rule}}}", KNOWN) == ([expected] if expected else [])


def test_nothing_is_said_of_tools_of_which_nothing_is_known():
    known = Known(servers=("github", "vault"), tools={"vault": {"read"}})

    assert told("{name: a, match: {tool: get_isue}, effect: deny}", known) == []


def test_named_conditions_that_nothing_uses_and_settings_that_fit_nothing_are_found():
    text = """\
version: 1
conditions:
  freeze: now.getHours() < 6
  left: freeze && args.n > 1
risk: {"github/gte_issue": read}
"""

    assert [str(finding) for finding in found(text)] == [
        (
            "policy.yaml:4:3: warning: nothing uses the condition `left`; "
            "remove it, or use it (unused)"
        ),
        (
            "policy.yaml:5:8: warning: `gte_issue` in `risk` fits no tool of `github`; "
            "did you mean `get_issue`? (unknown-tool)"
        ),
    ]


def limited(limits: str, rules: str = "") -> list[str]:
    """Return the findings in these limits, the first of which stands on line 3."""
    lines = "".join(f"  - {line}\n" for line in limits.splitlines())
    text = f"version: 1\nlimits:\n{lines}rules: [{rules}]\n"
    return [str(finding).removeprefix("policy.yaml:") for finding in found(text, NOTHING)]


@pytest.mark.parametrize(
    ("limits", "rules", "expected"),
    [
        (
            "{name: a, match: {tool: x}, at_most: 5, within: 1h}",
            "{name: no, match: {tool: x}, effect: deny}",
            (
                "3:5: warning: limit `a` never counts: rule `no` on line 4 denies every call it "
                "speaks of; remove one of the two (never-counts)"
            ),
        ),
        (
            (
                "{name: a, per: tool, at_most: 5, within: 1m}\n"
                "{name: b, per: tool, at_most: 5, within: 1h}"
            ),
            "",
            (
                "3:5: warning: limit `a` is never reached: `b` on line 4 stops these calls before; "
                "remove it, or make it tighter (never-reached)"
            ),
        ),
        (
            "{name: a, at_most: 1000000000, within: 1h}",
            "",
            (
                "3:5: warning: limit `a` is never reached: no 1h holds so many calls; "
                "write fewer, or a longer time (never-reached)"
            ),
        ),
        (
            "{name: a, match: {tool: x}, except: {tool: '*'}, at_most: 5, within: 1h}",
            "",
            (
                "3:5: error: limit `a` speaks of no call: `except` takes out all of `match`; "
                "narrow `except`, or remove the limit (speaks-of-nothing)"
            ),
        ),
        (
            "{name: a, when: 1 > 2, at_most: 5, within: 1h}",
            "",
            (
                "3:5: warning: the condition of limit `a` is always the same; "
                "mend `when`, or remove it (constant)"
            ),
        ),
        ("{name: a, at_most: 5, within: 1m}\n{name: b, at_most: 50, within: 1h}", "", None),
        (
            "{name: a, per: tool, at_most: 5, within: 1m}\n{name: b, at_most: 5, within: 1h}",
            "",
            None,
        ),
        (
            (
                "{name: a, at_most: 5, within: 1m}\n"
                "{name: b, at_most: 5, within: 1h, effect: require_approval}"
            ),
            "",
            None,
        ),
        ("{name: a, sum: args.n, at_most: 1000000000, within: 1h}", "", None),
    ],
)
def test_a_limit_that_is_never_reached_is_found(limits, rules, expected):
    assert limited(limits, rules) == ([expected] if expected else [])


PATTERNS = st.text(alphabet="ab*?", min_size=1, max_size=6).map(Glob)
TEXTS = st.text(alphabet="abc", max_size=6)


@given(one=PATTERNS, other=PATTERNS, text=TEXTS)
def test_what_a_pattern_includes_it_fits_and_what_two_fit_overlaps(one, other, text):
    if glob_includes(one, other) and other.matches(text):
        assert one.matches(text)
    if one.matches(text) and other.matches(text):
        assert overlap(one, other)


MATCHERS = st.builds(
    Matcher,
    tool=st.none() | st.lists(PATTERNS, min_size=1, max_size=3).map(tuple),
    server=st.sampled_from([None, (Glob("a"),), (Glob("*"),)]),
    agent=st.none(),
    team=st.none(),
    on_behalf_of=st.none(),
    risk=st.none(),
)


@given(st.lists(MATCHERS, max_size=6), MATCHERS)
def test_whatever_includes_a_matcher_is_near_to_it(broad, narrow):
    near = Broad(broad).near(narrow)

    assert near == sorted(near)
    assert {n for n, matcher in enumerate(broad) if includes(matcher, narrow)} <= set(near)


GLOBS = st.sampled_from(["a", "b", "a*", "*b", "?", "*", "a?"])
MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "server": st.sampled_from(["github", "vault", "*"]),
        "tool": st.lists(GLOBS, min_size=1, max_size=2),
        "risk": st.sampled_from(["read", "write", "[read, write]"]),
        "on_behalf_of": st.sampled_from(["alice", "'*'"]),
    },
)
CONDITIONS = st.sampled_from([None, "args.n > 1", "args.n > 2", "1 > 2", "1 < 2"])


def flow(match: dict[str, object]) -> str:
    return "{" + ", ".join(f"{key}: {_value(value)}" for key, value in match.items()) + "}"


def _value(value: object) -> str:
    return repr(value) if isinstance(value, list) or value == "*" else str(value)


@st.composite
def policies(draw: st.DrawFn) -> list[str]:
    """Draw rules in flow form, named by their positions."""
    rules = []
    for number in range(draw(st.integers(1, 4))):
        effect = draw(st.sampled_from(["allow", "deny", "require_approval"]))
        excepted = draw(st.none() | MATCHES.filter(bool))
        when = draw(CONDITIONS)
        parts = [f"name: r{number}", f"match: {flow(draw(MATCHES))}", f"effect: {effect}"]
        parts += [f"except: {flow(excepted)}"] if excepted else []
        parts += [f"when: {when}"] if when else []
        rules.append("{" + ", ".join(parts) + "}")
    return rules


@given(
    rules=policies(),
    tool=st.text(alphabet="ab", min_size=1, max_size=2),
    server=st.sampled_from(["github", "vault"]),
    person=st.sampled_from([None, "alice", "bob"]),
    risk=st.sampled_from([Risk.READ, Risk.WRITE]),
    arguments=st.sampled_from([{}, {"n": Number("1")}, {"n": Number("2")}, {"n": Number("3")}]),
)
def test_no_decision_changes_without_a_rule_that_was_found_to_decide_nothing(
    rules, tool, server, person, risk, arguments
):
    call = Call("ci-bot", "platform", person, server, tool, arguments)

    def effect(written: list[str]) -> object:
        return assess(
            call,
            compile_policy(policy_of("\n".join(written))),
            tool=Tool(server, tool, "", "{}", "aa"),
            risk=RiskFinding(risk, ""),
            at=NOON,
            directory=DIRECTORY,
        ).effect

    lines = {finding.line for finding in found(policy_of("\n".join(rules)), Known())
             if "always" not in finding.what}  # fmt: skip
    for line in lines:
        assert effect([rule for at, rule in enumerate(rules, 3) if at != line]) == effect(rules)
