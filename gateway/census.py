"""Shows Prometheus how much is under way in the gateway, at the moment it is asked."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.callers.crowd import Crowd
from gateway.callers.doors import DoorsRunner
from gateway.calls.waiting import WaitingRoom
from gateway.upstreams import Upstream


class LeavesOut(Protocol):
    """What is known of one server's tools."""

    @property
    def left_out(self) -> int:
        """How many of them are not known because the server has changed too many."""
        ...


@dataclass(frozen=True, eq=False)
class Census(Collector):
    """Gauges that nobody keeps: each is counted when it is looked at.

    `troubles` say of each server why it cannot be used; None where it can.
    `servers` are the ways to them, `tools` what is known of their tools.
    """

    room: WaitingRoom
    crowd: Crowd
    doors: DoorsRunner
    troubles: Mapping[str, Callable[[], str | None]]
    servers: Mapping[str, Upstream]
    tools: Mapping[str, LeavesOut]

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges."""
        held = self.room.held
        yield _gauge("placet_held_calls", "Calls that wait for people now", sum(held.values()))
        yield _by(
            "placet_agent_held_calls", "Calls of an agent that wait for people now", "agent", held
        )
        yield _by(
            "placet_agent_requests",
            "Requests of an agent that are under way now, held calls and streams among them",
            "agent",
            self.crowd.under_way,
        )
        up = {server: float(trouble() is None) for server, trouble in self.troubles.items()}
        yield _by(
            "placet_server_up", "1 where a server can be used now, 0 where it cannot", "server", up
        )
        left_out = {server: float(tools.left_out) for server, tools in self.tools.items()}
        yield _by(
            "placet_server_left_out_tools",
            "Tools that are not known because their server has changed too many",
            "server",
            left_out,
        )
        taken = self.crowd.bytes.taken
        yield _gauge("placet_body_bytes", "Bytes of large bodies that are kept now", taken)
        yield from self._connections()
        yield from self._traffic()

    def _connections(self) -> Iterator[Metric]:
        doors = self.doors
        yield _gauge("placet_connections", "Connections of callers now", doors.connections)
        yield CounterMetricFamily(
            "placet_closed_connections",
            "Idle connections that were closed to make room for others",
            value=doors.closed,
        )
        yield CounterMetricFamily(
            "placet_turned_away_connections",
            "Connections that were told to come again, as all others were busy",
            value=doors.turned_away,
        )

    def _traffic(self) -> Iterator[Metric]:
        """Yield what went to the servers, calls and all else, our own questions among it."""
        traffic = {name: server.traffic for name, server in self.servers.items()}
        requests = CounterMetricFamily(
            "placet_server_requests", "Requests that were for a server", labels=["server"]
        )
        opened = CounterMetricFamily(
            "placet_server_connections",
            "Connections opened to a server, or how often it was started",
            labels=["server"],
        )
        for name, went in traffic.items():
            requests.add_metric([name], went.requests)
            opened.add_metric([name], went.opened)
        yield requests
        yield opened
        under_way = {name: float(went.under_way) for name, went in traffic.items()}
        yield _by(
            "placet_server_requests_under_way",
            "Requests that are at a server now, calls among them",
            "server",
            under_way,
        )


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, value=value)


def _by(name: str, says: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, says, labels=[label])
    for labelled, value in values.items():
        family.add_metric([labelled], value)
    return family
