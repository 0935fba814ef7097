"""What a look at a policy finds: how grave it is, where, why, and what to do."""

from dataclasses import dataclass
from enum import StrEnum

from policies.rules.rules import Rule
from policies.values.problems import Problem


class Severity(StrEnum):
    """How grave a finding is.

    An error is something that can do no good; a warning is most likely not meant;
    a hint could be left out.
    """

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


GRAVENESS = {Severity.HINT: 0, Severity.WARNING: 1, Severity.ERROR: 2}
"""The graver, the larger."""


@dataclass(frozen=True, order=True)
class Finding:
    """One thing found in a policy, with its place and what to do `instead`; `kind` names it."""

    file: str
    line: int
    column: int
    severity: Severity
    kind: str
    what: str
    instead: str

    def __str__(self) -> str:
        """Write the finding as one line, `file:line:column: severity: what; instead`."""
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.severity}: {self.what}; {self.instead} ({self.kind})"


def at_rule(rule: Rule, severity: Severity, kind: str, what: str, instead: str) -> Finding:
    """Return a finding at the place of a rule."""
    return Finding(rule.file, rule.line, rule.column, severity, kind, what, instead)


def of_problem(problem: Problem, severity: Severity, kind: str) -> Finding:
    """Return a finding that says what a problem says."""
    place = (problem.file, problem.line, problem.column)
    return Finding(*place, severity, kind, problem.what, problem.instead)
