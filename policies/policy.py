"""Compiles the policy file into the rules that decide."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256

from policies.calls import Risk
from policies.composing import Path
from policies.conditions import CannotCompile, Condition, compile_condition
from policies.decisions import Assessment, Effect
from policies.documents import Document, read_document
from policies.matching import Matcher, Subject, Target
from policies.policy_file import ApprovalSection, PolicyFile, RuleSection, is_condition
from policies.problems import InvalidDocument, Problem
from policies.rules import Asking, Rule
from policies.validation import validated

_MOST_REMEMBERED = 4096


@dataclass(frozen=True)
class GrantLimits:
    """How long a grant may last, and the calls that none may lift."""

    longest: timedelta = timedelta(hours=8)
    never: tuple[Matcher, ...] = ()

    def forbid(self, subject: Subject) -> bool:
        """Say whether no grant may lift this call."""
        return any(matcher.matches(subject) for matcher in self.never)


@dataclass(frozen=True)
class Policy:
    """A policy in force: its rules, and the hex SHA-256 of its text in UTF-8."""

    digest: str
    text: str
    file: str
    default: Effect
    rules: tuple[Rule, ...]
    grants: GrantLimits
    redact: tuple[str, ...]
    risks: tuple[tuple[Target, Risk], ...]
    _remembered: dict[Subject, tuple[Rule, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )
    _standing: dict[tuple[Subject, str], Assessment] = field(
        default_factory=dict, repr=False, compare=False
    )

    def concerning(self, subject: Subject) -> tuple[Rule, ...]:
        """Return the rules that speak of such a call, conditions aside, in file order.

        The answer is remembered for up to 4,096 subjects, so that a call does
        not scan rules that cannot speak of it.
        """
        found = self._remembered.get(subject)
        if found is None:
            found = tuple(rule for rule in self.rules if rule.concerns(subject))
            if len(self._remembered) >= _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[subject] = found
        return found

    def with_rules(self, rules: Iterable[Rule]) -> "Policy":
        """Return this policy with other rules; nothing that was remembered goes with it."""
        return replace(self, rules=tuple(rules), _remembered={}, _standing={})

    def standing(self, subject: Subject, evidence: str) -> Assessment | None:
        """Return what was remembered of such calls, with this evidence of their risk."""
        return self._standing.get((subject, evidence))

    def remember(self, subject: Subject, assessment: Assessment) -> None:
        """Keep what holds for every call of a subject, since no condition speaks of it."""
        if len(self._standing) >= _MOST_REMEMBERED:
            self._standing.clear()
        self._standing[subject, assessment.evidence] = assessment


def compile_policy(text: str, *, file: str = "policy.yaml") -> Policy:
    """Return the policy that `text` writes.

    Raises InvalidDocument with every problem found, conditions included.
    """
    document = read_document(text, file=file)
    written, problems = validated(PolicyFile, document)
    conditions, wrong = _conditions(document)
    problems += [*wrong, *_same_names(document), *_misplaced(document)]
    if written is None or problems:
        raise InvalidDocument(problems)
    return Policy(
        digest=sha256(text.encode()).hexdigest(),
        text=text,
        file=file,
        default=written.default,
        rules=(
            *(
                _rule(document, index, rule, conditions.get(index))
                for index, rule in enumerate(written.rules)
            ),
            *(_hiding(document, index, target) for index, target in enumerate(written.hide)),
        ),
        grants=GrantLimits(
            written.grants.longest, tuple(never.matcher() for never in written.grants.never)
        ),
        redact=written.redact,
        risks=written.targets(),
    )


def _rule(document: Document, index: int, rule: RuleSection, condition: Condition | None) -> Rule:
    place = document.place(("rules", index))
    return Rule(
        name=rule.name,
        pointer=f"/rules/{index}",
        line=place.line,
        column=place.column,
        match=rule.match.matcher(),
        exception=rule.except_.matcher() if rule.except_ else None,
        condition=condition,
        effect=rule.effect,
        asking=_asking(rule.approval),
        message=rule.message,
        show_result=rule.show_result,
        description=rule.description,
    )


def _hiding(document: Document, index: int, target: str) -> Rule:
    """Return what denies the calls of hidden tools; lists leave these out."""
    place = document.place(("hide", index))
    hidden = Target.parse(target)
    return Rule(
        name=f"hide {target}",
        pointer=f"/hide/{index}",
        line=place.line,
        column=place.column,
        match=Matcher(server=(hidden.server,), tool=(hidden.tool,)),
        exception=None,
        condition=None,
        effect=Effect.DENY,
        asking=Asking(),
    )


def _asking(approval: ApprovalSection | None) -> Asking:
    if approval is None:
        return Asking()
    return Asking(
        team=approval.team,
        approvals=approval.approvals,
        expires_in=approval.expires_in,
        use_within=approval.use_within,
        reason_required=approval.reason == "required",
    )


def _rules(document: Document) -> Iterator[tuple[int, dict[str, object]]]:
    rules = document.at(("rules",))
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        if isinstance(rule, dict):
            yield index, dict(rule)


def _conditions(document: Document) -> tuple[dict[int, Condition], list[Problem]]:
    conditions: dict[int, Condition] = {}
    problems: list[Problem] = []
    for index, rule in _rules(document):
        source = rule.get("when")
        if not isinstance(source, str) or not is_condition(source):
            continue
        try:
            conditions[index] = compile_condition(source)
        except CannotCompile as error:
            place = document.inside(("rules", index, "when"), error.line, error.column)
            problems.append(document.problem(place, error.what, error.instead))
    return conditions, problems


def _same_names(document: Document) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, rule in _rules(document):
        name = rule.get("name")
        if not isinstance(name, str):
            continue
        path: Path = ("rules", index, "name")
        if name in seen:
            what = f"a rule named `{name}` is already on line {seen[name]}"
            yield document.problem(document.place(path), what, "give each rule a name of its own")
        seen.setdefault(name, document.place(path).line)


def _misplaced(document: Document) -> Iterator[Problem]:
    for index, rule in _rules(document):
        effect = rule.get("effect")
        if "approval" in rule and effect in ("allow", "deny"):
            what = f"`approval` has no meaning where the effect is {effect}"
            yield _at(document, index, "approval", what, "remove it, or write `require_approval`")
        if "message" in rule and effect == "allow":
            what = "`message` has no meaning where the effect is allow"
            yield _at(document, index, "message", what, "remove it")
        if rule.get("except") == {}:
            what = "an empty `except` would take out every call"
            yield _at(document, index, "except", what, "name what to take out, or remove it")


def _at(document: Document, index: int, key: str, what: str, instead: str) -> Problem:
    return document.problem(document.key(("rules", index, key)), what, instead)
