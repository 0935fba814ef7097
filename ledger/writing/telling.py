"""Tells callers what became of their commands: at once, or when the writer is about to wait."""

import logging
from collections.abc import Sequence
from typing import TypeAlias

from ledger.writing.inbox import Waiting
from ledger.writing.outcomes import Outcome

_LOG = logging.getLogger(__name__)

Told: TypeAlias = tuple[Waiting, Outcome]


class Teller:
    """Tells every caller its outcome, each event loop with one call; used by the writer's thread.

    A loop that hears of outcomes has much to do, and keeps the interpreter from
    the writer until it is done. Where the writer goes on at once it may `keep`
    them therefore, until its next commit waits for the disk and needs none.
    """

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._kept: Sequence[Told] = ()

    def keep(self, outcomes: Sequence[Told]) -> None:
        """Hold outcomes back until `tell_kept`, which must follow soon."""
        assert not self._kept, "those before were told"
        self._kept = outcomes

    def tell_kept(self) -> None:
        """Tell what was held back, if there is anything."""
        kept, self._kept = self._kept, ()
        if kept:
            self.tell(kept)

    def tell(self, outcomes: Sequence[Told]) -> None:
        """Tell outcomes now."""
        loops = {waiting.loop for waiting, _ in outcomes}
        for loop in loops:
            alone = len(loops) == 1
            theirs = outcomes if alone else [each for each in outcomes if each[0].loop is loop]
            if loop is None:
                _tell(theirs)
                continue
            try:
                loop.call_soon_threadsafe(_tell, theirs)
            except RuntimeError:
                _LOG.info("%s callers were gone before they heard", len(theirs))


def _tell(outcomes: Sequence[Told]) -> None:
    for waiting, outcome in outcomes:
        try:
            if waiting.future.done():
                continue
            if isinstance(outcome, Exception):
                waiting.future.set_exception(outcome)
            else:
                waiting.future.set_result(outcome)
        except Exception:  # noqa: BLE001 (one hearer's bug keeps nobody else waiting)
            _LOG.exception("whoever sent %s could not be told of it", waiting.command.id)
