"""`placet audit replay`: what was so at a moment, folded from the first event on."""

import argparse
import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import Connection

from ledger.cli.argument_types import position
from ledger.readings.moments import head, parse_moment, position_before
from ledger.replaying.replay import Replayed, at_position, replay
from ledger.shell import AddCommand, Shell
from ledger.words.phrases import clock, named
from ledger.words.reaching import Progress
from ledger.words.tabulating import machine, table
from policies.values.refusals import Refused


def register(add: AddCommand, shell: Shell) -> None:
    """Add `replay` to the commands of `audit`."""
    replaying = add(
        "replay",
        help="rebuild the state of a moment from the first event on",
        description="Rebuilds the state of a moment from the first event on, checking each"
        " event's leaf hash, and prints approvals, grants, agents and the policy in force.",
    )
    shell.with_config(replaying)
    when = replaying.add_mutually_exclusive_group()
    when.add_argument(
        "--as-of",
        metavar="TIME",
        help="a time with its zone, such as 2026-11-23T12:00:00Z, or `2h ago`; default: now",
    )
    when.add_argument("--position", metavar="N", type=position, help="after this event")
    replaying.add_argument(
        "--policy-text", action="store_true", help="print the text of the policy too"
    )
    replaying.add_argument("--json", action="store_true", help="one JSON object")
    replaying.set_defaults(run=lambda arguments: _replay(arguments, shell))


def _replay(arguments: argparse.Namespace, shell: Shell) -> int:
    now = shell.now()
    wanted = parse_moment(arguments.as_of, now) if arguments.as_of else None
    progress = Progress()

    def work(connection: Connection) -> tuple[Replayed, datetime | None]:
        last = head(connection)
        if wanted is not None:
            last = position_before(connection, wanted, including=True)
        if arguments.position is not None:
            last = _known(arguments.position, last)
        by_time = arguments.position is None
        moment = (wanted or now) if by_time else at_position(connection, last)
        return replay(connection, last, progress), moment

    with shell.read_ledger(arguments.config) as ledger, progress.shown():
        replayed, moment = asyncio.run(ledger.look(work))
    if arguments.json:
        shell.say(machine(_as_json(replayed, moment)))
    else:
        for line in _as_text(replayed, moment, with_policy=arguments.policy_text):
            shell.say(line)
    return 1 if replayed.flaws.count else 0


def _known(position: int, last: int) -> int:
    if position > last:
        raise Refused(f"the ledger ends at position {last}; name one up to that")
    return position


def _as_text(replayed: Replayed, moment: datetime | None, *, with_policy: bool) -> Iterator[str]:
    of = f"position {replayed.position} of {replayed.head}"
    yield f"as of {clock(moment)}: {of}" if moment else of
    if replayed.at:
        yield f"last event at {clock(replayed.at)}"
    yield ""
    yield from _policy(replayed, with_text=with_policy)
    yield ""
    yield from _approvals(replayed, moment)
    yield ""
    yield from _grants(replayed, moment)
    yield ""
    yield from _agents(replayed)
    yield ""
    yield from _proof(replayed)


def _policy(replayed: Replayed, *, with_text: bool) -> Iterator[str]:
    policy = replayed.policy
    if policy is None:
        yield "no policy was in force"
        return
    yield f"policy {named(policy.digest)} of {named(policy.source)}"
    yield f"in force since {clock(policy.since)}"
    if with_text:
        yield ""
        yield from (f"  | {line}" for line in policy.text.splitlines())


def _approvals(replayed: Replayed, moment: datetime | None) -> Iterator[str]:
    counts = ", ".join(f"{count} {status}" for status, count in replayed.statuses.items())
    yield f"approvals: {counts or 'none'}"
    if replayed.approvals:
        titles = ("ID", "STATUS", "AGENT", "TOOL", "ASKED", "ENDS BY ITSELF")
        rows = [
            (
                approval.id,
                str(approval.status),
                named(approval.request.agent),
                named(f"{approval.request.server}/{approval.request.tool}"),
                clock(approval.requested_at),
                _deadline(approval.deadline, moment),
            )
            for approval in replayed.approvals
        ]
        yield from (f"  {line}" for line in table(titles, rows))


def _grants(replayed: Replayed, moment: datetime | None) -> Iterator[str]:
    yield f"grants in force: {len(replayed.grants) or 'none'}"
    if replayed.grants:
        titles = ("ID", "AGENT", "TARGET", "USED", "BY", "UNTIL")
        rows = [
            (
                grant.id,
                named(grant.agent),
                named(grant.target),
                f"{grant.used} of {grant.uses or 'any'}",
                named(grant.by),
                _deadline(grant.until, moment),
            )
            for grant in replayed.grants
        ]
        yield from (f"  {line}" for line in table(titles, rows))


def _deadline(deadline: datetime | None, moment: datetime | None) -> str:
    if deadline is None:
        return "-"
    over = moment is not None and moment >= deadline
    return clock(deadline) + (" (over, its end was not recorded yet)" if over else "")


def _agents(replayed: Replayed) -> Iterator[str]:
    yield f"agents of the ledger: {len(replayed.agents) or 'none'}"
    if replayed.agents:
        titles = ("NAME", "STATUS", "TEAM", "OWNER")
        rows = [
            (named(agent.id), str(agent.status), named(agent.team), named(agent.owner))
            for agent in replayed.agents
        ]
        yield from (f"  {line}" for line in table(titles, rows))


def _proof(replayed: Replayed) -> Iterator[str]:
    flaws = replayed.flaws
    if not flaws.count:
        yield f"{replayed.position} events read: no position is missing, every leaf hash is right"
        return
    yield f"{flaws.count} flaw{'' if flaws.count == 1 else 's'} in the history:"
    for flaw in flaws.first:
        yield f"  position {flaw.position}: {flaw.what}"
    if flaws.count > len(flaws.first):
        yield f"  and {flaws.count - len(flaws.first)} more"


def _as_json(replayed: Replayed, moment: datetime | None) -> Mapping[str, object]:
    policy = replayed.policy
    return {
        "as_of": clock(moment) if moment else None,
        "position": replayed.position,
        "at": clock(replayed.at) if replayed.at else None,
        "head": replayed.head,
        "policy": policy.model_dump(mode="json") if policy else None,
        "approvals": [approval.model_dump(mode="json") for approval in replayed.approvals],
        "approvals_by_status": dict(replayed.statuses),
        "grants": [grant.model_dump(mode="json") for grant in replayed.grants],
        "agents": [agent.model_dump(mode="json") for agent in replayed.agents],
        "flaws": [{"position": flaw.position, "what": flaw.what} for flaw in replayed.flaws.first],
        "flaws_in_all": replayed.flaws.count,
    }
