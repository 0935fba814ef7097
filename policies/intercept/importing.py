"""Carries policy files of Intercept over into one policy, and checks that it is one."""

from collections.abc import Sequence
from dataclasses import dataclass

from policies.editors.formatting import Unformattable, formatted
from policies.intercept.notes import Note
from policies.intercept.source import carried_over
from policies.intercept.writing import policy_text
from policies.intercept.written import Source
from policies.rules.policy import compile_policy
from policies.rules.policy_file import PolicyFile
from policies.values.problems import InvalidDocument, Problem


@dataclass(frozen=True)
class Written:
    """A file to import: its name, its text, and the server it guards (None is every one)."""

    file: str
    text: str
    server: str | None


@dataclass(frozen=True)
class Imported:
    """The text of the policy, and what a reader has to know of it."""

    text: str
    sources: tuple[Source, ...]

    @property
    def notes(self) -> tuple[Note, ...]:
        """All notes, file by file, in the order of their places."""
        return tuple(note for source in self.sources for note in source.notes)


def imported(files: Sequence[Written]) -> Imported:
    """Return the policy that the files come to together.

    Raises InvalidDocument with everything that is wrong or cannot be carried over, of all files.
    """
    sources: list[Source] = []
    problems: list[Problem] = []
    for file in files:
        try:
            sources.append(carried_over(file.text, file=file.file, server=file.server))
        except InvalidDocument as invalid:
            problems += invalid.problems
    if problems:
        raise InvalidDocument(problems)
    text = _formed(policy_text(sources))
    compile_policy(text, file="the imported policy")
    return Imported(text, tuple(sources))


def _formed(text: str) -> str:
    """Return a policy in the form that `placet fmt` gives it."""
    try:
        return formatted(text, PolicyFile)
    except Unformattable:
        return text
