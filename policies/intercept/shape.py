"""The sections of an Intercept policy file, as its `POLICY.md` describes them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from policies.values.problems import InvalidDocument, Place, Problem
from policies.yaml.composing import Path, Value
from policies.yaml.documents import Document
from policies.yaml.fields import Many
from policies.yaml.validation import Section, Wrong, validated

Window = Literal["minute", "hour", "day"]
Operator = Literal[
    "eq", "neq", "in", "not_in", "lt", "lte", "gt", "gte", "regex", "contains", "exists"
]
_STANDS_IN: Value = {"action": "deny"}
_RULE_DEPTH = 4
_EMPTY: Mapping[str, Value] = {"tools": {}, "hide": [], "rules": [], "conditions": []}


def _text(value: object) -> object:
    """Return a number as the text that Intercept's reader makes of it."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Written = Annotated[str, BeforeValidator(_text)]


def _one(version: str) -> str:
    if version != "1":
        raise Wrong('must be "1"', "only this version of Intercept's files is known")
    return version


def _hidden(name: str) -> str:
    if not name.strip():
        raise Wrong("is blank", "name a tool, or remove the entry")
    return name


class ConditionSection(Section):
    """One comparison of an argument or a counter with a value."""

    path: Written
    op: Operator
    value: object


class StateSection(Section):
    """A counter that each call which passes adds to."""

    counter: Written
    window: Window
    increment: int = 1
    increment_from: str = ""


class RuleSection(Section):
    """One rule of a tool; `spend` and `idempotency_window` are read to be refused with a reason."""

    name: Written = ""
    description: Written = ""
    action: Literal["evaluate", "deny", "require_approval"] = "evaluate"
    rate_limit: str = ""
    conditions: Annotated[tuple[ConditionSection, ...], Many] = ()
    on_deny: Written = ""
    state: StateSection | None = None
    approval_timeout: str = ""
    spend: object = None
    idempotency_window: object = None


class ToolSection(Section):
    """The rules of one tool, or of all tools under `*`."""

    rules: Annotated[tuple[RuleSection, ...], Many] = ()


class InterceptFile(Section):
    """All that an Intercept policy file says."""

    version: Annotated[Written, BeforeValidator(lambda value: _one(str(value)))]
    description: Written = ""
    default: Literal["allow", "deny"] = "allow"
    hide: Annotated[tuple[Annotated[str, BeforeValidator(_text)], ...], Many] = ()
    tools: dict[str, ToolSection] = Field(default_factory=dict)
    approvals: object = None


def read(document: Document) -> tuple[InterceptFile, list[Problem]]:
    """Return what `document` says, and every problem of its form.

    What Intercept takes for absent where nothing is written (`rules:`), is absent here too. In the
    place of a rule that is malformed stands one that denies, so that the others can be looked at.
    Raises InvalidDocument where too little is left of the file.
    """
    filled = _filled(document.root)
    written, problems = validated(InterceptFile, replace(document, root=filled))
    if written is None:
        sound = replace(document, root=_without(filled, document, problems), problems=())
        written, _ = validated(InterceptFile, sound)
    if written is None:
        raise InvalidDocument(problems)
    return written, problems


def _without(root: Value, document: Document, problems: list[Problem]) -> Value:
    """Return the tools of a file, with a rule that denies for each in which there is a problem."""
    tools = root.get("tools") if isinstance(root, dict) else None
    if not isinstance(tools, dict):
        return root
    begins = [(place, path) for path, place in document.values.items() if _is_rule(path)]
    faulty = {
        max(each for each in begins if each[0] <= Place(problem.line, problem.column))[1]
        for problem in problems
        if any(place <= Place(problem.line, problem.column) for place, _ in begins)
    }
    kept: dict[str, Value] = {
        name: {
            "rules": [
                _STANDS_IN if ("tools", name, "rules", index) in faulty else rule
                for index, rule in enumerate(rules)
            ]
        }
        for name, tool in tools.items()
        if isinstance(tool, dict) and isinstance(rules := tool.get("rules", []), list)
    }
    return {"version": "1", "tools": kept}


def _is_rule(path: Path) -> bool:
    return len(path) == _RULE_DEPTH and path[0] == "tools" and path[2] == "rules"


def _filled(value: Value, key: str = "") -> Value:
    """Return `value` with nothing where its writer left it empty; values to compare stay."""
    if key == "value":
        return value
    if isinstance(value, list):
        return [_filled(each) for each in value]
    if not isinstance(value, dict):
        return value
    filled: dict[str, Value] = {}
    for name, each in value.items():
        if each is not None:
            filled[name] = _filled(each, name)
        elif name in _EMPTY:
            filled[name] = _EMPTY[name]
        elif key == "tools":
            filled[name] = {}
        elif name in ("value", "version", "path", "op", "counter", "window"):
            filled[name] = None
    return filled
