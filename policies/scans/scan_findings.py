"""Finds all that is wrong with what servers say of themselves and of their tools."""

from collections.abc import Sequence

from policies.scans.scan_names import in_names
from policies.scans.scan_reach import in_reach
from policies.scans.scan_texts import in_texts
from policies.scans.scanned import GRAVITY, Finding, SeenServer

_MOST_OF_A_TOOL = 50
"""Findings about one tool, so that a hostile one cannot drown the others."""


def findings(servers: Sequence[SeenServer]) -> list[Finding]:
    """Return what was found at all servers, the gravest first."""
    found = [*in_names(servers)]
    for server in servers:
        found += [*in_texts(server), *in_reach(server)]
    ordered = sorted(dict.fromkeys(found), key=_order)
    counted: dict[str, int] = {}
    kept = []
    for finding in ordered:
        counted[finding.where] = counted.get(finding.where, 0) + 1
        if counted[finding.where] <= _MOST_OF_A_TOOL:
            kept.append(finding)
    return kept


def _order(finding: Finding) -> tuple[int, str, str, str]:
    return (-GRAVITY[finding.severity], finding.where, finding.kind, finding.place)
