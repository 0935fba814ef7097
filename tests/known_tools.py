"""Tools of well-known servers with the risk that a careful reader gives them."""

from collections.abc import Iterator
from pathlib import Path

from policies.values.calls import Risk, Tool

GRAVE = {Risk.EXECUTE, Risk.DESTRUCTIVE, Risk.FINANCIAL}
LABELS = Path(__file__).with_suffix(".txt")

Labelled = tuple[Tool, Risk, bool]
"""A tool, its risk, and whether that is certain."""


def known() -> Iterator[Labelled]:
    """Yield the tools that are written down beside this."""
    for line in LABELS.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            server, name, description, risk = (part.strip() for part in line.split(" | "))
            tool = Tool(server, name, description, "{}", "aa")
            yield tool, Risk(risk.removesuffix("?").strip()), not risk.endswith("?")
