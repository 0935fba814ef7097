"""`placet agent list`: who may call, since when, with keys of which age."""

import argparse
import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from ledger.clock import moment
from ledger.events.standing_events import AgentRevoked
from ledger.ledger import Ledger
from ledger.lives.agents import LedgerAgent
from ledger.shell import AddCommand, Shell
from ledger.storage.tables import PROJECTIONS
from ledger.words.phrases import clock, named
from ledger.words.tabulating import machine, table
from policies.configuration.configuration import Configuration
from policies.configuration.settings import AgentSection


@dataclass(frozen=True, kw_only=True)
class _Described:
    """An agent in words; times are UTC, None is what nobody knows."""

    name: str
    status: str
    origin: str
    team: str
    owner: str
    on_behalf_of: str | None = None
    known_by: str = "key"
    added_at: datetime | None = None
    key_since: datetime | None = None
    previous_key_until: datetime | None = None
    revoked_at: datetime | None = None
    last_call_at: datetime | None = None

    def told(self) -> dict[str, str | None]:
        """Return it with its times written out."""
        return {
            {"origin": "from"}.get(name, name): clock(value)
            if isinstance(value, datetime)
            else value
            for name, value in asdict(self).items()
        }


def register_list(add: AddCommand, shell: Shell) -> None:
    """Add `agent list`."""
    listing = add("list", help="list the agents", description="Lists the agents.")
    shell.with_config(listing)
    listing.add_argument("--json", action="store_true", help="one JSON array")
    listing.set_defaults(run=lambda arguments: _list(arguments, shell))


def _list(arguments: argparse.Namespace, shell: Shell) -> int:
    configuration = shell.load(arguments.config).configuration
    with shell.read_ledger(arguments.config) as ledger:
        agents = asyncio.run(_described(configuration, ledger, shell.now()))
    if arguments.json:
        shell.say(machine([agent.told() for agent in agents]))
        return 0
    titles = ("NAME", "STATUS", "FROM", "TEAM", "OWNER", "ON BEHALF OF", "KEY SINCE", "LAST CALL")
    for line in table(titles, [_row(agent) for agent in agents]):
        shell.say(line)
    for agent in agents:
        if agent.previous_key_until is not None:
            until = clock(agent.previous_key_until)
            shell.say(f"the key that {named(agent.name)} had before is good until {until}")
    return 0


def _row(agent: _Described) -> list[str]:
    texts = (agent.name, agent.status, agent.origin, agent.team, agent.owner)
    times = (agent.key_since, agent.last_call_at)
    return [
        *(named(text) for text in texts),
        named(agent.on_behalf_of) if agent.on_behalf_of else "-",
        *(at.strftime("%Y-%m-%d %H:%M:%SZ") if at else "-" for at in times),
    ]


async def _described(
    configuration: Configuration, ledger: Ledger, at: datetime
) -> list[_Described]:
    called = await ledger.look(_last_calls)
    known = await ledger.agents()
    revoked = {agent.id: await _revoked_at(ledger, agent) for agent in known if not agent.open}
    found = [
        *_configured(configuration, called),
        *_of_ledger(configuration, known, called, revoked, at),
    ]
    return sorted(found, key=lambda agent: agent.name)


def _configured(
    configuration: Configuration, called: Mapping[str, datetime]
) -> Iterator[_Described]:
    for name, agent in configuration.agents.items():
        yield _Described(
            name=name,
            status="live",
            origin="configuration",
            team=agent.team,
            owner=agent.owner,
            on_behalf_of=agent.on_behalf_of,
            known_by=" and ".join(_known_by(agent)),
            last_call_at=called.get(name),
        )


def _known_by(agent: AgentSection) -> Iterator[str]:
    if agent.hashed_key is not None:
        yield "key"
    if agent.client_id:
        yield "token"
    if agent.anonymous:
        yield "nothing"


def _of_ledger(
    configuration: Configuration,
    known: list[LedgerAgent],
    called: Mapping[str, datetime],
    revoked: Mapping[str, datetime | None],
    at: datetime,
) -> Iterator[_Described]:
    for agent in known:
        twice = agent.open and agent.id in configuration.agents
        replaced = agent.replaced if agent.open else None
        yield _Described(
            name=agent.id,
            status=f"{agent.status}{'; the configuration has it too' if twice else ''}",
            origin="ledger",
            team=agent.team,
            owner=agent.owner,
            added_at=agent.added_at,
            key_since=agent.rotated_at or agent.added_at,
            previous_key_until=replaced.until if replaced and at < replaced.until else None,
            revoked_at=revoked.get(agent.id),
            last_call_at=called.get(agent.id),
        )


async def _revoked_at(ledger: Ledger, agent: LedgerAgent) -> datetime | None:
    story = await ledger.events(stream=f"agent-{agent.id}")
    return next((told.at for told in story if isinstance(told.event, AgentRevoked)), None)


def _last_calls(connection: Connection) -> dict[str, datetime]:
    """Return when each agent called last, allowed or not."""
    table_of_calls = PROJECTIONS["call"]
    last = func.max(table_of_calls.c.decided_at)
    query = select(table_of_calls.c.agent, last).group_by(table_of_calls.c.agent)
    return {name: moment(at) for name, at in connection.execute(query)}
