"""Carries one Intercept policy file over: rules, counters, hidden tools and the default."""

import re
from collections.abc import Iterator

from policies.intercept.limits import Counters
from policies.intercept.notes import Findings
from policies.intercept.rules import ToolRules
from policies.intercept.shape import InterceptFile, read
from policies.intercept.written import Source, WrittenLimit, WrittenRule
from policies.rules.decisions import Effect
from policies.values.problems import InvalidDocument
from policies.yaml.composing import Path, Value
from policies.yaml.documents import Document, read_document

_LONGEST_NAME = 200
_OTHERWISE_READ = re.compile(
    r"(?P<date>\d{4}-\d{1,2}-\d{1,2}\b)|(?P<number>[-+]?(?:0[0-9_]+|0[bB][01_]+|0[xX][0-9A-Fa-f]*_"
    r"[0-9A-Fa-f_]*|[0-9][0-9]*_[0-9_]*)(?=[\s,\]}.#]|$))"
)


def carried_over(text: str, *, file: str, server: str | None = None) -> Source:
    """Return what the Intercept policy `text` comes to, for one server or for every one.

    Raises InvalidDocument with every part that is wrong or cannot be carried over, with its place.
    """
    document = read_document(text, file=file)
    written, malformed = read(document)
    findings = Findings(document, list(malformed))
    _check_values(findings)
    _check_names(written, findings)
    tools = tuple(ToolRules(tool, each.rules, findings) for tool, each in written.tools.items())
    rules = [rule for tool in tools for rule in tool.written()]
    counted = [] if malformed else list(Counters(tools, findings).written())
    rules += [each for each in counted if isinstance(each, WrittenRule)]
    rules += _standing(written, findings)
    if written.approvals is not None:
        what = "`approvals` says how Intercept reaches people"
        findings.wrong_key(("approvals",), what, "remove it, and write `teams` in placet.yaml")
    if findings.problems:
        raise InvalidDocument(findings.problems)
    return Source(
        file=file,
        server=server,
        description=written.description,
        hidden=written.hide,
        rules=tuple(rules),
        limits=tuple(each for each in counted if isinstance(each, WrittenLimit)),
        notes=tuple(sorted(findings.notes)),
        unlisted=Effect.DENY if written.default == "deny" else Effect.ALLOW,
    )


def _standing(written: InterceptFile, findings: Findings) -> Iterator[WrittenRule]:
    """Yield the rules for what no rule of the file speaks of: its default."""
    line = findings.document.key(("default",)).line
    if written.default == "allow":
        yield WrittenRule("what no other rule denies", None, Effect.ALLOW, line)
        return
    listed = tuple(tool for tool in written.tools if tool != "*" and not _is_pattern(tool))
    yield WrittenRule("tools that are not listed", None, Effect.DENY, line, besides=listed)
    if listed:
        yield WrittenRule("tools that are listed", listed, Effect.ALLOW, line)


def _is_pattern(name: str) -> bool:
    return "*" in name or "?" in name


def _check_names(written: InterceptFile, findings: Findings) -> None:
    """Note names that are none, and those that Placet reads as patterns."""
    seen: set[str] = set()
    for index, name in enumerate(written.hide):
        path: Path = ("hide", index)
        if name in seen:
            findings.wrong(path, f"`{name}` is hidden twice", "remove one of the two")
        seen.add(name)
        _check_name(name, path, findings)
    for name, tool in written.tools.items():
        path = ("tools", name)
        _check_name(name, path, findings)
        if name == "_global" and any(rule.state or rule.rate_limit for rule in tool.rules):
            what = "`_global` is where Intercept keeps the counters of `*`"
            findings.wrong_key(path, what, "write the rules under `*`")


def _check_name(name: str, path: Path, findings: Findings) -> None:
    if not name.strip() or len(name) > _LONGEST_NAME:
        what = "is blank" if not name.strip() else "is longer than 200 characters"
        findings.wrong_key(path, f"a tool's name {what}", "write the name of a tool")
    elif name != "*" and _is_pattern(name):
        what = (
            f"Intercept takes `{name}` for the name of one tool, so that it stops no other; "
            "here it is a pattern for what it forbids and asks, and lists no tool"
        )
        findings.stricter(path, what)


def _check_values(findings: Findings) -> None:
    """Note plain scalars which Intercept's reader takes for another value than YAML 1.2 does."""
    document = findings.document
    for path in _scalars(document.root, ()):
        if not {"value", "increment"} & set(path) or "tools" not in path[:1]:
            continue
        found = _OTHERWISE_READ.match(_source(document, path))
        if found is not None:
            kind = "a point in time" if found["date"] else "another number"
            what = f"Intercept reads `{found[0]}` as {kind}"
            findings.wrong(path, what, "write plain digits, or a text in quotes")


def _scalars(value: Value, path: Path) -> Iterator[Path]:
    match value:
        case dict():
            for key, each in value.items():
                yield from _scalars(each, (*path, key))
        case list():
            for index, each in enumerate(value):
                yield from _scalars(each, (*path, index))
        case _:
            yield path


def _source(document: Document, path: Path) -> str:
    place = document.place(path)
    lines = document.text.split("\n")
    return lines[place.line - 1][place.column - 1 :] if place.line <= len(lines) else ""
