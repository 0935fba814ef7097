"""Collects what is wrong with a source, and where its import is stricter than it was."""

from dataclasses import dataclass, field

from policies.values.problems import Place, Problem
from policies.yaml.composing import Path
from policies.yaml.documents import Document


@dataclass(frozen=True, order=True)
class Note:
    """Something of a source that its reader has to know: where, and what the import does.

    `stricter` says that the import decides more strictly here than the source did.
    """

    file: str
    line: int
    column: int
    what: str
    stricter: bool = True

    def __str__(self) -> str:
        """Write the note as one line, `file:line:column: what`."""
        return f"{self.file}:{self.line}:{self.column}: {self.what}"


@dataclass
class Findings:
    """The problems and notes of one source, as they are found."""

    document: Document
    problems: list[Problem] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def wrong(self, path: Path, what: str, instead: str) -> None:
        """Note that the value at `path` cannot be carried over."""
        self.problems.append(self.document.problem(self.document.place(path), what, instead))

    def wrong_key(self, path: Path, what: str, instead: str) -> None:
        """Note that the key at `path` cannot be carried over."""
        self.problems.append(self.document.problem(self.document.key(path), what, instead))

    def stricter(self, path: Path, what: str) -> None:
        """Note that the import is stricter than what stands at `path`."""
        self._note(self.document.key(path), what, stricter=True)

    def remark(self, path: Path, what: str) -> None:
        """Note something else that a reader has to know of what stands at `path`."""
        self._note(self.document.key(path), what, stricter=False)

    def _note(self, place: Place, what: str, *, stricter: bool) -> None:
        note = Note(self.document.file, place.line, place.column, what, stricter)
        if note not in self.notes:
            self.notes.append(note)
