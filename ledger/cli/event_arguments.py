"""The options by which a command says which events it is about."""

import argparse
from datetime import datetime

from ledger.audit.filtering import Filter
from ledger.cli.argument_types import words
from ledger.readings.moments import parse_moment
from policies.rules.decisions import Effect
from policies.values.refusals import Refused

_TIME = "a time with its zone, such as 2026-11-23T12:00:00Z, or `2h ago`"


def with_choice(parser: argparse.ArgumentParser) -> None:
    """Add the options that `chosen` and `bounds` read, and `--follow`."""
    parser.add_argument("--since", metavar="TIME", help=f"from then on: {_TIME}")
    parser.add_argument("--until", metavar="TIME", help=f"up to and including then: {_TIME}")
    parser.add_argument("--agent", metavar="NAME", type=words, help="only what concerns this agent")
    parser.add_argument(
        "--server", metavar="NAME", type=words, help="only what concerns this server"
    )
    parser.add_argument(
        "--decision",
        choices=[effect.value for effect in Effect],
        help="only decisions of this effect, and what became of the calls",
    )
    parser.add_argument("--follow", action="store_true", help="go on with what happens from now on")


def chosen(arguments: argparse.Namespace, names: frozenset[str] = frozenset()) -> Filter:
    """Return which events are asked for."""
    decision = Effect(arguments.decision) if arguments.decision else None
    return Filter(arguments.agent, arguments.server, names, decision)


def bounds(arguments: argparse.Namespace, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return since when and until when events are asked for, in UTC. Raises Refused."""
    if arguments.follow and arguments.until:
        raise Refused("`--follow` has no end and `--until` is one; leave one of them out")
    since = parse_moment(arguments.since, now) if arguments.since else None
    until = parse_moment(arguments.until, now) if arguments.until else None
    return since, until
