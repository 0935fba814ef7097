"""Compares what a call came to with what was expected, and tells which rules were tried."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from policies.rules.decisions import Decision, Term
from policies.rules.limits import Limit
from policies.rules.policy import Policy
from policies.rules.rules import Rule
from policies.trials.trial_file import Expected
from policies.trials.trials import Ground, Trial, decision


@dataclass(frozen=True)
class Difference:
    """Something that is not as expected, both written as the file of tests writes it."""

    key: str
    expected: str
    came: str


@dataclass(frozen=True)
class Result:
    """What a test came to; no `differences` is as expected."""

    trial: Trial
    decision: Decision
    differences: tuple[Difference, ...]


def tried(trials: Iterable[Trial], ground: Ground) -> list[Result]:
    """Decide the calls of tests and compare."""
    results = []
    for trial in trials:
        came = decision(trial, ground)
        results.append(Result(trial, came, tuple(_differences(trial.expected, came))))
    return results


@dataclass(frozen=True)
class Coverage:
    """The rules and limits of a policy that spoke of no call of any test."""

    policy: Policy
    untried: tuple[Rule | Limit, ...]

    @property
    def total(self) -> int:
        """How many rules and limits the policy has."""
        return len(_entries(self.policy))


def coverage(policies: Iterable[Policy], results: Sequence[Result]) -> list[Coverage]:
    """Return what the tests leave out of each policy, in the order of its file."""
    spoke = {
        (result.decision.assessment.policy_digest, each.pointer)
        for result in results
        for each in result.decision.assessment.spoke
    }
    return [
        Coverage(
            policy,
            tuple(each for each in _entries(policy) if (policy.digest, each.pointer) not in spoke),
        )
        for policy in {policy.digest: policy for policy in policies}.values()
    ]


def _entries(policy: Policy) -> tuple[Rule | Limit, ...]:
    return (*policy.rules, *policy.limits)


def _differences(expected: Expected, came: Decision) -> Iterator[Difference]:
    assessment = came.assessment
    if came.effect is not expected.effect:
        yield Difference("effect", expected.effect, came.effect)
    if expected.rules is not None:
        spoke = [each.rule for each in assessment.spoke]
        if set(spoke) != set(expected.rules):
            yield Difference("rules", _several(expected.rules), _several(spoke))
    yield from _of_the_terms(expected, assessment.terms)
    reason = "required" if assessment.reason_required else "optional"
    for key, wanted, found in (
        ("reason", expected.reason, reason),
        ("message", expected.message, assessment.message),
        ("risk", expected.risk, assessment.risk),
        ("grant", expected.grant, came.grant),
    ):
        if wanted is not None and wanted != found:
            yield Difference(key, wanted, found or "none")


def _of_the_terms(expected: Expected, terms: Sequence[Term]) -> Iterator[Difference]:
    teams = [term.team for term in terms]
    if expected.team is not None and set(expected.team) != set(teams):
        yield Difference("team", _several(expected.team), _several(teams))
    match expected.approvals:
        case None:
            return
        case int() as count:
            wanted = dict.fromkeys(teams, count)
        case each:
            wanted = dict(each)
    found = {term.team: term.approvals for term in terms}
    if wanted != found or not found:
        text = str(expected.approvals) if isinstance(expected.approvals, int) else _counts(wanted)
        yield Difference("approvals", text, _counts(found))


def _several(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names))) or "none"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{team}: {count}" for team, count in sorted(counts.items())) or "none"
