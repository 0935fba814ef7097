"""`placet library`: the ready policies that come with Placet, and their tests."""

import argparse
from pathlib import Path

import policies
from ledger.shell import AddCommand, Shell
from policies.values.refusals import Refused

LIBRARY = Path(policies.__file__).parent / "library"
"""Where the ready policies are, each with its tests beside it."""

_TESTS = ".test"


def register(add: AddCommand, shell: Shell) -> None:
    """Add `library` to the command line."""
    parser = add(
        "library",
        help="print a ready policy for a much-used server",
        description="Prints a ready policy, to be kept beside the own one and included for a"
        " server; without a name, tells which there are.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="the policy")
    parser.add_argument("--tests", action="store_true", help="print its tests instead")
    parser.set_defaults(run=lambda arguments: _library(arguments, shell))


def _library(arguments: argparse.Namespace, shell: Shell) -> int:
    known = sorted(path.stem for path in LIBRARY.glob("*.yaml") if _TESTS not in path.name)
    if arguments.name is None:
        for name in known:
            shell.say(name)
        return 0
    if arguments.name not in known:
        listed = ", ".join(known)
        raise Refused(f"there is no ready policy `{arguments.name}`; there are: {listed}")
    ending = f"{_TESTS}.yaml" if arguments.tests else ".yaml"
    for line in (LIBRARY / f"{arguments.name}{ending}").read_text("utf-8").splitlines():
        shell.say(line)
    return 0
