"""Compiles and evaluates the conditions of rules (CEL, by common-expression-language)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policies.conditions.arguments import Scope
from policies.conditions.condition_checks import (
    ROOTS,
    TYPES,
    CannotCompile,
    check,
    check_loops,
    refusal,
)
from policies.conditions.condition_hints import foreign
from policies.conditions.effort import Effort
from policies.conditions.evaluator import cel
from policies.conditions.expressions import Expression
from policies.conditions.functions import CLOCK, OWN
from policies.conditions.mistyped import Compared, compared, other_readings
from policies.conditions.named_conditions import write_out
from policies.yaml.validation import choice

_SYNTAX = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?([^\n]*)")
_FAILED = re.compile(r"Function '(\w+)' error")


@dataclass(frozen=True)
class Unevaluable:
    """Why a condition has no answer, in the reader's terms; quotes no argument's value."""

    reason: str


@dataclass(frozen=True)
class Condition:
    """A compiled `when`, named conditions written out in its `source`.

    `reads` are the variables and `calls` the functions of ours that it needs,
    `effort` what it may take, `compared` the arguments that it compares with
    values of its own.
    """

    source: str
    program: cel.Program
    reads: frozenset[str]
    effort: Effort
    calls: frozenset[str] = frozenset()
    compared: tuple[Compared, ...] = ()

    def holds(self, scope: Scope) -> bool | Unevaluable:
        """Say whether the condition holds in `scope`, or why that cannot be told."""
        answer = self.value(scope)
        if answer is True or answer is False or isinstance(answer, Unevaluable):
            return answer
        return Unevaluable("the condition is neither true nor false")

    def value(self, scope: Scope) -> object | Unevaluable:
        """Return what the text comes to in `scope`, or why that cannot be told."""
        if "args" in self.reads and scope.names is None:
            obstacle = scope.arguments.flaw or self.effort.excess(scope.arguments)
            if obstacle is not None:
                return Unevaluable(obstacle)
        found = self._answer(scope)
        mistyped = [each for each in self.compared if each.misses(scope.raw)]
        if (
            mistyped
            and not isinstance(found, Unevaluable)
            and self._depends(mistyped, scope, found)
        ):
            named = ".".join(("args", *mistyped[0].path))
            return Unevaluable(f"`{named}` has another type than it is compared with")
        return found

    def _depends(self, mistyped: Sequence[Compared], scope: Scope, found: object) -> bool:
        """Tell whether another answer could come of arguments that a server reads otherwise."""
        readings = None if self.effort.works else other_readings(mistyped, scope.raw)
        return readings is None or any(
            self._answer(scope.reading(arguments)) != found for arguments in readings
        )

    def _answer(self, scope: Scope) -> object | Unevaluable:
        try:
            found: object = self.program.execute(scope.context(self.reads, self.calls))
        except Exception as error:  # noqa: BLE001 - any failure counts against the call
            return Unevaluable(self._reason(error))
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # Rust panics derive from BaseException
                raise
            return Unevaluable("the condition could not be computed")
        return found

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
                failed = _FAILED.search(str(error))
                name = (
                    f"`{failed[1]}`" if failed and failed[1] in self.calls else "a function in it"
                )
                return f"{name} cannot take the value it is given"


def compile_condition(source: str, named: Mapping[str, str] | None = None) -> Condition:
    """Return the condition that `source` writes in CEL, with `named` conditions by their texts.

    Raises CannotCompile for syntax errors, unknown names and functions,
    comprehensions inside comprehensions, regular expressions that are not
    any, and texts that can never be true or false.
    """
    condition = compile_expression(source, named)
    if not condition.reads:
        _check_constant(condition)
    return condition


def compile_expression(source: str, named: Mapping[str, str] | None = None) -> Condition:
    """Return what `source` writes in CEL, of whatever type; else as `compile_condition`."""
    named = named or {}
    program = _program(source)
    expression = Expression.read(source)
    check(expression, named)
    _check_references(expression, program.references()["variables"], named)
    whole = write_out(expression, named)
    if whole.text != source:
        expression = Expression.read(whole.text)
        check_loops(expression, source, whole.origin)
        program = _program(whole.text)
    references = program.references()
    return Condition(
        source=whole.text,
        program=program,
        reads=frozenset(references["variables"]) & set(ROOTS),
        effort=Effort.of(expression),
        calls=frozenset(references["functions"]) & (OWN.keys() | CLOCK.keys()),
        compared=compared(expression),
    )


def _program(source: str) -> cel.Program:
    try:
        return cel.compile(source)
    except Exception as error:  # noqa: BLE001 - whatever it is, the text is not a condition
        known = foreign(Expression.read(source))
        if known is not None:
            token, hint = known
            raise refusal(source, token.offset, f"CEL has no `{token.text}` here", hint) from None
        found = _SYNTAX.search(str(error))
        what = _said(found[3]) if found else "not a condition in CEL"
        line, column = (int(found[1]), int(found[2])) if found else (1, 1)
        instead = 'write CEL, for example `args.branch in ["main", "release"]`'
        raise CannotCompile(what, instead, line=line, column=column) from None


def _short(text: str) -> str:
    return text.partition(" expecting ")[0].replace("'<EOF>'", "its end")[:200]


def _said(message: str) -> str:
    """Return what the evaluator says of a text that is no condition, in the writer's terms."""
    message = _short(message)
    if message == "mismatched input its end":
        return "not a condition: it ends too early"
    if message.startswith("token recognition error"):
        return "not a condition: a text that has no end, or a sign that CEL does not have"
    return "not a condition in CEL" if "ExprContext" in message else f"not a condition: {message}"


def _check_references(
    expression: Expression, variables: list[str], named: Mapping[str, str]
) -> None:
    known = {*ROOTS, *TYPES, *named, *(loop.bound for loop in expression.loops())}
    for name in variables:
        if name not in known:
            token = expression.find(name)
            what = f"there is no `{name}`"
            offset = token.offset if token else 0
            raise refusal(expression.source, offset, what, choice([*ROOTS, *named]))


def _check_constant(condition: Condition) -> None:
    answer = condition.holds(Scope.nothing())
    if isinstance(answer, Unevaluable):
        instead = "compare something, for example `args.amount > 100`"
        raise CannotCompile(f"the condition has no answer: {answer.reason}", instead)
