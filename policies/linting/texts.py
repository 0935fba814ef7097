"""Finds conditions that are always the same, and named ones that nothing uses."""

from collections.abc import Iterator, Mapping, Sequence

from policies.conditions.arguments import Scope
from policies.conditions.expressions import Expression
from policies.linting.findings import Finding, Severity, at_rule
from policies.rules.policy_sources import Source, read_sources
from policies.rules.rules import Rule
from policies.yaml.composing import Value
from policies.yaml.documents import Document


def constant(rules: Sequence[Rule]) -> Iterator[Finding]:
    """Yield the rules whose conditions look at nothing of the call."""
    for rule in rules:
        if rule.condition is None or rule.condition.reads:
            continue
        if rule.condition.holds(Scope.nothing()) is True:
            what = f"the condition of rule `{rule.name}` is always true"
            yield at_rule(rule, Severity.WARNING, "constant", what, "remove `when`")
        else:
            what = f"rule `{rule.name}` never decides: its condition is never true"
            yield at_rule(rule, Severity.WARNING, "constant", what, "mend `when`, or remove it")


def unused(text: str, *, file: str) -> Iterator[Finding]:
    """Yield the named conditions of a policy that no other condition is made of."""
    sources, _ = read_sources(text, file=file, unread={})
    used = {source.server: set(_used(source.document)) for source in sources}
    everywhere = set().union(*used.values())
    for source in sources:
        names = everywhere if source.server is None else used[source.server]
        for name in _names(source):
            if name not in names:
                place = source.document.key(("conditions", name))
                what = f"nothing uses the condition `{name}`"
                where = (source.document.file, place.line, place.column)
                yield Finding(*where, Severity.WARNING, "unused", what, "remove it, or use it")


def _names(source: Source) -> list[str]:
    written = source.document.at(("conditions",))
    return list(written) if isinstance(written, dict) else []


def _used(document: Document) -> Iterator[str]:
    for text in _texts(document.root, ""):
        yield from (token.text for token in Expression.read(text).roots())


def _texts(value: Value, key: str) -> Iterator[str]:
    """Yield every text in CEL of a file: `when` and `sum` wherever they are, and named ones."""
    match value:
        case str() if key in ("when", "sum"):
            yield value
        case list():
            for each in value:
                yield from _texts(each, "")
        case dict():
            for name, each in value.items():
                if name == "conditions" and isinstance(each, Mapping):
                    yield from (text for text in each.values() if isinstance(text, str))
                else:
                    yield from _texts(each, name)
