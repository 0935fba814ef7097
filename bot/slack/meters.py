"""Counts what the bot asks of Slack, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from bot.slack.client import code_of, wait_of


class BotMeters:
    """Requests to Slack by method, and cards that wait."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register the metrics."""
        self._requests = Counter(
            "placet_slack_requests", "Requests to Slack, by method", ("method",), registry=registry
        )
        self._errors = Counter(
            "placet_slack_errors",
            "Requests to Slack that failed, by method and by what went wrong",
            ("method", "kind"),
            registry=registry,
        )
        self._retries = Counter(
            "placet_card_retries",
            "Attempts at a card that have to be made again",
            registry=registry,
        )
        self._waiting = Gauge(
            "placet_waiting_cards",
            "Approvals whose cards this process has to look at",
            registry=registry,
        )
        self._connected = Gauge(
            "placet_slack_reachable",
            "1 where Slack answers and reaches us, 0 where it does not",
            registry=registry,
        )

    def show(self, waiting: Callable[[], float], reachable: Callable[[], float]) -> None:
        """Read the gauges from these whenever they are asked for."""
        self._waiting.set_function(waiting)
        self._connected.set_function(reachable)

    def heard(self, method: str, error: Exception | None) -> None:
        """Count a request: Slack did as asked, refused, asked to wait, or was not reached."""
        self._requests.labels(method).inc()
        if error is None:
            return
        kind = "unreachable" if code_of(error) is None else "refused"
        kind = "rate_limited" if wait_of(error) is not None else kind
        self._errors.labels(method, kind).inc()

    def retried(self) -> None:
        """Count an attempt at a card that has to be made again."""
        self._retries.inc()
