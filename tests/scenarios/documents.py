"""Reads a document's code blocks, and turns its commands into one script that runs them all."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^```(\w*)(?: title=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SERVES = re.compile(r"(make demo|placet serve\b.*|placet demo\b(?!.*--check).*)")
_ADDRESSES = {"127.0.0.1:8787": "${agents}", "127.0.0.1:8789": "${operations}"}

_PRELUDE = """\
set -euo pipefail
served=()
begin() {
  log="served-${#served[@]}.log"
  "$@" >"$log" 2>&1 &
  served+=($!)
  for _ in $(seq 1200); do
    if grep -q '^ready' "$log"; then
      agents=$(sed -n 's#^agents  *http://\\([^/]*\\)/.*#\\1#p' "$log")
      operations=$(sed -n 's#^operations  *http://\\([^/]*\\)/.*#\\1#p' "$log")
      export WORKSPACE=$(sed -n 's#^\\(page\\|workspace\\)  *\\(http://[^/]*\\)/.*#\\2#p' "$log")
      export TOKEN=$(sed -n 's#^\\(page\\|workspace\\) .*token=##p' "$log")
      return 0
    fi
    kill -0 $! || break
    sleep 0.1
  done
  cat "$log" >&2
  return 1
}
end() {
  code=$?
  for process in "${served[@]}"; do kill -TERM "$process" || true; wait "$process" || true; done
  exit "$code"
}
trap end EXIT
"""
"""`begin` starts what serves, waits until it is ready, and learns where it listens."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file name in its title if any, its text."""

    language: str
    title: str | None
    text: str


def blocks(document: Path) -> list[Block]:
    """Return the fenced blocks of a Markdown file in order."""
    found = _FENCE.findall(document.read_text())
    return [Block(language, title or None, text) for language, title, text in found]


def commands(document: Path) -> list[str]:
    """Return the commands of a document's `sh` blocks; a line that ends in a backslash goes on."""
    text = "".join(block.text for block in blocks(document) if block.language == "sh")
    lines = text.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def script(document: Path) -> str:
    """Return the bash script that runs a document's commands one after the other."""
    return _PRELUDE + "".join(f"{_runnable(command)}\n" for command in commands(document))


def _runnable(command: str) -> str:
    line = command
    for written, found in _ADDRESSES.items():
        line = line.replace(written, found)
    if line == "make test":
        line = "make --dry-run test"
    if line.startswith("make "):
        line = line.replace("make ", f"make --directory {shlex.quote(str(ROOT))} ", 1)
    if line.endswith(" &"):
        line += "\nserved+=($!)"
    return f"begin {line}" if _SERVES.fullmatch(command) else line
