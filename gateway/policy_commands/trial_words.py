"""Tells how tests of a policy came out: to people line by line, to machines as JSON."""

from collections.abc import Iterator, Mapping, Sequence

from policies.trials.trial_results import Coverage, Result


def as_text(results: Sequence[Result], covered: Sequence[Coverage]) -> Iterator[str]:
    """Yield what is not as expected and why, the rules that no test tried, and the counts."""
    different = [result for result in results if result.differences]
    for result in different:
        yield from _difference(result)
    for each in covered:
        for rule in each.untried:
            yield f"{rule.file}:{rule.line}: no test is covered by rule `{rule.name}`"
    for each in covered:
        tried = each.total - len(each.untried)
        yield f"{each.policy.file}: {tried} of {each.total} rules were tried"
    yield f"{len(results)} tests: {len(results) - len(different)} as expected, {len(different)} not"


def as_json(results: Sequence[Result], covered: Sequence[Coverage]) -> Mapping[str, object]:
    """Return the same as JSON: `tests`, `different`, and `coverage` by policy."""
    return {
        "tests": [_test(result) for result in results],
        "different": sum(bool(result.differences) for result in results),
        "coverage": [_covered(each) for each in covered],
    }


def _difference(result: Result) -> Iterator[str]:
    trial = result.trial
    where = f"{trial.file}:{trial.place.line}"
    for each in result.differences:
        wanted = f"expected {each.key} `{each.expected}`, and it is `{each.came}`"
        yield f"{where}: {trial.name}: {wanted}"
    for spoke in result.decision.assessment.spoke:
        yield f"    {spoke.pointer or '-'} {spoke.rule}: {spoke.effect}, {spoke.because}"
    assessment = result.decision.assessment
    yield f"    risk: {assessment.risk}, {assessment.evidence}"
    if result.decision.grant is not None:
        yield f"    grant {result.decision.grant} lifts it"


def _test(result: Result) -> Mapping[str, object]:
    trial, assessment = result.trial, result.decision.assessment
    return {
        "file": trial.file,
        "line": trial.place.line,
        "name": trial.name,
        "as_expected": not result.differences,
        "differences": [
            {"key": each.key, "expected": each.expected, "came": each.came}
            for each in result.differences
        ],
        "effect": result.decision.effect,
        "rules": [
            {"rule": each.rule, "pointer": each.pointer, "effect": each.effect, "why": each.because}
            for each in assessment.spoke
        ],
        "approvals": {term.team: term.approvals for term in assessment.terms},
        "message": assessment.message,
        "risk": assessment.risk,
        "evidence": assessment.evidence,
        "grant": result.decision.grant,
    }


def _covered(each: Coverage) -> Mapping[str, object]:
    return {
        "policy": each.policy.file,
        "digest": each.policy.digest,
        "rules": each.total,
        "untried": [
            {"rule": rule.name, "pointer": rule.pointer, "file": rule.file, "line": rule.line}
            for rule in each.untried
        ],
    }
