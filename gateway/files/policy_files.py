"""Reads a policy from its files: the policy file, and those that it includes."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.files.text_files import read_text
from policies.rules.bundles import Bundle, parted
from policies.rules.policy import Policy, compile_policy
from policies.rules.policy_sources import Unread, included_files
from policies.values.problems import InvalidDocument
from policies.yaml.documents import read_document


def read_policy(path: Path, *, within: Path | None = None) -> Policy:
    """Return the policy at `path`, with the files it includes. Raises InvalidDocument.

    Included files stand in `within` (the policy's own folder, unless stated) or
    below it, unless their paths are absolute.
    """
    return PolicyFiles(path, within or path.parent).read()


@dataclass(frozen=True)
class PolicyFiles:
    """The files of a policy: the policy file at `path`, and those it includes."""

    path: Path
    within: Path
    _known: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    def read(self) -> Policy:
        """Return the policy they write. Raises InvalidDocument."""
        bundle, unread = self._read()
        return compile_policy(bundle.text, file=str(self.path), unread=unread)

    def text(self) -> str:
        """Return the text of them all. Raises InvalidDocument where one cannot be read."""
        bundle, unread = self._read()
        if unread:
            compile_policy(bundle.text, file=str(self.path), unread=unread)
        return bundle.text

    def _read(self) -> tuple[Bundle, Mapping[str, Unread]]:
        main = read_text(self.path)
        texts: dict[str, str] = {}
        unread: dict[str, Unread] = {}
        for path in self._included(main):
            try:
                texts[path] = self._text(path)
            except _Unusable as wrong:
                unread[path] = wrong.why
        return Bundle(main, texts), unread

    def _included(self, main: str) -> tuple[str, ...]:
        """Return the paths that the policy file includes; its last text is not read twice."""
        if main not in self._known:
            self._known.clear()
            paths: tuple[str, ...] = ()
            if "include" in main or parted(main):
                document = read_document(main, file=str(self.path))
                paths = tuple(dict.fromkeys(path for _, path in included_files(document)))
            self._known[main] = paths
        return self._known[main]

    def _text(self, written: str) -> str:
        path = self.path.parent / written
        if not (written.startswith("/") or _below(path, self.within)):
            what = f"the path leads out of `{self.within}`"
            raise _Unusable(Unread(what, "keep included files in it, or write an absolute path"))
        try:
            text = read_text(path)
        except InvalidDocument as invalid:
            first = invalid.problems[0]
            far = (first.line, first.column) != (1, 1)
            where = f" in its line {first.line}, column {first.column}" if far else ""
            raise _Unusable(Unread(f"{first.what}{where}", first.instead)) from None
        if parted(text):
            what = "a second document begins in it"
            raise _Unusable(Unread(what, "keep one document to a file: remove `---`"))
        return text


class _Unusable(Exception):
    def __init__(self, why: Unread) -> None:
        self.why = why
        super().__init__(why.what)


def _below(path: Path, folder: Path) -> bool:
    """Tell whether a path is in a folder by its text, links aside: whoever sets them may."""
    real = posixpath.normpath(str(path.absolute()))
    return Path(real).is_relative_to(posixpath.normpath(str(folder.absolute())))
