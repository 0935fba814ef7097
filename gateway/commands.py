"""The gateway's part of the command line: why a call would be decided as it would be."""

import argparse
import asyncio
from dataclasses import replace
from pathlib import Path

from gateway import (
    format_commands,
    import_commands,
    library_commands,
    lint_commands,
    schema_commands,
    simulation_commands,
    trial_commands,
)
from gateway.definitions import tool_of, tools_of
from ledger.freeze_readings import freezes_in_force
from ledger.grants import live
from ledger.ledger import Ledger
from ledger.loading import usage_book
from ledger.shell import AddCommand, Loaded, Shell
from policies.calls import Call, JsonValue, Tool
from policies.decisions import LiveGrant
from policies.declared_tools import ExternalServer
from policies.explanations import explain
from policies.people import Agent
from policies.refusals import Refused
from policies.risk import classify
from policies.strict_json import parse


def register(add: AddCommand, shell: Shell) -> None:
    """Add the commands about policies to the command line."""
    trial_commands.register(add, shell)
    simulation_commands.register(add, shell)
    import_commands.register(add, shell)
    library_commands.register(add, shell)
    lint_commands.register(add, shell)
    format_commands.register(add, shell)
    schema_commands.register(add, shell)
    parser = add(
        "explain",
        help="say how one call would be decided now, and why",
        description="Says how one call would be decided now, with every rule that speaks of it. "
        "Nothing is recorded and nothing is sent.",
    )
    parser.add_argument("target", metavar="SERVER/TOOL", help="the tool")
    parser.add_argument("--agent", required=True, metavar="NAME", help="who would call")
    parser.add_argument(
        "--on-behalf-of", metavar="PERSON", help="the person that the agent's token would name"
    )
    parser.add_argument(
        "--arguments", default="{}", metavar="JSON", help="the arguments, a JSON object or @FILE"
    )
    shell.with_config(parser)
    parser.set_defaults(run=lambda arguments: _explain(arguments, shell))


def _explain(arguments: argparse.Namespace, shell: Shell) -> int:
    loaded = shell.load(arguments.config)
    with shell.open_ledger(arguments.config) as ledger:
        lines = asyncio.run(_explained(arguments, loaded, ledger))
    for line in lines:
        shell.say(line)
    return 0


async def _explained(arguments: argparse.Namespace, loaded: Loaded, ledger: Ledger) -> list[str]:
    server, _, name = arguments.target.partition("/")
    directory = loaded.configuration.directory()
    if server not in loaded.configuration.servers or not name:
        known = ", ".join(sorted(loaded.configuration.servers)) or "none"
        raise Refused(f"`{arguments.target}` is no server/tool; the servers are: {known}")
    agent = await _agent(arguments.agent, loaded, ledger)
    if arguments.on_behalf_of is not None:
        agent = _acting(agent, arguments.on_behalf_of, loaded)
    call = Call(
        agent=agent.name,
        team=agent.team,
        on_behalf_of=agent.on_behalf_of,
        server=server,
        tool=name,
        arguments=_object(arguments.arguments),
    )
    section = loaded.configuration.servers[server]
    if isinstance(section, ExternalServer):
        tool, note = _declared(server, name, section)
    else:
        tool, note = await _tool(server, name, ledger)
    trusted = section.trusted
    risk = classify(tool, trusted=trusted, overrides=loaded.policy.risks)
    at = await ledger.now()
    grants = await _grants(agent, loaded, ledger)
    lines = explain(
        call,
        loaded.policy,
        grants,
        at,
        tool=tool,
        risk=risk,
        directory=directory,
        usage=await ledger.look(lambda connection: usage_book(connection, at)),
        freezes=[freeze.live() for freeze in await freezes_in_force(ledger)],
    )
    if section.observe:
        note = [*note, f"note: `{server}` only observes: this is recorded, and the call runs"]
    return [*lines, *note]


async def _agent(name: str, loaded: Loaded, ledger: Ledger) -> Agent:
    agents = dict(loaded.configuration.directory().agents)
    agents |= {agent.id: agent.caller() for agent in await ledger.agents() if agent.open}
    if name not in agents:
        known = ", ".join(sorted(agents)) or "none"
        raise Refused(f"there is no agent `{name}`; the agents are: {known}")
    return agents[name]


def _acting(agent: Agent, person: str, loaded: Loaded) -> Agent:
    people = loaded.configuration.people
    if person not in people:
        known = ", ".join(sorted(people)) or "none"
        raise Refused(f"there is no person `{person}`; the people are: {known}")
    return replace(agent, on_behalf_of=person)


async def _tool(server: str, name: str, ledger: Ledger) -> tuple[Tool, list[str]]:
    """Return the tool as it was seen last, or a nameless guess with a note."""
    for seen in await ledger.tools(server):
        if seen.tool == name and seen.listed:
            found = tools_of(server, [parse(seen.definition.encode())])
            if found:
                return found[0], []
    note = (
        f"note: the ledger has not seen a tool of this name at `{server}`; a call to a tool that "
        "the server does not list is denied"
    )
    return Tool(server, name, "", "{}", ""), [note]


def _declared(server: str, name: str, section: ExternalServer) -> tuple[Tool, list[str]]:
    """Return the tool as it is declared, or a nameless guess with a note."""
    tool = tool_of(server, {"name": name, "description": section.declared.get(name, "")})
    if tool is not None and name in section.declared:
        return tool, []
    then = "is denied" if section.undeclared == "deny" else "needs approval at least"
    note = f"note: `{server}` does not declare a tool of this name; a call to such a tool {then}"
    return Tool(server, name, "", "{}", ""), [note]


async def _grants(agent: Agent, loaded: Loaded, ledger: Ledger) -> tuple[LiveGrant, ...]:
    directory = loaded.configuration.directory()
    found = await ledger.grants(live=True)
    return tuple(live(grant, agent, directory) for grant in found if grant.agent == agent.name)


def _object(text: str) -> dict[str, JsonValue]:
    if text.startswith("@"):
        try:
            text = Path(text[1:]).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"`{text[1:]}` cannot be read: {error}") from error
    value = parse(text.encode())
    if not isinstance(value, dict):
        raise Refused('the arguments are not a JSON object; write them like \'{"path": "a"}\'')
    return value
