"""Says which team owns a tool, where that is not the team of its server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policies.values.inclusion import glob_includes, overlap
from policies.values.matching import Glob, Target


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
    return min(fitting, key=_most_specific).team if fitting else None


def owners_behind(
    target: str, server_teams: Mapping[str, str], owners: Sequence[Owner]
) -> tuple[str, ...]:
    """Return all teams that own tools which a target `server/tool` names, sorted.

    The team of a server is among them unless the target's tools, as far as can
    be told, all have another owner.
    """
    server, _, tool = target.partition("/")
    named = [name for name in server_teams if Glob(server).matches(name)]
    found: set[str] = set()
    for name in named:
        found |= _owning(name, Glob(tool), server_teams[name], owners)
    return tuple(sorted(found))


def _owning(server: str, tool: Glob, team: str, owners: Sequence[Owner]) -> set[str]:
    found = set()
    for owner in sorted(owners, key=_most_specific):
        if owner.target.server.matches(server) and overlap(owner.target.tool, tool):
            found.add(owner.team)
            if glob_includes(owner.target.tool, tool):
                return found  # for none of these tools anything less specific counts
    return {*found, team}


def _most_specific(owner: Owner) -> tuple[int, str]:
    return -owner.target.weight, str(owner.target)
