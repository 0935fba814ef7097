"""Decides as Intercept does: what its policy reference and its engine say, written anew.

Arguments are what Go makes of JSON: every number is a double. State is what its SQLite store
keeps: a value and the start of its window, by counter.
"""

import json
import math
import operator
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
MISSING = object()
ORDERS = {"lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge}


def printed(value: Any) -> str:
    """Return what Go's `%v` prints."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _double(value)
        case list():
            return "[" + " ".join(printed(each) for each in value) + "]"
        case dict():
            pairs = (f"{key}:{printed(each)}" for key, each in sorted(value.items()))
            return "map[" + " ".join(pairs) + "]"
        case _:
            return str(value)


def _double(value: float) -> str:
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    mantissa, _, exponent = f"{value:.17e}".partition("e")
    for digits in range(17):
        if float(f"{value:.{digits}e}") == value:
            mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
            break
    power = int(exponent)
    if power < -4 or power >= 21:
        return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
    figures = mantissa.lstrip("-").replace(".", "")
    sign = "-" if value < 0 else ""
    if power < 0:
        return f"{sign}0.{'0' * (-power - 1)}{figures}"
    whole, rest = figures[: power + 1].ljust(power + 1, "0"), figures[power + 1 :]
    return f"{sign}{whole}.{rest}" if rest else sign + whole


def is_numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def equal(actual: Any, expected: Any) -> bool:
    if is_numeric(actual) and is_numeric(expected):
        return float(actual) == float(expected)
    return printed(actual) == printed(expected)


def operate(op: str, actual: Any, expected: Any) -> bool:
    """Return what an operator but `exists` says of a value that is there."""
    match op:
        case "eq" | "neq":
            return equal(actual, expected) == (op == "eq")
        case "in" | "not_in":
            return any(equal(actual, each) for each in expected) == (op == "in")
        case "regex":
            return isinstance(actual, str) and re.search(expected, actual, re.ASCII) is not None
        case "contains":
            if isinstance(actual, str):
                return isinstance(expected, str) and expected in actual
            return isinstance(actual, list) and any(equal(each, expected) for each in actual)
    if not (is_numeric(actual) and is_numeric(expected)):
        return False
    return ORDERS[op](float(actual), float(expected))


def resolved(arguments: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(arguments, dict) or key not in arguments:
            return MISSING
        arguments = arguments[key]
    return arguments


@dataclass
class Engine:
    """Intercept with one policy; `calls` counts what passed, as its state store does."""

    policy: dict[str, Any]
    counters: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def decide(self, tool: str, arguments: str, at: datetime) -> str:
        """Return `allow`, `deny` or `ask`, and count the call if it is allowed."""
        args = json.loads(arguments, parse_int=float)
        verdict = self.judge(tool, args, at)
        if verdict != "allow":
            return verdict
        return "allow" if self.reserve(tool, args, at) else "deny"

    def judge(self, tool: str, args: Any, at: datetime) -> str:
        """Return what the rules say before anything is counted."""
        hide = self.policy.get("hide", [])
        if tool in hide or "*" in hide:
            return "deny"
        tools = self.policy.get("tools", {})
        if self.policy.get("default") == "deny" and tool not in tools:
            return "deny"
        asked = False
        for _, rule in self.rules(tool):
            conditions = rule.get("conditions", [])
            action = rule.get("action", "evaluate")
            holds = all(self.holds(condition, args, at) for condition in conditions)
            if action == "deny" or (action == "evaluate" and not holds):
                return "deny"
            asked = asked or (action == "require_approval" and holds)
        return "ask" if asked else "allow"

    def rules(self, tool: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the rules for a tool with their scope, shorthands written out."""
        tools = self.policy.get("tools", {})
        own = [(tool, rule) for rule in tools.get(tool, {}).get("rules", [])]
        every = [("_global", rule) for rule in tools.get("*", {}).get("rules", [])]
        return [(scope, desugared(scope, rule)) for scope, rule in own + every]

    def holds(self, condition: dict[str, Any], args: Any, at: datetime) -> bool:
        path = condition["path"]
        if path.startswith("state."):
            actual: Any = self.value(path.removeprefix("state."), at)
        else:
            actual = resolved(args, path.removeprefix("args."))
        if condition["op"] == "exists":
            return (actual is not MISSING and actual is not None) == condition["value"]
        return actual is not MISSING and operate(condition["op"], actual, condition["value"])

    def value(self, key: str, at: datetime) -> int:
        value, start, seconds = self.counters.get(key, (0, 0, 60))
        return value if start == _start(at, seconds) else 0

    def ran(self, tool: str, arguments: str, at: datetime) -> None:
        """Count a call that ran, whether there was room or not."""
        args = json.loads(arguments, parse_int=float)
        for scope, rule in self.rules(tool):
            key = f"{scope}.{rule['state']['counter']}" if "state" in rule else ""
            if not key or own_limit(rule, key) is None:
                continue
            seconds = SECONDS[rule["state"]["window"]]
            value, start, _ = self.counters.get(key, (0, 0, seconds))
            value = value if start == _start(at, seconds) else 0
            amount = increment(rule["state"], args) or 0
            self.counters[key] = (value + amount, _start(at, seconds), seconds)

    def reserve(self, tool: str, args: Any, at: datetime) -> bool:
        """Count a call, all counters or none. Return whether each had room."""
        before = dict(self.counters)
        for scope, rule in self.rules(tool):
            state = rule.get("state")
            if state is None:
                continue
            key = f"{scope}.{state['counter']}"
            amount = increment(state, args)
            if amount is None:
                self.counters = before
                return False
            limit = own_limit(rule, key)
            if limit is None:
                continue
            seconds = SECONDS[state["window"]]
            value, start, _ = self.counters.get(key, (0, 0, seconds))
            if start != _start(at, seconds):
                value = 0
            if value + amount > limit:
                self.counters = before
                return False
            self.counters[key] = (value + amount, _start(at, seconds), seconds)
        return True


def desugared(scope: str, rule: dict[str, Any]) -> dict[str, Any]:
    if "rate_limit" not in rule:
        return rule
    count, _, window = rule["rate_limit"].partition("/")
    counter = f"_rate_{window}"
    condition = {"path": f"state.{scope}.{counter}", "op": "lte", "value": int(count)}
    return {**rule, "conditions": [condition], "state": {"counter": counter, "window": window}}


def increment(state: dict[str, Any], args: Any) -> int | None:
    source = state.get("increment_from")
    if not source:
        return state.get("increment") or 1
    found = resolved(args, source.removeprefix("args."))
    return int(found) if is_numeric(found) else None


def own_limit(rule: dict[str, Any], key: str) -> int | None:
    for condition in rule["conditions"]:
        if condition["path"] == f"state.{key}" and condition["op"] in ("lt", "lte"):
            return int(condition["value"]) - (condition["op"] == "lt")
    return None


def _start(at: datetime, seconds: int) -> int:
    return int(at.astimezone(UTC).timestamp()) // seconds * seconds
