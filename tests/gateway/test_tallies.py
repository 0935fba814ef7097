"""What is counted with plain numbers is shown as Prometheus' own counters and histograms are."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from gateway.tallies import Spreads, Tally

BOUNDS = (0.1, 1, 2.5)


def shown(registry):
    lines = generate_latest(registry).decode().splitlines()
    return sorted(line for line in lines if "_created" not in line)


@given(st.lists(st.floats(0, 10) | st.sampled_from(BOUNDS)))
def test_a_spread_is_shown_as_a_histogram(values):
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    spreads = Spreads("took", "Seconds.", BOUNDS, "server", ["a", "b"])
    ours.register(spreads)
    histogram = Histogram("took", "Seconds.", ["server"], buckets=BOUNDS, registry=theirs)
    for server in "ab":
        histogram.labels(server)

    for value in values:
        spreads.by["a"].observe(value)
        histogram.labels("a").observe(value)

    assert shown(ours) == shown(theirs)


def test_a_spread_without_labels_is_shown_as_a_histogram_without_labels():
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    spreads = Spreads("took", "Seconds.", BOUNDS)
    ours.register(spreads)
    histogram = Histogram("took", "Seconds.", buckets=BOUNDS, registry=theirs)

    for measure in (spreads.by[""].observe, histogram.observe):
        measure(0.5)

    assert shown(ours) == shown(theirs)


def test_a_tally_is_shown_as_a_counter():
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally = Tally("calls", "Calls.", ("server", "effect"), [("a", "allow"), ("a", "deny")])
    ours.register(tally)
    counter = Counter("calls", "Calls.", ("server", "effect"), registry=theirs)
    counter.labels("a", "deny")

    tally.counts["a", "allow"] += 2
    counter.labels("a", "allow").inc(2)

    assert shown(ours) == shown(theirs)
