"""Counts what the ledger does, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_COMMANDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 500)


class LedgerMeters:
    """How quickly commands are recorded, how many wait, and who is behind."""

    def __init__(self) -> None:
        """Count from now on; nobody sees it before `register`."""
        self._seconds = Histogram(
            "placet_ledger_append_seconds",
            "Seconds that a batch of commands took to be decided and made durable",
            buckets=_SECONDS,
            registry=None,
        )
        self._commands = Histogram(
            "placet_ledger_batch_commands",
            "Commands that were recorded in one transaction",
            buckets=_COMMANDS,
            registry=None,
        )
        self._refused = Counter(
            "placet_ledger_refused_commands",
            "Commands that waited too long, or found the ledger out of order",
            registry=None,
        )
        self._waiting = Gauge(
            "placet_ledger_waiting_commands", "Commands that wait to be recorded", registry=None
        )
        self._position = Gauge(
            "placet_ledger_position", "Events that everybody here has heard of", registry=None
        )
        self._behind = Gauge(
            "placet_ledger_behind_events",
            "Events that are recorded, and that nobody here has heard of yet",
            registry=None,
        )
        self._writable = Gauge(
            "placet_ledger_writable",
            "1 where the ledger can be written, 0 where it cannot",
            registry=None,
        )

    def register(self, registry: CollectorRegistry) -> None:
        """Show the metrics in `registry`."""
        for metric in (
            self._seconds,
            self._commands,
            self._refused,
            self._waiting,
            self._position,
            self._behind,
            self._writable,
        ):
            registry.register(metric)

    def show(
        self,
        *,
        waiting: Callable[[], float],
        position: Callable[[], float],
        behind: Callable[[], float],
        writable: Callable[[], float],
    ) -> None:
        """Read the gauges from these whenever they are asked for."""
        self._waiting.set_function(waiting)
        self._position.set_function(position)
        self._behind.set_function(behind)
        self._writable.set_function(writable)

    def settled(self, commands: int, seconds: float) -> None:
        """Count a batch that was settled."""
        self._seconds.observe(seconds)
        self._commands.observe(commands)

    def refused(self, commands: int) -> None:
        """Count commands that nothing was recorded for."""
        self._refused.inc(commands)
