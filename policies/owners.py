"""Says which team owns a tool, where that is not the team of its server."""

from collections.abc import Sequence
from dataclasses import dataclass

from policies.matching import Target


@dataclass(frozen=True)
class Owner:
    """A team that owns the tools of a target, and where the policy says so."""

    target: Target
    team: str
    pointer: str
    file: str
    line: int
    column: int


def owner_of(server: str, tool: str, owners: Sequence[Owner]) -> str | None:
    """Return the team that the most specific target names, or None where none fits.

    Of equally specific targets the one that is first by its text counts, so
    that the order of the file does not.
    """
    fitting = [owner for owner in owners if owner.target.matches(server, tool)]
    if not fitting:
        return None
    return min(fitting, key=lambda owner: (-owner.target.weight, str(owner.target))).team
