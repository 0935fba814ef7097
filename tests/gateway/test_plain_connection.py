"""However an answer is cut into pieces it is the same; whatever comes, nothing half is whole."""

import asyncio
import itertools
import socket

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from raw_upstream import ANSWER, ok

from gateway.servers.plain_connection import PlainConnection
from gateway.upstreams import UpstreamFailed

CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nMcp-A: b\r\n\r\n"
GOOD = {
    ok(): ANSWER,
    CHUNKS + b"24;x\r\n" + ANSWER + b"\r\n0\r\nA: b\r\n\r\n": ANSWER,
    CHUNKS + b"".join(b"1\r\n%c\r\n" % each for each in ANSWER) + b"0\r\n\r\n": ANSWER,
    b"HTTP/1.1 103 Early\r\nA: b\r\n\r\n" + ok(b""): b"",
    b"HTTP/1.1 204 No\r\n\r\n": b"",
    CHUNKS.replace(b"chunked", b"Chunked\r\nContent-Type: text/event-stream")
    + b"6\r\ndata: \r\n2\r\n\n\n\r\n0\r\n\r\n": b"data: \n\n",
}


class Ends(asyncio.Transport):
    """The end of a connection that a test holds: nothing is sent, all is counted."""

    def __init__(self, sock):
        super().__init__({"socket": sock})
        self.closed = False
        self.paused = False

    def write(self, data):
        pass

    def is_closing(self):
        return self.closed

    def abort(self):
        self.closed = True

    def get_write_buffer_size(self):
        return 0

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False


class Keeper:
    """Who keeps the connection: notes whether it was given back."""

    def __init__(self):
        self.kept = 0

    def free(self, _):
        self.kept += 1

    def lost(self, _):
        pass


async def told(pieces, *, reset=False):
    """Feed pieces, then the end; return the answer's status and body, and whether it is kept."""
    with socket.socket() as sock:
        keeper, ends = Keeper(), Ends(sock)
        connection = PlainConnection("raw", keeper, memoryview(bytearray(65536)))
        connection.connection_made(ends)
        asked = asyncio.create_task(connection.exchange(b"head", b"body"))
        await asyncio.sleep(0)
        for piece in pieces:
            for at in range(0, len(piece), 65536):
                if not ends.closed:
                    part = piece[at : at + 65536]
                    connection.get_buffer(-1)[: len(part)] = part
                    connection.buffer_updated(len(part))
        kept = keeper.kept == 1 and not ends.closed
        if not ends.closed and not reset:
            connection.eof_received()
        connection.connection_lost(ConnectionResetError() if reset else None)
        answer = await asked
        body = answer.body
        if answer.stream is not None:
            body = b"".join([piece async for piece in answer.stream])
            await answer.stream.aclose()
        return answer.status, body, kept


def answer_of(pieces, *, reset=False):
    """Return the same, or how the call failed."""
    try:
        return asyncio.run(told(pieces, reset=reset))
    except UpstreamFailed as failed:
        return failed


def cut(whole, places):
    """Return the bytes in pieces, cut at these places."""
    ends = sorted({min(place, len(whole)) for place in places} | {0, len(whole)})
    return [whole[a:b] for a, b in itertools.pairwise(ends)]


@settings(max_examples=300, deadline=None)
@given(said=st.sampled_from(list(GOOD)), places=st.lists(st.integers(0, 400), max_size=20))
def test_an_answer_in_any_pieces_is_the_same_answer(said, places):
    status, body, kept = asyncio.run(told(cut(said, places)))

    assert (status, body, kept) == (204 if b"204" in said else 200, GOOD[said], True)


@settings(max_examples=300, deadline=None)
@given(
    said=st.sampled_from(list(GOOD)),
    length=st.integers(0, 400),
    places=st.lists(st.integers(0, 400), max_size=10),
    reset=st.booleans(),
)
def test_a_part_of_an_answer_is_never_taken_for_it(said, length, places, reset):
    part = said[: min(length, len(said) - 1)]

    with pytest.raises(UpstreamFailed) as failed:
        asyncio.run(told(cut(part, places), reset=reset))

    assert failed.value.sent


