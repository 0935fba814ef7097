"""Writes a scan as JSON, and says what changed since an earlier one."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from policies.risks.risk import GRAVITY
from policies.scans.scanned import Finding, SeenServer, SeenTool, Severity
from policies.scans.tool_differences import differences, text_differences
from policies.values.calls import Risk
from policies.values.inert import inert, inert_line
from policies.values.refusals import NotUnderstood
from policies.values.strict_json import canonical, parse

_VERSION = 1
_MOST_LINES = 40
_LONGEST_LINE = 200


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EarlierTool(_Model):
    """A tool in an earlier scan."""

    name: str
    risk: Risk
    evidence: str
    hash: str
    definition: dict[str, Any]


class EarlierServer(_Model):
    """A server in an earlier scan."""

    name: str
    failure: str | None
    instructions: str
    instructions_hash: str
    tools: tuple[EarlierTool, ...]


class EarlierScan(_Model):
    """A scan as `placet scan --json` wrote it."""

    version: Literal[1]
    servers: tuple[EarlierServer, ...]
    findings: tuple[Any, ...] = ()
    changes: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Change:
    """What is not as it was in an earlier scan, and how it differs, line by line: not inert."""

    finding: Finding
    lines: tuple[str, ...] = ()


def as_json(
    servers: Sequence[SeenServer], found: Sequence[Finding], changes: Sequence[Change]
) -> Mapping[str, object]:
    """Return a scan in the form that `read_scan` reads; nothing in it is secret."""
    return {
        "version": _VERSION,
        "servers": [_server(server) for server in servers],
        "findings": [_finding(finding) for finding in found],
        "changes": [
            {**_finding(change.finding), "lines": [*map(inert, change.lines)]} for change in changes
        ],
    }


def _server(server: SeenServer) -> Mapping[str, object]:
    return {
        "name": server.name,
        "failure": server.failure,
        "instructions": server.told,
        "instructions_hash": _hash(server),
        "tools": [
            {
                "name": seen.tool.name,
                "risk": seen.risk.risk,
                "evidence": seen.risk.evidence,
                "hash": seen.tool.hash,
                "definition": json.loads(seen.tool.definition),
            }
            for seen in server.tools
        ],
    }


def _finding(finding: Finding) -> Mapping[str, object]:
    return {
        "severity": finding.severity,
        "kind": finding.kind,
        "server": finding.server,
        "tool": finding.tool,
        "place": inert(finding.place),
        "what": finding.what,
        "evidence": inert(finding.evidence),
    }


def _hash(server: SeenServer) -> str:
    return "" if server.instructions is None else server.instructions.hash


def read_scan(text: bytes) -> EarlierScan:
    """Return an earlier scan. Raises Refused where `text` is none."""
    try:
        return EarlierScan.model_validate_json(text)
    except ValidationError as flaw:
        first = flaw.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        message = f"the earlier scan cannot be read: `{inert_line(where, 80)}`"
        raise NotUnderstood(f"{message} is not what `placet scan --json` writes there") from flaw


def changes_since(earlier: EarlierScan, servers: Sequence[SeenServer]) -> list[Change]:
    """Return what is new, gone or changed; of servers that cannot be reached now, nothing."""
    known = {server.name: server for server in earlier.servers}
    found: list[Change] = []
    for server in servers:
        if server.failure is None:
            found += _server_changes(known.get(server.name), server)
    for name in sorted(known.keys() - {server.name for server in servers}):
        finding = Finding(
            Severity.LOW, "server-gone", name, "", "", "was not scanned this time", ""
        )
        found.append(Change(finding))
    return found


def _server_changes(before: EarlierServer | None, server: SeenServer) -> Iterator[Change]:
    if before is None:
        what = "was not there in the earlier scan"
        yield Change(Finding(Severity.MEDIUM, "server-new", server.name, "", "", what, ""))
        return
    if before.failure is not None:
        return
    if before.instructions_hash != _hash(server):
        lines = text_differences("instructions", before.instructions, server.told)
        what = "tells models something else"
        place = "instructions"
        finding = Finding(Severity.HIGH, "instructions-changed", server.name, "", place, what, "")
        yield Change(finding, _few(lines))
    old = {tool.name: tool for tool in before.tools}
    for seen in server.tools:
        yield from _tool_changes(server.name, old.pop(seen.tool.name, None), seen)
    for name in old:
        what = "is not listed any more"
        yield Change(Finding(Severity.LOW, "tool-gone", server.name, name, "", what, ""))


def _tool_changes(server: str, old: EarlierTool | None, seen: SeenTool) -> Iterator[Change]:
    risk, name = seen.risk.risk, seen.tool.name
    if old is None:
        what = f"is new, its risk is {risk}"
        finding = Finding(Severity.MEDIUM, "tool-new", server, name, "", what, seen.risk.evidence)
        yield Change(finding)
    elif old.hash != seen.tool.hash:
        graver = GRAVITY[risk] > GRAVITY[old.risk]
        was = f"was {old.risk} and is {risk}" if risk is not old.risk else f"is {risk} as before"
        severity = Severity.HIGH if graver else Severity.MEDIUM
        what = f"has another definition; its risk {was}"
        finding = Finding(severity, "tool-changed", server, name, "", what, seen.risk.evidence)
        yield Change(finding, _few(differences(_canonical(old.definition), seen.tool.definition)))


def _canonical(definition: Mapping[str, Any]) -> str:
    return canonical(parse(json.dumps(definition).encode()))


def _few(lines: Sequence[str]) -> tuple[str, ...]:
    shown = [line[:_LONGEST_LINE] for line in lines[:_MOST_LINES]]
    more = len(lines) - _MOST_LINES
    return (*shown, f"… {more} more lines") if more > 0 else tuple(shown)
