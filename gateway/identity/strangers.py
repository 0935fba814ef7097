"""Counts those who were not let in, and says why in the log once in a while."""

import logging
import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter

from gateway.sparing import Sparing

_LOG = logging.getLogger(__name__)

_WITHIN = 10.0
"""Seconds between two lines of the log on one kind, however many knock."""


class Strangers:
    """Remembers nothing of anybody: counts, and when they were last told."""

    def __init__(
        self, registry: CollectorRegistry, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Register the count; `monotonic` returns seconds."""
        self._count = Counter(
            "placet_bad_keys",
            "Requests of nobody we know, by what they showed: a key, a token, something malformed",
            ("shown",),
            registry=registry,
        )
        self._sparing = Sparing(1, _WITHIN, monotonic)

    def note(self, shown: str, why: str, where: str | None) -> None:
        """Note a request that was not let in; `why` and `where` from are for the log.

        `shown` is a kind; neither it nor `why` ever holds what was sent.
        """
        self._count.labels(shown).inc()
        more = self._sparing.passes(shown)
        if more is not None:
            fields = {"shown": shown, "peer": where, **({"more": more} if more else {})}
            _LOG.info("a %s from %s was not let in: %s", shown, where, why, extra=fields)
