"""`placet tools`: what servers define, what of it waits to be accepted, and accepting it."""

import argparse
import asyncio
import uuid
from collections.abc import Iterable, Iterator, Sequence

from ledger.audit.details import arguments as shown_definition
from ledger.cli.argument_types import words
from ledger.deciding.accepting import AcceptTools
from ledger.events.standing_events import InstructionsAccepted, ToolAcceptanceRefused, ToolAccepted
from ledger.ledger import Ledger
from ledger.lives.tools import SeenTool, waiting
from ledger.shell import AddCommand, Shell
from ledger.words.phrases import named
from ledger.words.tabulating import labelled, machine, table
from policies.scans.tool_differences import differences, text_differences
from policies.values.refusals import Refused

_UNTOLD = "no: it changed or is new, and is left out until somebody accepts it"


def register(add: AddCommand, shell: Shell) -> None:
    """Add `tools list`, `tools show` and `tools accept`."""
    parser = add(
        "tools",
        help="list and show the servers' tools, and accept new and changed ones",
        description="Lists and shows what servers define. What is new or changed since a server was"
        " first seen needs a yes for every call until it is accepted: in Slack, or here.",
    )
    kinds = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = kinds.add_parser(
        "list", help="list tools", description="Lists the tools that servers list now, by name."
    )
    shell.with_config(listing)
    listing.add_argument("server", nargs="?", metavar="SERVER", type=words, help="only its tools")
    listing.add_argument("--waiting", action="store_true", help="only those nobody accepted yet")
    listing.add_argument("--json", action="store_true", help="one JSON array")
    listing.set_defaults(run=lambda arguments: _list(arguments, shell))
    show = kinds.add_parser(
        "show",
        help="show a tool's definition, or what a server tells models, and what changed",
        description="Shows a tool's definition as its server gives it, or what a server tells"
        " models to do (its instructions), and what changed since it was accepted.",
    )
    accept = kinds.add_parser(
        "accept",
        help="accept a tool, or all of a server, as they are now",
        description="Accepts the definition of a tool, or of all tools of a server with what it"
        " tells models, as they are now. Look at them first: `placet tools show`.",
    )
    for each, run in ((show, _show), (accept, _accept)):
        shell.with_config(each)
        each.add_argument("target", metavar="SERVER[/TOOL]", type=words, help="what to look at")
        each.set_defaults(run=lambda arguments, run=run: run(arguments, shell))


def _list(arguments: argparse.Namespace, shell: Shell) -> int:
    servers = sorted(shell.load(arguments.config).configuration.servers)
    if arguments.server is not None:
        _check_known(arguments.server, servers)
        servers = [arguments.server]
    with shell.read_ledger(arguments.config) as ledger:
        found = [tool for tool in asyncio.run(_tools(ledger, servers)) if tool.listed]
        told = asyncio.run(_untold(ledger, servers))
    if arguments.waiting:
        found = waiting(found)
    if arguments.json:
        shell.say(machine([_facts(tool) for tool in found]))
        return 0
    rows = [[named(tool.id), tool.hash[:12], _state(tool)] for tool in found]
    rows += [[f"{named(name)}, instructions", hash_[:12], _UNTOLD] for name, hash_ in told.items()]
    for line in table(["tool", "definition", "accepted"], rows):
        shell.say(line)
    return 0


def _show(arguments: argparse.Namespace, shell: Shell) -> int:
    servers = sorted(shell.load(arguments.config).configuration.servers)
    with shell.read_ledger(arguments.config) as ledger:
        if "/" not in arguments.target:
            _check_known(arguments.target, servers)
            return _say(shell, asyncio.run(_instructions(arguments.target, ledger)))
        (tool,) = asyncio.run(_meant(arguments.target, servers, ledger, whole=False))
    rows = [
        ("tool", [named(tool.id)]),
        ("listed", ["yes" if tool.listed else "no: its server does not list it any more"]),
        ("definition", [f"SHA-256 {tool.hash}"]),
        ("accepted", [_state(tool)]),
        *_changes(tool),
        ("it says", shown_definition(tool.definition)),
    ]
    return _say(shell, rows)


