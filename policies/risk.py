"""Says what a tool can do at worst, with the evidence, from its name and definition."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policies.calls import Risk, Tool
from policies.matching import Target
from policies.risk_words import (
    ALWAYS,
    AMOUNT_FIELDS,
    CODE,
    CODE_FIELDS,
    JOINING,
    LAST,
    MONEY,
    NOT_MONEY,
    READING,
    RETURNING,
    VERBS,
    singular,
    verb,
)

GRAVITY = {risk: place for place, risk in enumerate(Risk)}
"""How grave a risk is; the gravest of several wins."""

_HUMPS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SENTENCE = re.compile(r"[^.!?\n]{0,300}")
_SPOKEN = re.compile(r"[A-Za-z][A-Za-z'-]*|[,/&:;()]")
_JOINTS = frozenset({",", "/", "&", ":", ";", "(", "and", "or", "to", "then", "also"})
_FIELD = re.compile(r'"([A-Za-z_][A-Za-z0-9_]{0,40})":\{')


@dataclass(frozen=True)
class RiskFinding:
    """A tool's risk, and the words that speak for it."""

    risk: Risk
    evidence: str


def classify(
    tool: Tool, *, trusted: bool, overrides: Sequence[tuple[Target, Risk]] = ()
) -> RiskFinding:
    """Return the risk of `tool`.

    `overrides` (a policy's `risks`) come first: the most specific pattern,
    the gravest risk of equals. Then name, description and schema decide;
    hints of the server tighten, and loosen only where the server is `trusted`.
    A tool of which nothing is known counts as write or worse.
    """
    chosen = _override(tool, overrides)
    if chosen is not None:
        return chosen
    if trusted and tool.hints.get("readOnlyHint") and not tool.hints.get("destructiveHint"):
        return RiskFinding(Risk.READ, "the trusted server says `readOnlyHint`")
    found = _gravest([*_by_words(tool), *_by_schema(tool), *_by_hints(tool)])
    return found or RiskFinding(Risk.WRITE, "nothing is known of it")


def _gravest(findings: Sequence[RiskFinding]) -> RiskFinding | None:
    return max(findings, key=lambda finding: GRAVITY[finding.risk], default=None)


def _override(tool: Tool, overrides: Sequence[tuple[Target, Risk]]) -> RiskFinding | None:
    fitting = [
        (target.weight, GRAVITY[risk], risk, target)
        for target, risk in overrides
        if target.matches(tool.server, tool.name)
    ]
    if not fitting:
        return None
    _, _, risk, target = max(fitting, key=lambda each: each[:2])
    return RiskFinding(risk, f"the policy says so of `{target}`")


def _by_words(tool: Tool) -> list[RiskFinding]:
    return [
        *_name_findings([word.lower() for word in _HUMPS.findall(tool.name)]),
        *_description_findings(tool.description),
    ]


def _name_findings(words: Sequence[str]) -> Iterator[RiskFinding]:
    reads = False
    for place, word in enumerate(words):
        risk = VERBS.get(word)
        last = place == len(words) - 1 and word in LAST
        if risk is not None and (not reads or last or word in ALWAYS):
            yield RiskFinding(risk, f"`{word}` in its name")
        reads = (reads or word in READING) and word not in JOINING
    if not READING & set(words):
        yield from _things(words, "name")


def _things(words: Sequence[str], where: str) -> Iterator[RiskFinding]:
    things = {singular(word) for word in words}
    for word in sorted(things & MONEY):
        if not things & NOT_MONEY:
            yield RiskFinding(Risk.FINANCIAL, f"`{word}` in its {where}")
    for word in sorted(things & CODE):
        yield RiskFinding(Risk.EXECUTE, f"`{word}` in its {where}")


def _description_findings(description: str) -> Iterator[RiskFinding]:
    sentence = _SENTENCE.match(description.strip())
    before = ""
    for word in _SPOKEN.findall(sentence[0] if sentence else ""):
        spoken = verb(word.lower())
        if spoken is not None and (not before or before in _JOINTS):
            risk = Risk.READ if word.lower() in RETURNING else VERBS[spoken]
            if risk is not Risk.READ or spoken == word.lower() or not before:
                yield RiskFinding(risk, f"`{word}` in its description")
        before = word.lower()


def _by_schema(tool: Tool) -> Iterator[RiskFinding]:
    fields = {field.lower() for field in _FIELD.findall(tool.definition)}
    for field in sorted(fields & CODE_FIELDS):
        yield RiskFinding(Risk.EXECUTE, f"the argument `{field}`")
    if fields >= AMOUNT_FIELDS:
        yield RiskFinding(Risk.FINANCIAL, "the arguments `amount` and `currency`")


def _by_hints(tool: Tool) -> Iterator[RiskFinding]:
    if tool.hints.get("destructiveHint") is True:
        yield RiskFinding(Risk.DESTRUCTIVE, "the server says `destructiveHint`")
    if tool.hints.get("readOnlyHint") is False:
        yield RiskFinding(Risk.WRITE, "the server says it is not read-only")
