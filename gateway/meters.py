"""Counts what the gateway does, for Prometheus."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ledger.rulings import Allowed, Denied, Dispatched, Ruling
from policies.decisions import Effect

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Meters:
    """Calls by server and effect, how long decisions take, and how many calls wait or run."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the metrics; their labels are names of the configuration only."""
        self._calls = Counter(
            "placet_calls",
            "Tool calls decided, by server and by what may happen to them",
            ("server", "effect"),
            registry=registry,
        )
        self._deciding = Histogram(
            "placet_decide_seconds",
            "Time from a valid call to its durable decision",
            buckets=_SECONDS,
            registry=registry,
        )
        self._held = Gauge(
            "placet_held_calls", "Calls that wait for people at this moment", registry=registry
        )
        self._running = Gauge(
            "placet_running_calls", "Calls that are at their servers now", registry=registry
        )
        self._observed = Counter(
            "placet_observed_calls",
            "Tool calls that ran only because their server observes, by what was decided",
            ("server", "effect"),
            registry=registry,
        )
        self._outcomes = Counter(
            "placet_outcomes", "Calls that ended, by outcome", ("outcome",), registry=registry
        )
        self._refused = Counter(
            "placet_refused_requests",
            "Requests that went no further, by JSON-RPC error code",
            ("code",),
            registry=registry,
        )

    def show_held(self, held: Callable[[], int]) -> None:
        """Read the number of held calls from `held` whenever it is asked for."""
        self._held.set_function(held)

    @contextmanager
    def deciding(self) -> Iterator[None]:
        """Measure a decision."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._deciding.observe(time.perf_counter() - began)

    def decided(self, server: str, ruling: Ruling) -> None:
        """Count a decision."""
        match ruling:
            case Allowed(decided):
                effect = decided.effect.value
                if decided.observed and decided.effect is not Effect.ALLOW:
                    self._observed.labels(server, effect).inc()
            case Dispatched():
                effect = "allow"
            case Denied():
                effect = "deny"
            case _:
                effect = "require_approval"
        self._calls.labels(server, effect).inc()

    def running(self, change: int) -> None:
        """Count a call that goes to its server (1) or comes back (-1)."""
        self._running.inc(change)

    def ended(self, outcome: str) -> None:
        """Count how a call ended."""
        self._outcomes.labels(outcome).inc()

    def refused(self, code: int) -> None:
        """Count a request that went no further."""
        self._refused.labels(str(code)).inc()
