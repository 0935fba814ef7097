"""The people whom a call is for, and who therefore never decide on it."""

from collections.abc import Iterator
from dataclasses import dataclass

from policies.people.people import Directory


@dataclass(frozen=True)
class Parties:
    """An agent's owner and the person it acts for, by their names.

    `users` are their ids at Slack, without the workspace: one that is written
    wrongly lets nobody decide. `unplaced` are the names of those of whom the
    directory has no such id: whoever it does not name either could be one.
    """

    names: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset()
    unplaced: tuple[str, ...] = ()

    @classmethod
    def of(cls, owner: str, on_behalf_of: str | None, directory: Directory) -> "Parties":
        """Return those of an agent that `owner` owns, acting for `on_behalf_of` or for itself."""
        names = tuple(dict.fromkeys(name for name in (owner, on_behalf_of) if name))
        users = {name: user for name in names for user in _user(name, directory)}
        unplaced = tuple(name for name in names if name not in users)
        return cls(frozenset(names), frozenset(users.values()), unplaced)

    def include(self, person: str, slack: str) -> bool:
        """Tell whether the person with this name and Slack id is one of them."""
        return person in self.names or slack.partition("/")[2] in self.users

    def mistakable(self, person: str, directory: Directory) -> str | None:
        """Return which of them a person whom nobody named could be; None where that is certain."""
        return next(iter(self.unplaced), None) if person not in directory.people else None

    def may_include(self, person: str, slack: str, directory: Directory) -> bool:
        """Tell whether the person is one of them, or could be."""
        return self.include(person, slack) or self.mistakable(person, directory) is not None


def _user(name: str, directory: Directory) -> Iterator[str]:
    person = directory.people.get(name)
    if person is not None and person.slack is not None:
        yield person.slack.partition("/")[2]
