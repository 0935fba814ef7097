"""Conditions are checked against the input schemas of the tools that their rules speak of."""

import json
import time

import pytest

from policies.checking.argument_checks import argument_problems
from policies.rules.bundles import Bundle
from policies.rules.policy import compile_policy
from policies.values.calls import Tool

BRANCH = {"branch": {"type": "string"}, "force": {"type": "boolean"}}
PUSH = {"type": "object", "properties": BRANCH}


def tool(name, schema, server="github"):
    return Tool(server, name, "", json.dumps({"name": name, "inputSchema": schema}), "")


TOOLS = [
    tool("push_files", PUSH),
    tool("push_tag", {"type": "object", "properties": {**BRANCH, "tag": {"type": "string"}}}),
    tool(
        "create_refund",
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "amount": {"type": "integer"},
                "currency": {"enum": ["eur", "usd"]},
                "card": {"type": "object", "properties": {"number": {"type": ["string", "null"]}}},
                "items": {"type": "array"},
            },
        },
        server="shop",
    ),
    tool("anything", {"type": "object"}, server="odd"),
    tool("open", {**PUSH, "additionalProperties": True}, server="odd"),
    tool("combined", {**PUSH, "anyOf": [{"required": ["branch"]}]}, server="odd"),
    tool(
        "no_arguments", {"type": "object", "properties": {}, "additionalProperties": False}, "odd"
    ),
]


def problems(match, when, tools=TOOLS):
    text = (
        "version: 1\nrules:\n  - name: r\n"
        f"    match: {json.dumps(match)}\n    when: {json.dumps(when)}\n    effect: deny\n"
    )
    return [str(each) for each in argument_problems(compile_policy(text), tools)]


REFUND = {"server": "shop"}


@pytest.mark.parametrize(
    ("match", "when", "expected"),
    [
        (
            {"tool": "push_files"}, "args.brnch == 'main'",
            "5:17: `args` has no `brnch` at `github/push_files`; did you mean `args.branch`?",
        ),
        (
            {"tool": "push_*"}, "has(args.branch) && args.ref == 'x'",
            "5:37: `args` has no `ref` at any of the 2 tools of the rule; write one of `branch`,",
        ),
        (
            {"tool": "push_*"}, 'args["brnch"] == "x"',
            "5:17: `args` has no `brnch` at any of the 2 tools of the rule; did you mean `args.",
        ),
        (REFUND, "has(args.card.nmber)", "`args.card` has no `nmber` at `shop/create_refund`; did"),
        (REFUND, "args.amount == '100'", "5:17: `args.amount` is integer at `shop/create_refund`"),
        (REFUND, "args.amount > '100'", 'is compared with "100"; write a value of type integer'),
        (REFUND, "args.amount in ['1']", 'is compared with "1"; write a value of type integer'),
        (REFUND, "args.amount == true", "is compared with true; write a value of type integer"),
        (REFUND, "args.amount.startsWith('1')", "`startsWith` takes texts; compare it as integer"),
        (REFUND, "args.currency == 'euro'", '`args.currency` is never "euro"'),
        (REFUND, "args.currency in ['eur', 'us']", 'is never "us" at `shop/create_refund`; did'),
        (REFUND, "args.card.number == 4", "5:22: `args.card.number` is null or string at"),
        (REFUND, "domain(args.amount) == 'a.b'", "integer at `shop/create_refund`, and `domain`"),
        (REFUND, "!path_within(args.items, '/a')", "and `path_within` takes texts"),
        (REFUND, "args.items.contains('a')", "look into it: `args.items.exists(each, …)`"),
        ({"tool": "no_arguments"}, "args.x == 1", "`args` has no `x` at `odd/no_arguments`"),
    ],
)  # fmt: skip
def test_what_no_tool_of_a_rule_has_is_told_with_its_place(match, when, expected):
    (problem,) = problems(match, when)

    assert problem.startswith("policy.yaml:5:")
    assert expected in problem


