"""A head that comes again is known again, and reads exactly as it would have been read anew."""

import pytest
from aiohttp import web
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.fast_lane import WholeRequest, once
from gateway.plain_requests import NotPlain, PlainReader


def request(body=b"hello", length=None, more=b""):
    return (
        b"POST /mcp/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\nX-Said: yes\r\n%b\r\n%b"
        % (len(body) if length is None else length, more, body)
    )


def read(reader, sent):
    """Return what a reader makes of bytes, as plain values."""
    try:
        found = reader.feed(sent)
    except NotPlain:
        return "not plain"
    if found is None:
        return None
    return (found.head.target, sorted(found.head.headers.items()), found.body)


def changed(sent, at, gone, new):
    return sent[:at] + new + sent[at + gone :]


PLACES = st.integers(0, len(request()))
BYTES = st.one_of(
    st.binary(max_size=3), st.sampled_from([b"\r\n", b"0", b"1", b" ", b"Host: b\r\n"])
)


@given(PLACES, st.integers(0, 3), BYTES)
@example(request().index(b"Length: 5") + 8, 1, b"05")
@example(request().index(b"Length: 5") + 8, 1, b"4")
@example(request().index(b"Length: 5") + 8, 1, b"\xb2")
@example(request().index(b"Length: 5") + 8, 0, b"+")
@example(request().index(b"Length: 5") + 8, 0, b" ")
@example(len(request()), 0, b"POST ")
def test_a_reader_that_knows_a_head_reads_what_one_that_does_not_reads(at, gone, new):
    sent = changed(request(), at, gone, new)
    knowing = PlainReader()
    read(knowing, request())

    assert read(knowing, sent) == read(PlainReader(), sent)


@given(st.lists(st.binary(max_size=30), min_size=2, max_size=6))
def test_heads_that_differ_in_the_length_alone_are_one_head(bodies):
    reader = PlainReader()

    found = [reader.feed(request(body)) for body in bodies]

    assert len({id(each.head) for each in found}) == 1
    assert [each.body for each in found] == bodies
    assert found[-1].head.headers["Content-Length"] == str(len(bodies[-1]))


def test_headers_that_were_given_out_do_not_change_with_the_next_request():
    reader = PlainReader()

    first = reader.feed(request(b"hello")).head
    before, message = first.headers, first.message
    second = reader.feed(request(b"longer than that")).head

    assert before["Content-Length"] == message.headers["Content-Length"] == "5"
    assert second.message.headers["Content-Length"] == "16"


@pytest.mark.parametrize(
    "other",
    [
        request(more=b"X-More: 1\r\n"),
        request().replace(b"localhost", b"elsewhere"),
        request().replace(b"files", b"other"),
        request().replace(b"Content-Length", b"content-length"),
    ],
)
def test_any_other_difference_makes_another_head(other):
    reader = PlainReader()

    first, second = reader.feed(request()).head, reader.feed(other).head

    assert first is not second
    assert reader.feed(request()).head is not first


def test_a_head_that_came_in_pieces_is_read_anew():
    reader = PlainReader()
    reader.feed(request()[:30])

    first, second = reader.feed(request()[30:]).head, reader.feed(request()).head

    assert first is not second
    assert reader.feed(request()).head is second


def whole(head):
    made = WholeRequest.__new__(WholeRequest)
    made.head = head
    return made


def test_a_check_is_done_once_for_a_head_and_again_until_it_passes():
    reader = PlainReader()
    http = whole(reader.feed(request()).head)
    looks = []

    def check(seen: web.BaseRequest) -> None:
        looks.append(seen)
        if len(looks) == 1:
            raise LookupError("not yet")

    with pytest.raises(LookupError, match="not yet"):
        once(http, "it", check)
    once(http, "it", check)
    once(whole(reader.feed(request(b"x")).head), "it", check)
    assert len(looks) == 2

    once(whole(PlainReader().feed(request()).head), "it", check)
    assert len(looks) == 3
