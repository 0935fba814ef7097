"""Finds open approvals and grants by something else than their ids; the models are elsewhere."""

from collections.abc import Iterable

from ledger.events.envelopes import Model
from ledger.lives.approvals import OPEN, Approval
from ledger.lives.grants import Grant

_NONE: frozenset[str] = frozenset()


class OpenIndex:
    """The ids of what is open, by what it is about."""

    def __init__(self) -> None:
        """Know of nothing."""
        self._by_digest: dict[str, str] = {}
        self._asked_by: dict[str, dict[str, None]] = {}
        self._grants_of: dict[str, set[str]] = {}

    def bound_to(self, digest: str) -> str | None:
        """Return the approval that is bound to a digest, None where none is open."""
        return self._by_digest.get(digest)

    def asked_by(self, agent: str) -> Iterable[str]:
        """Return the open approvals of an agent's calls, as they were asked for."""
        return self._asked_by.get(agent, ())

    def grants_of(self, agent: str) -> Iterable[str]:
        """Return the grants of an agent that are neither revoked nor expired."""
        return self._grants_of.get(agent, _NONE)

    def take(self, model: Model) -> None:
        """Know a model as it is now; what has ended is not found any more."""
        match model:
            case Approval() if model.status in OPEN:
                self._by_digest[model.request.digest] = model.id
                self._asked_by.setdefault(model.request.agent, {})[model.id] = None
            case Approval():
                if self._by_digest.get(model.request.digest) == model.id:
                    del self._by_digest[model.request.digest]
                self._asked_by.get(model.request.agent, {}).pop(model.id, None)
            case Grant() if model.open:
                self._grants_of.setdefault(model.agent, set()).add(model.id)
            case Grant():
                self._grants_of.get(model.agent, set()).discard(model.id)
            case _:
                pass
