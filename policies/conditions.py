"""Compiles and evaluates the conditions of rules (CEL, by common-expression-language)."""

import re
from dataclasses import dataclass

from policies.arguments import Scope
from policies.effort import Effort
from policies.evaluator import cel
from policies.expressions import Expression, Token
from policies.validation import choice, suggestion

_ROOTS = ("args", "call", "agent", "now")
_TYPES = frozenset(
    ("bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint")
)
_CLOCK = frozenset(
    (
        "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours",
        "getMilliseconds", "getMinutes", "getMonth", "getSeconds",
    )
)  # fmt: skip
_FUNCTIONS = _CLOCK | {
    "all", "bytes", "contains", "double", "duration", "dyn", "endsWith", "exists", "exists_one",
    "filter", "has", "int", "map", "matches", "size", "startsWith", "string", "timestamp", "type",
    "uint",
}  # fmt: skip
_MEMBERS = {
    "call": ("server", "tool", "team", "risk"),
    "agent": ("name", "team", "owner", "on_behalf_of"),
}
_SYNTAX = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)")


class CannotCompile(Exception):
    """A condition that is refused: `what`, what to write `instead`, and its line and column."""

    def __init__(self, what: str, instead: str, *, line: int = 1, column: int = 1) -> None:
        self.what = what
        self.instead = instead
        self.line = line
        self.column = column
        super().__init__(f"{what}; {instead}")


@dataclass(frozen=True)
class Unevaluable:
    """Why a condition has no answer, in the reader's terms; quotes no argument's value."""

    reason: str


@dataclass(frozen=True)
class Condition:
    """A compiled `when`: the variables it reads, and the effort it may take."""

    source: str
    program: cel.Program
    reads: frozenset[str]
    effort: Effort

    def holds(self, scope: Scope) -> bool | Unevaluable:
        """Say whether the condition holds in `scope`, or why that cannot be told."""
        if "args" in self.reads:
            obstacle = scope.arguments.flaw or self.effort.excess(scope.arguments)
            if obstacle is not None:
                return Unevaluable(obstacle)
        try:
            answer = self.program.execute(scope.context(self.reads))
        except Exception as error:  # noqa: BLE001 - any failure counts against the call
            return Unevaluable(self._reason(error))
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # Rust panics derive from BaseException
                raise
            return Unevaluable("the condition could not be computed")
        if isinstance(answer, bool):
            return answer
        return Unevaluable("the condition is neither true nor false")

    def _reason(self, error: Exception) -> str:
        match error:
            case KeyError(args=(str() as key,)) if Expression.read(self.source).mentions(key):
                return f"`{key}` is missing"
            case KeyError():
                return "a key it reads is missing"
            case IndexError():
                return "a list is shorter than the condition expects"
            case TypeError():
                return "a value has another type than the condition expects"
            case ZeroDivisionError():
                return "it divides by zero"
            case OverflowError():
                return "a number in it grows too large"
            case _:
                return "a function in it cannot take the value it is given"


def compile_condition(source: str) -> Condition:
    """Return the condition that `source` writes in CEL.

    Raises CannotCompile for syntax errors, unknown names and functions,
    comprehensions inside comprehensions, regular expressions that are not
    any, and texts that can never be true or false.
    """
    program = _program(source)
    expression = Expression.read(source)
    for check in (_check_loops, _check_functions, _check_roots, _check_members, _check_patterns):
        check(expression)
    references = program.references()
    _check_references(expression, references)
    reads = frozenset(references["variables"]) & set(_ROOTS)
    condition = Condition(source, program, reads, Effort.of(expression))
    if not condition.reads:
        _check_constant(condition)
    return condition


def _program(source: str) -> cel.Program:
    try:
        return cel.compile(source)
    except Exception as error:  # noqa: BLE001 - whatever it is, the text is not a condition
        found = _SYNTAX.search(str(error))
        what = f"not a condition: {found[3]}" if found else "not a condition in CEL"
        line, column = (int(found[1]), int(found[2])) if found else (1, 1)
        instead = 'write CEL, for example `args.branch in ["main", "release"]`'
        raise CannotCompile(_short(what), instead, line=line, column=column) from None


def _short(text: str) -> str:
    return text.partition(" expecting ")[0].replace("'<EOF>'", "its end")[:200]


def _refuse(expression: Expression, token: Token | None, what: str, instead: str) -> CannotCompile:
    before = expression.source[: token.offset] if token else ""
    line = before.count("\n") + 1
    return CannotCompile(what, instead, line=line, column=len(before) - before.rfind("\n"))


def _check_loops(expression: Expression) -> None:
    nested = expression.nested()
    if nested is not None:
        what = f"`{nested.macro.text}` stands inside another comprehension"
        raise _refuse(expression, nested.macro, what, "write two rules, or one comprehension")
    for loop in expression.loops():
        if loop.bound in _ROOTS:
            what = f"`{loop.macro.text}` hides `{loop.bound}`"
            raise _refuse(expression, loop.macro, what, "name its element otherwise, like `x`")


def _check_functions(expression: Expression) -> None:
    for token, first in expression.functions():
        if token.text not in _FUNCTIONS:
            what = f"there is no function `{token.text}`"
            advice = suggestion(token.text, _FUNCTIONS, choice(_FUNCTIONS))
            raise _refuse(expression, token, what, advice)
        if token.text in _CLOCK and first is not None and first.text != ")":
            what = f"`{token.text}` takes no time zone"
            raise _refuse(expression, token, what, "leave it out: `now` is UTC")


def _check_roots(expression: Expression) -> None:
    for token in expression.roots():
        if token.text not in _ROOTS and token.text not in _TYPES:
            what = f"there is no `{token.text}`"
            advice = suggestion(token.text, _ROOTS, choice(_ROOTS))
            raise _refuse(expression, token, what, advice)


def _check_members(expression: Expression) -> None:
    for root, members in _MEMBERS.items():
        for token in expression.members(root):
            if token.text not in members:
                what = f"`{root}` has no `{token.text}`"
                advice = suggestion(token.text, members, choice(members))
                raise _refuse(expression, token, what, advice)


def _check_patterns(expression: Expression) -> None:
    for token, between in expression.calls("matches"):
        pattern = between[0] if between else token
        if [each.kind for each in between] != ["text"]:
            instead = "write the regular expression itself, in quotes"
            raise _refuse(expression, pattern, "`matches` takes a text only", instead)
        try:
            cel.compile(f'"".matches({pattern.text})').execute({})
        except Exception:  # noqa: BLE001 - the regular expression is refused, whatever the reason
            instead = "write RE2 syntax, without look-around and back references"
            raise _refuse(expression, pattern, "not a regular expression", instead) from None


def _check_references(expression: Expression, references: dict[str, list[str]]) -> None:
    known = {*_ROOTS, *_TYPES, *(loop.bound for loop in expression.loops())}
    for name in references["variables"]:
        if name not in known:
            what = f"there is no `{name}`"
            raise _refuse(expression, expression.find(name), what, choice(_ROOTS))


def _check_constant(condition: Condition) -> None:
    answer = condition.holds(Scope.nothing())
    if isinstance(answer, Unevaluable):
        instead = "compare something, for example `args.amount > 100`"
        raise CannotCompile(f"the condition has no answer: {answer.reason}", instead)
