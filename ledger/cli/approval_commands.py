"""`placet approvals`: what waits for people, and how one approval stands."""

import argparse
import asyncio
from collections.abc import Iterator

from ledger.audit.details import arguments as shown_arguments
from ledger.audit.details import rule_line
from ledger.audit.listing import approvals_page
from ledger.cli import review_commands
from ledger.cli.argument_types import positive, words
from ledger.cli.audit_commands import the_one
from ledger.lives.approvals import Approval, ApprovalStatus
from ledger.shell import AddCommand, Shell
from ledger.words.phrases import clock, named, quoted, several
from ledger.words.tabulating import labelled, machine, table
from policies.values.refusals import Refused

_OPEN = (ApprovalStatus.PENDING, ApprovalStatus.APPROVED, ApprovalStatus.DISPATCHED)


def register(add: AddCommand, shell: Shell) -> None:
    """Add `approvals list`, `approvals show` and `approvals sign-off`."""
    parser = add(
        "approvals",
        help="list and show approvals",
        description="Lists approvals and shows how one stands. Deciding is done in Slack.",
    )
    kinds = parser.add_subparsers(required=True, metavar="COMMAND")
    _register_list(kinds.add_parser, shell)
    review_commands.register(kinds.add_parser, shell)
    show = kinds.add_parser(
        "show",
        help="show how an approval stands",
        description="Shows how an approval stands; `placet audit show` tells its whole story.",
    )
    shell.with_config(show)
    show.add_argument("id", metavar="ID", help="the id of an approval or of a call that waits")
    show.add_argument("--json", action="store_true", help="one JSON object")
    show.set_defaults(run=lambda arguments: _show(arguments, shell))


def _register_list(add: AddCommand, shell: Shell) -> None:
    listing = add(
        "list",
        help="list approvals, the newest first",
        description="Lists approvals, the newest first: those that are open unless told otherwise.",
    )
    shell.with_config(listing)
    which = listing.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="the ended ones too")
    which.add_argument(
        "--after-review",
        action="store_true",
        help="those of a broken glass that nobody has signed off",
    )
    which.add_argument(
        "--status",
        action="append",
        choices=[status.value for status in ApprovalStatus],
        metavar="STATUS",
        help="only these (repeatable): " + ", ".join(status.value for status in ApprovalStatus),
    )
    listing.add_argument("--agent", metavar="NAME", type=words, help="only those of this agent")
    listing.add_argument(
        "--limit", metavar="N", type=positive, default=1000, help="at most N (default: 1000)"
    )
    listing.add_argument("--json", action="store_true", help="one JSON array")
    listing.set_defaults(run=lambda arguments: _list(arguments, shell))


def _list(arguments: argparse.Namespace, shell: Shell) -> int:
    if arguments.after_review:
        return review_commands.list_after_reviews(arguments, shell)
    statuses: tuple[ApprovalStatus, ...] = _OPEN
    if arguments.all:
        statuses = ()
    elif arguments.status:
        statuses = tuple(ApprovalStatus(status) for status in arguments.status)
    with shell.read_ledger(arguments.config) as ledger:
        approvals = asyncio.run(
            ledger.look(
                lambda connection: approvals_page(
                    connection, statuses, agent=arguments.agent, limit=arguments.limit
                )
            )
        )
    if arguments.json:
        shell.say(machine([approval.model_dump(mode="json") for approval in approvals]))
        return 0
    for line in _table(approvals) if approvals else ["no approvals are " + _words(statuses)]:
        shell.say(line)
    return 0


def _words(statuses: tuple[ApprovalStatus, ...]) -> str:
    if statuses == _OPEN:
        return "open"
    return " or ".join(statuses) if statuses else "there"


def _table(approvals: list[Approval]) -> Iterator[str]:
    titles = ("ID", "STATUS", "AGENT", "TOOL", "ASKED", "ENDS BY ITSELF", "WAITS FOR")
    rows = [
        (
            approval.id,
            str(approval.status),
            named(approval.request.agent),
            named(f"{approval.request.server}/{approval.request.tool}"),
            clock(approval.requested_at),
            clock(approval.deadline) if approval.deadline else "-",
            _waits(approval),
        )
        for approval in approvals
    ]
    return table(titles, rows)