def _say(shell: Shell, rows: Iterable[tuple[str, Sequence[str]]]) -> int:
    for label, lines in rows:
        for line in labelled(label, list(lines)):
            shell.say(line)
    return 0


async def _instructions(server: str, ledger: Ledger) -> list[tuple[str, list[str]]]:
    """Return what a server tells models, as rows. Raises Refused where it tells nothing."""
    known = await ledger.server(server)
    if known is None or not known.instructions:
        raise Refused(
            f"`{server}` tells models nothing; `placet tools list {server}` has its tools"
        )
    newest = known.instructions[-1]
    texts = await ledger.instructions(server, [newest, known.standing])
    now, before = texts.get(newest, ""), texts.get(known.standing, "")
    rows = [
        ("instructions", [f"of {named(server)}"]),
        ("text", [f"SHA-256 {newest}"]),
        ("accepted", [_UNTOLD if known.awaits else "yes"]),
    ]
    if known.awaits:
        rows.append(("changes", text_differences("instructions", before, now)))
    return [*rows, ("it says", now.split("\n"))]


async def _untold(ledger: Ledger, servers: Sequence[str]) -> dict[str, str]:
    """Return the servers whose instructions wait to be accepted, with the hashes of these."""
    known = {name: await ledger.server(name) for name in servers}
    return {name: server.awaits for name, server in known.items() if server and server.awaits}


def _changes(tool: SeenTool) -> Iterator[tuple[str, list[str]]]:
    if tool.awaits and tool.accepted:
        yield "changes", list(differences(tool.accepted_definition, tool.definition))


def _accept(arguments: argparse.Namespace, shell: Shell) -> int:
    servers = sorted(shell.load(arguments.config).configuration.servers)
    with shell.open_ledger(arguments.config) as ledger:
        wanted, told = asyncio.run(_meant(arguments.target, servers, ledger, whole=True)), None
        if "/" not in arguments.target:
            wanted = waiting(wanted)
            told = asyncio.run(_untold(ledger, [arguments.target])).get(arguments.target)
        recorded = asyncio.run(
            ledger.execute(
                AcceptTools(
                    id=f"shell:{uuid.uuid4()}",
                    actor=shell.actor,
                    server=arguments.target.partition("/")[0],
                    tools=tuple((tool.tool, tool.hash) for tool in wanted),
                    instructions=told,
                )
            )
        )
    for one in recorded:
        if isinstance(one.event, ToolAcceptanceRefused):
            raise Refused(one.event.message)
        if isinstance(one.event, ToolAccepted):
            shell.say(f"{named(f'{one.event.server}/{one.event.tool}')} is accepted")
        if isinstance(one.event, InstructionsAccepted):
            shell.say(f"what {named(one.event.server)} tells models is accepted")
    return 0


async def _tools(ledger: Ledger, servers: Sequence[str]) -> list[SeenTool]:
    return [tool for server in servers for tool in await ledger.tools(server)]


async def _meant(
    target: str, servers: Sequence[str], ledger: Ledger, *, whole: bool
) -> list[SeenTool]:
    """Return the tool that `server/tool` names, or every listed one where `whole` lets a server."""
    server, slash, name = target.partition("/")
    _check_known(server, servers)
    tools = await ledger.tools(server)
    if not slash and whole:
        return [tool for tool in tools if tool.listed]
    found = [tool for tool in tools if tool.tool == name]
    if not found:
        raise Refused(f"`{target}` is no tool that was seen; `placet tools list {server}` has them")
    return found


def _check_known(server: str, servers: Sequence[str]) -> None:
    if server not in servers:
        known = ", ".join(servers) or "none"
        raise Refused(f"there is no server `{server}`; the servers are: {known}")


def _state(tool: SeenTool) -> str:
    return f"no: {tool.because}" if tool.awaits else "yes"


def _facts(tool: SeenTool) -> dict[str, object]:
    return {
        "server": tool.server,
        "tool": tool.tool,
        "hash": tool.hash,
        "accepted": not tool.awaits,
    }
