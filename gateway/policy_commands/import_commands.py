"""`placet import`: policies of other products as policies of Placet."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from gateway.files.text_files import read_text
from ledger.shell import AddCommand, Misconfigured, Shell, Unsaid
from ledger.words.tabulating import machine
from policies.intercept.importing import Imported, Written, imported
from policies.values.problems import InvalidDocument
from policies.values.refusals import Refused
from policies.yaml.fields import Name

_SERVER: TypeAdapter[str] = TypeAdapter(Name)


def register(add: AddCommand, shell: Shell) -> None:
    """Add `import` to the command line."""
    parser = add(
        "import",
        help="turn policies of another product into one of Placet",
        description="Turns policies of another product into one of Placet. What cannot be carried"
        " over is an error with its place; where it is stricter than its source, it says so.",
    )
    products = parser.add_subparsers(required=True, metavar="PRODUCT", title="products")
    intercept = products.add_parser(
        "intercept",
        help="PolicyLayer Intercept's YAML",
        description="Turns policy files of PolicyLayer Intercept into one policy, and prints it.",
    )
    intercept.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files to import")
    intercept.add_argument(
        "--server",
        action="append",
        default=[],
        metavar="NAME",
        help="the server that a file guards, once for each file (default: the name of each of"
        " several files; a single file speaks of every server)",
    )
    intercept.add_argument("--write", type=Path, metavar="FILE", help="write the policy there")
    intercept.add_argument("--json", action="store_true", help="one JSON object")
    intercept.set_defaults(run=lambda arguments: _import(arguments, shell))


def _import(arguments: argparse.Namespace, shell: Shell) -> int:
    try:
        found = imported(_files(arguments.files, arguments.server))
    except InvalidDocument as invalid:
        if not arguments.json:
            raise Misconfigured(str(invalid)) from None
        problems = [
            {"file": each.file, "line": each.line, "column": each.column, "what": each.what}
            | {"instead": each.instead}
            for each in invalid.problems
        ]
        shell.say(machine({"policy": None, "problems": problems, "notes": []}))
        return 2
    if arguments.write is not None:
        _write(arguments.write, found.text)
    if arguments.json:
        shell.say(machine(_as_json(found)))
    elif arguments.write is None:
        for line in found.text.removesuffix("\n").split("\n"):
            shell.say(line)
    else:
        for line in _summary(found, arguments.write):
            shell.say(line)
    return 0


def _files(paths: Sequence[Path], servers: Sequence[str]) -> list[Written]:
    """Return the files with their servers. Raises Misconfigured where these do not fit."""
    named: Sequence[str | None] = servers or [None]
    if not servers and len(paths) > 1:
        named = [path.stem for path in paths]
    if len(named) != len(paths):
        raise Misconfigured("write `--server` once for each file, in their order")
    for name in named:
        try:
            _ = name is None or _SERVER.validate_python(name)
        except ValidationError:
            what = f"`{name}` is no name of a server; name it with `--server`, in a-z, 0-9, `-`"
            raise Misconfigured(what) from None
    if len(set(named)) != len(named):
        raise Misconfigured("two files guard the same server; import each into its own policy")
    return [
        Written(str(path), read_text(path), server)
        for path, server in zip(paths, named, strict=True)
    ]


def _write(path: Path, text: str) -> None:
    """Write a policy where no file is yet. Raises Refused where one is, and Unsaid."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise Refused(f"`{path}` is there already; name another file, or move it away") from error
    except OSError as error:
        raise Unsaid(f"`{path}` cannot be written: {error.strerror}") from error


def _as_json(found: Imported) -> dict[str, object]:
    return {
        "policy": found.text,
        "problems": [],
        "notes": [
            {"file": note.file, "line": note.line, "column": note.column, "what": note.what}
            | {"stricter": note.stricter}
            for note in found.notes
        ],
    }


def _summary(found: Imported, path: Path) -> list[str]:
    rules = sum(len(source.rules) for source in found.sources)
    limits = sum(len(source.limits) for source in found.sources)
    notes = [f"{note}" + (" (stricter)" if note.stricter else "") for note in found.notes]
    return [*notes, f"wrote {path}: {_count(rules, 'rule')}, {_count(limits, 'limit')}"]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
