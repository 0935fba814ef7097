"""Says what a tool can do at worst, with the evidence, from its name and definition."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from policies.risks import risk_descriptions, risk_names
from policies.risks.risk_descriptions import Named
from policies.risks.risk_names import Name, Speaking
from policies.risks.risk_schemas import HUMPS, read_schema
from policies.risks.risk_words import singular
from policies.values.calls import Risk, Tool
from policies.values.matching import Target

GRAVITY = {risk: place for place, risk in enumerate(Risk)}
"""How grave a risk is; the gravest of several wins."""

_ONE_WORD = re.compile(
    "BuildKite|ClickHouse|ClickUp|DropBox|LaunchDarkly|OpenAI|OpenAPI|OpenSearch|OpenTelemetry"
    "|PlayStation|PowerBI|PowerPoint|RunPod|SendGrid|TestFlight|TestRail|TypeForm|TypeScript"
    "|WordPress"
)
"""Proper names in which a verb is written, and none is meant."""

_PROPOSAL = re.compile("(merge|pull)[_-]?request", re.IGNORECASE)
"""What is proposed for others to look at; nothing is pulled or merged."""

_UNKNOWN: Speaking = (Risk.WRITE, "nothing is known of it")


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
    spoken = [*_by_words(tool), *_by_hints(tool)]
    schema = read_schema(tool.definition)
    found = max([*spoken, *schema.speaking], key=_gravity, default=_UNKNOWN)
    if found[0] is Risk.READ and not tool.name.isascii():
        found = Risk.WRITE, "letters in its name that are not ASCII"
    if found[0] is Risk.WRITE and schema.sweeping is not None:
        found = Risk.DESTRUCTIVE, f"the argument `{schema.sweeping}`"
    return RiskFinding(*found)


def _gravity(spoken: Speaking) -> int:
    return GRAVITY[spoken[0]]


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


def _by_words(tool: Tool) -> list[Speaking]:
    sentences = risk_descriptions.sentences_of(tool.description)
    words = _words(tool.name)
    told_to_read = risk_descriptions.reads_first(sentences)
    things = frozenset(map(singular, words))
    name = Name(words, frozenset(_words(tool.server)), told_to_read, things)
    by_name = list(risk_names.speaking(name))
    named = Named(words, frozenset(risk for risk, _ in by_name))
    return [*by_name, *risk_descriptions.speaking(sentences, named)]


def _words(name: str) -> list[str]:
    written = name if name.islower() else _ONE_WORD.sub(lambda found: found[0].title(), name)
    if "equest" in written:
        written = _PROPOSAL.sub(lambda found: f"{found[1].title()}request", written)
    return [word.lower() for word in HUMPS.findall(written)]


def _by_hints(tool: Tool) -> Iterator[Speaking]:
    if tool.hints.get("destructiveHint") is True:
        yield (Risk.DESTRUCTIVE, "the server says `destructiveHint`")
    if tool.hints.get("readOnlyHint") is False:
        yield (Risk.WRITE, "the server says it is not read-only")
