"""`placet simulate`: what a candidate policy would have said of the ledger's calls."""

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from gateway.files.policy_files import read_policy
from gateway.files.seen_tools import listed_tools
from gateway.policy_commands.simulation_words import Simulating, as_json, as_text
from ledger.audit.past_calls import definitions_before, grants_before, page
from ledger.audit.past_grants import PastGrants
from ledger.audit.rehearsing import Rehearsal
from ledger.cli.argument_types import words
from ledger.ledger import Ledger
from ledger.readings.moments import head, parse_moment, position_before
from ledger.shell import AddCommand, Loaded, Misconfigured, Shell
from ledger.words.reaching import Progress
from ledger.words.tabulating import machine
from policies.checking.argument_checks import argument_problems
from policies.past.past_calls import PastCall
from policies.past.simulating import Simulation
from policies.past.simulation_tally import Tally
from policies.rules.policy import Policy
from policies.values.problems import InvalidDocument, Problem
from policies.yaml.validation import choice, suggestion

_SELDOM = 100_000
"""Objects more than were let go of, after which the collector looks for what is left behind."""


def register(add: AddCommand, shell: Shell) -> None:
    """Add `simulate` to the command line."""
    parser = add(
        "simulate",
        help="say what a candidate policy would have decided otherwise",
        description="Asks a candidate policy about the calls that the ledger keeps, with the tools,"
        " agents and grants of then, and tells those that it would decide otherwise. Nothing is"
        " sent or recorded, and a service may go on beside it.",
    )
    parser.add_argument("--policy", type=Path, required=True, metavar="FILE", help="the candidate")
    for name, which in (("since", "calls from this time on"), ("until", "calls before this time")):
        parser.add_argument(
            f"--{name}", type=words, metavar="TIME", help=f"{which}: ISO 8601, or like `30d ago`"
        )
    parser.add_argument("--agent", metavar="NAME", help="calls of this agent only")
    parser.add_argument("--server", metavar="NAME", help="calls to this server only")
    parser.add_argument(
        "--fail-on-change",
        action="store_true",
        help="exit with 1 where a call would, or may, be decided otherwise",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    shell.with_config(parser)
    parser.set_defaults(run=lambda arguments: _simulate(arguments, shell))


@dataclass(frozen=True)
class _Span:
    """The calls that are asked about: behind position `after`, up to `last`.

    Those before `since` only count for limits, as far back as these look.
    """

    after: int
    last: int
    since: datetime | None
    agent: str | None
    server: str | None

    def has(self, call: PastCall) -> bool:
        if self.since is not None and call.at < self.since:
            return False
        return self.agent in (None, call.agent) and self.server in (None, call.server)


def _simulate(arguments: argparse.Namespace, shell: Shell) -> int:
    loaded = shell.load(arguments.config)
    policy = _candidate(arguments.policy)
    progress = Progress()
    began = time.monotonic()
    with shell.read_ledger(arguments.config) as ledger, progress.shown():
        span = asyncio.run(_span(arguments, policy, ledger, shell.now()))
        with _unswept():
            tally, notes = asyncio.run(_asked(ledger, loaded, policy, span, progress))
    seconds = time.monotonic() - began
    for note in notes:
        sys.stderr.write(f"note: {note}\n")
    rate = tally.calls / max(seconds, 0.001)
    sys.stderr.write(f"{tally.calls} calls in {seconds:.1f} s, {rate:.0f} a second\n")
    told = Simulating(policy, tally, arguments.since, arguments.until)
    if arguments.json:
        shell.say(machine(as_json(told)))
    else:
        for line in as_text(told):
            shell.say(line)
    return 1 if arguments.fail_on_change and (tally.changes or tally.may_change) else 0


@contextmanager
def _unswept() -> Iterator[None]:
    """Keep Python's collector from looking through what is there again and again."""
    often = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*often)
        gc.unfreeze()


def _candidate(path: Path) -> Policy:
    try:
        return read_policy(path)
    except InvalidDocument as invalid:
        raise Misconfigured(str(invalid)) from invalid


async def _span(
    arguments: argparse.Namespace, policy: Policy, ledger: Ledger, now: datetime
) -> _Span:
    since = parse_moment(arguments.since, now) if arguments.since else None
    until = parse_moment(arguments.until, now) if arguments.until else None
    window = max((limit.within for limit in policy.limits), default=timedelta(0))
    after, last = await ledger.look(
        lambda seen: (
            position_before(seen, since - window, including=False) if since else 0,
            position_before(seen, until, including=False) if until else head(seen),
        )
    )
    return _Span(after, last, since, arguments.agent, arguments.server)


async def _asked(
    ledger: Ledger, loaded: Loaded, policy: Policy, span: _Span, progress: Progress
) -> tuple[Tally, list[str]]:
    """Ask about every call in turn; the ledger is read a page at a time, never held."""
    configuration = loaded.configuration
    directory = configuration.directory()
    trusted = frozenset(name for name, each in configuration.servers.items() if each.trusted)
    definitions = await ledger.look(lambda seen: definitions_before(seen, span.last))
    before = await ledger.look(lambda seen: grants_before(seen, span.after))
    simulation = Simulation(policy, directory, trusted, definitions)
    rehearsal, tally = Rehearsal(simulation, PastGrants(directory, before)), Tally()
    done = span.after
    while done < span.last:
        read = await ledger.look(partial(page, after=done, until=span.last))
        for fact in read.facts:
            simulated = rehearsal.take(fact)
            if simulated is not None and span.has(simulated.call):
                tally.take(simulated)
        done = read.last
        progress(done - span.after, span.last - span.after)
    wrong = argument_problems(policy, await listed_tools(ledger, tuple(configuration.servers)))
    return tally, [*map(_refused, wrong), *_unknown(span, simulation)]


def _refused(problem: Problem) -> str:
    return f"{problem} (such a policy is not taken over)"


def _unknown(span: _Span, simulation: Simulation) -> Iterator[str]:
    """Say of which agent or server that was named there is no call, and of which there are."""
    for kind, name, known in (
        ("agent", span.agent, simulation.callers()),
        ("server", span.server, simulation.servers()),
    ):
        if name is not None and name not in known:
            advice = suggestion(name, known, choice(known)) if known else "there are no calls"
            yield f"no call with {kind} `{name}` is kept from that time; {advice}"
