"""Makes the one registry of metrics, with what there is to say of the process itself."""

import asyncio
import platform

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)

from placet_commandline import VERSION

_LOOK = 0.5
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


def new_registry() -> CollectorRegistry:
    """Return a registry that has the process and its version, and nothing else yet."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    build = Info("placet_build", "What runs here", registry=registry)
    build.info({"version": VERSION, "python": platform.python_version()})
    return registry


async def measure_lag(registry: CollectorRegistry) -> None:
    """Measure for ever how late the event loop is: everything waits that long for its turn."""
    lag = Histogram(
        "placet_event_loop_lag_seconds",
        "Seconds that the event loop was late, measured twice a second",
        buckets=_SECONDS,
        registry=registry,
    )
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        await asyncio.sleep(_LOOK)
        lag.observe(max(loop.time() - began - _LOOK, 0.0))
