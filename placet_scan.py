"""`placet scan`: what servers offer, how risky that is, and what is wrong with it."""

import argparse
import asyncio
import logging
import shutil
import sys
from pathlib import Path

from gateway.scan.scan_files import refuse_to_overwrite, write
from gateway.scan.scan_options import describe, named_targets
from gateway.scan.scan_words import as_text
from gateway.scan.scanning import Looked, look_at
from ledger.shell import AddCommand, Misconfigured, Shell
from ledger.words.reaching import Interrupted
from ledger.words.tabulating import machine
from placet_environment import SETTINGS
from placet_logging import log_to_stderr
from policies.scans.scan_findings import findings
from policies.scans.scan_reports import Change, as_json, changes_since, read_scan
from policies.scans.scanned import GRAVITY, Finding, Severity
from policies.scans.starter import starter
from policies.values.inert import inert
from policies.values.refusals import Refused

_WIDE = 120
"""Columns where nobody looks on."""


def register(add: AddCommand, shell: Shell) -> None:
    """Add `placet scan`."""
    parser = add(
        "scan",
        help="list the tools of servers with their risk, and what is wrong with them",
        description="Connects to MCP servers, lists their tools with the risk of each and the "
        "evidence for it, and says what is wrong: hidden characters, instructions aimed at the "
        "model, tools that can be taken for others, secrets, tools that can do anything. Calls no "
        "tool. Exits with 1 where a server cannot be scanned, and as --fail-on says.",
    )
    describe(parser, shell)
    parser.add_argument(
        "--verbose", action="store_true", help="show what started servers write to standard error"
    )
    parser.set_defaults(run=lambda arguments: _scan(arguments, shell))


def _scan(arguments: argparse.Namespace, shell: Shell) -> int:
    _log(verbose=arguments.verbose)
    if arguments.write is not None and not arguments.force:
        refuse_to_overwrite(arguments.write)
    earlier = None if arguments.diff is None else read_scan(_read(arguments.diff))
    targets, loaded = named_targets(arguments, SETTINGS, shell, _tell)
    overrides = () if loaded is None else loaded.policy.risks
    try:
        looked = asyncio.run(look_at(targets, overrides, arguments.timeout, _tell))
    except KeyboardInterrupt:
        raise Interrupted("stopped before all servers were scanned; nothing was written") from None
    servers = [each.server for each in looked]
    found = findings(servers)
    changes = None if earlier is None else changes_since(earlier, servers)
    if arguments.json:
        shell.say(machine(as_json(servers, found, changes or ())))
    else:
        for line in as_text(servers, found, changes, _width()):
            shell.say(line)
    if arguments.write is not None:
        _write(arguments, looked, found)
    grave = _grave(arguments.fail_on, found, changes or ())
    return 1 if grave or any(server.failure for server in servers) else 0


def _write(arguments: argparse.Namespace, looked: list[Looked], found: list[Finding]) -> None:
    """Write the starter files, and say on standard error what comes next."""
    sections = {each.server.name: each.section for each in looked if each.section is not None}
    if not sections:
        message = "servers of `placet.yaml` have their configuration already"
        raise Refused(f"{message}; --write is for addresses, commands and --mcp-servers")
    if all(each.server.failure for each in looked):
        raise Refused("no server could be scanned, so there is nothing to write")
    if not any(each.server.tools for each in looked):
        raise Refused("no server lists a tool, so there is nothing to write")
    text = starter([each.server for each in looked], sections, found)
    for line in write(arguments.write, text, force=arguments.force):
        _print(line)


def _grave(least: Severity | None, found: list[Finding], changes: list[Change] | tuple[()]) -> bool:
    told = [*found, *(change.finding for change in changes)]
    return least is not None and any(GRAVITY[each.severity] >= GRAVITY[least] for each in told)


def _tell(progress: str) -> None:
    _print(f"scan: {progress}")


def _print(line: str) -> None:
    print(inert(line), file=sys.stderr, flush=True)


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDE


def _log(*, verbose: bool) -> None:
    """Show what servers log, or nothing: what matters of it is in what a scan says."""
    if verbose:
        log_to_stderr(logging.INFO, machines=False)
    else:
        logging.getLogger("gateway").addHandler(logging.NullHandler())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as flaw:
        wrong = f"the earlier scan `{path}` cannot be read: {flaw.strerror}"
        raise Misconfigured(f"{wrong}; write one with `placet scan --json`") from flaw
