"""`placet audit export`: the history for other programs, and nothing left out on the way."""

import argparse
import asyncio
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from ledger.audit.csv_rows import header, row
from ledger.audit.cursors import Cursor
from ledger.audit.exporting import Order, export
from ledger.audit.outlets import Form
from ledger.audit.stories import event_as_json
from ledger.audit.tiling import write_tiles
from ledger.audit.unbroken import Concerning, Render, Unbroken
from ledger.cli.event_arguments import bounds, chosen, with_choice
from ledger.cli.verify_commands import keys_of, with_keys
from ledger.events.envelopes import Recorded
from ledger.ocsf.ocsf import in_ocsf
from ledger.ocsf.ocsf_parts import Version
from ledger.shell import AddCommand, Shell
from ledger.words.reaching import Progress
from ledger.words.tabulating import machine
from policies.values.refusals import NotUnderstood

_OF_LINES = (
    *("output", "cursor", "follow", "ocsf_version"),
    *("since", "until", "agent", "server", "decision"),
)
"""Options of an export in lines."""


def register(add: AddCommand, shell: Shell) -> None:
    """Add `export` to the commands of `audit`."""
    exporting = add(
        "export",
        help="write the events for other programs",
        description="Writes the events in the order of their positions, one on a line, for other"
        " programs: all of them, or what is asked for.",
    )
    shell.with_config(exporting)
    exporting.add_argument(
        "--format",
        choices=["ocsf", "jsonl", "csv"],
        default="ocsf",
        help="ocsf (default): calls, approvals and grants in the Open Cybersecurity Schema"
        " Framework; jsonl: every event, as `audit log --json`; csv: every event in a row",
    )
    exporting.add_argument(
        "--ocsf-version",
        choices=[version.value for version in Version],
        help=f"default: {Version.V1_1_0.value}, which most take; 1.8.0 says more",
    )
    exporting.add_argument(
        "--output", metavar="FILE", type=Path, help="add to this file; default: standard output"
    )
    exporting.add_argument(
        "--cursor",
        metavar="FILE",
        type=Path,
        help="remember in this file how far the export came, and go on from there",
    )
    exporting.add_argument(
        "--tiles",
        metavar="DIR",
        type=Path,
        help="write what is sealed as a log of static files (C2SP tlog-tiles) into this folder",
    )
    with_keys(exporting)
    with_choice(exporting)
    exporting.set_defaults(run=lambda arguments: _export(arguments, shell))


def _export(arguments: argparse.Namespace, shell: Shell) -> int:
    if arguments.tiles is not None:
        return _tiles(arguments, shell)
    since, until = bounds(arguments, shell.now())
    form, render = _format(arguments)
    with ExitStack() as open_things:
        ledger = open_things.enter_context(shell.read_ledger(arguments.config))
        cursor = None
        if arguments.cursor is not None:
            cursor = open_things.enter_context(Cursor(arguments.cursor))
        order = Order(
            events=Unbroken(chosen(arguments), render),
            since=since,
            until=until,
            follow=arguments.follow,
            output=arguments.output,
            form=form,
            cursor=cursor,
        )
        asyncio.run(export(ledger, order))
    return 0


def _tiles(arguments: argparse.Namespace, shell: Shell) -> int:
    for name in _OF_LINES:
        if getattr(arguments, name):
            option = name.replace("_", "-")
            raise NotUnderstood(f"`--tiles` is an export of its own; leave `--{option}` out")
    keys = keys_of(arguments, shell)
    progress = Progress()
    with shell.read_ledger(arguments.config) as ledger, progress.shown():
        written = asyncio.run(
            ledger.look(lambda seen: write_tiles(seen, arguments.tiles, keys, progress))
        )
    shell.say(f"{arguments.tiles}: {written.size} events of {written.origin}")
    return 0


def _format(arguments: argparse.Namespace) -> tuple[Form, Render]:
    """Return how it begins and what makes a line of an event. Raises Refused."""
    if arguments.ocsf_version and arguments.format != "ocsf":
        raise NotUnderstood("`--ocsf-version` is for `--format ocsf`; leave one of them out")
    match arguments.format:
        case "ocsf":
            version = Version(arguments.ocsf_version or Version.V1_1_0)
            return Form('{"category_uid":'), partial(_as_ocsf, version)
        case "csv":
            return Form(header(), header()), row
        case _:
            return Form('{"position":'), _as_json


def _as_ocsf(version: Version, recorded: Recorded, concerning: Concerning) -> str | None:
    body = in_ocsf(recorded, concerning, version)
    return None if body is None else machine(body)


def _as_json(recorded: Recorded, _: Concerning) -> str:
    return machine(event_as_json(recorded))
