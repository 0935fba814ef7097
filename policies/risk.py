"""Says what a tool can do at worst, with the evidence, from its name and definition."""

from collections.abc import Sequence
from dataclasses import dataclass

from policies.calls import Risk, Tool
from policies.matching import Target


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
    return RiskFinding(Risk.WRITE, "nothing is known of it")