PARTS = [
    *[
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 100 C\r\n\r\n",
        b"HTTP/1.1 204 N\r\n",
    ],
    *[b"HTTP/1.1 101 U\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"\r\n", b"\n"],
    *[b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Connection: close\r\n"],
    *[b"Connection: upgrade\r\n", b"Upgrade: h2c\r\n", b"Content-Type: text/event-stream\r\n"],
    *[b"Content-Type: \xff\xfe\r\n", b"Mcp-Session-Id: \x80\r\n", b"hello", b"5\r\nhello\r\n"],
    *[
        b"0\r\n\r\n",
        b"0\r\nA: b\r\n",
        b"x" * 70_000,
        b"5;" + b"y" * 70_000,
        b" ",
        b"\0",
        b"RTSP/1.0 ",
    ],
    *[b"ICE/1.0 200 OK\r\n", b"Content-Length: 99999999999999999999\r\n", b"X: y\r\n" * 300],
]


@settings(max_examples=600, deadline=None)
@given(
    parts=st.lists(st.one_of(st.sampled_from(PARTS), st.binary(max_size=30)), max_size=12),
    places=st.lists(st.integers(0, 400), max_size=6),
    reset=st.booleans(),
)
def test_whatever_comes_is_an_answer_or_a_failure_of_this_call(parts, places, reset):
    said = b"".join(parts)

    found = answer_of(cut(said, places), reset=reset)

    if not isinstance(found, UpstreamFailed):
        status, body, kept = found
        assert 200 <= status <= 999
        assert body in said or b"chunked" in said
        if kept:
            assert said.lstrip(b"\r\n").startswith(b"HTTP/1.")
            assert b"Content-Length: " in said or b"chunked" in said or b" 204 " in said


@settings(max_examples=200, deadline=None)
@given(
    extra=st.binary(min_size=1, max_size=40).filter(lambda data: data.strip(b"\r\n")),
    places=st.lists(st.integers(0, 120), max_size=6),
)
def test_a_connection_on_which_more_came_is_never_kept(extra, places):
    found = answer_of(cut(ok() + extra, places))

    if not isinstance(found, UpstreamFailed):
        assert found == (200, ANSWER, False)


KEPT = [
    *GOOD,
    ok(b"other"),
    ok(b"other", b"Mcp-A: c"),
    ok(b"", b"Content-Type: text/event-stream"),
    ok().replace(b"200 OK", b"404 Not Found"),
    CHUNKS.replace(b"Mcp-A: b", b"Mcp-A: c") + b"1\r\nx\r\n0\r\n\r\n",
]


async def told_in_turn(answers):
    """Return status, headers and body of answers that come one after the other, on one wire."""
    found = []
    with socket.socket() as sock:
        ends = Ends(sock)
        connection = PlainConnection("raw", Keeper(), memoryview(bytearray(65536)))
        connection.connection_made(ends)
        for said in answers:
            asked = asyncio.create_task(connection.exchange(b"head", b"body"))
            await asyncio.sleep(0)
            connection.get_buffer(-1)[: len(said)] = said
            connection.buffer_updated(len(said))
            answer = await asked
            found.append((answer.status, [*answer.headers.items()], answer.body))
        assert not ends.closed
    return found


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(KEPT), max_size=6))
def test_an_answer_reads_the_same_whatever_came_before_it(answers):
    fresh = [asyncio.run(told_in_turn([said]))[0] for said in answers]

    assert asyncio.run(told_in_turn(answers)) == fresh


PLACES = st.integers(0, len(ok()))
BYTES = st.one_of(
    st.binary(max_size=3),
    st.sampled_from([b"\r\n", b"0", b"1", b" ", b"\n", b"Connection: close\r\n", b"204 N", ok()]),
)


async def told_after(known, pieces):
    """Return what is made of pieces on a connection that has seen the answer `known`, or none."""
    with socket.socket() as sock:
        keeper, ends = Keeper(), Ends(sock)
        connection = PlainConnection("raw", keeper, memoryview(bytearray(65536)))
        connection.connection_made(ends)
        for said in [*known, pieces]:
            before = keeper.kept
            asked = asyncio.create_task(connection.exchange(b"head", b"body"))
            await asyncio.sleep(0)
            for piece in said:
                if not ends.closed:
                    connection.get_buffer(-1)[: len(piece)] = piece
                    connection.buffer_updated(len(piece))
        kept = keeper.kept == before + 1 and not ends.closed
        connection.connection_lost(None)
        try:
            answer = await asked
        except UpstreamFailed as failed:
            return str(failed)
        return answer.status, [*answer.headers.items()], answer.body, kept


@settings(max_examples=400, deadline=None)
@given(
    at=PLACES, gone=st.integers(0, 3), new=BYTES, places=st.lists(st.integers(0, 120), max_size=2)
)
@example(at=ok().index(b"Length: ") + 8, gone=2, new=b"036", places=[])
@example(at=ok().index(b"Length: ") + 8, gone=2, new=b"+36", places=[])
@example(at=ok().index(b"Length: ") + 8, gone=2, new=b"35", places=[])
@example(at=9, gone=3, new=b"204", places=[])
@example(at=len(ok()), gone=0, new=b"HTTP/1.1 200 OK\r\n", places=[])
def test_a_connection_that_knows_a_head_reads_what_one_that_does_not_reads(at, gone, new, places):
    pieces = cut(ok()[:at] + new + ok()[at + gone :], places)

    assert asyncio.run(told_after([[ok()]], pieces)) == asyncio.run(told_after([], pieces))


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_that_has_no_body_whatever_its_length_says_is_not_known_again(status):
    empty = b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n" % status

    found = asyncio.run(told_after([[empty]], [empty.replace(b": 0", b": 2") + b"hi"]))

    assert found == asyncio.run(told_after([], [empty.replace(b": 0", b": 2") + b"hi"]))
