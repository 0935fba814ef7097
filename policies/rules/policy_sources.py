"""Reads the files of a policy: the policy file itself, and those it includes for servers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from policies.conditions.condition_checks import CannotCompile
from policies.conditions.conditions import Condition, compile_condition
from policies.rules.bundles import Bundle, beside
from policies.rules.naming import condition_problem, named_conditions
from policies.rules.policy_file import is_condition, is_file
from policies.values.matching import Glob, Matcher, Target
from policies.values.problems import InvalidDocument, Problem
from policies.yaml.composing import Value
from policies.yaml.documents import Document, read_document

_LONGEST = 2_000_000


@dataclass(frozen=True)
class Unread:
    """Why an included file could not be read, and what to do instead."""

    what: str
    instead: str


_NOT_HERE = Unread("the file is not here", "write it, or remove it from `include`")


@dataclass(frozen=True)
class Source:
    """One file of a policy; `server` is the one it is included for, None of the policy file.

    `conditions` are those of its rules, by the rules' indexes, and `named` those that have
    names, written out.
    """

    document: Document
    server: str | None
    conditions: Mapping[int, Condition]
    named: Mapping[str, str]

    @property
    def pointer(self) -> str:
        """Return the JSON Pointer of the file in the policy as a whole."""
        return "" if self.server is None else f"/include/{self.server}"

    def called(self, name: str) -> str:
        """Return what a rule of this file is called in the policy as a whole."""
        return name if self.server is None else f"{self.server}/{name}"

    def scoped(self, matcher: Matcher) -> Matcher:
        """Return the matcher for the calls that this file speaks of."""
        return matcher if self.server is None else replace(matcher, server=(Glob(self.server),))

    def target(self, text: str) -> Target:
        """Return the tools that a target of this file means."""
        target = Target.parse(text)
        return target if self.server is None else Target(Glob(self.server), target.tool)


def read_sources(
    text: str, *, file: str, unread: Mapping[str, Unread]
) -> tuple[list[Source], list[Problem]]:
    """Return the files in a policy's text, the policy file first, and what is wrong with them.

    `unread` says why included files that the text lacks could not be read.
    Raises InvalidDocument where the policy file itself is not YAML.
    """
    bundle = Bundle.of(text)
    main, problems = _source(read_document(bundle.main, file=file), None, {})
    if len(text) > _LONGEST:
        what = "the policy and its included files are too long"
        problems.append(Problem(file, 1, 1, what, "keep them under 2,000,000 characters together"))
    sources = [main]
    for server, path in included_files(main.document):
        if path not in bundle.included:
            why = unread.get(path, _NOT_HERE)
            place = main.document.place(("include", server))
            problems.append(main.document.problem(place, f"`{path}`: {why.what}", why.instead))
            continue
        try:
            document = read_document(bundle.included[path], file=beside(file, path))
        except InvalidDocument as invalid:
            problems += invalid.problems
            continue
        source, wrong = _source(document, server, main.named)
        sources.append(source)
        problems += wrong
    return sources, problems


def whole_policy(text: str) -> Value:
    """Return what a policy's text says, each included file in the place of its path.

    Raises InvalidDocument where a file in it is not YAML.
    """
    bundle = Bundle.of(text)
    main = read_document(bundle.main, file="")
    if not isinstance(main.root, dict):
        return main.root
    files: dict[str, Value] = {
        server: read_document(bundle.included[path], file=path).root
        for server, path in included_files(main)
        if path in bundle.included
    }
    return {**main.root, "include": files} if files else main.root


def written_rules(document: Document) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield the rules of a file as they are written, with their indexes."""
    rules = document.at(("rules",))
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        if isinstance(rule, dict):
            yield index, dict(rule)


def included_files(document: Document) -> Iterator[tuple[str, str]]:
    """Yield the servers that the policy file includes files for, and the files' paths."""
    written = document.at(("include",))
    for server, path in written.items() if isinstance(written, dict) else ():
        if isinstance(path, str) and is_file(path):
            yield server, path


def _source(
    document: Document, server: str | None, outer: Mapping[str, str]
) -> tuple[Source, list[Problem]]:
    named, problems = named_conditions(document, outer)
    conditions: dict[int, Condition] = {}
    for index, rule in written_rules(document):
        written = rule.get("when")
        if not isinstance(written, str) or not is_condition(written):
            continue
        try:
            conditions[index] = compile_condition(written, named)
        except CannotCompile as refused:
            problems.append(condition_problem(document, ("rules", index, "when"), refused))
    return Source(document, server, conditions, named), problems
