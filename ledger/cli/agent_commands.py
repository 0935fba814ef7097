"""`placet agent`: agents that the ledger knows, beside those of the configuration."""

import argparse
import asyncio
import hashlib
import secrets
import uuid
from collections.abc import Sequence
from datetime import timedelta

from pydantic import TypeAdapter, ValidationError

from ledger.cli.agent_listing import register_list
from ledger.cli.argument_types import duration, words
from ledger.events.events import ApprovalCancelled, ApprovalVoided
from ledger.events.standing_events import AgentAdded, AgentKeyRotated, GrantRevoked
from ledger.lives.agents import AddAgent, RevokeAgent, RotateAgentKey
from ledger.shell import AddCommand, Shell, Unsaid
from ledger.words.phrases import clock, named
from ledger.words.tabulating import machine
from policies.values.refusals import Refused
from policies.yaml.fields import Name

_KEY_BYTES = 32
"""Random bytes of a key: 43 characters as it is written."""


def register(add: AddCommand, shell: Shell) -> None:
    """Add `agent add`, `agent list`, `agent rotate` and `agent revoke`."""
    parser = add(
        "agent",
        help="add, revoke and list agents, and change their keys",
        description="Adds, revokes and lists agents, and changes their keys. Agents of the"
        " configuration are changed there.",
    )
    kinds = parser.add_subparsers(required=True, metavar="COMMAND")
    _offer_add(kinds.add_parser, shell)
    register_list(kinds.add_parser, shell)
    _offer_rotate(kinds.add_parser, shell)
    _offer_revoke(kinds.add_parser, shell)


def _offer_add(add: AddCommand, shell: Shell) -> None:
    adding = add(
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


def _offer_rotate(add: AddCommand, shell: Shell) -> None:
    rotating = add(
        "rotate",
        help="give an agent another key and print it, once",
        description="Gives an agent another key and prints it, this once. The key it has ends at"
        " once, or after --grace.",
    )
    shell.with_config(rotating)
    rotating.add_argument("name", metavar="NAME", type=words, help="the agent's name")
    rotating.add_argument(
        "--grace",
        default=timedelta(0),
        metavar="DURATION",
        type=duration,
        help="how long the key it has stays good beside the new one (default: not at all)",
    )
    rotating.add_argument("--json", action="store_true", help="one JSON object, with the key")
    rotating.set_defaults(run=lambda arguments: _rotate(arguments, shell))


def _offer_revoke(add: AddCommand, shell: Shell) -> None:
    revoking = add(
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
    key, hashed = _fresh_key()
    command = AddAgent(
        id=f"shell:{uuid.uuid4()}",
        actor=shell.actor,
        agent=name,
        team=arguments.team,
        owner=arguments.owner,
        key_sha256=hashed,
    )
    with shell.open_ledger(arguments.config) as ledger:
        (recorded,) = asyncio.run(ledger.execute(command))
    added = recorded.event
    assert isinstance(added, AgentAdded), "it is that or a refusal"
    if arguments.json:
        told = {"agent": name, "team": added.team, "owner": added.owner, "key": key}
        return _shown(shell, name, (machine(told),))
    lines = (
        f"agent {name} of {named(added.team)}, owned by {named(added.owner)}; its key,",
        "shown this once (send it as `Authorization: Bearer KEY`):",
        key,
    )
    return _shown(shell, name, lines)


def _rotate(arguments: argparse.Namespace, shell: Shell) -> int:
    key, hashed = _fresh_key()
    command = RotateAgentKey(
        id=f"shell:{uuid.uuid4()}",
        actor=shell.actor,
        agent=arguments.name,
        key_sha256=hashed,
        grace=arguments.grace,
    )
    with shell.open_ledger(arguments.config) as ledger:
        (recorded,) = asyncio.run(ledger.execute(command))
    rotated = recorded.event
    assert isinstance(rotated, AgentKeyRotated), "it is that or a refusal"
    until = clock(rotated.previous_until) if rotated.previous_until else None
    if arguments.json:
        told = {"agent": rotated.agent, "key": key, "previous_key_until": until}
        return _shown(shell, rotated.agent, (machine(told),))
    lines = (
        f"agent {named(rotated.agent)} has another key, shown this once:",
        key,
        f"the key before it is good until {until}" if until else "the key before it ended",
    )
    return _shown(shell, rotated.agent, lines)


def _shown(shell: Shell, agent: str, lines: Sequence[str]) -> int:
    """Say lines with an agent's new key. Raises Unsaid with what to do where nobody got it."""
    try:
        for line in lines:
            shell.say(line)
    except (Unsaid, BrokenPipeError) as unsaid:
        why = str(unsaid) if isinstance(unsaid, Unsaid) else "whoever read the output is gone"
        text = f"its key is good now; run `placet agent rotate {agent}` if you did not get it"
        raise Unsaid(f"{why}; agent {named(agent)} is in the ledger and {text}") from None
    return 0


def _fresh_key() -> tuple[str, str]:
    """Return a new key and its SHA-256 in hex."""
    key = secrets.token_urlsafe(_KEY_BYTES)
    return key, hashlib.sha256(key.encode()).hexdigest()


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
