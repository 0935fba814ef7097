"""`placet grant`: temporary permissions, given and ended by an operator at the shell."""

import argparse
import asyncio
import secrets
import uuid
from collections.abc import Iterator, Sequence

from ledger.cli.argument_types import duration, positive, words
from ledger.cli.audit_commands import the_one
from ledger.events.envelopes import Recorded
from ledger.events.refusals import NoteRefusal
from ledger.events.standing_events import (
    GrantIssued,
    GrantRefused,
    GrantRevoked,
)
from ledger.ledger import Ledger
from ledger.lives.grants import Grant, IssueGrant, RevokeGrant
from ledger.shell import AddCommand, Loaded, Shell
from ledger.views.barring import named_tools, refuse_barred, refuse_unread
from ledger.words.phrases import clock, named, quoted, terms_told
from ledger.words.tabulating import machine, table
from policies.configuration.declared_tools import ExternalServer
from policies.risks.risk import RiskFinding, classify
from policies.values.calls import Tool
from policies.values.matching import Glob
from policies.values.refusals import Refused


def register(add: AddCommand, shell: Shell) -> None:
    """Add `grant issue`, `grant revoke` and `grant list`."""
    parser = add(
        "grant",
        help="give, end and list temporary permissions",
        description="Gives, ends and lists temporary permissions. A grant lifts calls that need"
        " approval, within the caps of the policy; it never lifts a denial.",
    )
    kinds = parser.add_subparsers(required=True, metavar="COMMAND")
    _register_issue(kinds.add_parser, shell)
    revoke = kinds.add_parser("revoke", help="end a grant now", description="Ends a grant now.")
    shell.with_config(revoke)
    revoke.add_argument("id", metavar="ID", help="its id, or as much of it as names one only")
    revoke.add_argument("--because", metavar="TEXT", type=words, help="why; kept in the ledger")
    revoke.add_argument("--json", action="store_true", help="one JSON object")
    revoke.set_defaults(run=lambda arguments: _revoke(arguments, shell))
    listing = kinds.add_parser(
        "list", help="list the grants in force", description="Lists the grants in force."
    )
    shell.with_config(listing)
    listing.add_argument("--all", action="store_true", help="the ended ones too")
    listing.add_argument("--json", action="store_true", help="one JSON array")
    listing.set_defaults(run=lambda arguments: _list(arguments, shell))


def _register_issue(add: AddCommand, shell: Shell) -> None:
    issue = add(
        "issue",
        help="give an agent some tools for some time",
        description="Lets an agent call some tools for some time without asking each time.",
        epilog="Example: placet grant issue ci-bot 'files/write_*' --for 1h --because migration",
    )
    shell.with_config(issue)
    issue.add_argument("agent", metavar="AGENT", type=words, help="the agent's name")
    issue.add_argument(
        "target",
        metavar="SERVER/TOOL",
        type=words,
        help="which tools; `*` and `?` stand for others",
    )
    issue.add_argument(
        "--for",
        dest="lasting",
        metavar="DURATION",
        type=duration,
        required=True,
        help="how long, such as 30m, 8h or 1h30m; the policy's `grants.longest` is the cap",
    )
    issue.add_argument("--uses", metavar="N", type=positive, help="for how many calls at most")
    issue.add_argument(
        "--when",
        metavar="CEL",
        type=words,
        help="only for calls of which this holds, such as 'args.path.startsWith(\"docs/\")'",
    )
    issue.add_argument(
        "--sum", metavar="CEL", type=words, help="what to add up over its calls: 'args.amount'"
    )
    issue.add_argument(
        "--at-most", metavar="N", type=words, help="what that may come to in all, such as 500"
    )
    issue.add_argument("--because", metavar="TEXT", type=words, help="why; kept in the ledger")
    issue.add_argument("--json", action="store_true", help="one JSON object")
    issue.set_defaults(run=lambda arguments: _issue(arguments, shell))


def _issue(arguments: argparse.Namespace, shell: Shell) -> int:
    loaded = shell.load(arguments.config)
    policy = loaded.policy
    command = IssueGrant(
        id=f"shell:{uuid.uuid4()}",
        actor=shell.actor,
        grant=f"grt_{secrets.token_hex(6)}",
        agent=arguments.agent,
        target=arguments.target,
        lasting=arguments.lasting,
        uses=arguments.uses,
        reason=arguments.because or None,
        longest=policy.grants.longest,
        when=arguments.when,
        sum=arguments.sum,
        at_most=arguments.at_most,
        redacted=policy.redact,
    )
    with shell.open_ledger(arguments.config) as ledger:
        given, notes = asyncio.run(_given(ledger, command, loaded))
        recorded = _agreed(given)
    issued = recorded.event
    assert isinstance(issued, GrantIssued), "it is that or a refusal"
    if arguments.json:
        shell.say(machine(issued.model_dump(mode="json")))
        return 0
    uses = "" if issued.uses is None else f", for {issued.uses} calls at most"
    shell.say(
        f"{issued.grant}: {named(issued.agent)} may use {named(issued.target)}"
        f" until {clock(issued.until)}{uses}{terms_told(issued)}"
    )
    for note in notes:
        shell.say(f"note: {note}")
    return 0


