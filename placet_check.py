"""Says everything that is wrong with the configuration and the policy it names."""

import argparse
import sys
from collections.abc import Iterator, Sized
from dataclasses import replace
from pathlib import Path

from gateway.files.seen_tools import tools_in_ledger
from ledger.shell import AddCommand, Loaded, Misconfigured, Shell
from placet_settings import Unsafe, load_to_serve
from policies.checking.argument_checks import argument_problems
from policies.configuration.configuration import Configuration
from policies.values.inert import inert
from policies.values.problems import Problem
from policies.values.refusals import Refused


def register(add: AddCommand, shell: Shell) -> None:
    """Add `placet check`."""
    parser = add(
        "check",
        help="say everything that is wrong with placet.yaml and its policy",
        description="Read placet.yaml and the policy it names, and print every error of both, "
        "each with file, line and what to do; conditions also against the tools that the ledger "
        "saw. Exits 1 where there is one.",
    )
    shell.with_config(parser)
    accept_unsafe(parser)
    parser.set_defaults(run=lambda arguments: _check(arguments, shell))


def accept_unsafe(parser: argparse.ArgumentParser) -> None:
    """Add the two options by which an operator takes a risk in so many words."""
    parser.add_argument(
        "--unsafe-no-auth",
        action="store_true",
        help="let callers without a key in from other machines",
    )
    parser.add_argument(
        "--unsafe-local-approvers",
        action="store_true",
        help="let everybody with a shell on this machine approve (slack mode local)",
    )


def unsafe(arguments: argparse.Namespace) -> Unsafe:
    """Return what the operator accepted."""
    return Unsafe(arguments.unsafe_no_auth, arguments.unsafe_local_approvers)


def observing(configuration: Configuration) -> list[str]:
    """Say of each server that only observes that nothing is blocked there."""
    return [
        f"server `{name}` only observes: calls to it are decided and recorded, and none is blocked"
        for name in configuration.observing
    ]


def _check(arguments: argparse.Namespace, shell: Shell) -> int:
    accepted = unsafe(arguments)
    try:
        loaded = load_to_serve(arguments.config, unsafe=replace(accepted, local_approvers=True))
    except Misconfigured as wrong:
        print(wrong, file=sys.stderr)
        return 1
    configuration, policy = loaded.configuration, loaded.policy
    problems = _against_tools(loaded, arguments.config, shell)
    if problems:
        print(inert("\n".join(map(str, problems)), multiline=True), file=sys.stderr)
        return 1
    shell.say(
        f"{arguments.config}: ok, {_number(configuration.servers, 'server')}, "
        f"{_number(configuration.agents, 'agent')}, {_number(configuration.teams, 'team')}"
    )
    rules = _number(policy.rules, "rule")
    shell.say(f"{policy.file}: ok, {rules}, default {policy.default}")
    for warning in (*observing(configuration), *_local(configuration, accepted)):
        shell.say(f"{arguments.config}: warning: {warning}")
    return 0


def _number(of: Sized, noun: str) -> str:
    return f"{len(of)} {noun}{'' if len(of) == 1 else 's'}"


def _against_tools(loaded: Loaded, config: Path, shell: Shell) -> list[Problem]:
    """Return what conditions read that no tool has which the ledger knows."""
    try:
        tools = tools_in_ledger(loaded.configuration, config, shell)
    except Refused as refused:
        shell.say(f"note: the ledger cannot be read, so its tools are not known: {refused}")
        return []
    return argument_problems(loaded.policy, tools)


def _local(configuration: Configuration, accepted: Unsafe) -> Iterator[str]:
    """Warn of the local workspace beside real servers, which `placet serve` has to be told of."""
    local = configuration.slack.mode == "local" and bool(configuration.servers)
    if local and not accepted.local_approvers:
        yield (
            "anybody with a shell on this machine could approve calls to your servers in mode "
            "local; `placet serve` needs --unsafe-local-approvers for that"
        )
