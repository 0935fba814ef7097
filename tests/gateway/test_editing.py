"""Messages in a stream of events are edited however it is cut; all else goes on as it came."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from gateway.tools.instructions import HINT, with_hint
from gateway.wire.editing import edited_events


class Pieces:
    """A stream in pieces."""

    def __init__(self, pieces):
        self.pieces = iter(pieces)
        self.closed = False

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return next(self.pieces)
        except StopIteration:
            raise StopAsyncIteration from None

    async def aclose(self):
        self.closed = True


def events_of(stream):
    """Return the lines of each event in a stream, as its readers find them."""
    blocks = re.sub(b"\r\n?", b"\n", stream).split(b"\n\n")
    events = [[line for line in block.split(b"\n") if line[:1] not in b":"] for block in blocks]
    return [event for event in events if event]


@given(
    st.lists(st.integers(1, 20), max_size=30),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
)
async def test_a_stream_changes_in_its_answering_event_only_however_it_is_cut(cuts, end, mark):
    result = b'{"jsonrpc":"2.0","id":1,"result":{"instructions":"x"}}'
    whole = b": hi\n\nevent: message\ndata: " + result + b"\n\nid: 3\ndata: {}\n\ntail"
    pieces, rest = [], mark + whole.replace(b"\n", end)
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    stream = Pieces([piece for piece in [*pieces, rest] if piece])

    passed = b"".join([chunk async for chunk in edited_events(stream, with_hint)])

    hint = json.dumps(f"x\n\n{HINT}").encode()
    assert events_of(passed.removeprefix(mark)) == events_of(whole.replace(b'"x"', hint))
    assert stream.closed


async def test_a_comment_goes_on_at_once_and_an_event_once_it_is_whole():
    stream = Pieces([b": still here\n", b"data: {\n", b"data: }\n\n: and\n", b"data"])

    heard = [chunk async for chunk in edited_events(stream, with_hint)]

    assert heard == [b": still here\n", b"data: {\ndata: }\n\n: and\n", b"data"]


async def test_an_event_that_is_too_large_to_wait_for_goes_on_as_it_came():
    pieces = [b"data: " + b"x" * 1024 * 1024] * 5

    heard = [chunk async for chunk in edited_events(Pieces(pieces), lambda _: b"changed")]

    assert b"".join(heard) == b"".join(pieces[:5])


@given(st.lists(st.integers(1, 9), max_size=40))
async def test_events_of_several_lines_are_edited_as_one_however_they_are_cut(cuts):
    whole = (
        b"\xef\xbb\xbfretry: 1\r\n: hi\r\n\r\nid: 1\r\ndata: {\r\ndata:}\r\nevent: message\r\n\r\n"
        b"data: [\ndata\ndata:  1]\n\nevent: x\n\ndata: {}"
    )
    pieces, rest = [], whole
    for cut in cuts:
        pieces.append(rest[:cut])
        rest = rest[cut:]
    stream = Pieces([piece for piece in [*pieces, rest] if piece])

    def edit(data):
        return b"{\n1}" if data == b"{\n}" else data

    passed = b"".join([chunk async for chunk in edited_events(stream, edit)])

    assert events_of(passed) == [
        [b"\xef\xbb\xbfretry: 1"],
        [b"id: 1", b"event: message", b"data: {", b"data: 1}"],
        [b"data: [", b"data", b"data:  1]"],
        [b"event: x"],
        [b"data: {}"],
    ]
