"""Tells a scan to people: tools with their risks, findings, and what changed; for any terminal."""

from collections import Counter
from collections.abc import Iterator, Sequence

from ledger.words.tabulating import table
from policies.risks.risk import GRAVITY
from policies.scans.scan_reports import Change
from policies.scans.scanned import Finding, SeenServer
from policies.values.calls import Risk
from policies.values.inert import inert

_NAME = 48
_LEAST = 40
"""Characters that a cell has at least, however narrow the terminal: less cannot be told."""


def as_text(
    servers: Sequence[SeenServer],
    found: Sequence[Finding],
    changes: Sequence[Change] | None,
    width: int,
) -> Iterator[str]:
    """Yield the lines for a terminal of `width` columns; `changes` are None where not asked for."""
    for server in servers:
        yield from _server(server, width)
        yield ""
    if changes is not None:
        yield from _changes(changes, width)
        yield ""
    lost = sum(server.failure is not None for server in servers)
    yield from _findings(found, width, _none(lost, len(servers)))


def _none(lost: int, servers: int) -> str:
    """Say that nothing was found, and where nobody could look."""
    if not lost:
        return "no findings"
    if lost == servers:
        return "nothing could be looked at"
    return f"no findings at the servers that were scanned; {lost} could not be"


def clipped(text: str, room: int) -> str:
    """Return `text`, or as much of its beginning as takes `room` columns once it is inert."""
    kept = text[:room]
    while kept and len(inert(kept)) + (len(kept) < len(text)) > room:
        kept = kept[:-1]
    return kept if len(kept) == len(text) else f"{kept}…"


def _server(server: SeenServer, width: int) -> Iterator[str]:
    if server.failure is not None:
        yield f"{server.name}: could not be scanned: {server.failure}"
        return
    counts = Counter(seen.risk.risk for seen in server.tools)
    told = ", ".join(f"{counts[risk]} {risk}" for risk in Risk if counts[risk])
    yield f"{server.name}: {len(server.tools)} tools" + (f" ({told})" if told else "")
    ordered = sorted(server.tools, key=lambda seen: (-GRAVITY[seen.risk.risk], seen.tool.name))
    names = [clipped(seen.tool.name, _NAME) for seen in ordered]
    taken = 2 + max(map(len, Risk)) + 2 + max(map(len, names), default=0) + 2
    room = max(_LEAST, width - taken)
    rows = [
        (seen.risk.risk, name, clipped(seen.risk.evidence, room))
        for seen, name in zip(ordered, names, strict=True)
    ]
    if rows:
        yield from (f"  {line}" for line in table(("RISK", "TOOL", "EVIDENCE"), rows))


def _findings(found: Sequence[Finding], width: int, none: str) -> Iterator[str]:
    for finding in found:
        yield from _finding(finding, width)
    if not found:
        yield none
        return
    counts = Counter(finding.severity for finding in found)
    told = ", ".join(f"{count} {severity}" for severity, count in counts.items())
    yield f"{len(found)} finding{'s' if len(found) > 1 else ''}: {told}"


def _finding(finding: Finding, width: int) -> Iterator[str]:
    room = max(_LEAST, width - 4)
    where = clipped(finding.where, 2 * _NAME)
    yield f"{finding.severity}: {where} {finding.what} ({finding.kind})"
    if finding.place:
        yield f"    {clipped(f'at {finding.place}', room)}"
    if finding.evidence:
        yield f"    {clipped(finding.evidence, room)}"


def _changes(changes: Sequence[Change], width: int) -> Iterator[str]:
    if not changes:
        yield "nothing has changed since the earlier scan"
    for change in changes:
        yield from _finding(change.finding, width)
        for line in change.lines:
            yield f"      {clipped(line, max(_LEAST, width - 6))}"
