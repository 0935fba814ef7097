"""Compiles the files of a policy into the rules that decide."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from itertools import chain

from policies.people.owners import Owner, owner_of
from policies.rules.compiled_parts import Default, Part, compile_part
from policies.rules.decisions import Assessment, Effect
from policies.rules.limit_compiling import limit_texts
from policies.rules.limits import Limit
from policies.rules.policy_checks import entry_problems
from policies.rules.policy_file import IncludedFile, PolicyFile
from policies.rules.policy_sources import Source, Unread, read_sources
from policies.rules.rule_index import RuleIndex
from policies.rules.rules import Rule
from policies.values.calls import Risk
from policies.values.matching import Matcher, Subject, Target
from policies.values.memory import Memory
from policies.values.problems import InvalidDocument, Place, Problem
from policies.yaml.validation import validated

_LONGEST_NAMES = 1024


@dataclass(frozen=True)
class GrantLimits:
    """How long a grant may last, and the calls that none may lift."""

    longest: timedelta = timedelta(hours=8)
    never: tuple[Matcher, ...] = ()

    def forbid(self, subject: Subject) -> bool:
        """Say whether no grant may lift this call."""
        return any(matcher.matches(subject) for matcher in self.never)


@dataclass(frozen=True)
class Included:
    """A file that the policy file includes at `place` for one server, and its own default."""

    server: str
    place: Place
    default: Default | None


@dataclass(frozen=True)
class Policy:
    """A policy in force; `text` holds all of its files, `digest` is its hex SHA-256 in UTF-8.

    What is asked of it again and again is remembered, within bounds.
    """

    digest: str
    text: str
    file: str
    default: Effect
    rules: tuple[Rule, ...]
    grants: GrantLimits
    redact: tuple[str, ...]
    risks: tuple[tuple[Target, Risk], ...]
    limits: tuple[Limit, ...] = ()
    owners: tuple[Owner, ...] = ()
    included: tuple[Included, ...] = ()
    _remembered: Memory[Subject, tuple[Rule, ...]] = field(
        default_factory=Memory, repr=False, compare=False
    )
    _limiting: Memory[Subject, tuple[Limit, ...]] = field(
        default_factory=Memory, repr=False, compare=False
    )
    _standing: Memory[tuple[Subject, str], Assessment] = field(
        default_factory=Memory, repr=False, compare=False
    )
    _owned: Memory[tuple[str, str], tuple[str | None]] = field(
        default_factory=Memory, repr=False, compare=False
    )

    def concerning(self, subject: Subject) -> tuple[Rule, ...]:
        """Return the rules that speak of such a call, conditions aside, in file order."""
        found = self._remembered.recall(subject)
        if found is not None:
            return found
        found = self._index.concerning(subject)
        return self._remembered.keep(subject, found) if _short(subject) else found

    def limiting(self, subject: Subject) -> tuple[Limit, ...]:
        """Return the limits that speak of such a call, conditions aside, in file order."""
        if not self.limits:
            return ()
        found = self._limiting.recall(subject)
        if found is not None:
            return found
        found = tuple(limit for limit in self.limits if limit.concerns(subject))
        return self._limiting.keep(subject, found) if _short(subject) else found

    def default_at(self, server: str) -> Default:
        """Return what holds where no rule covers a call to `server`."""
        return self._defaults.get(server) or Default(self.default)

    def owner(self, server: str, tool: str) -> str | None:
        """Return the team that owns a tool, or None where the policy names none."""
        if not self.owners:
            return None
        known = self._owned.recall((server, tool))
        if known is None:
            known = (owner_of(server, tool, self.owners),)
            if len(tool) <= _LONGEST_NAMES:
                self._owned.keep((server, tool), known)
        return known[0]

    def with_rules(self, rules: Iterable[Rule]) -> "Policy":
        """Return this policy with other rules; nothing that was remembered goes with it."""
        return replace(self, rules=tuple(rules), _remembered=Memory(), _standing=Memory())

    def standing(self, subject: Subject, evidence: str) -> Assessment | None:
        """Return what was remembered of such calls, with this evidence of their risk."""
        return self._standing.recall((subject, evidence))

    def remember(self, subject: Subject, assessment: Assessment) -> None:
        """Keep what holds for every call of a subject, since no condition speaks of it."""
        if _short(subject):
            self._standing.keep((subject, assessment.evidence), assessment)

    @cached_property
    def _index(self) -> RuleIndex:
        return RuleIndex(self.rules)

    @cached_property
    def _defaults(self) -> Mapping[str, Default]:
        return {each.server: each.default for each in self.included if each.default is not None}


def _short(subject: Subject) -> bool:
    return len(subject.tool) + len(subject.agent) <= _LONGEST_NAMES


def compile_policy(
    text: str, *, file: str = "policy.yaml", unread: Mapping[str, Unread] | None = None
) -> Policy:
    """Return the policy that `text` writes, included files and all.

    `unread` says why included files that the text lacks could not be read.
    Raises InvalidDocument with every problem found, conditions included.
    """
    sources, problems = read_sources(text, file=file, unread=unread or {})
    written, wrong = validated(PolicyFile, sources[0].document)
    problems += wrong
    parts = [compile_part(sources[0], written)] if written else []
    for source in sources[1:]:
        included, wrong = validated(IncludedFile, source.document)
        problems += wrong
        parts += [compile_part(source, included)] if included else []
    for source in sources:
        problems += [*entry_problems(source), *limit_texts(source).problems]
    rules = tuple(chain.from_iterable(part.rules for part in parts))
    problems += _same_names(rules)
    if written is None or problems:
        raise InvalidDocument(problems)
    return Policy(
        digest=sha256(text.encode()).hexdigest(),
        text=text,
        file=file,
        default=written.default,
        rules=rules,
        grants=GrantLimits(
            written.grants.longest, tuple(chain.from_iterable(part.never for part in parts))
        ),
        redact=tuple(dict.fromkeys(chain.from_iterable(part.redact for part in parts))),
        risks=tuple(chain.from_iterable(part.risks for part in parts)),
        limits=tuple(chain.from_iterable(part.limits for part in parts)),
        owners=tuple(chain.from_iterable(part.owners for part in parts)),
        included=tuple(_included(sources, parts)),
    )


def _included(sources: Sequence[Source], parts: Sequence[Part]) -> Iterator[Included]:
    for part in parts[1:]:
        assert part.server is not None, "only the first file is included for no server"
        place = sources[0].document.key(("include", part.server))
        yield Included(part.server, place, part.default)


def _same_names(rules: Iterable[Rule]) -> Iterator[Problem]:
    """Yield the rules of different files that would be called the same."""
    files: dict[str, str] = {}
    for rule in rules:
        first = files.setdefault(rule.name, rule.file)
        if first != rule.file:
            what = f"a rule named `{rule.name}` is already in {first}"
            yield Problem(rule.file, rule.line, rule.column, what, "give it another name")
