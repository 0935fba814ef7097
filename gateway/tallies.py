"""Counts and spreads for the most travelled way: plain numbers, which Prometheus is shown."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Tally(Collector):
    """Counts by labels; `counts` is added to on one event loop."""

    def __init__(
        self, name: str, says: str, labels: Sequence[str], known: Iterable[tuple[str, ...]]
    ) -> None:
        """Name the counter; `known` are the values of `labels` that can be counted."""
        self._name = name
        self._says = says
        self._labels = labels
        self.counts = dict.fromkeys(known, 0)

    def collect(self) -> Iterator[Metric]:
        """Yield the counter."""
        family = CounterMetricFamily(self._name, self._says, labels=self._labels)
        for values, count in self.counts.items():
            family.add_metric(values, count)
        yield family


class Spread:
    """How often what was measured lay between two bounds."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        """Keep the upper bounds, in order."""
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Take a measured value in; on one event loop."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def shown(self) -> tuple[list[tuple[str, float]], float]:
        """Return the cumulative buckets by their upper bound, and the sum."""
        buckets, total = [], 0
        for bound, count in zip((*self._bounds, float("inf")), self._counts, strict=True):
            total += count
            text: str = floatToGoString(bound)  # type: ignore[no-untyped-call]
            buckets.append((text, float(total)))
        return buckets, self._sum


class Spreads(Collector):
    """Spreads by one label, or one without."""

    def __init__(
        self,
        name: str,
        says: str,
        bounds: Sequence[float],
        label: str = "",
        values: Iterable[str] = (),
    ) -> None:
        """Name the histogram; `values` are those of `label` that are measured apart."""
        self._name = name
        self._says = says
        self._labels = [label] if label else []
        self.by = {value: Spread(bounds) for value in (values if label else ("",))}

    def collect(self) -> Iterator[Metric]:
        """Yield the histogram."""
        family = HistogramMetricFamily(self._name, self._says, labels=self._labels)
        for value, spread in self.by.items():
            family.add_metric([value] if self._labels else [], *spread.shown())
        yield family
