"""`placet lint`: what in a policy decides nothing, or cannot be meant."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from gateway.files.known_tools import Listed, listed_tools
from gateway.files.policy_files import read_policy
from gateway.files.seen_tools import begun
from gateway.files.seen_tools import listed_tools as listed_in_ledger
from gateway.wire.definitions import tools_of
from ledger.ledger import Ledger
from ledger.shell import AddCommand, Loaded, Misconfigured, Shell
from ledger.words.tabulating import machine
from policies.configuration.configuration import Configuration
from policies.configuration.declared_tools import ExternalServer
from policies.linting.findings import GRAVENESS, Finding, Severity
from policies.linting.known import Known
from policies.linting.lint import linted
from policies.rules.policy import Policy
from policies.values.calls import Tool
from policies.values.problems import InvalidDocument
from policies.values.refusals import Refused

_CONFIG = Path("placet.yaml")


def register(add: AddCommand, shell: Shell) -> None:
    """Add `lint` to the command line."""
    parser = add(
        "lint",
        help="find rules that never decide, and what cannot be meant",
        description="Looks for rules that never decide, contradict each other or fit nothing that"
        " is known, for conditions that are always the same or read what no tool takes, and for"
        " approvals that nobody could give. Exits with 1 where something is found that is as grave"
        " as --fail-on says.",
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="look at this policy, not at the one in force"
    )
    parser.add_argument(
        "--tools",
        action="append",
        default=[],
        metavar="[SERVER=]FILE",
        help="JSON with the tools of a server: the answer to tools/list, or what scan printed;"
        " without it, what the ledger has seen",
    )
    parser.add_argument(
        "--fail-on",
        choices=[*(severity.value for severity in Severity), "never"],
        default="warning",
        help="from which severity on to exit with 1 (default: warning)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    shell.with_config(parser)
    parser.set_defaults(run=lambda arguments: _lint(arguments, shell))


def _lint(arguments: argparse.Namespace, shell: Shell) -> int:
    loaded = _loaded(arguments, shell)
    try:
        policy = _policy(arguments.policy, loaded)
        tools = listed_tools(arguments.tools)
    except InvalidDocument as invalid:
        raise Misconfigured(str(invalid)) from None
    configuration = loaded.configuration if loaded else None
    known = _known(configuration, tools, arguments.config, shell)
    found = linted(policy, known, configuration)
    if arguments.json:
        shell.say(machine({"findings": [_as_json(finding) for finding in found]}))
    else:
        for line in _as_text(found):
            shell.say(line)
    return 1 if _grave(found, arguments.fail_on) else 0


def _policy(path: Path | None, loaded: Loaded | None) -> Policy:
    if path is not None:
        return read_policy(path)
    if loaded is None:
        raise Misconfigured("there is no `placet.yaml` here; name a policy with --policy")
    return loaded.policy


def _loaded(arguments: argparse.Namespace, shell: Shell) -> Loaded | None:
    """Return the configuration; None where nobody named one and there is none here."""
    path: Path = arguments.config
    return shell.load(path) if path != _CONFIG or path.exists() else None


def _known(
    configuration: Configuration | None, listed: Listed, config: Path, shell: Shell
) -> Known:
    tools = {server: set(named) for server, named in listed.items()}
    written = [
        tool
        for server, named in listed.items()
        for tool in tools_of(server, [*map(dict, named.values())])
    ]
    if configuration is None:
        return Known(tools=tools, definitions=written)
    agents, seen = _in_ledger(configuration, config, shell)
    names: dict[str, set[str]] = {}
    for tool in seen:
        names.setdefault(tool.server, set()).add(tool.name)
    for name, section in configuration.servers.items():
        if isinstance(section, ExternalServer):
            names[name] = set(section.declared)
    return Known(
        servers=tuple(configuration.servers),
        tools={**names, **tools},
        definitions=[*written, *(tool for tool in seen if tool.server not in tools)],
        agents=None if agents is None else {*agents, *configuration.agents},
        teams=tuple(configuration.teams),
        people=tuple(configuration.people),
    )


def _in_ledger(
    configuration: Configuration, config: Path, shell: Shell
) -> tuple[set[str] | None, Sequence[Tool]]:
    """Return the agents and tools that the ledger knows; nothing where it cannot be read."""
    if not begun(configuration.ledger.url, config):
        return set(), ()
    try:
        with shell.read_ledger(config) as ledger:
            return asyncio.run(_read(ledger, tuple(configuration.servers)))
    except Refused as refused:
        shell.say(
            f"note: the ledger cannot be read, so its tools and agents are not known: {refused}"
        )
        return None, ()


async def _read(ledger: Ledger, servers: Sequence[str]) -> tuple[set[str], Sequence[Tool]]:
    agents = {agent.id for agent in await ledger.agents() if agent.open}
    return agents, await listed_in_ledger(ledger, servers)


def _grave(found: Sequence[Finding], fail_on: str) -> bool:
    if fail_on == "never":
        return False
    least = GRAVENESS[Severity(fail_on)]
    return any(GRAVENESS[finding.severity] >= least for finding in found)


def _as_text(found: Sequence[Finding]) -> list[str]:
    if not found:
        return ["nothing found"]
    counts = [
        f"{number} {severity.value}{'' if number == 1 else 's'}"
        for severity in Severity
        if (number := sum(finding.severity is severity for finding in found))
    ]
    return [*(str(finding) for finding in found), ", ".join(counts)]


def _as_json(finding: Finding) -> dict[str, object]:
    place = {"file": finding.file, "line": finding.line, "column": finding.column}
    said = {"what": finding.what, "instead": finding.instead}
    return {**place, "severity": finding.severity.value, "kind": finding.kind, **said}
