"""Compiles one file of a policy: its rules and settings, as they hold in the whole."""

from collections.abc import Iterator
from dataclasses import dataclass

from policies.people.owners import Owner
from policies.rules.decisions import Effect
from policies.rules.limit_compiling import compiled_limits, limit_texts
from policies.rules.limits import Limit
from policies.rules.policy_file import IncludedFile, PolicyFile, RuleSection
from policies.rules.policy_sources import Source
from policies.rules.rules import Asking, Rule
from policies.values.calls import Risk
from policies.values.matching import Matcher, Target
from policies.yaml.composing import Path
from policies.yaml.documents import Document


@dataclass(frozen=True)
class Default:
    """What holds where no rule covers a call, and the JSON Pointer of where that is said."""

    effect: Effect
    pointer: str = "/default"


@dataclass(frozen=True)
class Part:
    """What one file brings to the policy; `default` is None where it says none."""

    server: str | None
    default: Default | None
    rules: tuple[Rule, ...]
    limits: tuple[Limit, ...]
    never: tuple[Matcher, ...]
    redact: tuple[str, ...]
    risks: tuple[tuple[Target, Risk], ...]
    owners: tuple[Owner, ...]


def compile_part(source: Source, written: PolicyFile | IncludedFile) -> Part:
    """Return what a file says, scoped to its server where it is included for one."""
    default = written.default
    return Part(
        server=source.server,
        default=None if default is None else Default(default, f"{source.pointer}/default"),
        rules=(
            *(_rule(source, index, rule) for index, rule in enumerate(written.rules)),
            *(_hiding(source, index, target) for index, target in enumerate(written.hide)),
        ),
        limits=compiled_limits(source, written.limits, limit_texts(source)),
        never=tuple(source.scoped(never.matcher()) for never in written.grants.never),
        redact=written.redact,
        risks=tuple((source.target(text), risk) for text, risk in written.risk.items()),
        owners=tuple(_owners(source, written)),
    )


def _rule(source: Source, index: int, rule: RuleSection) -> Rule:
    document, path = source.document, ("rules", index)
    place = document.place(path)
    return Rule(
        name=source.called(rule.name),
        pointer=_pointer(source, path),
        line=place.line,
        column=place.column,
        match=source.scoped(rule.match.matcher()),
        exception=rule.except_.matcher() if rule.except_ else None,
        condition=source.conditions.get(index),
        effect=rule.effect,
        asking=rule.approval.asking() if rule.approval else Asking(),
        message=rule.message,
        show_result=rule.show_result,
        description=rule.description,
        file=document.file,
    )


def _hiding(source: Source, index: int, target: str) -> Rule:
    """Return what denies the calls of hidden tools; lists leave these out."""
    document: Document = source.document
    path = ("hide", index)
    place = document.place(path)
    hidden = source.target(target)
    return Rule(
        name=source.called(f"hide {target}"),
        pointer=_pointer(source, path),
        line=place.line,
        column=place.column,
        match=Matcher(server=(hidden.server,), tool=(hidden.tool,)),
        exception=None,
        condition=None,
        effect=Effect.DENY,
        asking=Asking(),
        file=document.file,
    )


def _owners(source: Source, written: PolicyFile | IncludedFile) -> Iterator[Owner]:
    for text, team in written.owners.items():
        path = ("owners", text)
        place = source.document.place(path)
        yield Owner(
            source.target(text),
            team,
            _pointer(source, path),
            source.document.file,
            place.line,
            place.column,
        )


def _pointer(source: Source, path: Path) -> str:
    """Return the JSON Pointer (RFC 6901) of what is at `path` of a file."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return "/".join([source.pointer, *steps])
