"""`placet test`: whether a policy comes to the decisions that its tests expect."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from gateway.policy_commands.trial_reading import ENDING, TrialReader
from gateway.policy_commands.trial_words import as_json, as_text
from ledger.shell import AddCommand, Loaded, Misconfigured, Shell
from ledger.words.tabulating import machine
from policies.trials.trial_results import coverage, tried

_CONFIG = Path("placet.yaml")


def register(add: AddCommand, shell: Shell) -> None:
    """Add `test` to the command line."""
    parser = add(
        "test",
        help="try a policy on calls with expected decisions",
        description="Decides the calls that files of tests describe, by the functions that decide"
        " real ones, and tells each decision that is not as expected, with the rules that spoke."
        " Exits with 1 where there is one. Nothing is sent or recorded.",
    )
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="files of tests, or folders whose *.test.yaml are (default: the one beside the"
        " policy, policy.test.yaml for policy.yaml)",
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="try this policy, whatever the files name"
    )
    parser.add_argument(
        "--require-coverage",
        action="store_true",
        help="exit with 1 where a rule covered no call of any test",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    shell.with_config(parser)
    parser.set_defaults(run=lambda arguments: _test(arguments, shell))


def _test(arguments: argparse.Namespace, shell: Shell) -> int:
    loaded = _loaded(arguments.config, shell)
    files = _files(arguments.files, arguments.policy, loaded)
    suites = TrialReader(arguments.policy, loaded).suites(files)
    results = [result for suite in suites for result in tried(suite.trials, suite.ground)]
    covered = coverage((suite.ground.policy for suite in suites), results)
    if arguments.json:
        shell.say(machine(as_json(results, covered)))
    else:
        for line in as_text(results, covered):
            shell.say(line)
    different = any(result.differences for result in results)
    lacking = arguments.require_coverage and any(each.untried for each in covered)
    return 1 if different or lacking else 0


def _loaded(path: Path, shell: Shell) -> Loaded | None:
    """Return the configuration; None where nobody named one and there is none here."""
    return shell.load(path) if path != _CONFIG or path.exists() else None


def _files(named: Sequence[Path], policy: Path | None, loaded: Loaded | None) -> list[Path]:
    """Return the files of tests. Raises Misconfigured where there are none."""
    if named:
        files = [found for path in named for found in _inside(path)]
    elif policy is not None:
        files = [_beside(policy)]
    elif loaded is not None:
        files = [_beside(Path(loaded.policy.file))]
    else:
        raise Misconfigured("there is no `placet.yaml` here; name files of tests")
    return files


def _beside(policy: Path) -> Path:
    path = policy.with_name(policy.stem + ENDING)
    if not path.exists():
        raise Misconfigured(f"there is no file `{path}`; write one, or name files of tests")
    return path


def _inside(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob(f"*{ENDING}"))
    if not found:
        raise Misconfigured(f"there is no file `*{ENDING}` in the folder `{path}`")
    return found
