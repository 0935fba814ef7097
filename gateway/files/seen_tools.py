"""Reads the tools that the ledger saw, for whoever checks a policy against them."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from gateway.wire.definitions import tools_of
from ledger.ledger import Ledger
from ledger.shell import Shell
from policies.configuration.configuration import Configuration
from policies.values.calls import Tool
from policies.values.strict_json import parse


def begun(url: str, config: Path) -> bool:
    """Say whether the ledger may be there: looking at a policy begins none."""
    path = url.removeprefix("sqlite:///")
    return path == url or (config.parent / path).exists()


def tools_in_ledger(configuration: Configuration, config: Path, shell: Shell) -> tuple[Tool, ...]:
    """Return the tools that servers list now; none before the ledger begins. Raises Refused."""
    if not begun(configuration.ledger.url, config):
        return ()
    with shell.read_ledger(config) as ledger:
        return asyncio.run(listed_tools(ledger, tuple(configuration.servers)))


async def listed_tools(ledger: Ledger, servers: Sequence[str]) -> tuple[Tool, ...]:
    """Return the tools that these servers list now, as the ledger saw them last."""
    found: list[Tool] = []
    for server in servers:
        seen = [tool for tool in await ledger.tools(server) if tool.listed]
        found += tools_of(server, [parse(tool.definition.encode()) for tool in seen])
    return tuple(found)
