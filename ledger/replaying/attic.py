"""Keeps what a replay has folded on disk, so that a long history needs little memory."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self

from ledger.events.envelopes import Model
from ledger.lives.kinds import Kept
from ledger.storage.projections import model_of


class Attic:
    """Models by kind and id in a database of its own, gone when it is closed.

    It belongs to the thread that made it.
    """

    def __init__(self) -> None:
        """Open an empty one."""
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(
            "CREATE TABLE model (kind, id, open, status, state, PRIMARY KEY (kind, id))"
            " WITHOUT ROWID"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def keep(self, models: Iterable[tuple[str, Model]]) -> None:
        """Put models in the place of their older selves."""
        rows = [
            (
                kind,
                model.id,
                int(getattr(model, "open", True)),
                str(getattr(model, "status", "")),
                model.model_dump_json(),
            )
            for kind, model in models
        ]
        self._database.execute("BEGIN")
        self._database.executemany("INSERT OR REPLACE INTO model VALUES (?, ?, ?, ?, ?)", rows)
        self._database.execute("COMMIT")

    def fetch(self, kind: str, name: str) -> Model | None:
        """Return a model, None where there is none."""
        found = self._database.execute(
            "SELECT state FROM model WHERE kind = ? AND id = ?", (kind, name)
        ).fetchone()
        return None if found is None else model_of(kind, found[0])

    def several(self, kind: str, names: Sequence[str]) -> dict[str, Kept]:
        """Return the models of these ids, at most 500, as far as there are any."""
        wanted = ", ".join("?" for _ in names)
        query = f"SELECT id, state FROM model WHERE kind = ? AND id IN ({wanted})"  # noqa: S608 (question marks)
        rows = self._database.execute(query, (kind, *names))
        return {name: model_of(kind, state) for name, state in rows}

    def names(self, kind: str) -> set[str]:
        """Return the ids of all models of a kind."""
        rows = self._database.execute("SELECT id FROM model WHERE kind = ?", (kind,))
        return {name for (name,) in rows}

    def all(self, kind: str, *, only_open: bool = False) -> Iterator[Model]:
        """Yield the models of a kind by id, on demand those only that are open."""
        query = "SELECT state FROM model WHERE kind = ? AND open >= ? ORDER BY id"
        for (state,) in self._database.execute(query, (kind, int(only_open))):
            yield model_of(kind, state)

    def statuses(self, kind: str) -> Counter[str]:
        """Count the models of a kind by their status."""
        query = "SELECT status, count(*) FROM model WHERE kind = ? GROUP BY status"
        return Counter(dict(self._database.execute(query, (kind,))))
