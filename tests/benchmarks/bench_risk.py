"""Measures what it costs to say what a tool can do at worst, and how well it is said.

Run it by `make bench`, or `python tests/benchmarks/bench_risk.py`. Each tool is classified with a
schema of about a kilobyte, as a server would send it.
"""

import json
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2])]

from known_tools import GRAVE, known  # noqa: E402 (the path is set first)

from policies.risks.risk import classify  # noqa: E402 (the same)
from policies.values.calls import Tool  # noqa: E402 (the same)

ROUNDS = 30
MOST = 50.0
"""Microseconds that a tool may take."""

_TEXT = {"type": "string", "description": "A path relative to the root of the folder"}
_CHANGE = {"type": "object", "properties": {"old": _TEXT, "new": _TEXT}, "required": ["old"]}
SCHEMA = {
    "type": "object",
    "properties": {
        "path": _TEXT,
        "owner": {"type": "string", "description": "The owner of the repository, a user or a team"},
        "mode": {"type": "string", "enum": ["append", "insert"], "description": "How to write"},
        "edits": {"type": "array", "items": _CHANGE, "description": "What to change, in order"},
        "dryRun": {"type": "boolean", "default": False, "description": "Say what would change"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 1000, "description": "How many"},
    },
    "required": ["path"],
}


def tools() -> list[Tool]:
    """Return the known tools, each with a schema."""
    found = []
    for tool, _, _ in known():
        told = {"name": tool.name, "description": tool.description, "inputSchema": SCHEMA}
        text = json.dumps(told, sort_keys=True, separators=(",", ":"))
        found.append(Tool(tool.server, tool.name, tool.description, text, ""))
    return found


def microseconds(listed: list[Tool]) -> float:
    """Return what a tool takes on average; of each tool its fastest round, as others run too."""
    return sum(min(once(tool) for _ in range(ROUNDS)) for tool in listed) / len(listed) * 1e6


def once(tool: Tool) -> float:
    """Return the seconds that classifying a tool took."""
    began = time.perf_counter()
    classify(tool, trusted=False)
    return time.perf_counter() - began


def main() -> None:
    """Print the figures."""
    listed = tools()
    size = sum(len(tool.definition) for tool in listed) // len(listed)
    took = microseconds(listed)
    verdict = "met" if took < MOST else "missed"
    print(f"risk of a tool of {size} bytes, µs   {took:.1f}   below {MOST:.0f}: {verdict}")
    sure = [(tool, risk) for tool, risk, certain in known() if certain]
    alike = sum(classify(tool, trusted=False).risk is risk for tool, risk in sure)
    grave = [tool for tool, risk in sure if risk in GRAVE]
    seen = sum(classify(tool, trusted=False).risk in GRAVE for tool in grave)
    print(f"alike with the labels of {len(sure)} known tools   {alike / len(sure):.1%}")
    print(f"of {len(grave)} grave ones above write   {seen / len(grave):.1%}")


if __name__ == "__main__":
    main()