def _waits(approval: Approval) -> str:
    if approval.status is not ApprovalStatus.PENDING:
        return "-"
    stuck = " (card undeliverable)" if approval.undeliverable else ""
    return ", ".join(_counts(approval)) + stuck


def _counts(approval: Approval) -> Iterator[str]:
    for term in approval.request.terms:
        yield f"{named(term.team)} {len(approval.yes_votes(term.team))} of {term.approvals}"


def _show(arguments: argparse.Namespace, shell: Shell) -> int:
    async def read() -> Approval:
        kinds = ("approval", "call")
        kind, name = await ledger.look(lambda found: the_one(found, arguments.id, kinds))
        if kind == "call":
            call = await ledger.call(name)
            if call is None or call.approval is None:
                raise Refused(f"call `{name}` asked for no approval; try `placet audit show`")
            name = call.approval
        approval = await ledger.approval(name)
        assert approval is not None, "it was named a moment ago, and nothing is ever deleted"
        return approval

    with shell.read_ledger(arguments.config) as ledger:
        approval = asyncio.run(read())
    if arguments.json:
        shell.say(machine(approval.model_dump(mode="json")))
        return 0
    shell.say(f"approval {approval.id}: {approval.status}")
    for label, lines in [*_asked(approval), *_stands(approval)]:
        for line in labelled(label, lines):
            shell.say(line)
    return 0


def _asked(approval: Approval) -> Iterator[tuple[str, list[str]]]:
    request = approval.request
    yield "agent", [f"{named(request.agent)} of {named(request.agent_team)}"]
    yield "owned by", [named(request.owner)]
    if request.on_behalf_of:
        yield "on behalf of", [named(request.on_behalf_of)]
    yield "tool", [named(f"{request.server}/{request.tool}")]
    yield "arguments", list(shown_arguments(request.arguments))
    if request.hidden:
        yield "hidden", [f"{request.hidden} values hidden, bound by the keyed digest"]
    yield "rules", [rule_line(rule) for rule in request.rules]
    yield "risk", [f"{request.risk}: {quoted(request.evidence)}"]
    yield "policy", [named(request.policy_digest)]
    yield "asked", [clock(approval.requested_at)]
    yield "calls", [", ".join(approval.calls)]
    yield "asks", list(_counts(approval))


def _stands(approval: Approval) -> Iterator[tuple[str, list[str]]]:
    if approval.deadline:
        yield "ends by itself", [clock(approval.deadline)]
    for known in approval.cards:
        where = f"{named(known.channel)} at {named(known.ts)}"
        yield "card", [f"{where}, revision {known.revision}, of {named(known.team)}"]
    for team, error in approval.undeliverable.items():
        yield "undeliverable", [f"to {named(team)}: {quoted(error)}"]
    yield from _decided(approval)
    if approval.dispatched_call and approval.dispatched_at:
        yield "used by", [f"{approval.dispatched_call} at {clock(approval.dispatched_at)}"]
    if approval.outcome:
        spent = f"after {approval.duration_ms} ms, {approval.size} bytes"
        yield "outcome", [f"{named(approval.outcome)} {spent}"]
    if approval.error:
        yield "error", [quoted(approval.error)]


def _decided(approval: Approval) -> Iterator[tuple[str, list[str]]]:
    for vote in approval.votes:
        word = "yes" if vote.approves else "no"
        reason = f": {quoted(vote.reason)}" if vote.reason else ""
        stead = f" for {named(vote.giver)}" if vote.giver else ""
        yield "vote", [f"{word} by {named(vote.person)}{stead} at {clock(vote.at)}{reason}"]
    if approval.refused_votes:
        yield "refused votes", [str(approval.refused_votes)]
    if approval.by:
        yield "decided by", [several(approval.by)]
    if approval.reason:
        yield "because", [quoted(approval.reason)]
    if approval.suggested:
        yield "suggested", [approval.suggested]
