"""What Intercept requires of arguments is required by the imported rules, or more."""

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from intercept_reference import Engine

from policies.deciding.assessment import assess
from policies.intercept.source import carried_over
from policies.intercept.writing import policy_text
from policies.people.people import Agent, Directory, Team
from policies.risks.risk import RiskFinding
from policies.rules.decisions import STRICTNESS, Effect
from policies.rules.policy import compile_policy
from policies.values.calls import Call, Risk, Tool
from policies.values.strict_json import parse

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DIRECTORY = Directory(
    teams={"platform": Team("platform", "C1", ("bob",))},
    agents={"ci-bot": Agent("ci-bot", "platform", "alice")},
    server_teams={"bank": "platform"},
)
EFFECTS = {"allow": Effect.ALLOW, "ask": Effect.REQUIRE_APPROVAL, "deny": Effect.DENY}

NUMBERS = st.one_of(
    st.integers(-3, 12),
    st.sampled_from(
        [0.0, -0.0, 0.5, 1.5, 1e21, 1e-7, 2**53, 2**53 + 2, 1234567890123456789, 1e300]
    ),
)
TEXTS = st.sampled_from(
    ["", "a", "main", "5", "1.5", "0", "-0", "true", "<nil>", "1e+21", "[a b]", "[]", "map[]", "é",
     "\n", "feat/1", 'quo"te', "back\\slash", "map[a:1]", "05", "1e-07"]
)  # fmt: skip
SCALARS = st.one_of(NUMBERS, TEXTS, st.booleans(), st.none())
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b c", "x"]), inner, max_size=2)
    ),
    max_leaves=5,
)
KEYS = st.sampled_from(["a", "b", "user-id", "in"])
PATHS = st.lists(KEYS, min_size=1, max_size=2).map(".".join)
PATTERNS = st.sampled_from(
    [
        "^feat/",
        r"^\d+$",
        "a|b",
        r"^[a\[]",
        "(?i)MAIN",
        r"\w",
        "^$",
        r"[^\d.]",
        r"\ba\b",
        "a{,2}",
        r"\x61",
    ]
)


def conditions(path: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, object]]:
    """Return conditions as `POLICY.md` allows them."""
    comparable = SCALARS.filter(lambda value: value is not None)
    kinds = [
        (["eq", "neq", "contains"], comparable),
        (["in", "not_in"], st.lists(SCALARS, max_size=3)),
        (["lt", "lte", "gt", "gte"], NUMBERS),
        (["regex"], PATTERNS),
        (["exists"], st.booleans()),
    ]
    return st.one_of(
        st.fixed_dictionaries({"path": path, "op": st.sampled_from(ops), "value": value})
        for ops, value in kinds
    )


ARGUMENT = conditions(PATHS.map(lambda path: f"args.{path}"))
RULES = st.one_of(
    st.fixed_dictionaries(
        {"name": st.just("needs"), "conditions": st.lists(ARGUMENT, min_size=1, max_size=3)}
    ),
    st.fixed_dictionaries(
        {
            "name": st.just("asks"),
            "action": st.just("require_approval"),
            "conditions": st.lists(ARGUMENT, max_size=2),
        }
    ),
    st.just({"name": "no", "action": "deny"}),
)
TOOLS = st.dictionaries(
    st.sampled_from(["pay", "refund", "*", "del*"]),
    st.fixed_dictionaries({"rules": st.lists(RULES, max_size=2)}),
    max_size=3,
)
POLICIES = st.fixed_dictionaries(
    {"version": st.just("1"), "tools": TOOLS},
    optional={
        "default": st.sampled_from(["allow", "deny"]),
        "hide": st.lists(st.sampled_from(["refund", "*", "del?"]), max_size=2, unique=True),
    },
)
ARGUMENTS = st.dictionaries(KEYS, st.one_of(VALUES, st.dictionaries(KEYS, VALUES)), max_size=3)


def imported_effect(policy: str, tool: str, arguments: str) -> Effect:
    asked = Call("ci-bot", "platform", None, "bank", tool, parse(arguments.encode()))
    return assess(
        asked,
        compile_policy(policy),
        tool=Tool("bank", tool, "", "{}", "aa"),
        risk=RiskFinding(Risk.WRITE, ""),
        at=NOON,
        directory=DIRECTORY,
    ).effect


@given(
    policy=POLICIES,
    tool=st.sampled_from(["pay", "refund", "delete"]),
    arguments=ARGUMENTS.map(json.dumps),
    server=st.sampled_from([None, "bank"]),
)
def test_an_imported_policy_decides_as_the_source_or_says_where_it_is_stricter(
    policy, tool, arguments, server
):
    source = carried_over(json.dumps(policy), file="bank.yaml", server=server)

    ours = imported_effect(policy_text([source]), tool, arguments)

    theirs = EFFECTS[Engine(policy).decide(tool, arguments, NOON)]
    if any(note.stricter for note in source.notes):
        assert STRICTNESS[ours] >= STRICTNESS[theirs]
    else:
        assert ours is theirs
