"""The sections of an Intercept policy file, as its `POLICY.md` describes them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from policies.composing import Value
from policies.documents import Document
from policies.fields import Many
from policies.problems import InvalidDocument
from policies.validation import Section, Wrong, validated

Window = Literal["minute", "hour", "day"]
Operator = Literal[
    "eq", "neq", "in", "not_in", "lt", "lte", "gt", "gte", "regex", "contains", "exists"
]
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


def read(document: Document) -> InterceptFile:
    """Return what `document` says. Raises InvalidDocument with every problem of its form.

    What Intercept takes for absent where nothing is written (`rules:`), is absent here too.
    """
    written, problems = validated(InterceptFile, replace(document, root=_filled(document.root)))
    if written is None or problems:
        raise InvalidDocument(problems)
    return written


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
