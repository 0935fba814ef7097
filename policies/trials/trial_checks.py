"""Finds what is wrong in a file of tests beyond its form: names of nothing, and contradictions."""

from collections.abc import Iterable, Iterator

from policies.deciding.assessment import UNLISTED
from policies.rules.decisions import Effect
from policies.rules.grant_terms import terms_problem
from policies.trials.trial_file import TrialFile, TrialSection
from policies.trials.trials import Ground, caller
from policies.values.problems import Problem
from policies.yaml.composing import Path
from policies.yaml.documents import Document
from policies.yaml.validation import choice, suggestion

_BUILT_IN = ("default", "no-team", UNLISTED, "undeclared-tool")
_OF_APPROVALS = ("team", "approvals", "reason")


def trial_problems(document: Document, written: TrialFile, ground: Ground) -> list[Problem]:
    """Return a problem for each name in the tests that is no name of anything, and the like."""
    problems = list(_same_names(document, written))
    for index, section in enumerate(written.tests):
        path: Path = ("tests", index)
        problems += _of_the_call(document, path, section, ground)
        problems += _of_the_agent(document, path, section, written, ground)
        problems += _of_the_expectation(document, path, section, ground)
    return problems


def _same_names(document: Document, written: TrialFile) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for index, section in enumerate(written.tests):
        place = document.place(("tests", index, "name"))
        if section.name is not None and section.name in seen:
            what = f"a test named `{section.name}` is already on line {seen[section.name]}"
            yield document.problem(place, what, "give each test a name of its own")
        if section.name is not None:
            seen.setdefault(section.name, place.line)


def _of_the_call(
    document: Document, path: Path, section: TrialSection, ground: Ground
) -> Iterator[Problem]:
    server, _, tool = section.call.partition("/")
    place = document.place((*path, "call"))
    known = ground.servers.get(server)
    if known is None:
        advice = suggestion(
            server, ground.servers, f"add it under `servers`, or {choice(ground.servers)}"
        )
        yield document.problem(place, f"there is no server `{server}`", advice)
    elif not known.tools and not known.asks:
        instead = f"list them: `servers: {{{server}: {{tools: [{tool}]}}}}`"
        yield document.problem(place, f"the tools of `{server}` are not known", instead)
    elif (
        tool not in known.tools and not known.asks and UNLISTED not in (section.expect.rules or ())
    ):
        what = f"`{server}` lists no tool `{tool}`"
        otherwise = f"add it under `tools`, or expect `rules: {UNLISTED}`"
        yield document.problem(place, what, suggestion(tool, known.tools, otherwise))


def _of_the_agent(
    document: Document, path: Path, section: TrialSection, written: TrialFile, ground: Ground
) -> Iterator[Problem]:
    name = caller(section, written, ground.agents)
    if name is None:
        instead = f"write `agent`, here or once for the file; {choice(ground.agents)}"
        yield document.problem(document.place(path), "nobody makes the call", instead)
    elif name not in ground.agents:
        place = document.place((*path, "agent") if section.agent else ("agent",))
        advice = suggestion(
            name, ground.agents, f"add it under `agents`, or {choice(ground.agents)}"
        )
        yield document.problem(place, f"there is no agent `{name}`", advice)


def _of_the_expectation(
    document: Document, path: Path, section: TrialSection, ground: Ground
) -> Iterator[Problem]:
    expected = section.expect
    at: Path = (*path, "expect")
    if expected.effect is not Effect.REQUIRE_APPROVAL:
        for key in _OF_APPROVALS:
            if getattr(expected, key) is not None:
                what = f"`{key}` has no meaning where the effect is {expected.effect}"
                yield document.problem(document.key((*at, key)), what, "remove it")
    limits = [limit.name for limit in ground.policy.limits]
    names = [*(rule.name for rule in ground.policy.rules), *limits]
    for name in section.usage:
        if name not in limits:
            place = document.key((*path, "usage", name))
            advice = suggestion(name, limits, choice(limits))
            yield document.problem(place, f"there is no limit `{name}`", advice)
    yield from _of_the_grants(document, path, section)
    yield from _unknown(
        document, (*at, "rules"), expected.rules or (), "rule", (*names, *_BUILT_IN)
    )
    grants = [grant.name for grant in section.grants]
    expects = [expected.grant] if expected.grant else []
    yield from _unknown(document, (*at, "grant"), expects, "grant", grants)


def _of_the_grants(document: Document, path: Path, section: TrialSection) -> Iterator[Problem]:
    for index, grant in enumerate(section.grants):
        left = None if grant.left is None else str(grant.left)
        wrong = terms_problem(grant.when, grant.sum, left, ())
        if wrong is not None:
            what, _, instead = wrong.partition("; ")
            place = document.place((*path, "grants", index))
            yield document.problem(place, what, instead or "mend the grant")


def _unknown(
    document: Document, path: Path, names: Iterable[str], kind: str, known: Iterable[str]
) -> Iterator[Problem]:
    among = list(known)
    for index, name in enumerate(names):
        if name not in among:
            place = document.place((*path, index))
            advice = suggestion(name, among, choice(among))
            yield document.problem(place, f"there is no {kind} `{name}`", advice)
