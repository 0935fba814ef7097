"""Writes the starter files of a scan into a folder, and never over what is there unless told to."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from ledger.shell import Misconfigured
from policies.scans.starter import NAMES, Starter
from policies.values.refusals import Refused


def refuse_to_overwrite(folder: Path, names: Mapping[str, str] | None = None) -> None:
    """Raise Refused where one of the files is there already."""
    there = [name for name in names or NAMES if (folder / name).exists()]
    if there:
        told = ", ".join(f"`{folder / name}`" for name in there)
        raise Refused(f"{told} would be overwritten; name another folder, or add --force")


def write(folder: Path, starter: Starter, *, force: bool) -> Iterator[str]:
    """Write the files, and yield what to do next. Raises Refused and Misconfigured."""
    if not force:
        refuse_to_overwrite(folder, starter.files)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in starter.files.items():
            with (folder / name).open("w" if force else "x", encoding="utf-8") as file:
                file.write(text)
    except OSError as flaw:
        wrong = f"`{flaw.filename}` cannot be written: {flaw.strerror}"
        raise Misconfigured(f"{wrong}; name a folder with --write") from flaw
    yield from (f"wrote {folder / name}" for name in starter.files)
    yield from _next(folder, starter)


def _next(folder: Path, starter: Starter) -> Iterator[str]:
    if starter.variables:
        yield "set these variables, or NAME_FILE with the name of a file, before the next step:"
        yield from (f"  {name}: {what}" for name, what in sorted(starter.variables.items()))
    config = folder / "placet.yaml"
    yield "next:"
    yield f"  placet check --unsafe-local-approvers --config {config}"
    yield f"  placet test {folder / 'policy.test.yaml'}"
    yield f"  placet serve --unsafe-local-approvers --config {config}"
