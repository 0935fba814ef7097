"""Conditions are CEL; what cannot be evaluated says so and never passes for an answer."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.conditions.arguments import Scope
from policies.conditions.conditions import CannotCompile, Condition, Unevaluable, compile_condition
from policies.conditions.effort import Effort
from policies.values.calls import JsonValue, Number

TOO_LARGE = "a number in the arguments does not fit 64 bits"
TOO_PRECISE = "a number in the arguments is more precise than a condition can count"
ELSE = "for an argument, else one of `agent`, `args`, `call`, `now`"
NESTED = "stands inside another comprehension"
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def scope(arguments: dict[str, JsonValue]) -> Scope:
    call = {"server": "github", "tool": "push", "team": "platform", "risk": "write"}
    agent = {"name": "ci-bot", "team": "platform", "on_behalf_of": None}
    return Scope(arguments, call, agent, NOON)


def answer(source: str, **arguments: JsonValue) -> bool | Unevaluable:
    return compile_condition(source).holds(scope(arguments))


@pytest.mark.parametrize(
    ("source", "arguments", "expected"),
    [
        ('args.branch in ["main", "release"]', {"branch": "main"}, True),
        ('args.branch in ["main", "release"]', {"branch": "dev"}, False),
        ("args.amount > 100", {"amount": Number("100.5")}, True),
        ("args.amount > 100", {"amount": Number("1e2")}, False),
        ("args.amount == 1", {"amount": Number("1.0")}, True),
        ("args.n == 9223372036854775807", {"n": Number("9223372036854775807")}, True),
        ("args.small == 0.1", {"small": Number("0.1")}, True),
        ("has(args.force) && args.force", {}, False),
        ("has(args.force) && args.force", {"force": True}, True),
        ("args.note == null", {"note": None}, True),
        ('args.paths.exists(p, p.startsWith("/etc"))', {"paths": ["/srv", "/etc/motd"]}, True),
        ('args.l.map(x, x.n).exists(y, y == "b")', {"l": [{"n": "a"}, {"n": "b"}]}, True),
        ('args["odd key"] == 1', {"odd key": Number("1")}, True),
        ('args.text.matches("^v[0-9]+$")', {"text": "v12"}, True),
        ('call.server == "github" && call.risk == "write"', {}, True),
        ('agent.name == "ci-bot" && agent.on_behalf_of == null', {}, True),
        ('now < timestamp("2026-11-24T00:00:00Z") && now.getHours() == 12', {}, True),
        ("type(args.n) == int", {"n": Number("1")}, True),
        ("args.now == 4 && args.size == '3'", {"now": Number("4"), "size": "3"}, True),
        ("call.risk in ['read', 'write'] && agent.on_behalf_of == null", {}, True),
        ("call.risk.size() == 5 && call.tool + '!' == 'push!'", {}, True),
        ("size(args) == 1  // a comment with foo.bar", {"n": Number("1")}, True),
        ("args.s == 'exists(x, y.all(z'", {"s": "exists(x, y.all(z"}, True),
    ],
)
def test_a_condition_answers_about_the_call(source, arguments, expected):
    assert answer(source, **arguments) is expected


@pytest.mark.parametrize(
    ("source", "arguments", "reason"),
    [
        ("args.branch == 'main'", {}, "`branch` is missing"),
        ("args[args.key] == 1", {"key": "hunter2"}, "a key it reads is missing"),
        ("args.n > 1", {"n": "hunter2"}, "a value has another type than the condition expects"),
        ("args.n", {"n": Number("1")}, "the condition is neither true nor false"),
        ("args.l[3] == 1", {"l": []}, "a list is shorter than the condition expects"),
        ("args.n / 0 == 1", {"n": Number("1")}, "it divides by zero"),
        ("args.n + 1 > 0", {"n": Number("9223372036854775807")}, "a number in it grows too large"),
        ("int(args.n) > 0", {"n": "hunter2"}, "a function in it cannot take the value it is given"),
        ("agent.owner == 'alice'", {}, "`owner` is missing"),
        ("args.x == 1", {"x": Number("9223372036854775808")}, TOO_LARGE),
        ("args.x == 1", {"x": Number("-9223372036854775808")}, TOO_LARGE),
        ("args.x == 1", {"x": Number("9" * 5000)}, "a number in the arguments has too many digits"),
        ("args.x == 1", {"x": Number("1"), "y": [{"z": Number("100.00000000000000000001")}]},
         TOO_PRECISE),
        ("args.x == 1", {"x": Number("1e400")}, TOO_PRECISE),
        ("args.x == 1", {"x": Number("1e-400")}, TOO_PRECISE),
        ("args.x == 1", {"x": Number("1e999999999999999999999")},
         TOO_PRECISE),
        ("args.x == 'a'", {"x": "\ud800"}, "a function in it cannot take the value it is given"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_says_why_without_quoting_a_value(source, arguments, reason):
    assert answer(source, **arguments) == Unevaluable(reason)


def test_odd_numbers_do_not_matter_to_a_condition_that_reads_no_arguments():
    assert answer('call.tool == "push"', x=Number("1e400")) is True


def test_a_comprehension_over_more_than_a_thousand_elements_is_unevaluable():
    condition = compile_condition("args.l.all(x, x > 0)")

    assert condition.holds(scope({"l": [Number("1")] * 1000})) is True
    assert condition.holds(scope({"l": [Number("1")] * 1001})) == Unevaluable(
        "a list or map in the arguments has more than 1,000 elements"
    )


def test_a_long_list_is_no_matter_without_a_comprehension():
    assert answer("size(args.l) == 2000", l=[Number("1")] * 2000) is True


def test_a_long_list_below_other_values_counts_too():
    condition = compile_condition("args.all(k, k != 'x')")

    answered = condition.holds(scope({"deep": [{"l": [None] * 1001}]}))

    assert isinstance(answered, Unevaluable)


@pytest.mark.parametrize(
    "source",
    [
        "args.l.all(x, size(args.deep) > 0)",
        "args.l.all(x, size(args['deep']) > 0)",
        "args.l.map(x, args.l).size() > 0",
        "args.l.map(x, x.matches('^\\\\w+$')).size() > 0",
        "(args.l + args.l).filter(x, x != 'q').size() > 0",
    ],
)
def test_a_comprehension_that_would_copy_too_much_is_unevaluable(source):
    arguments: dict[str, JsonValue] = {"l": ["a"] * 800, "deep": [["a"] * 100] * 30}

    assert answer(source, **arguments) == Unevaluable(
        "the arguments are too large for the condition"
    )


@pytest.mark.parametrize(
    "source",
    [
        "args.l.all(x, x != args.other)",
        "args.l.filter(x, x != 'q').size() == 1000",
        "args.l.map(x, x + '!').size() == 1000",
        "args.l.all(x, x.matches('^https://[^/]+/|^a$'))",
        "args.l.all(x, x in args.l)",
    ],
)
def test_a_comprehension_over_a_thousand_elements_is_evaluated(source):
    assert answer(source, l=["a"] * 1000, other="b") is True


def test_more_values_than_a_condition_looks_at_are_unevaluable():
    assert answer("size(args.l) > 0", l=[["a"] * 10_000] * 5) == Unevaluable(
        "the arguments hold more than 50,000 values"
    )


def test_arguments_nested_too_deeply_are_unevaluable():
    deep: JsonValue = "bottom"
    for _ in range(5000):
        deep = [deep]

    assert answer("size(args) == 1", deep=deep) == Unevaluable(
        "the arguments are nested too deeply"
    )


def test_a_panic_of_the_library_is_unevaluable():
    class PanicException(BaseException):
        pass

    class Panicking:
        def execute(self, _: object) -> bool:
            raise PanicException

    condition = Condition("true", Panicking(), frozenset(), Effort((), 0))

    assert condition.holds(scope({})) == Unevaluable("the condition could not be computed")


def test_an_interrupt_is_not_taken_for_an_answer():
    class Interrupted:
        def execute(self, _: object) -> bool:
            raise KeyboardInterrupt

    condition = Condition("true", Interrupted(), frozenset(), Effort((), 0))

    with pytest.raises(KeyboardInterrupt):
        condition.holds(scope({}))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("args.a ==", "1:10 not a condition: it ends too early"),
        ("args.a = 1", "1:8 CEL has no `=` here; write `==` to compare"),
        ("args.a and args.b", "1:8 CEL has no `and` here; write `&&`"),
        ("not args.a", "1:1 CEL has no `not` here; write `!`, as in `!args.draft`"),
        ("args.a === 1", "1:8 CEL has no `=` here; write `==`"),
        ("args.a & args.b", "1:8 CEL has no `&` here; write `&&`"),
        ("args.a <> 1", "1:8 CEL has no `<` here; write `!=`"),
        ("args.a == None", "1:11 there is no `None`; write `null`"),
        ("args.a == True", "1:11 there is no `True`; write `true`"),
        ("call.server == 3", "1:6 `call.server` is a text, and is compared with 3; write a text"),
        ("call.risk == 'wirte'", '1:6 `call.risk` is never "wirte"; did you mean `write`?'),
        ("agent.owner == true", "1:7 `agent.owner` is a text, and is compared with true"),
        ("now < '2026-12-24'", '1:1 `now` is a time, and is compared with "2026-12-24"; write'),
        ("now.getHours() > '8'", '1:5 `getHours` is a number, and is compared with "8"; write'),
        ("now.getDayOfWeek('UTC') in ['sat']", "1:5 `getDayOfWeek` is a number, and is compared"),
        ("size(args.l) == '3'", '1:1 `size` is a number, and is compared with "3"'),
        ("len(args.a) > 1", "1:1 there is no function `len`; write `size(…)`"),
        ("arg.a == 1", "1:1 there is no `arg`; did you mean `args`?"),
        ("true ? args.a == 1 : foo == 1", f"1:22 there is no `foo`; write `args.foo` {ELSE}"),
        ("args.l.all(x, x > 0) && x > 1", f"1:25 there is no `x`; write `args.x` {ELSE}"),
        ("args.a.lowerAscii() == 'a'", "1:8 there is no function `lowerAscii`"),
        ("sizes(args.a) == 1", "1:1 there is no function `sizes`; did you mean `size`?"),
        ("call.toool == 'x'", "1:6 `call` has no `toool`; did you mean `tool`?"),
        ("agent.key == 'x'", "1:7 `agent` has no `key`"),
        ("now.getHours('Asia/Tokio') > 8", "1:14 'Asia/Tokio' is not a time zone; write a name"),
        ("now.getHours(args.zone) > 8", "1:14 `getHours` takes a time zone in quotes, or nothing"),
        ("path_within(args.path, 'data')", "1:24 'data' is not a folder; write an absolute path"),
        ("path_within(args.path)", "1:1 `path_within` takes two values"),
        ("ip_in(args.ip, '10.0.0.1/8')", "1:16 '10.0.0.1/8' is not a network"),
        ("matches_glob(args.s, '')", "1:22 '' is not a pattern"),
        ("domain(args.url, 1) == ''", "1:1 `domain` takes one value"),
        ("args.l.all(x, args.m.exists(y, x == y))", f"1:22 `exists` {NESTED}"),
        ("args.l.map(x, args.m.map(y, y)) == []", f"1:22 `map` {NESTED}"),
        ("startsWith(args.a, 'x')", "1:1 `startsWith` is called on a value; write `args.path.s"),
        ("args.a.contains()", "1:8 `contains` takes one value; write `args.path.contains(…)`"),
        ("args.a.string() == 'x'", "1:8 `string` takes one value; write `string(…)`"),
        ("size() == 1", "1:1 `size` takes one value; write `size(args.list)`"),
        ("now < timestamp('2026-12-24')", "1:17 '2026-12-24' is not a time; write it with"),
        ("duration('1d') < duration('2h')", "1:10 '1d' is not a duration; write it like"),
        ("now.hour > 3", "1:5 `now` has no `hour`; write `now.getHours()`"),
        ("now.getMinutes > 3", "1:5 `now` has no `getMinutes`; write `now.getMinutes()`"),
        ("args.a == NULL", "1:11 there is no `NULL`; write `null`"),
        ("args.a?.b == 1", "1:1 not a condition in CEL; write CEL"),
        ('args.a == "x', "1:11 not a condition: a text that has no end, or a sign that CEL"),
        ("args.l.all(args, true)", "1:8 `all` hides `args`"),
        ("args.a.matches('(')", "1:16 not a regular expression"),
        ("args.a.matches('(?=x)')", "1:16 not a regular expression"),
        ("args.a.matches(args.b)", "1:16 `matches` takes a text only"),
        ("args.a.matches('x' + args.b)", "1:16 `matches` takes a text only"),
        ("'x'.matches()", "1:5 `matches` takes a text only"),
        ("1 + 1", "1:1 the condition has no answer: the condition is neither true nor false"),
        ("1 / 0 == 1", "1:1 the condition has no answer: it divides by zero"),
        ("\n\n  foo == 1", "3:3 there is no `foo`"),
        ("Foo{a: 1} == args.a", "1:1 there is no `Foo`"),
        ("(" * 200 + "true" + ")" * 200, "not a condition"),
    ],
)  # fmt: skip
def test_a_condition_that_cannot_be_meant_is_refused_with_its_place(source, expected):
    with pytest.raises(CannotCompile) as caught:
        compile_condition(source)

    refused = caught.value
    said = f"{refused.line}:{refused.column} {refused.what}; {refused.instead}"
    assert expected in said


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.text()
    | st.integers().map(str).map(Number)
    | st.decimals(allow_nan=False, allow_infinity=False).map(str).map(Number),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)  # fmt: skip
CONDITIONS = [
    compile_condition(source)
    for source in (
        "args.a > 1",
        "args.a.b.c == 'x'",
        "args.all(k, size(args[k]) > 1)",
        "args.a.exists(x, x.b == 1)",
        "args.a + args.b == args.c",
        "args.a.matches('x')",
        "timestamp(args.a) < now",
        "has(args.a.b) || args.c",
    )
]


@given(st.sampled_from(CONDITIONS), st.dictionaries(st.sampled_from("abc"), JSON))
def test_a_condition_answers_any_arguments(condition, arguments):
    assert isinstance(condition.holds(scope(arguments)), bool | Unevaluable)


@given(st.text(max_size=60) | st.text("argsclnow.()[]&|!=<>'\"x, 019-+/*?:{}", max_size=60))
def test_any_text_compiles_or_is_refused(source):
    try:
        compile_condition(source)
    except CannotCompile as refused:
        assert (refused.what, refused.instead) != ("", "")  # noqa: PT017 - the other way out compiles
