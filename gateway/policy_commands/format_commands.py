"""`placet fmt`: writes configuration and policies in one form, comments and meaning kept."""

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel

from gateway.files.policy_files import read_policy
from gateway.files.text_files import read_text
from ledger.shell import AddCommand, Misconfigured, Shell, Unsaid
from policies.configuration.configuration import Configuration
from policies.editors.formatting import Unformattable, formatted
from policies.rules.policy_file import PolicyFile
from policies.rules.policy_sources import included_files
from policies.values.problems import InvalidDocument, Problem
from policies.values.refusals import Refused
from policies.yaml.documents import read_document

_ONLY_CONFIGURED = frozenset(("agents", "ledger", "listen", "people", "servers", "slack", "teams"))


def register(add: AddCommand, shell: Shell) -> None:
    """Add `fmt` to the command line."""
    parser = add(
        "fmt",
        help="write placet.yaml and policies in one form",
        description="Writes configuration and policy files in one form: the order of keys, quotes "
        "and indentation. Comments stay, and so does what a file says. A file that is invalid is "
        "not touched, nor are those beside it.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="the files")
    parser.add_argument(
        "--check", action="store_true", help="write nothing, exit with 1 where a form is another"
    )
    parser.set_defaults(run=lambda arguments: _fmt(arguments, shell))


def _fmt(arguments: argparse.Namespace, shell: Shell) -> int:
    texts = _valid(arguments.files, shell)
    changed = []
    for path, (text, model) in texts.items():
        try:
            form = formatted(text, model)
        except Unformattable as reason:
            raise Refused(f"`{path}` stays as it is: {reason}") from reason
        if form != text:
            changed.append((path, form))
    for path, form in changed:
        if arguments.check:
            shell.say(f"{path}: would change")
        else:
            _replace(path, form)
            shell.say(f"{path}: written anew")
    return 1 if arguments.check and changed else 0


def _valid(paths: Sequence[Path], shell: Shell) -> dict[Path, tuple[str, type[BaseModel]]]:
    """Return texts and models of the files. Raises Misconfigured with every problem of any."""
    problems: list[str] = []
    texts: dict[Path, tuple[str, type[BaseModel]]] = {}
    included: set[Path] = set()
    for path in paths:
        try:
            text = read_text(path)
            texts[path] = (text, _model(text, path))
            included.update(_included(text, path))
        except InvalidDocument as invalid:
            problems += map(str, invalid.problems)
    for path, (_, model) in texts.items():
        if path.resolve() not in included:
            problems += _problems(path, model, shell)
    if problems:
        raise Misconfigured("\n".join(dict.fromkeys(problems)))
    return texts


def _model(text: str, path: Path) -> type[BaseModel]:
    """Return the model that a file follows. Raises InvalidDocument."""
    document = read_document(text, file=str(path))
    if not isinstance(document.root, dict):
        what, instead = "the file is no map of keys and values", "name a configuration or a policy"
        raise InvalidDocument([Problem(str(path), 1, 1, what, instead)])
    return PolicyFile if _ONLY_CONFIGURED.isdisjoint(document.root) else Configuration


def _included(text: str, path: Path) -> Iterator[Path]:
    for _, named in included_files(read_document(text, file=str(path))):
        yield (path.parent / named).resolve()


def _problems(path: Path, model: type[BaseModel], shell: Shell) -> list[str]:
    """Return what is wrong with a file; an included one is looked at with the file that does."""
    try:
        if model is Configuration:
            shell.load(path)
        else:
            read_policy(path, within=Path("/"))
    except Misconfigured as wrong:
        return str(wrong).splitlines()
    except InvalidDocument as invalid:
        return [str(problem) for problem in invalid.problems]
    return []


def _replace(path: Path, text: str) -> None:
    """Write a file in one step, so that nobody reads a half of it. Raises Unsaid."""
    real = path.resolve()
    try:
        with tempfile.NamedTemporaryFile("wb", dir=real.parent, prefix=".", delete=False) as file:
            file.write(text.encode())
        shutil.copymode(real, file.name)
        Path(file.name).replace(real)
    except OSError as error:
        raise Unsaid(f"`{path}` cannot be written: {error.strerror}") from error
