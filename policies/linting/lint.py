"""Looks at a policy as a whole: what decides nothing, and what cannot be meant."""

from policies.checking.approvable import nobody_could_approve
from policies.checking.argument_checks import argument_problems
from policies.configuration.configuration import Configuration
from policies.linting.findings import Finding, Severity, of_problem
from policies.linting.known import Known, unknown
from policies.linting.limiting import idle_limits
from policies.linting.shadowing import shadowed
from policies.linting.texts import constant, unused
from policies.rules.policy import Policy


def linted(policy: Policy, known: Known, configuration: Configuration | None) -> list[Finding]:
    """Return what is found in a valid policy, by file and place.

    Without a configuration nothing is said of who could approve.
    """
    found = [*shadowed(policy.rules), *constant(policy.rules)]
    found += idle_limits(policy)
    found += unused(policy.text, file=policy.file)
    found += unknown(policy, known)
    unread = argument_problems(policy, known.definitions)
    found += [of_problem(each, Severity.ERROR, "argument") for each in unread]
    if configuration is not None:
        problems = nobody_could_approve(configuration, policy)
        found += [of_problem(each, Severity.ERROR, "nobody-can-approve") for each in problems]
    return sorted(set(found))
