"""Checks conditions against the input schemas of the tools that their rules speak of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from policies.conditions.argument_paths import Access, accesses
from policies.conditions.argument_schemas import Known
from policies.conditions.condition_checks import refusal
from policies.conditions.expressions import Expression, Token
from policies.conditions.named_conditions import write_out
from policies.rules.limits import Limit
from policies.rules.naming import condition_problem
from policies.rules.policy import Policy
from policies.rules.policy_file import is_condition
from policies.rules.policy_sources import Source, read_sources
from policies.rules.rules import Rule
from policies.values.calls import Tool
from policies.values.matching import Glob, Matcher
from policies.values.problems import Problem
from policies.yaml.validation import choice, suggestion

_FEW = 12
_NUMBERS = frozenset({"integer", "number"})


def argument_problems(policy: Policy, tools: Sequence[Tool]) -> list[Problem]:
    """Return what conditions read that no known tool has which their rules speak of.

    That is a problem where every tool that a rule can match is known to lack
    an argument, or can never have the value it is compared with. Rules that
    match no known tool are left out, and so are schemas that say nothing.
    """
    if not tools:
        return []
    shelf = _Shelf.of(tools)
    by_pointer: dict[str, Rule | Limit] = {rule.pointer: rule for rule in policy.rules}
    by_pointer |= {limit.pointer: limit for limit in policy.limits}
    problems: list[Problem] = []
    for source in read_sources(policy.text, file=policy.file, unread={})[0]:
        for path, text in _conditions(source):
            found = by_pointer.get(f"{source.pointer}/{path[0]}/{path[1]}")
            fitting = shelf.fitting(found.match, found.exception) if found is not None else {}
            if fitting:
                problems += _problems(source, path, text, fitting)
    return problems


def _conditions(source: Source) -> Iterator[tuple[tuple[str, int, str], str]]:
    """Yield the conditions and sums of a file, each with its place."""
    for kind in ("rules", "limits"):
        entries = source.document.at((kind,))
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            told = entry if isinstance(entry, dict) else {}
            for key in ("when", "sum"):
                text = told.get(key)
                if isinstance(text, str) and is_condition(text):
                    yield (kind, index, key), text


def reading_problem(text: str, tools: Sequence[Tool], *, sums: bool) -> str | None:
    """Return what a valid condition reads that no such tool has, in words; else None.

    `sums` says that it is what a grant adds up. Nothing is said where no tool
    is known, or one whose schema says nothing.
    """
    schemas = {f"{tool.server}/{tool.name}": Known.of(tool) for tool in tools}
    known = {name: each for name, each in schemas.items() if each is not None}
    if not known or len(known) < len(schemas):
        return None
    reading = _Reading(text, "sum" if sums else "when", known)
    wrong = next(reading.wrong(Expression.read(text)), None)
    return None if wrong is None else f"{wrong[1]}; {wrong[2]}"


@dataclass(frozen=True)
class _Shelf:
    """The schemas of the known tools, by name and by server; None where one says nothing."""

    tools: Mapping[str, Mapping[str, Known | None]]
    fitted: dict[object, dict[str, Known]] = field(default_factory=dict)

    @classmethod
    def of(cls, tools: Sequence[Tool]) -> "_Shelf":
        named: dict[str, dict[str, Known | None]] = {}
        for tool in tools:
            named.setdefault(tool.name, {})[tool.server] = Known.of(tool)
        return cls(named)

    def fitting(self, match: Matcher, exception: Matcher | None) -> dict[str, Known]:
        """Return the schemas of all tools that a rule may match, none where one is unknown."""
        key = (match.server, match.tool, exception)
        if key not in self.fitted:
            self.fitted[key] = self._fitting(match, exception)
        return self.fitted[key]

    def _fitting(self, match: Matcher, exception: Matcher | None) -> dict[str, Known]:
        found: dict[str, Known] = {}
        for tool in self._named(match.tool):
            for server, known in self.tools[tool].items():
                if not _fits(match.server, server):
                    continue
                if exception is not None and _always(exception, server, tool):
                    continue
                if known is None:
                    return {}
                found[f"{server}/{tool}"] = known
        return found

    def _named(self, globs: Sequence[Glob] | None) -> list[str]:
        """Return the names of tools that fit; where no pattern is one, without a look at all."""
        patterns = [glob.pattern for glob in globs or ()]
        if patterns and not any("*" in pattern or "?" in pattern for pattern in patterns):
            return [pattern for pattern in dict.fromkeys(patterns) if pattern in self.tools]
        return [tool for tool in self.tools if _fits(globs, tool)]


def _always(exception: Matcher, server: str, tool: str) -> bool:
    others = (exception.agent, exception.team, exception.on_behalf_of, exception.risk)
    named = _fits(exception.server, server) and _fits(exception.tool, tool)
    return named and all(each is None for each in others)


def _fits(globs: Sequence[Glob] | None, name: str) -> bool:
    return globs is None or any(glob.matches(name) for glob in globs)


def _problems(
    source: Source, path: tuple[str, int, str], text: str, tools: Mapping[str, Known]
) -> Iterator[Problem]:
    """Yield what is wrong with what a condition of a file reads of the arguments, each once."""
    whole = write_out(Expression.read(text), source.named)
    for token, what, instead in _Reading(text, path[-1], tools).wrong(Expression.read(whole.text)):
        refused = refusal(text, whole.origin(token.offset), what, instead)
        yield condition_problem(source.document, path, refused)


@dataclass(frozen=True)
class _Reading:
    """A condition, the key it is written under, and the schemas of the tools it may look at."""

    text: str
    key: str
    tools: Mapping[str, Known]

    def wrong(self, whole: Expression) -> Iterator[tuple[Token, str, str]]:
        """Yield what is wrong with what `whole`, the condition written out, reads, each once."""
        told: set[tuple[str, str]] = set()
        for access in accesses(whole):
            wrong = self._missing(access) or self._mistaken(access)
            if wrong is not None and wrong[1:] not in told:
                told.add(wrong[1:])
                yield wrong

    def _missing(self, access: Access) -> tuple[Token, str, str] | None:
        """Return the first step of an access that every tool lacks."""
        level: list[Known] = list(self.tools.values())
        for number, step in enumerate(access.steps):
            names = [known.names for known in level]
            if any(each is None or step in each for each in names):
                found = (known.at(step) for known in level)
                level = [known for known in found if known is not None]
                if not level:
                    return None
                continue
            there = sorted({name for each in names for name in each or ()})
            around = ".".join(["args", *access.steps[:number]])
            what = f"`{around}` has no `{step}` {self._where}"
            otherwise = choice(there) if len(there) <= _FEW else "write an argument that is there"
            advice = suggestion(step, there, otherwise)
            return access.tokens[number], what, advice.replace("mean `", f"mean `{around}.")
        return None

    def _mistaken(self, access: Access) -> tuple[Token, str, str] | None:
        """Return where an argument is compared with what it can never be, in every tool."""
        found = [_inside(known, access.steps) for known in self.tools.values()]
        schemas = [known for known in found if known is not None]
        if len(schemas) < len(found):
            return None
        name, token = f"`args.{'.'.join(access.steps)}`", access.tokens[-1]
        types = sorted({each for known in schemas for each in known.types})
        said = " or ".join(types)
        if self._is_summed(access) and types and not _NUMBERS.intersection(types):
            what = f"{name} is {said} {self._where}, and only numbers can be summed"
            return token, what, "sum a number, or leave `sum` out to count calls"
        if access.as_text and types and "string" not in types:
            what = f"{name} is {said} {self._where}, and `{access.as_text}` takes texts"
            listed = f"look into it: `{name[1:-1]}.exists(each, …)`"
            return token, what, listed if "array" in types else f"compare it as {said}"
        for literal in access.compared:
            if types and not any(known.takes(literal) for known in schemas):
                what = f"{name} is {said} {self._where}, and is compared with {_shown(literal)}"
                return token, what, f"write a value of type {said}"
            choices = sorted({each for known in schemas for each in known.choices})
            open_ = not all(known.choices for known in schemas)
            if isinstance(literal, str) and access.equally and not open_ and literal not in choices:
                what = f"{name} is never {_shown(literal)} {self._where}"
                return token, what, suggestion(literal, choices, choice(choices))
        return None

    def _is_summed(self, access: Access) -> bool:
        return self.key == "sum" and self.text.strip() == ".".join(("args", *access.steps))

    @property
    def _where(self) -> str:
        names = sorted(self.tools)
        if len(names) == 1:
            return f"at `{names[0]}`"
        return f"at any of the {len(names)} tools of the rule"


def _inside(known: Known, steps: Sequence[str]) -> Known | None:
    """Return the schema at the end of a way into the arguments, None where nothing is known."""
    found: Known | None = known
    for step in steps:
        found = found.at(step) if found is not None else None
    return found


def _shown(literal: object) -> str:
    return f'"{literal}"' if isinstance(literal, str) else str(literal).lower()