@pytest.mark.parametrize(
    ("match", "when"),
    [
        ({"tool": "push_*"}, "args.tag == 'v1' && args.force"),
        ({}, "args.amount > 1 && args.branch == 'x'"),
        ({"tool": "nothing_known_*"}, "args.brnch == 'x'"),
        ({"server": "odd", "tool": "anything"}, "args.whatever == 1"),
        ({"tool": "open"}, "args.whatever == 1"),
        ({"tool": "combined"}, "args.whatever == 1"),
        ({"tool": ["push_files", "anything"]}, "args.whatever == 1"),
        (REFUND, "args.amount > 100 && args.amount == 1.5 && args.amount != -1"),
        (REFUND, "args.amount + 1 > 2 && size(args.items) > 1 && string(args.amount) == '1'"),
        (REFUND, "args.currency != 'eur' && args.currency < 'x'"),
        (REFUND, "args.card.number == null || args.card.number == '4'"),
        (REFUND, "args.items.exists(x, x == 'a') && 'a' in args.items && args.items[0] == 1"),
        (REFUND, "args.card.all(k, k != 'cvc') && size(args) > 1"),
        (REFUND, "domain(args.currency) == 'a.b' && ip_in(args.card.number, '10.0.0.0/8')"),
        (REFUND, "args.currency.contains('e') && domain(string(args.amount)) == 'a.b'"),
        (REFUND, "matches_glob(args.items[0], 'a*') && matches_glob('a', 'a*')"),
        (REFUND, "args.amount == args.items[0] && [args.amount] == ['1']"),
    ],
)
def test_what_a_tool_may_have_is_not_told(match, when):
    assert problems(match, when) == []


def test_a_schema_that_cannot_be_read_says_nothing():
    tools = [Tool("github", "push_files", "", text, "") for text in ("{", "[]", "{}", "")]

    assert [each for one in tools for each in problems({}, "args.x == 1", [one])] == []


def test_named_conditions_are_checked_where_rules_use_them():
    policy = compile_policy(
        "version: 1\nconditions: {protected: args.brnch == 'main'}\nrules:\n"
        "  - {name: a, match: {tool: push_files}, when: args.force && protected, effect: deny}\n"
    )

    (problem,) = argument_problems(policy, TOOLS)

    assert (problem.line, problem.column) == (4, 62)
    assert problem.what == "`args` has no `brnch` at `github/push_files`"


def test_included_files_and_limits_are_checked_too():
    text = Bundle(
        "version: 1\ninclude: {shop: shop.yaml}\n",
        {
            "shop.yaml": "version: 1\n"
            "limits:\n  - {name: a, sum: args.amnt, at_most: 10, within: 1h}\n"
            "rules: [{name: r, when: args.curency == 'eur', effect: deny}]\n"
        },
    ).text

    found = [str(each) for each in argument_problems(compile_policy(text), TOOLS)]

    assert [each.partition(";")[0] for each in sorted(found)] == [
        "shop.yaml:3:25: `args` has no `amnt` at `shop/create_refund`",
        "shop.yaml:4:30: `args` has no `curency` at `shop/create_refund`",
    ]


def test_many_rules_and_many_tools_take_little_more_than_reading_the_rules_does():
    lines = [
        f"  - {{name: r{each}, match: {{tool: t{each}}}, when: args.b > {each}, effect: deny}}\n"
        for each in range(800)
    ]
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    tools = [tool(f"t{each}", schema) for each in range(3000)]

    compiled, policy = taken(lambda: compile_policy("version: 1\nrules:\n" + "".join(lines)))
    checked, found = taken(lambda: argument_problems(policy, tools))

    assert len(found) == 800
    assert checked < 8 * compiled


def taken(look):
    """Return the processor time of a look in seconds, and what it found."""
    begun = time.thread_time()
    found = look()
    return time.thread_time() - begun, found


@pytest.mark.parametrize(
    ("summed", "expected"),
    [
        ("args.items", ["`args.items` is array at `shop/create_refund`, and only numbers can be"]),
        ("args.amount", []),
        ("size(args.items)", []),
        ("args.currency", []),
    ],
)
def test_what_a_limit_sums_has_to_be_a_number(summed, expected):
    policy = compile_policy(
        "version: 1\nlimits:\n"
        f"  - {{name: a, match: {{server: shop}}, sum: {summed}, at_most: 10, within: 1h}}\n"
    )

    found = [each.what for each in argument_problems(policy, TOOLS)]

    assert [what[: len(begun)] for what, begun in zip(found, expected, strict=True)] == expected


def test_an_exception_takes_its_tools_out():
    text = (
        "version: 1\nrules:\n  - {name: r, match: {server: github}, except: {tool: push_tag},"
        " when: args.tag == 'x', effect: deny}\n"
    )

    (problem,) = argument_problems(compile_policy(text), TOOLS)

    assert problem.what == "`args` has no `tag` at `github/push_files`"
