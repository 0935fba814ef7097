"""Counts what the gateway does, for Prometheus."""

from collections.abc import Iterable
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge

from gateway.tallies import Spreads, Tally
from gateway.upstreams import Fault
from ledger.deciding.rulings import Allowed, Denied, Dispatched, Ruling, Waiting
from ledger.events.events import CallDecided
from policies.deciding.exceeding import is_limit
from policies.rules.decisions import Effect

_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_SLOW = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

_ALLOW = Effect.ALLOW
_OUTCOMES = ("ok", "tool-error", "rpc-error", "failed")


class Meters:
    """What happens to requests and calls; labels are names of the configuration or of ours.

    What the most travelled way counts are plain numbers: a counter of Prometheus'
    own costs ten times that.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        servers: Iterable[str] = (),
        observing: Iterable[str] = (),
    ) -> None:
        """Register the metrics; `observing` are those of the `servers` that block nothing."""
        self._servers = tuple(servers)
        self._count_decisions(registry)
        self._count_runs(registry)
        self._refused = Counter(
            "placet_refused_requests",
            "Requests that went no further, by JSON-RPC error code",
            ("code",),
            registry=registry,
        )
        only = Gauge(
            "placet_server_observing",
            "1 for each server that only observes: nothing is blocked there",
            ("server",),
            registry=registry,
        )
        for server in observing:
            only.labels(server).set(1)

    def _count_decisions(self, registry: CollectorRegistry) -> None:
        calls = Tally(
            "placet_calls",
            "Tool calls decided, by server and by what may happen to them",
            ("server", "effect"),
            [(server, effect.value) for server in self._servers for effect in Effect],
        )
        registry.register(calls)
        self._calls = calls.counts
        self._observed = Counter(
            "placet_observed_calls",
            "Tool calls that ran only because their server observes, by what was decided",
            ("server", "effect"),
            registry=registry,
        )
        self._limited = Counter(
            "placet_limited_calls",
            "Tool calls for which a limit had no room, by what was decided",
            ("server", "limit", "effect"),
            registry=registry,
        )
        deciding = Spreads(
            "placet_decide_seconds", "Seconds from a valid call to its durable decision", _QUICK
        )
        registry.register(deciding)
        self._deciding = deciding.by[""]

    def _count_runs(self, registry: CollectorRegistry) -> None:
        running = Gauge(
            "placet_server_running_calls",
            "Calls that are at a server now",
            ("server",),
            registry=registry,
        )
        self._running = dict.fromkeys(self._servers, 0)
        for server in self._servers:
            running.labels(server).set_function(partial(self._running.__getitem__, server))
        Gauge(
            "placet_running_calls", "Calls that are at their servers now", registry=registry
        ).set_function(lambda: sum(self._running.values()))
        seconds = Spreads(
            "placet_server_seconds",
            "Seconds that calls took at their servers",
            _SLOW,
            "server",
            self._servers,
        )
        registry.register(seconds)
        self._seconds = seconds.by
        outcomes = Tally(
            "placet_outcomes",
            "Calls that ended, by outcome",
            ("outcome",),
            [(outcome,) for outcome in _OUTCOMES],
        )
        registry.register(outcomes)
        self._outcomes = outcomes.counts
        self._failures = Counter(
            "placet_server_failures",
            "Requests that a server did not answer as it should, by what went wrong",
            ("server", "kind"),
            registry=registry,
        )

    def decided(self, server: str, ruling: Ruling, seconds: float) -> None:
        """Count a decision, and what it took."""
        self._deciding.observe(seconds)
        if just_allowed(ruling):  # most of them; no limit spoke
            self._calls[server, _ALLOW] += 1
            return
        match ruling:
            case Allowed(decided):
                effect = decided.effect
                if decided.observed:
                    self._observed.labels(server, effect.value).inc()
                self._limit(server, decided)
            case Dispatched():
                effect = Effect.ALLOW
            case Denied(decided):
                effect = Effect.DENY
                self._limit(server, decided)
            case Waiting(decided=decided):
                effect = Effect.REQUIRE_APPROVAL
                self._limit(server, decided)
            case _:
                effect = Effect.REQUIRE_APPROVAL
        self._calls[server, effect] += 1

    def _limit(self, server: str, decided: CallDecided) -> None:
        """Count the limits that had no room for a call; they speak where it is not just allowed."""
        for rule in decided.rules if decided.effect is not Effect.ALLOW else ():
            if is_limit(rule.pointer):
                self._limited.labels(server, rule.rule, decided.effect.value).inc()

    def running(self, server: str, change: int) -> None:
        """Count a call that goes to its server (1) or comes back (-1)."""
        self._running[server] += change

    def ended(self, server: str, outcome: str, seconds: float) -> None:
        """Count how a call ended, and how long it was at its server."""
        self._seconds[server].observe(seconds)
        self._outcomes[outcome,] += 1

    def failed(self, server: str, fault: Fault) -> None:
        """Count a request that a server did not get, or did not answer as it should."""
        self._failures.labels(server, fault.value).inc()

    def refused(self, code: int) -> None:
        """Count a request that went no further."""
        self._refused.labels(str(int(code))).inc()


def just_allowed(ruling: Ruling) -> bool:
    """Tell whether a call runs because nothing is against it: quick, for that most do."""
    return isinstance(ruling, Allowed) and ruling.decided.effect is _ALLOW
