"""Finds the lines of a policy's text that a JSON Pointer means."""

from dataclasses import dataclass

from policies.composing import Path
from policies.documents import Document, read_document
from policies.problems import InvalidDocument


@dataclass(frozen=True)
class Lines:
    """Lines of a text as they are written, the first one with this number (from 1)."""

    first: int
    lines: tuple[str, ...]


def lines_at(text: str, pointer: str) -> Lines | None:
    """Return the lines of what `pointer` (RFC 6901) means; None where nothing is there."""
    try:
        document = read_document(text, file="")
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
