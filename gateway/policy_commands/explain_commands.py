"""`placet explain`: why a call would be decided as it would be."""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.files.seen_tools import begun
from gateway.files.text_files import read_text
from gateway.policy_commands.explanation_json import explanation_json
from gateway.wire.definitions import tool_of, tools_of
from ledger.cli.argument_types import words
from ledger.ledger import Ledger
from ledger.lives.grants import live
from ledger.readings.moments import parse_moment
from ledger.shell import AddCommand, Loaded, Misconfigured, Shell
from ledger.views.freeze_readings import freezes_in_force
from ledger.words.tabulating import machine
from ledger.writing.loading import usage_book
from policies.configuration.declared_tools import ExternalServer
from policies.explaining.explanation_lines import explanation_lines
from policies.explaining.explanations import Explanation, explain
from policies.people.people import Agent
from policies.risks.risk import classify
from policies.rules.decisions import LiveGrant
from policies.values.calls import Call, JsonValue, Tool
from policies.values.problems import InvalidDocument
from policies.values.refusals import NotUnderstood, Refused
from policies.values.strict_json import Flaw, NotStrict, parse


def register(add: AddCommand, shell: Shell) -> None:
    """Add `explain` to the command line."""
    parser = add(
        "explain",
        help="say how one call would be decided now, and why",
        description="Says how one call would be decided now, with every rule, limit and grant that"
        " speaks of it. Nothing is recorded and nothing is sent.",
    )
    parser.add_argument("target", metavar="SERVER/TOOL", help="the tool")
    parser.add_argument("--agent", required=True, metavar="NAME", help="who would call")
    parser.add_argument(
        "--on-behalf-of", metavar="PERSON", help="the person that the agent's token would name"
    )
    parser.add_argument(
        "--arguments", default="{}", metavar="JSON", help="the arguments, a JSON object or @FILE"
    )
    parser.add_argument(
        "--at", type=words, metavar="TIME", help="decide as if it were then: ISO 8601 with a zone"
    )
    parser.add_argument(
        "--all", action="store_true", help="also the rules and limits that say nothing of it"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, with all rules")
    shell.with_config(parser)
    parser.set_defaults(run=lambda arguments: _explain(arguments, shell))


def _explain(arguments: argparse.Namespace, shell: Shell) -> int:
    loaded = shell.load(arguments.config)
    at = parse_moment(arguments.at, shell.now()) if arguments.at else None
    there = begun(loaded.configuration.ledger.url, arguments.config)
    with shell.read_ledger(arguments.config) if there else _none_yet(shell) as ledger:
        found, notes = asyncio.run(_explained(arguments, loaded, ledger, at))
    if not there:
        notes.append("there is no ledger yet, so there are no grants, and limits are not used")
    if arguments.json:
        shell.say(machine({**explanation_json(found), "notes": notes}))
        return 0
    for line in explanation_lines(found, every=arguments.all):
        shell.say(line)
    for note in notes:
        shell.say(f"note: {note}")
    return 0


@contextmanager
def _none_yet(shell: Shell) -> Iterator[Ledger]:
    """Give a ledger in which nothing ever happened; it is gone afterwards."""
    with (
        TemporaryDirectory(prefix="placet-") as folder,
        Ledger.open(f"sqlite:///{folder}/none.db", now=shell.now, serving=False) as ledger,
    ):
        yield ledger


async def _explained(
    arguments: argparse.Namespace, loaded: Loaded, ledger: Ledger, then: datetime | None
) -> tuple[Explanation, list[str]]:
    """Return the explanation, and what else has to be known of it."""
    call = await _call(arguments, loaded, ledger)
    section = loaded.configuration.servers[call.server]
    unaccepted: str | None = None
    if isinstance(section, ExternalServer):
        tool, notes = _declared(call.server, call.tool, section)
    else:
        tool, unaccepted, notes = await _tool(call.server, call.tool, ledger)
    at = then or await ledger.now()
    found = explain(
        call,
        loaded.policy,
        await _grants(call, loaded, ledger),
        at,
        tool=tool,
        risk=classify(tool, trusted=section.trusted, overrides=loaded.policy.risks),
        directory=loaded.configuration.directory(),
        usage=await ledger.look(lambda connection: usage_book(connection, at)),
        freezes=[freeze.live() for freeze in await freezes_in_force(ledger)],
        unaccepted=unaccepted,
    )
    if then is not None:
        notes.append("grants, freezes and what is taken of limits are as the ledger has them now")
    if section.observe:
        notes.append(f"`{call.server}` only observes: this is recorded, and the call runs")
    return found, notes


async def _call(arguments: argparse.Namespace, loaded: Loaded, ledger: Ledger) -> Call:
    server, _, name = arguments.target.partition("/")
    if server not in loaded.configuration.servers or not name:
        known = ", ".join(sorted(loaded.configuration.servers)) or "none"
        raise Refused(f"`{arguments.target}` is no server/tool; the servers are: {known}")
    agent = await _agent(arguments.agent, loaded, ledger)
    if arguments.on_behalf_of is not None:
        agent = _acting(agent, arguments.on_behalf_of, loaded)
    return Call(
        agent=agent.name,
        team=agent.team,
        on_behalf_of=agent.on_behalf_of,
        server=server,
        tool=name,
        arguments=_object(arguments.arguments),
    )


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


async def _tool(server: str, name: str, ledger: Ledger) -> tuple[Tool, str | None, list[str]]:
    """Return the tool as it was seen last, why it has to be accepted, and notes."""
    for seen in await ledger.tools(server):
        if seen.tool == name and seen.listed:
            found = tools_of(server, [parse(seen.definition.encode())])
            if found:
                return found[0], seen.because if seen.awaits else None, []
    note = (
        f"the ledger has not seen a tool of this name at `{server}`; a call to a tool that "
        "the server does not list is denied"
    )
    return Tool(server, name, "", "{}", ""), None, [note]


def _declared(server: str, name: str, section: ExternalServer) -> tuple[Tool, list[str]]:
    """Return the tool as it is declared, or a nameless guess with a note."""
    tool = tool_of(server, {"name": name, "description": section.declared.get(name, "")})
    if tool is not None and name in section.declared:
        return tool, []
    then = "is denied" if section.undeclared == "deny" else "needs approval at least"
    note = f"`{server}` does not declare a tool of this name; a call to such a tool {then}"
    return Tool(server, name, "", "{}", ""), [note]


async def _grants(call: Call, loaded: Loaded, ledger: Ledger) -> tuple[LiveGrant, ...]:
    directory = loaded.configuration.directory()
    agent = await _agent(call.agent, loaded, ledger)
    acting = replace(agent, on_behalf_of=call.on_behalf_of)
    found = await ledger.grants(live=True)
    return tuple(live(grant, acting, directory) for grant in found if grant.agent == agent.name)


def _object(text: str) -> dict[str, JsonValue]:
    if text.startswith("@"):
        try:
            text = read_text(Path(text[1:]))
        except InvalidDocument as wrong:
            raise Misconfigured(str(wrong)) from wrong
    what = 'the arguments are not a JSON object; write them like \'{"path": "a"}\''
    try:
        value = parse(text.encode())
    except NotStrict as flaw:
        if flaw.flaw is Flaw.SYNTAX:
            raise NotUnderstood(what) from flaw
        raise
    if not isinstance(value, dict):
        raise NotUnderstood(what)
    return value
