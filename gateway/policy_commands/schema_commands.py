"""`placet schema`: what editors need to complete and check the files while they are written."""

import argparse
import json
from pathlib import Path

from ledger.shell import AddCommand, Shell, Unsaid
from policies.editors.file_schemas import SCHEMAS, file_schema


def register(add: AddCommand, shell: Shell) -> None:
    """Add `schema` to the command line."""
    parser = add(
        "schema",
        help="print the JSON Schema of placet.yaml or of a policy, for editors",
        description="Prints the JSON Schema (2020-12) of placet.yaml or of a policy, or writes "
        "both as placet.schema.json and policy.schema.json. A line `# yaml-language-server: "
        "$schema=policy.schema.json` at the top of a file makes editors use it.",
    )
    parser.add_argument(
        "file", nargs="?", choices=sorted(SCHEMAS), default="policy", help="which (default: policy)"
    )
    parser.add_argument(
        "--write", type=Path, metavar="DIR", help="write both into this folder instead"
    )
    parser.set_defaults(run=lambda arguments: _schema(arguments, shell))


def _schema(arguments: argparse.Namespace, shell: Shell) -> int:
    if arguments.write is None:
        for line in _text(arguments.file).splitlines():
            shell.say(line)
        return 0
    for name in sorted(SCHEMAS):
        path = arguments.write / f"{name}.schema.json"
        try:
            path.write_text(_text(name), "utf-8")
        except OSError as error:
            raise Unsaid(f"`{path}` cannot be written: {error.strerror}") from error
        shell.say(f"wrote {path}")
    return 0


def _text(name: str) -> str:
    return json.dumps(file_schema(name), indent=2) + "\n"
