"""Events are found in a stream however it is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.event_blocks import WholeEvents
from gateway.wire.event_streams import EventReader, is_event_stream

STREAM = (
    b": comment\r\n\r\nid: 1\nevent: message\ndata: one\n\n"
    b'data:{"a":\r\ndata: 1}\r\n\r\nretry: 5\n\ndata: last'
)


ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@given(ENDS, st.sampled_from([b"", b"\xef\xbb\xbf"]), st.lists(st.integers(0, 9), max_size=40))
def test_events_are_the_same_however_lines_end_and_the_stream_begins_and_is_cut(end, mark, cuts):
    lines = STREAM.replace(b"\r\n", b"\n")
    reader, rest, found = EventReader(), mark + lines.replace(b"\n", end), []
    for cut in cuts:
        found += reader.feed(rest[:cut])
        rest = rest[cut:]

    found += reader.feed(rest)

    assert found == [b"one", b'{"a":\n1}']
    assert reader.resumable


@given(st.lists(st.integers(1, 9), max_size=40))
def test_events_are_the_same_however_the_stream_is_cut(cuts):
    reader, rest, found = EventReader(), STREAM, []
    for cut in cuts:
        found += reader.feed(rest[:cut])
        rest = rest[cut:]

    found += reader.feed(rest)

    assert found == [b"one", b'{"a":\n1}']
    assert reader.resumable


def test_a_mark_begins_a_stream_and_nothing_else():
    reader = EventReader()

    found = [*reader.feed(b"\xef\xbb\xbfdata: one\r\r\xef\xbb\xbfdata: two\r\rdata: three\r\r")]

    assert found == [b"one", b"three"]


def test_an_event_that_is_too_large_is_passed_over():
    reader = EventReader()

    found = [event for _ in range(80) for event in reader.feed(b"data: " + b"x" * 100_000)]
    found += reader.feed(b"\n\ndata: next\n\n")

    assert found == [b"next"]
    assert not reader.resumable


def test_a_long_event_in_very_many_pieces_costs_no_more_than_its_length():
    # Copying what is there for each piece would take longer than a test may.
    reader, piece = EventReader(), b"x"

    assert [*reader.feed(b"data: ")] == []
    for _ in range(1_000_000):
        for _ in reader.feed(piece):
            pytest.fail("there is no event yet")
    (event,) = reader.feed(b"\n\n")

    assert len(event) == 1_000_000


def test_an_id_counts_once_its_event_is_whole():
    reader = EventReader()

    assert [*reader.feed(b"id: 1\ndata: one\n")] == []
    assert not reader.resumable
    assert [*reader.feed(b"\n")] == [b"one"]
    assert reader.resumable


def passed(pieces):
    events = WholeEvents()
    return [events.feed(piece) for piece in pieces]


@given(
    st.lists(st.sampled_from(["\r", "\n", "data: a", ": b"]), max_size=12).map("".join),
    st.lists(st.integers(1, 3), max_size=12),
)
def test_only_whole_events_pass_however_lines_end_and_the_stream_is_cut(stream, cuts):
    rest, pieces = stream.encode(), []
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]

    got = b"".join(passed([*pieces, rest]))

    assert stream.encode().startswith(got)
    assert [*EventReader().feed(got + b"data: c\n\n")] == [
        *EventReader().feed(stream.encode()),
        b"c",
    ]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_whole_events_and_comments_between_them_pass_at_once(end):
    whole, comment, begun = b"id: 1" + end + b"data: a" + end + end, b": b" + end, b"data: c" + end

    assert passed([whole, comment, begun]) == [whole, comment, b""]
    assert passed([whole + comment + begun, begun, end]) == [
        whole + comment,
        b"",
        begun + begun + end,
    ]


def test_an_event_too_large_to_be_held_back_goes_on_as_it_comes():
    events, piece = WholeEvents(), b"x" * 300_000

    assert [len(events.feed(piece)) for _ in range(5)] == [0, 0, 0, 1_200_000, 300_000]
    assert events.torn
    assert events.feed(b"\n\ndata: a") == b"\n\n"
    assert not events.torn


def test_only_event_streams_are_read_as_such():
    assert is_event_stream("Text/Event-Stream; charset=utf-8")
    assert not is_event_stream("application/json")
    assert not is_event_stream("")
