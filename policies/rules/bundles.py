"""Joins a policy file and those it includes into one text, and takes that apart again.

The text of a policy is what its digest covers and what the ledger keeps, so it holds every
file. A line that begins a second YAML document parts them, which no file of ours may hold.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_PARTING = re.compile(r"^--- # included file: ([^\r\n]+)\r?\n?", re.MULTILINE)


@dataclass(frozen=True)
class Bundle:
    """The text of the policy file itself, and of the files it includes by their written paths."""

    main: str
    included: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> "Bundle":
        """Take a policy's text apart; one without included files is the file itself."""
        main, *rest = _PARTING.split(text)
        return cls(main, dict(zip(rest[::2], rest[1::2], strict=True)))

    @property
    def text(self) -> str:
        """All files in one text, in the order of their paths."""
        parts = [self.main]
        for path in sorted(self.included):
            ended = "" if parts[-1].endswith("\n") else "\n"
            parts.append(f"{ended}--- # included file: {path}\n{self.included[path]}")
        return "".join(parts)


def beside(file: str, path: str) -> str:
    """Return how messages name the file at `path`, which `file` includes."""
    folder, slash, _ = file.rpartition("/")
    return path if path.startswith("/") else f"{folder}{slash}{path}"


def parted(text: str) -> bool:
    """Say whether a text holds what parts the files of a policy, as no file may."""
    return _PARTING.search(text) is not None
