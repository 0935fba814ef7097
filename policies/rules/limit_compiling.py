"""Compiles the limits of a policy file, and finds what is wrong with them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from policies.conditions.amounts import OneCall, amount_of
from policies.conditions.condition_checks import CannotCompile
from policies.conditions.conditions import Condition, compile_condition, compile_expression
from policies.conditions.redacted_sums import redacted_sum
from policies.rules.limits import Limit, meter_of
from policies.rules.naming import condition_problem
from policies.rules.policy_file import LimitSection, is_condition
from policies.rules.policy_sources import Source
from policies.rules.rules import Asking
from policies.values.problems import Problem
from policies.yaml.documents import Document

_Compile = Callable[[str, Mapping[str, str]], Condition]


@dataclass(frozen=True)
class LimitTexts:
    """The texts in CEL of a file's limits, compiled, by the limits' indexes; what is wrong."""

    conditions: Mapping[int, Condition]
    sums: Mapping[int, Condition]
    problems: Sequence[Problem]


def limit_texts(source: Source) -> LimitTexts:
    """Return what can be told of the limits in a file, whether it is sound or not."""
    conditions, wrong = _compiled(source, "when", compile_condition)
    sums, wrong_sums = _compiled(source, "sum", compile_expression)
    document = source.document
    problems = [*wrong, *wrong_sums, *_constant(document, sums), *_same_names(document)]
    problems += [*_misplaced(document), *_redacted(document, sums)]
    return LimitTexts(conditions, sums, tuple(problems))


def compiled_limits(
    source: Source, written: Sequence[LimitSection], texts: LimitTexts
) -> tuple[Limit, ...]:
    """Return the limits of a file; whatever is wrong with its texts is left out of them."""
    return tuple(_limit(source, index, limit, texts) for index, limit in enumerate(written))


def _limit(source: Source, index: int, limit: LimitSection, texts: LimitTexts) -> Limit:
    place = source.document.place(("limits", index))
    match = source.scoped(limit.match.matcher())
    exception = limit.except_.matcher() if limit.except_ else None
    condition, summed = texts.conditions.get(index), texts.sums.get(index)
    amount = OneCall() if summed is None else amount_of(summed)
    return Limit(
        name=source.called(limit.name),
        pointer=f"{source.pointer}/limits/{index}",
        line=place.line,
        column=place.column,
        match=match,
        exception=exception,
        condition=condition,
        per=limit.per,
        amount=amount,
        at_most=limit.at_most,
        within=limit.within,
        effect=limit.effect,
        asking=limit.approval.asking() if limit.approval else Asking(),
        meter=meter_of(match, exception, condition, limit.per, amount, limit.within),
        message=limit.message,
        description=limit.description,
        file=source.document.file,
    )


def _limits(document: Document) -> Iterator[tuple[int, dict[str, object]]]:
    limits = document.at(("limits",))
    for index, limit in enumerate(limits if isinstance(limits, list) else ()):
        if isinstance(limit, dict):
            yield index, dict(limit)


def _compiled(
    source: Source, key: str, compile_: _Compile
) -> tuple[dict[int, Condition], list[Problem]]:
    found: dict[int, Condition] = {}
    problems: list[Problem] = []
    for index, limit in _limits(source.document):
        text = limit.get(key)
        if not isinstance(text, str) or not is_condition(text):
            continue
        try:
            found[index] = compile_(text, source.named)
        except CannotCompile as refused:
            problems.append(condition_problem(source.document, ("limits", index, key), refused))
    return found, problems


def _constant(document: Document, sums: Mapping[int, Condition]) -> Iterator[Problem]:
    for index, amount in sums.items():
        if not amount.reads:
            place = document.place(("limits", index, "sum"))
            what = "`sum` looks at nothing of the call"
            instead = "write an argument, like `args.amount`, or remove it to count calls"
            yield document.problem(place, what, instead)


def _same_names(document: Document) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, limit in _limits(document):
        name = limit.get("name")
        if not isinstance(name, str):
            continue
        place = document.place(("limits", index, "name"))
        if name in seen:
            what = f"a limit named `{name}` is already on line {seen[name]}"
            yield document.problem(place, what, "give each limit a name of its own")
        seen.setdefault(name, place.line)


def _misplaced(document: Document) -> Iterator[Problem]:
    for index, limit in _limits(document):
        effect, at_most = limit.get("effect", "deny"), limit.get("at_most")
        if effect == "allow":
            place = document.place(("limits", index, "effect"))
            what = "a limit never allows"
            yield document.problem(place, what, "write `deny` or `require_approval`")
        if "approval" in limit and effect == "deny":
            what = "`approval` has no meaning where the effect is deny"
            instead = "remove it, or write `effect: require_approval`"
            yield document.problem(document.key(("limits", index, "approval")), what, instead)
        if limit.get("except") == {}:
            place = document.key(("limits", index, "except"))
            what = "an empty `except` would take out every call"
            yield document.problem(place, what, "name what to take out, or remove it")
        if isinstance(at_most, float) and isfinite(at_most) and _counts_in_parts(limit, at_most):
            place = document.place(("limits", index, "at_most"))
            yield document.problem(place, "`at_most` counts calls", "write a whole number")


def _counts_in_parts(limit: Mapping[str, object], at_most: float) -> bool:
    return "sum" not in limit and not at_most.is_integer()


def _redacted(document: Document, sums: Mapping[int, Condition]) -> Iterator[Problem]:
    written = document.at(("redact",))
    listed = written if isinstance(written, list) else []
    patterns = [each for each in listed if isinstance(each, str)]
    for index, summed in sums.items():
        path = redacted_sum(summed, patterns)
        if path is not None:
            place = document.place(("limits", index, "sum"))
            what = f"`{path}` is redacted, and what is summed is kept"
            yield document.problem(place, what, "sum another argument, or count calls")
