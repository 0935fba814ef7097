"""Carries the rules of one tool over: what they require of arguments, and when people are asked."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from policies.conditions.condition_checks import CannotCompile
from policies.conditions.conditions import compile_condition
from policies.intercept.arguments import Carried, asked_when, denied_when
from policies.intercept.notes import Findings
from policies.intercept.patterns import Untranslatable
from policies.intercept.shape import ConditionSection, RuleSection, StateSection, Window
from policies.intercept.values import Incomparable
from policies.intercept.written import WrittenRule
from policies.rules.decisions import Effect
from policies.rules.policy_file import is_condition
from policies.yaml.composing import Path
from policies.yaml.durations import parse_duration

_RATE = re.compile(r"([0-9]{1,18})/(minute|hour|day)")
_LEAST, _MOST = timedelta(seconds=1), timedelta(days=30)
_LONGEST_LINE = 80
_TOO_LONG = ("this makes a condition of more than 4,000 characters", "write several rules")
_WINDOWS: dict[str, Window] = {"minute": "minute", "hour": "hour", "day": "day"}


@dataclass(frozen=True)
class Kept:
    """A counter as a rule keeps it, `rate_limit` written out; `path` is where it stands."""

    state: StateSection
    path: Path
    rate: ConditionSection | None = None


@dataclass
class ToolRules:
    """The rules of one tool (`*` for all), and what they come to."""

    tool: str
    rules: tuple[RuleSection, ...]
    findings: Findings

    @property
    def path(self) -> Path:
        """Where the rules stand in the file."""
        return ("tools", self.tool, "rules")

    def written(self) -> Iterator[WrittenRule]:
        """Yield a rule for each one that denies, requires or asks; counters aside."""
        for index, rule in enumerate(self.rules):
            path = (*self.path, index)
            if not self._sound(rule, path):
                continue
            match rule.action:
                case "deny":
                    yield self._rule(index, rule, Effect.DENY, None)
                case "require_approval":
                    yield from self._asking(index, rule)
                case "evaluate":
                    yield from self._requiring(index, rule)

    def kept(self) -> Iterator[tuple[int, Kept]]:
        """Yield each counter that a rule keeps, with the rule's index."""
        for index, rule in enumerate(self.rules):
            path = (*self.path, index)
            if rule.rate_limit:
                found = _RATE.fullmatch(rule.rate_limit)
                if found is None or not int(found[1]):
                    what = f"`rate_limit: {rule.rate_limit}` is not a rate"
                    instead = "write a count and a window, for example `5/hour`"
                    self.findings.wrong((*path, "rate_limit"), what, instead)
                    continue
                name = f"_rate_{found[2]}"
                rate = ConditionSection(path="", op="lte", value=int(found[1]))
                state = StateSection(counter=name, window=_WINDOWS[found[2]])
                yield index, Kept(state, (*path, "rate_limit"), rate)
            elif rule.state is not None:
                yield index, Kept(rule.state, (*path, "state"))

    def label(self, index: int) -> str:
        """Return what the rule at `index` will be called."""
        rule = self.rules[index]
        name = rule.name or rule.rate_limit or rule.action
        return f"{'every tool' if self.tool == '*' else self.tool}: {name}"

    def _sound(self, rule: RuleSection, path: Path) -> bool:
        """Say whether the parts of a rule go together, noting where they do not."""
        before = len(self.findings.problems)
        wrong = self.findings.wrong_key
        if rule.spend is not None:
            what = "`spend` bounds what a server charges, which is known only after the call"
            wrong((*path, "spend"), what, "limit an argument instead, or the number of calls")
        if rule.idempotency_window is not None:
            what = "`idempotency_window` has no counterpart"
            wrong((*path, "idempotency_window"), what, "remove it, or limit the number of calls")
        if rule.rate_limit and (rule.conditions or rule.state or rule.action != "evaluate"):
            what = "`rate_limit` goes neither with `conditions` and `state` nor with another action"
            wrong((*path, "rate_limit"), what, "make it a rule of its own")
        if rule.action == "deny" and rule.conditions:
            what = "a rule that denies has no conditions in Intercept"
            wrong((*path, "conditions"), what, "remove them, or the action")
        known = len(self.findings.problems) > before
        if rule.action == "evaluate" and not (rule.conditions or rule.rate_limit or known):
            wrong(path, "the rule requires nothing", "add `conditions`, `rate_limit` or an action")
        if rule.action != "evaluate" and rule.state is not None:
            what = f"a counter is not raised by a rule of `action: {rule.action}`"
            wrong((*path, "state"), what, "move it to a rule that has conditions on it")
        if rule.approval_timeout and rule.action != "require_approval":
            what = "`approval_timeout` goes with `action: require_approval` only"
            wrong((*path, "approval_timeout"), what, "remove it, or change the action")
        return len(self.findings.problems) == before

    def _requiring(self, index: int, rule: RuleSection) -> Iterator[WrittenRule]:
        """Yield the rule that denies where what is required of arguments does not hold."""
        carried = self._carried(index, rule, asks=False)
        if not carried:
            return
        parts = [each.cel for each in carried]
        whole = _joined(parts, "||")
        if "true" in parts:
            yield self._rule(index, rule, Effect.DENY, None)
        elif is_condition(whole):
            yield self._rule(index, rule, Effect.DENY, whole)
        else:
            for part in parts:
                yield self._rule(index, rule, Effect.DENY, part)

    def _asking(self, index: int, rule: RuleSection) -> Iterator[WrittenRule]:
        """Yield the rule that asks people."""
        before = len(self.findings.problems)
        carried = self._carried(index, rule, asks=True)
        expires_in = self._expiry(index, rule)
        if len(self.findings.problems) > before:
            return
        if any(each.cel == "false" for each in carried):
            what = "no argument is in an empty list, so that nobody is ever asked, as in the source"
            self.findings.remark((*self.path, index), what)
            return
        parts = [each.cel for each in carried if each.cel != "true"]
        if len(parts) > 1:
            parts = [_bracketed(part) for part in parts]
        when = _joined(parts, "&&") if parts else None
        if when is not None and not is_condition(when):
            self.findings.wrong((*self.path, index), *_TOO_LONG)
            return
        yield self._rule(index, rule, Effect.REQUIRE_APPROVAL, when, expires_in)

    def _carried(self, index: int, rule: RuleSection, *, asks: bool) -> list[Carried]:
        carried: list[Carried] = []
        for number, condition in enumerate(rule.conditions):
            path = (*self.path, index, "conditions", number)
            root, _, rest = condition.path.partition(".")
            if root == "state" and not asks:
                continue
            if root != "args" or not rest:
                self._wrong_path(path, condition, asks=asks)
                continue
            try:
                one = (asked_when if asks else denied_when)(condition, rest)
                compile_condition(one.cel)
            except (Incomparable, CannotCompile) as error:
                self.findings.wrong((*path, "value"), error.what, error.instead)
            except Untranslatable as error:
                what = f"the regular expression cannot be carried over: {error}"
                self.findings.wrong((*path, "value"), what, "write it in RE2's syntax")
            else:
                if not is_condition(one.cel):
                    self.findings.wrong((*path, "value"), *_TOO_LONG)
                carried.append(one)
                if one.stricter:
                    self.findings.stricter(path, one.stricter)
        return carried

    def _wrong_path(self, path: Path, condition: ConditionSection, *, asks: bool) -> None:
        what = f"`{condition.path}` is no path of an argument"
        if asks and condition.path.startswith("state."):
            what = "asking by a counter has no counterpart here"
        self.findings.wrong((*path, "path"), what, "write `args.` and the name of an argument")

    def _expiry(self, index: int, rule: RuleSection) -> timedelta | None:
        if not rule.approval_timeout:
            return None
        duration = parse_duration(rule.approval_timeout)
        if duration is None or not _LEAST <= duration <= _MOST:
            what = f"`approval_timeout: {rule.approval_timeout}` cannot be carried over"
            path = (*self.path, index, "approval_timeout")
            self.findings.wrong(path, what, "write between 1s and 30d, for example `30m`")
        return duration

    def _rule(
        self,
        index: int,
        rule: RuleSection,
        effect: Effect,
        when: str | None,
        expires_in: timedelta | None = None,
    ) -> WrittenRule:
        return WrittenRule(
            name=self.label(index),
            tool=None if self.tool == "*" else self.tool,
            effect=effect,
            line=self.findings.document.place((*self.path, index)).line,
            when=when,
            message=rule.on_deny.strip() or None,
            expires_in=expires_in,
        )


def _joined(parts: list[str], sign: str) -> str:
    """Return the parts of a condition as one, each on a line of its own where that is long."""
    line = f" {sign} ".join(parts)
    return line if len(line) <= _LONGEST_LINE else f"\n{sign} ".join(parts)


def _bracketed(part: str) -> str:
    return f"({part})" if " || " in part or " ? " in part else part
