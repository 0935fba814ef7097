"""Runs the official conformance suite against a server, and reads what it found."""

import json
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

SUITE = (
    Path(__file__).resolve().parent.parent
    / "node/node_modules/@modelcontextprotocol/conformance/dist/index.js"
)
LEGS: dict[tuple[str, ...], tuple[int, int]] = {
    ("--requirements", "2025-11-25"): (84, 0),
    ("--requirements", "2026-07-28"): (169, 25),  # the 25 are the tasks extension's: not scored
    ("--suite", "all", "--spec-version", "2025-03-26"): (3, 0),
    ("--suite", "all", "--spec-version", "2025-06-18"): (56, 0),
    ("--suite", "all", "--spec-version", "2025-11-25"): (84, 0),
    ("--suite", "all", "--spec-version", "2026-07-28"): (152, 0),
}
TRIES = 3
"""The suite gives some answers half a second, which a busy machine may not have."""

_NOTES = frozenset({"INFO", "SKIPPED"})
_DATED = re.compile(r"-\d{4}-\d\d-\d\dT[\d-]+Z$")
_LONGEST = 150


@dataclass(frozen=True)
class Found:
    """What a run found: its exit code, and how often each check ended how.

    A check is named (scenario, check); notes that judge nothing are left out.
    `why` says of a check that failed what the suite says.
    """

    code: int
    checks: dict[tuple[str, str], Counter[str]]
    why: dict[tuple[str, str], str]

    @property
    def counted(self) -> tuple[int, int]:
        """How many checks passed, and how many failed."""
        passed = sum(ends["SUCCESS"] for ends in self.checks.values())
        return passed, sum(ends["FAILURE"] for ends in self.checks.values())

    def differences(self, other: "Found") -> dict[tuple[str, str], str]:
        """Return the checks that ended otherwise in `other`, with what is known of it."""
        names = self.checks.keys() | other.checks.keys()
        return {
            name: f"{self.checks.get(name)} and not {other.checks.get(name)}: {self.why.get(name)}"
            for name in sorted(names)
            if self.checks.get(name) != other.checks.get(name)
        }


def run_suite(node: Path, url: str, folder: Path, *leg: str) -> Found:
    """Run one leg of the suite against the server at `url`; its files go to `folder`."""
    done = subprocess.run(
        [node, SUITE, "server", "--url", url, *leg, "--output-dir", folder],
        capture_output=True,
        check=False,
        text=True,
        timeout=_LONGEST,
    )
    checks: dict[tuple[str, str], Counter[str]] = {}
    why: dict[tuple[str, str], str] = {}
    for path in sorted(folder.glob("*/checks.json")):
        scenario = _DATED.sub("", path.parent.name.removeprefix("server-"))
        for check in json.loads(path.read_text()):
            name = (scenario, check["id"])
            if check["status"] not in _NOTES:
                checks.setdefault(name, Counter())[check["status"]] += 1
            if check["status"] == "FAILURE":
                why[name] = check.get("errorMessage", "")
    assert checks, done.stdout[-2000:] + done.stderr[-2000:]
    return Found(done.returncode, checks, why)
