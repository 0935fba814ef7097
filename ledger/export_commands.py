"""`placet audit export`: the history for other programs, and nothing left out on the way."""

import argparse
import asyncio
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from ledger.csv_rows import header, row
from ledger.cursors import Cursor
from ledger.envelopes import Recorded
from ledger.event_arguments import bounds, chosen, with_choice
from ledger.exporting import Order, export
from ledger.ocsf import in_ocsf
from ledger.ocsf_parts import Version
from ledger.outlets import Form
from ledger.shell import AddCommand, Shell
from ledger.stories import event_as_json
from ledger.tabulating import machine
from ledger.unbroken import Concerning, Render, Unbroken
from policies.refusals import Refused


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
    with_choice(exporting)
    exporting.set_defaults(run=lambda arguments: _export(arguments, shell))


def _export(arguments: argparse.Namespace, shell: Shell) -> int:
    since, until = bounds(arguments, shell.now())
    form, render = _format(arguments)
    with ExitStack() as open_things:
        ledger = open_things.enter_context(shell.open_ledger(arguments.config))
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


def _format(arguments: argparse.Namespace) -> tuple[Form, Render]:
    """Return how it begins and what makes a line of an event. Raises Refused."""
    if arguments.ocsf_version and arguments.format != "ocsf":
        raise Refused("`--ocsf-version` is for `--format ocsf`; leave one of them out")
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
