"""Looks at servers: connects to each, and lists its tools with their risks."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.scan.scan_targets import Target, Way
from gateway.tools.conversations import Conversation
from gateway.upstreams import Fault, UpstreamFailed
from gateway.wire.definitions import is_tool_name, tools_of
from policies.risks.risk import classify
from policies.scans.scanned import SeenServer, SeenTool
from policies.scans.starter_servers import Section
from policies.secrets.redaction import redact_text
from policies.values.calls import Instructions, JsonValue, Risk
from policies.values.inert import inert_line
from policies.values.matching import Target as Named

_AT_ONCE = 8
_GOODBYE = 1.0
_SHOWN = 300
_NOT_ELSEWHERE = frozenset({Fault.UNREACHABLE, Fault.REFUSES_US})
"""Faults that another transport at the same address would have too."""


@dataclass(frozen=True)
class Looked:
    """What was seen of a server, and its section where it can be written down."""

    server: SeenServer
    section: Section | None


async def look_at(
    targets: Sequence[Target],
    overrides: Sequence[tuple[Named, Risk]],
    patience: float,
    tell: Callable[[str], None],
) -> list[Looked]:
    """Return what was seen of each server, in their order; one that fails costs itself only.

    Each is given `patience` seconds; `tell` hears of progress. `overrides` are
    a policy's `risks`.
    """
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(target: Target) -> Looked:
        async with turns:
            tell(f"{target.name}: connecting")
            looked = await _look(target, overrides, patience)
        failure = looked.server.failure
        tell(f"{target.name}: {failure or f'{len(looked.server.tools)} tools'}")
        return looked

    return list(await asyncio.gather(*map(one, targets)))


async def _look(target: Target, overrides: Sequence[tuple[Named, Risk]], patience: float) -> Looked:
    failure = target.failure or "there is no way to it"
    section = target.ways[0].section if target.ways else None
    for way in target.ways:
        try:
            async with asyncio.timeout(patience):
                said = await _said(target.name, way)
            return Looked(_seen(target, said, overrides), way.section)
        except TimeoutError:
            failure = f"it did not list its tools within {patience:.0f} s"
            break
        except UpstreamFailed as failed:
            first = way is target.ways[0]
            failure = failed.in_full if first else f"{failure}; nor does it answer over HTTP+SSE"
            if failed.fault in _NOT_ELSEWHERE:
                break
        except (ValueError, OSError) as flaw:
            failure = f"it cannot be reached: {flaw}"
            break
    shown = inert_line(redact_text(failure).text, _SHOWN)
    return Looked(SeenServer(target.name, failure=shown), section)


@dataclass(frozen=True)
class _Said:
    """The tool objects that a server lists, and what it tells models."""

    listed: Sequence[JsonValue]
    instructions: Instructions | None


async def _said(name: str, way: Way) -> _Said:
    """Return what a server says of itself. Raises UpstreamFailed, ValueError, OSError."""
    upstream = way.upstream()
    await upstream.start()
    conversation = Conversation(name, upstream)
    try:
        await conversation.open()
        listed = await conversation.tools()
        return _Said(listed, conversation.instructions)
    finally:
        with contextlib.suppress(UpstreamFailed, TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await conversation.close()
        await upstream.close()


def _seen(target: Target, said: _Said, overrides: Sequence[tuple[Named, Risk]]) -> SeenServer:
    objects = {str(each.get("name")): each for each in said.listed if isinstance(each, dict)}
    tools = tools_of(target.name, said.listed)
    known = {tool.name for tool in tools}
    counted = Counter(
        str(each.get("name")) if isinstance(each, dict) else "" for each in said.listed
    )
    ambiguous = [name for name, count in counted.items() if count > 1 and name not in known]
    left = sum(count for name, count in counted.items() if name not in known)
    return SeenServer(
        name=target.name,
        tools=[
            SeenTool(
                tool,
                objects[tool.name],
                classify(tool, trusted=target.trusted, overrides=overrides),
            )
            for tool in tools
        ],
        instructions=said.instructions,
        ambiguous=sorted(name for name in ambiguous if is_tool_name(name)),
        unusable=left - sum(counted[name] for name in ambiguous if is_tool_name(name)),
    )
