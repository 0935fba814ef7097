"""Shows Prometheus how much is under way in the gateway, at the moment it is asked."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


@dataclass(frozen=True, eq=False)
class Census(Collector):
    """Gauges that nobody keeps: each is counted when it is looked at.

    `held` and `under_way` are calls and requests by agent, `up` says of each
    server why it cannot be used, `connections` are callers', and `body_bytes`
    is the memory that large bodies take.
    """

    held: Callable[[], Mapping[str, int]]
    under_way: Callable[[], Mapping[str, int]]
    up: Mapping[str, Callable[[], str | None]]
    connections: Callable[[], int]
    body_bytes: Callable[[], int]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges."""
        held = self.held()
        yield _gauge("placet_held_calls", "Calls that wait for people now", sum(held.values()))
        yield _by(
            "placet_agent_held_calls", "Calls of an agent that wait for people now", "agent", held
        )
        yield _by(
            "placet_agent_requests",
            "Requests of an agent that are under way now, held calls and streams among them",
            "agent",
            self.under_way(),
        )
        yield _by(
            "placet_server_up",
            "1 where a server can be used now, 0 where it cannot",
            "server",
            {server: float(trouble() is None) for server, trouble in self.up.items()},
        )
        yield _gauge("placet_connections", "Connections of callers now", self.connections())
        yield _gauge(
            "placet_body_bytes", "Bytes of large bodies that are kept now", self.body_bytes()
        )


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, value=value)


def _by(name: str, says: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, says, labels=[label])
    for labelled, value in values.items():
        family.add_metric([labelled], value)
    return family
