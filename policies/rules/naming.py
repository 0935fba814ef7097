"""Reads the conditions that have names, so that others can be made of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from policies.conditions.condition_checks import CannotCompile
from policies.conditions.conditions import compile_condition
from policies.conditions.expressions import Expression
from policies.rules.policy_file import is_condition
from policies.values.problems import Problem
from policies.yaml.composing import Path
from policies.yaml.documents import Document

_STANDS_IN = "true"
_DEEPEST = 20


def named_conditions(
    document: Document, outer: Mapping[str, str]
) -> tuple[Mapping[str, str], list[Problem]]:
    """Return the named conditions of a file, each written out, and what is wrong with them.

    `outer` are those of the file that includes this one, known here too. What
    is refused stands as `true`, so that those made of it can be looked at.
    """
    naming = _Naming(document, outer)
    for name in naming.texts:
        naming.settle(name, ())
    return naming.known, naming.problems


def condition_problem(document: Document, path: Path, refused: CannotCompile) -> Problem:
    """Return what is wrong with the condition at `path`, with its place in the file."""
    place = document.inside(path, refused.line, refused.column)
    return document.problem(place, refused.what, refused.instead)


@dataclass
class _Naming:
    document: Document
    outer: Mapping[str, str]
    texts: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.known.update(self.outer)
        written = self.document.at(("conditions",))
        for name, text in written.items() if isinstance(written, dict) else ():
            if name in self.outer:
                self._report(name, f"the policy file names a condition `{name}` too")
            elif isinstance(text, str) and is_condition(text):
                self.texts[name] = text
            else:
                self.known[name] = _STANDS_IN

    def settle(self, name: str, within: tuple[str, ...]) -> None:
        """Make `name` known; `within` are the names whose conditions led here."""
        if name in self.known:
            return
        if name in within:
            circle = ", ".join(f"`{each}`" for each in (*within[within.index(name) :], name))
            self._report(name, f"the condition `{name}` is made of itself: {circle}")
        elif len(within) >= _DEEPEST:
            self._report(name, "conditions are made of each other more than 20 deep")
        else:
            for part in self._parts(name):
                self.settle(part, (*within, name))
            if name not in self.known:
                self._compile(name)

    def _compile(self, name: str) -> None:
        try:
            self.known[name] = compile_condition(self.texts[name], self.known).source
        except CannotCompile as refused:
            self.known[name] = _STANDS_IN
            path = ("conditions", name)
            self.problems.append(condition_problem(self.document, path, refused))

    def _parts(self, name: str) -> Iterator[str]:
        roots = dict.fromkeys(token.text for token in Expression.read(self.texts[name]).roots())
        return (root for root in roots if root in self.texts)

    def _report(self, name: str, what: str) -> None:
        self.known.setdefault(name, _STANDS_IN)
        place = self.document.key(("conditions", name))
        instead = "give it a name of its own, and write out what it is made of"
        self.problems.append(self.document.problem(place, what, instead))
