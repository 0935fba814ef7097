"""`placet agent`: agents that the ledger knows, beside those of the configuration."""

import argparse
import asyncio
import hashlib
import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence

from pydantic import TypeAdapter, ValidationError

from ledger.agents import AddAgent, LedgerAgent, RevokeAgent
from ledger.argument_types import words
from ledger.events import ApprovalCancelled, ApprovalVoided
from ledger.sentences import named
from ledger.shell import AddCommand, Shell
from ledger.standing_events import AgentAdded, GrantRevoked
from ledger.tabulating import machine, table
from policies.fields import Name
from policies.people import Agent
from policies.refusals import Refused

_KEY_BYTES = 32
"""Random bytes of a key: 43 characters as it is written."""


def register(add: AddCommand, shell: Shell) -> None:
    """Add `agent add`, `agent list` and `agent revoke`."""
    parser = add(
        "agent",
        help="add, revoke and list agents",
        description="Adds, revokes and lists agents. Those of the configuration are changed there.",
    )
    kinds = parser.add_subparsers(required=True, metavar="COMMAND")
    adding = kinds.add_parser(
        "add",
        help="make an agent and print its key, once",
        description="Makes an agent and prints its key, this once: only its SHA-256 is kept.",
    )
    shell.with_config(adding)
    adding.add_argument(
        "name", metavar="NAME", type=words, help="a name that no other agent has or had"
    )
    for option, who in (("--team", "TEAM"), ("--owner", "PERSON")):
        adding.add_argument(
            option, required=True, metavar=who, type=words, help="one of the configuration's"
        )
    adding.add_argument("--json", action="store_true", help="one JSON object, with the key")
    adding.set_defaults(run=lambda arguments: _add(arguments, shell))
    listing = kinds.add_parser("list", help="list the agents", description="Lists the agents.")
    shell.with_config(listing)
    listing.add_argument("--json", action="store_true", help="one JSON array")
    listing.set_defaults(run=lambda arguments: _list(arguments, shell))
    revoking = kinds.add_parser(
        "revoke",
        help="take an agent's right to call, for good",
        description="Takes an agent's right to call, for good; its open approvals and its grants"
        " end with it.",
    )
    shell.with_config(revoking)
    revoking.add_argument("name", metavar="NAME", type=words, help="the agent's name")
    revoking.add_argument("--because", metavar="TEXT", type=words, help="why; kept in the ledger")
    revoking.add_argument("--json", action="store_true", help="one JSON object")
    revoking.set_defaults(run=lambda arguments: _revoke(arguments, shell))


def _add(arguments: argparse.Namespace, shell: Shell) -> int:
    try:
        name = TypeAdapter(Name).validate_python(arguments.name)
    except ValidationError:
        raise Refused(
            f"`{arguments.name}` is not a name; use up to 64 of a-z, 0-9, `_`, `.` and `-`,"
            " beginning with a letter or digit"
        ) from None
    key = secrets.token_urlsafe(_KEY_BYTES)
    command = AddAgent(
        id=f"shell:{uuid.uuid4()}",
        actor=shell.actor,
        agent=name,
        team=arguments.team,
        owner=arguments.owner,
        key_sha256=hashlib.sha256(key.encode()).hexdigest(),
    )
    with shell.open_ledger(arguments.config) as ledger:
        (recorded,) = asyncio.run(ledger.execute(command))
    added = recorded.event
    assert isinstance(added, AgentAdded), "it is that or a refusal"
    if arguments.json:
        told = {"agent": name, "team": added.team, "owner": added.owner, "key": key}
        shell.say(machine(told))
        return 0
    shell.say(f"agent {name} of {named(added.team)}, owned by {named(added.owner)}; its key,")
    shell.say("shown this once (send it as `Authorization: Bearer KEY`):")
    shell.say(key)
    return 0


def _revoke(arguments: argparse.Namespace, shell: Shell) -> int:
    command = RevokeAgent(
        id=f"shell:{uuid.uuid4()}",
        actor=shell.actor,
        agent=arguments.name,
        because=arguments.because or None,
    )
    with shell.open_ledger(arguments.config) as ledger:
        recorded = [each.event for each in asyncio.run(ledger.execute(command))]
    ended = [e.approval for e in recorded if isinstance(e, ApprovalCancelled | ApprovalVoided)]
    grants = [e.grant for e in recorded if isinstance(e, GrantRevoked)]
    if arguments.json:
        told = {"agent": arguments.name, "approvals_ended": ended, "grants_revoked": grants}
        shell.say(machine(told))
        return 0
    shell.say(f"agent {named(arguments.name)} is revoked")
    if ended:
        shell.say(f"approvals that ended with it: {', '.join(ended)}")
    if grants:
        shell.say(f"grants that ended with it: {', '.join(grants)}")
    return 0


def _list(arguments: argparse.Namespace, shell: Shell) -> int:
    configured = shell.load(arguments.config).configuration.directory().agents
    with shell.open_ledger(arguments.config) as ledger:
        known = asyncio.run(ledger.agents())
    agents = sorted(_described(configured, known), key=lambda agent: agent["name"])
    if arguments.json:
        shell.say(machine(agents))
        return 0
    titles = ("NAME", "STATUS", "FROM", "TEAM", "OWNER", "ON BEHALF OF")
    rows = [[named(value) for value in agent.values()] for agent in agents]
    for line in table(titles, rows) if rows else ["there are no agents"]:
        shell.say(line)
    return 0


def _described(
    configured: Mapping[str, Agent], known: Sequence[LedgerAgent]
) -> Iterator[dict[str, str]]:
    for agent in configured.values():
        yield {
            "name": agent.name,
            "status": "live",
            "from": "configuration",
            "team": agent.team,
            "owner": agent.owner,
            "on_behalf_of": agent.on_behalf_of or "-",
        }
    for one in known:
        twice = "; the configuration has it too" if one.id in configured and one.open else ""
        yield {
            "name": one.id,
            "status": f"{one.status}{twice}",
            "from": "ledger",
            "team": one.team,
            "owner": one.owner,
            "on_behalf_of": "-",
        }
