"""The tools of well-known servers are classified as a careful reader would."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from known_tools import GRAVE, Labelled, known

from policies.risks.risk import RiskFinding, classify
from policies.values.calls import Risk, Tool

# The labelled tools of other servers are not part of this repository; where they are, is said here.
LABELLED = os.environ.get("PLACET_SHARED_DATA", "")  # noqa: TID251 - as said above


def shared() -> Iterator[Labelled]:
    for line in (Path(LABELLED) / "tool-risks.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        tool = Tool(row["server"], row["tool"], row["description"], "{}", "aa")
        yield tool, Risk(row["risk"]), row["certain"]


collections = pytest.mark.parametrize("labelled", [known, *([shared] if LABELLED else [])])


def found(tool: Tool) -> RiskFinding:
    return classify(tool, trusted=False)


def certain(labelled: Iterator[Labelled]) -> Sequence[tuple[Tool, Risk]]:
    return [(tool, risk) for tool, risk, sure in labelled if sure]


@collections
def test_most_tools_are_classified_as_a_reader_does(labelled):
    pairs = certain(labelled())

    alike = sum(found(tool).risk is risk for tool, risk in pairs)

    assert alike / len(pairs) >= 0.95


@collections
def test_nearly_all_grave_tools_get_a_grave_risk(labelled):
    grave = [tool for tool, risk in certain(labelled()) if risk in GRAVE]

    assert sum(found(tool).risk in GRAVE for tool in grave) / len(grave) >= 0.97


@collections
def test_no_grave_tool_is_called_read(labelled):
    read = [
        tool.name
        for tool, risk in certain(labelled())
        if risk in GRAVE and found(tool).risk is Risk.READ
    ]

    assert read == []


@collections
def test_every_tool_has_a_risk_with_evidence(labelled):
    assert all(found(tool).evidence for tool, _, _ in labelled())
