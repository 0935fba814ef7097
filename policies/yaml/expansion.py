"""Replaces `${NAME}` in a document's texts by the values of an environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from policies.values.problems import Problem
from policies.values.refusals import Unreadable
from policies.yaml.composing import Path, Value
from policies.yaml.documents import Document

_REFERENCE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")


def expand(document: Document, environment: Mapping[str, str]) -> Document:
    """Return `document` with every `${NAME}` in a value replaced; `$${` writes `${`.

    Keys stay as they are, and what a variable holds is not expanded again.
    Names that `environment` lacks become problems of the document.
    """
    run = _Expansion(document, environment)
    root = run.value(document.root, ())
    return replace(
        document,
        root=root,
        problems=(*document.problems, *run.problems),
        faulty=document.faulty | run.faulty,
    )


@dataclass
class _Expansion:
    document: Document
    environment: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    faulty: set[Path] = field(default_factory=set)

    def value(self, value: Value, path: Path) -> Value:
        match value:
            case str():
                return _REFERENCE.sub(lambda found: self._text(found, path), value)
            case list():
                return [self.value(each, (*path, index)) for index, each in enumerate(value)]
            case dict():
                return {key: self.value(each, (*path, key)) for key, each in value.items()}
            case _:
                return value

    def _text(self, found: re.Match[str], path: Path) -> str:
        if found[0] == "$${":
            return "${"
        name = found[1]
        what, instead = (
            "`${` is not followed by a name and `}`",
            "write `${NAME}`, or `$${` for itself",
        )
        if name:
            try:
                return self.environment[name]
            except Unreadable as error:
                what = f"the file that `{name}_FILE` names cannot be read ({error.why})"
                instead = "let Placet read it, or name another"
            except KeyError:
                what = f"the environment variable `{name}` is not set"
                instead = "set it before you start Placet"
        self.problems.append(self.document.problem(self.document.place(path), what, instead))
        self.faulty.add(path)
        return ""
