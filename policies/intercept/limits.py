"""Carries the counters of a file over into limits."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from policies.intercept.arguments import term
from policies.intercept.counters import (
    Always,
    AtMost,
    Bound,
    Never,
    amount_within,
    calls_within,
)
from policies.intercept.notes import Findings
from policies.intercept.rules import Kept, ToolRules
from policies.intercept.shape import ConditionSection, RuleSection
from policies.intercept.values import Incomparable
from policies.intercept.written import WrittenLimit, WrittenRule
from policies.rules.decisions import Effect
from policies.yaml.composing import Path

WITHIN = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
_GLOBAL = "_global"
_LARGEST = 2**53


@dataclass
class Counters:
    """The counters of all tools of a file."""

    tools: tuple[ToolRules, ...]
    findings: Findings

    def written(self) -> Iterator[WrittenLimit | WrittenRule]:
        """Yield a limit for each counter, or a rule that denies where no call could pass."""
        bounds = self._bounds()
        for tool in self.tools:
            seen: dict[str, Path] = {}
            for index, kept in tool.kept():
                name = kept.state.counter
                if name in seen:
                    first = self.findings.document.key(seen[name]).line
                    what = f"the counter `{name}` is kept twice; the first is on line {first}"
                    self.findings.wrong_key(kept.path, what, "give each rule a counter of its own")
                    continue
                seen[name] = kept.path
                own = [Bound(kept.rate, own=True)] if kept.rate else []
                found = bounds.get((_scope(tool.tool), name), [])
                mine = [*own, *(Bound(each, owner == index) for owner, each in found)]
                yield from self._limit(tool, index, kept, mine)

    def _bounds(self) -> dict[tuple[str, str], list[tuple[int, ConditionSection]]]:
        """Return the conditions on each counter, with the index of the rule they stand in."""
        kept = {
            (_scope(tool.tool), each.state.counter)
            for tool in self.tools
            for _, each in tool.kept()
        }
        bounds: dict[tuple[str, str], list[tuple[int, ConditionSection]]] = {}
        for tool in self.tools:
            for index, rule in enumerate(tool.rules):
                for number, condition in enumerate(rule.conditions):
                    root, _, rest = condition.path.partition(".")
                    path = (*tool.path, index, "conditions", number, "path")
                    if root == "state" and rule.action == "evaluate":
                        counter = self._counter(tool.tool, rest, kept, path)
                        if counter is not None:
                            bounds.setdefault(counter, []).append((index, condition))
        return bounds

    def _counter(
        self, tool: str, rest: str, kept: set[tuple[str, str]], path: Path
    ) -> tuple[str, str] | None:
        """Return the scope and name of the counter that a path means, noting what is wrong."""
        own = _scope(tool)
        if tool == "*" and rest.startswith("*."):
            self.findings.stricter(path, "Intercept never raises `state.*.…`: read as `_global`")
            rest = f"{_GLOBAL}.{rest[2:]}"
        for scope, name in kept:
            if rest == f"{scope}.{name}" and scope == own:
                return scope, name
        if any(rest == f"{scope}.{name}" for scope, name in kept):
            what = f"`state.{rest}` is counted by other calls than those it would stop"
            self.findings.wrong(path, what, "limit each tool by what it does itself")
        else:
            what = f"no rule keeps the counter `state.{rest}`"
            self.findings.wrong(path, what, "add a `state` to a rule of this tool")
        return None

    def _limit(
        self, tool: ToolRules, index: int, kept: Kept, bounds: list[Bound]
    ) -> Iterator[WrittenLimit | WrittenRule]:
        amount = kept.state.increment_from
        if amount and not re.fullmatch(r"args\..+", amount):
            what = f"`increment_from: {amount}` is no path of an argument"
            self.findings.wrong((*kept.path, "increment_from"), what, "write `args.` and its name")
            return
        if kept.state.increment < 0:
            what = "a counter that goes down stops no call"
            self.findings.wrong((*kept.path, "increment"), what, "write a positive number")
            return
        step = kept.state.increment or 1
        try:
            found = amount_within(bounds) if amount else calls_within(bounds, step)
        except Incomparable as error:
            self.findings.wrong_key(kept.path, error.what, error.instead)
            return
        match found:
            case Always():
                what = "nothing bounds this counter by `lt` or `lte`, so it never stopped a call"
                self.findings.remark(kept.path, what)
            case Never():
                yield self._denial(tool, index)
            case AtMost(most) if most > _LARGEST:
                what = "so large a bound is never reached"
                self.findings.wrong_key(kept.path, what, "write a bound below 2^53, or remove it")
            case AtMost(most, earlier):
                self._tell(kept, amount=bool(amount), earlier=earlier)
                rule = tool.rules[index]
                yield WrittenLimit(
                    name=tool.label(index),
                    tool=None if tool.tool == "*" else tool.tool,
                    at_most=most,
                    within=WITHIN[kept.state.window],
                    line=self.findings.document.place((*tool.path, index)).line,
                    sum=term(amount.removeprefix("args.")) if amount else None,
                    message=rule.on_deny.strip() or _rate_message(rule, most),
                )

    def _tell(self, kept: Kept, *, amount: bool, earlier: bool) -> None:
        window = kept.state.window
        self.findings.stricter(
            kept.path,
            f"Intercept starts anew with each {window} of the clock, so that twice as much passes "
            f"around it; here any {window} counts",
        )
        if amount:
            what = (
                "fractions count, negative amounts are denied; Intercept drops and subtracts them"
            )
            self.findings.stricter(kept.path, what)
        if earlier:
            what = (
                "a second bound is looked at before the amount is added; here it holds for the sum"
            )
            self.findings.stricter(kept.path, what)

    def _denial(self, tool: ToolRules, index: int) -> WrittenRule:
        what = "no call ever passes this counter: the rule denies them all, as in the source"
        self.findings.remark((*tool.path, index), what)
        return WrittenRule(
            name=f"{tool.label(index)} (never)",
            tool=None if tool.tool == "*" else tool.tool,
            effect=Effect.DENY,
            line=self.findings.document.place((*tool.path, index)).line,
            message=tool.rules[index].on_deny.strip() or None,
        )


def _rate_message(rule: RuleSection, most: int) -> str | None:
    if not rule.rate_limit:
        return None
    window = rule.rate_limit.partition("/")[2]
    return f"Rate limit of {most} per {window} reached. Try again later."


def _scope(tool: str) -> str:
    return _GLOBAL if tool == "*" else tool
