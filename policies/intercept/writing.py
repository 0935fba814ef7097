"""Writes imported sources as the text of one policy, with comments on what is stricter."""

import re
from collections.abc import Iterator, Sequence

from policies.intercept.written import Source
from policies.rules.decisions import Effect
from policies.values.inert import inert
from policies.yaml.durations import written as duration_written

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./(][A-Za-z0-9_./()-]*)*")
_CONDITION = re.compile(r"[A-Za-z_(][^\n]*[^\s:]")
_WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
_LONGEST_NAME = 100
_WIDTH = 96


def policy_text(sources: Sequence[Source]) -> str:
    """Return the policy that the sources come to together, as YAML 1.2.

    A source without a server speaks of every server, so that it stands alone.
    """
    names = _Names(several=len(sources) > 1)
    lines = [*_heading(sources), "version: 1", f"default: {_default(sources)}"]
    hidden = [each for source in sources for each in _hidden(source)]
    if hidden:
        lines += ["hide:", *(f"  - {scalar(each)}" for each in hidden)]
    rules = [line for source in sources for line in _rules(source, names)]
    lines += ["rules:", *rules] if rules else []
    limits = [line for source in sources for line in _limits(source, names)]
    lines += ["limits:", *limits] if limits else []
    return "\n".join(lines) + "\n"


def _default(sources: Sequence[Source]) -> str:
    """Return the effect for calls to servers that no source speaks of."""
    everywhere = any(source.server is None for source in sources)
    denied = everywhere and any(source.unlisted is Effect.DENY for source in sources)
    return (Effect.DENY if denied else Effect.REQUIRE_APPROVAL).value


class _Names:
    """Gives each rule a name of its own, of at most 100 characters."""

    def __init__(self, *, several: bool) -> None:
        self.several = several
        self.taken: set[str] = set()

    def of(self, source: Source, name: str) -> str:
        """Return a name for a rule of `source` that no other rule has."""
        server = f"{source.server}/" if self.several and source.server else ""
        whole = "".join(each if each.isprintable() else " " for each in server + name)
        chosen, number = whole[:_LONGEST_NAME], 1
        while chosen in self.taken:
            number += 1
            ending = f" ({number})"
            chosen = whole[: _LONGEST_NAME - len(ending)] + ending
        self.taken.add(chosen)
        return chosen


def _heading(sources: Sequence[Source]) -> Iterator[str]:
    files = ", ".join(source.file for source in sources)
    yield from _comment(f"Imported from {files} (PolicyLayer Intercept).", "# ", "# ")
    for source in sources:
        if source.description.strip():
            yield from _comment(source.description, "# ", "# ")
    for stricter, title in ((True, "Stricter than the source:"), (False, "To know:")):
        notes = [note for source in sources for note in source.notes if note.stricter is stricter]
        if notes:
            yield "#"
            yield f"# {title}"
            for note in notes:
                yield from _comment(f"{note.file}:{note.line}: {note.what}", "# - ", "#   ")


def _comment(text: str, first: str, others: str) -> Iterator[str]:
    """Yield a text as lines of a comment; nothing in it can end the comment."""
    line = first
    for word in inert(" ".join(text.split())).split(" "):
        if len(line) + len(word) > _WIDTH and line.strip("# -"):
            yield line.rstrip()
            line = others
        line += word + " "
    yield line.rstrip()


def _hidden(source: Source) -> Iterator[str]:
    for name in source.hidden:
        yield f"{source.server or '*'}/{name}"


def _rules(source: Source, names: _Names) -> Iterator[str]:
    for rule in source.rules:
        yield from _comment(f"{source.file}:{rule.line}", "  # ", "  # ")
        yield f"  - name: {scalar(names.of(source, rule.name))}"
        match = _match(source, rule.tool)
        if match:
            yield f"    match: {match}"
        if rule.besides:
            yield f"    except: {_match(source, rule.besides)}"
        if rule.when is not None:
            yield from _when(rule.when)
        yield f"    effect: {rule.effect.value}"
        if rule.expires_in is not None:
            yield f"    approval: {{expires_in: {duration_written(rule.expires_in)}}}"
        if rule.message is not None:
            yield f"    message: {scalar(rule.message)}"


def _limits(source: Source, names: _Names) -> Iterator[str]:
    for limit in source.limits:
        yield from _comment(f"{source.file}:{limit.line}", "  # ", "  # ")
        yield f"  - name: {scalar(names.of(source, limit.name))}"
        match = _match(source, limit.tool)
        if match:
            yield f"    match: {match}"
        yield f"    per: {'server' if limit.tool is None else 'tool'}"
        if limit.sum is not None:
            yield f"    sum: {_condition(limit.sum)}"
        yield f"    at_most: {limit.at_most}"
        yield f"    within: {duration_written(limit.within)}"
        yield "    effect: deny"
        if limit.message is not None:
            yield f"    message: {scalar(limit.message)}"


def _match(source: Source, tool: str | tuple[str, ...] | None) -> str:
    keys = [f"server: {scalar(source.server)}"] if source.server else []
    if isinstance(tool, str):
        keys.append(f"tool: {scalar(tool)}")
    elif tool is not None:
        keys.append(f"tool: [{', '.join(scalar(each) for each in tool)}]")
    return f"{{{', '.join(keys)}}}" if keys else ""


def scalar(text: str) -> str:
    """Return `text` as a YAML scalar: plain where that is plain to see, else in double quotes."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    escaped = "".join(_escaped(each) for each in text)
    return f'"{escaped}"'


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return "\\" + sign
    if sign == "\n":
        return "\\n"
    if sign.isprintable():
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"  # noqa: PLR2004


def _when(text: str) -> Iterator[str]:
    """Yield a condition as one line, or as a block where it has several."""
    if "\n" not in text:
        yield f"    when: {_condition(text)}"
        return
    yield "    when: |-"
    for line in text.split("\n"):
        yield f"      {line}"


def _condition(text: str) -> str:
    """Return CEL as a YAML scalar: plain where that is the same, else in single quotes."""
    if _CONDITION.fullmatch(text) and ": " not in text and " #" not in text:
        return text
    return "'" + text.replace("'", "''") + "'"
