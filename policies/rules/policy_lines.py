"""Finds the lines of a policy's text that a JSON Pointer means."""

from dataclasses import dataclass

from policies.rules.bundles import Bundle
from policies.rules.policy_sources import included_files
from policies.values.problems import InvalidDocument
from policies.yaml.composing import Path
from policies.yaml.documents import Document, read_document


@dataclass(frozen=True)
class Lines:
    """Lines of a text as they are written, the first one with this number (from 1)."""

    first: int
    lines: tuple[str, ...]


def lines_at(text: str, pointer: str) -> Lines | None:
    """Return the lines of what `pointer` (RFC 6901) means; None where nothing is there."""
    try:
        text, document, pointer = _meant(text, pointer)
    except InvalidDocument:
        return None
    path = _path(document, pointer)
    if path is None or path not in document.values:
        return None
    begin = min(document.key(path).line, document.values[path].line)
    after = [
        place.line
        for other, place in (*document.values.items(), *document.keys.items())
        if other[: len(path)] != path and place.line > begin
    ]
    written = text.split("\n")
    end = min(after, default=len(written) + 1)
    lines = written[begin - 1 : end - 1]
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return Lines(begin, tuple(lines))


def _meant(text: str, pointer: str) -> tuple[str, Document, str]:
    """Return the file of a policy that a pointer means, as text and read, and the rest of it."""
    bundle = Bundle.of(text)
    main = read_document(bundle.main, file="")
    for server, path in included_files(main):
        begin = f"/include/{server}/"
        if pointer.startswith(begin) and path in bundle.included:
            inner = bundle.included[path]
            return inner, read_document(inner, file=""), f"/{pointer.removeprefix(begin)}"
    return bundle.main, main, pointer


def _path(document: Document, pointer: str) -> Path | None:
    """Return the path that a pointer writes; steps into lists are numbers."""
    path: Path = ()
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document.at(path), list):
            if not name.isdigit():
                return None
            path = (*path, int(name))
        else:
            path = (*path, name)
    return path
