"""Counts what people are asked, what they answer and how long that takes, for Prometheus."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ledger.events.card_events import (
    CardFound,
    CardPosted,
    CardRepainted,
    CardUndeliverable,
    VoteCast,
    VoteRefused,
)
from ledger.events.envelopes import Event, Recorded
from ledger.events.events import (
    ApprovalCancelled,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalLapsed,
    ApprovalRequested,
    ApprovalVoided,
)
from ledger.ledger import Ledger
from ledger.lives.approvals import ApprovalStatus

_SECONDS = (1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400)


_ENDINGS: Mapping[type[Event], str] = {
    ApprovalGiven: "approved",
    ApprovalDenied: "denied",
    ApprovalCancelled: "cancelled",
    ApprovalExpired: "expired",
    ApprovalLapsed: "lapsed",
    ApprovalVoided: "voided",
}
_CARDS: Mapping[type[Event], str] = {
    CardPosted: "posted",
    CardRepainted: "repainted",
    CardFound: "found",
    CardUndeliverable: "undeliverable",
}
_MOST = 100_000


class Asking(Collector):
    """Follows the ledger: what is pending is that of all processes, what is counted this one's."""

    def __init__(
        self,
        ledger: Ledger,
        registry: CollectorRegistry,
        now: Callable[[], datetime],
        servers: Iterable[str] = (),
    ) -> None:
        """Register the metrics; `now` returns UTC, `servers` are shown even without approvals."""
        self._servers = tuple(servers)
        self._ledger = ledger
        self._now = now
        self._pending: dict[str, tuple[str, datetime]] = {}
        self._ended: set[str] | None = set()
        self._leaving: list[Callable[[], None]] = []
        self._answered = Histogram(
            "placet_human_decision_seconds",
            "Seconds from the request for an approval to the people's yes or no",
            buckets=_SECONDS,
            registry=registry,
        )
        self._votes = Counter(
            "placet_votes", "Votes of people, by what they came to", ("vote",), registry=registry
        )
        self._approvals = Counter(
            "placet_approvals", "Approvals, by how they ended", ("ending",), registry=registry
        )
        self._cards = Counter(
            "placet_cards", "Cards, by what became of them", ("result",), registry=registry
        )
        for vote in ("yes", "no", "refused"):
            self._votes.labels(vote)
        for ending in _ENDINGS.values():
            self._approvals.labels(ending)
        for result in _CARDS.values():
            self._cards.labels(result)
        registry.register(self)

    async def start(self) -> None:
        """Begin to follow, and read what is pending. Raises LedgerUnavailable."""
        self._leaving = [
            self._ledger.observe(self._count, plain_calls=False, own_only=True),
            self._ledger.observe(self._follow, plain_calls=False),
        ]
        found = await self._ledger.approvals(ApprovalStatus.PENDING, limit=_MOST)
        ended, self._ended = self._ended or set(), None
        for approval in found:
            if approval.id not in ended:
                self._pending[approval.id] = (approval.request.server, approval.requested_at)

    def close(self) -> None:
        """Stop following."""
        for leave in self._leaving:
            leave()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield what is pending now."""
        pending = GaugeMetricFamily(
            "placet_pending_approvals", "Approvals that wait for people now", labels=["server"]
        )
        counts = dict.fromkeys(self._servers, 0)
        counts |= Tally(server for server, _ in self._pending.values())
        for server, count in counts.items():
            pending.add_metric([server], count)
        yield pending
        since = min((at for _, at in self._pending.values()), default=None)
        waited = 0.0 if since is None else max((self._now() - since).total_seconds(), 0.0)
        yield GaugeMetricFamily(
            "placet_oldest_pending_seconds",
            "Seconds that the oldest pending approval has waited; 0 where there is none",
            value=waited,
        )

    def _follow(self, events: Sequence[Recorded]) -> None:
        for recorded in events:
            match recorded.event:
                case ApprovalRequested() as event:
                    self._pending[event.approval] = (event.server, recorded.at)
                case (
                    ApprovalGiven()
                    | ApprovalDenied()
                    | ApprovalCancelled()
                    | ApprovalExpired()
                    | ApprovalVoided()
                ) as event:
                    self._pending.pop(event.approval, None)
                    if self._ended is not None:
                        self._ended.add(event.approval)
                case _:
                    pass

    def _count(self, events: Sequence[Recorded]) -> None:
        """Count what this process recorded; it hears of it before `_follow` does."""
        for recorded in events:
            kind = type(recorded.event)
            if kind in _ENDINGS:
                self._approvals.labels(_ENDINGS[kind]).inc()
            elif kind in _CARDS:
                self._cards.labels(_CARDS[kind]).inc()
            match recorded.event:
                case ApprovalGiven() | ApprovalDenied() as event:
                    known = self._pending.get(event.approval)
                    if known is not None:
                        self._answered.observe((recorded.at - known[1]).total_seconds())
                case VoteCast() as event:
                    self._votes.labels("yes" if event.approves else "no").inc()
                case VoteRefused():
                    self._votes.labels("refused").inc()
                case _:
                    pass