async def _given(
    ledger: Ledger, command: IssueGrant, loaded: Loaded
) -> tuple[Sequence[Recorded], list[str]]:
    """Give the grant, and say what of it lifts nothing.

    Raises Refused, recorded, where nothing of it would.
    """
    servers, risks = loaded.configuration.servers, loaded.policy.risks

    def weigh(tool: Tool) -> RiskFinding:
        trusted = tool.server in servers and servers[tool.server].trusted
        return classify(tool, trusted=trusted, overrides=risks)

    directory = loaded.configuration.directory()
    try:
        barred = await refuse_barred(ledger, directory, command.agent, command.target, weigh)
        await refuse_unread(
            ledger, directory, command.target, when=command.when, summed=command.sum
        )
    except Refused as refused:
        await ledger.execute(
            NoteRefusal(
                id=f"{command.id}:refused",
                actor=command.actor,
                person=directory.person_behind(command.actor),
                asked="grant issue",
                message=str(refused),
            )
        )
        raise
    notes = []
    if not await _tool_named(ledger, command.target, loaded):
        notes.append(
            f"no server lists a tool that {named(command.target)} names; `placet tools list` has"
            " those that are listed"
        )
    if barred.tools:
        notes.append(f"no grant lifts calls of {barred.named}: these go on asking")
    return await ledger.execute(command), notes


async def _tool_named(ledger: Ledger, target: str, loaded: Loaded) -> bool:
    """Tell whether a target names a tool that a server lists now, or that is declared."""
    server, _, tool = target.partition("/")
    external = any(
        Glob(server).matches(name) and any(Glob(tool).matches(each) for each in section.declared)
        for name, section in loaded.configuration.servers.items()
        if isinstance(section, ExternalServer)
    )
    return external or bool(await named_tools(ledger, loaded.configuration.directory(), target))


def _revoke(arguments: argparse.Namespace, shell: Shell) -> int:
    with shell.open_ledger(arguments.config) as ledger:
        _, name = asyncio.run(
            ledger.look(lambda connection: the_one(connection, arguments.id, ("grant",)))
        )
        command = RevokeGrant(
            id=f"shell:{uuid.uuid4()}",
            actor=shell.actor,
            grant=name,
            reason=arguments.because or None,
        )
        revoked = _agreed(asyncio.run(ledger.execute(command))).event
    assert isinstance(revoked, GrantRevoked), "it is that or a refusal"
    if arguments.json:
        shell.say(machine(revoked.model_dump(mode="json")))
    else:
        shell.say(f"{revoked.grant}: revoked; no call runs under it any more")
    return 0


def _agreed(recorded: Sequence[Recorded]) -> Recorded:
    """Return the one event of a command. Raises Refused where it is a refusal."""
    (only,) = recorded
    if isinstance(only.event, GrantRefused):
        raise Refused(only.event.message)
    return only


def _list(arguments: argparse.Namespace, shell: Shell) -> int:
    with shell.read_ledger(arguments.config) as ledger:
        grants = asyncio.run(ledger.grants(live=not arguments.all))
    if arguments.json:
        shell.say(machine([grant.model_dump(mode="json") for grant in grants]))
        return 0
    nothing = "there are no grants" if arguments.all else "no grants are in force"
    for line in _table(grants) if grants else [nothing]:
        shell.say(line)
    return 0


def _table(grants: Sequence[Grant]) -> Iterator[str]:
    titles = ("ID", "STATUS", "AGENT", "TARGET", "UNTIL", "USED", "BY", "BECAUSE", "TERMS")
    rows = [
        (
            grant.id,
            str(grant.status),
            named(grant.agent),
            named(grant.target) + (f" exactly as {grant.given_with}" if grant.digest else ""),
            clock(grant.until),
            _used(grant),
            named(grant.by),
            quoted(grant.reason, 80) if grant.reason else "-",
            terms_told(grant).removeprefix(", ") or "-",
        )
        for grant in grants
    ]
    return table(titles, rows)


def _used(grant: Grant) -> str:
    summed = "" if grant.at_most is None else f", {grant.taken} of {grant.at_most}"
    return f"{grant.used} of {grant.uses or 'any'}{summed}"
