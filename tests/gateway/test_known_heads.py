"""A head that comes again is known again, and reads exactly as it would have been read anew."""

import weakref

import pytest
from aiohttp import web
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.callers.fast_lane import WholeRequest
from gateway.callers.plain_requests import NotPlain, PlainReader
from gateway.callers.seeing import once
from gateway.wire.known_heads import KnownHeads, halves


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
    headers = found.head.message(len(found.body)).headers
    return (found.head.target, sorted(headers.items()), found.body)


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
    knowing = PlainReader(KnownHeads())
    read(knowing, request())

    assert read(knowing, sent) == read(PlainReader(KnownHeads()), sent)


@given(st.lists(st.binary(max_size=30), min_size=2, max_size=6))
def test_heads_that_differ_in_the_length_alone_are_one_head(bodies):
    reader = PlainReader(KnownHeads())

    found = [reader.feed(request(body)) for body in bodies]

    assert len({id(each.head) for each in found}) == 1
    assert [each.body for each in found] == bodies
    for each in found:
        length = len(each.body)
        assert each.head.message(length).headers["Content-Length"] == str(length)


def test_headers_that_were_given_out_do_not_change_with_the_next_request():
    head = PlainReader(KnownHeads()).feed(request(b"hello")).head

    before = head.message(5)
    after = head.message(16)

    assert before.headers["Content-Length"] == "5"
    assert after.headers["Content-Length"] == "16"


OTHERS = [
    request(more=b"X-More: 1\r\n"),
    request().replace(b"localhost", b"elsewhere"),
    request().replace(b"localhost", b"Localhost"),
    request().replace(b"localhost", b"localhost "),
    request().replace(b"files", b"other"),
    request().replace(b"Content-Length", b"content-length"),
    request().replace(b"Length: 5", b"Length:5"),
    request().replace(b"Length: 5", b"Length: 05"),
]


@pytest.mark.parametrize("other", OTHERS)
def test_any_other_difference_makes_another_head(other):
    reader = PlainReader(KnownHeads())

    first, second = reader.feed(request()).head, reader.feed(other).head

    assert first is not second
    assert reader.feed(request()).head is first


@pytest.mark.parametrize("at", [0, 30, len(request()) - 2])
def test_connections_that_send_the_very_same_head_share_what_is_known_of_it(at):
    heads = KnownHeads()
    one, other = PlainReader(heads), PlainReader(heads)
    other.feed(request(b"another")[:at])

    first, second = one.feed(request()), other.feed(request(b"another")[at:])

    assert first.head is second.head
    assert (first.body, second.body) == (b"hello", b"another")


@pytest.mark.parametrize("other", OTHERS)
def test_connections_whose_heads_differ_in_anything_share_nothing(other):
    heads = KnownHeads()

    first, second = PlainReader(heads).feed(request()), PlainReader(heads).feed(other)

    assert first.head is not second.head
    assert read(PlainReader(heads), other) == read(PlainReader(KnownHeads()), other)


@given(PLACES, st.integers(0, 3), BYTES, PLACES)
def test_a_new_connection_reads_what_it_would_if_no_head_were_known(at, gone, new, part):
    sent = changed(request(), at, gone, new)
    heads = KnownHeads()
    knowing, pieces = PlainReader(heads), PlainReader(KnownHeads())
    kept = PlainReader(heads).feed(request())

    found = read(pieces, sent[:part])
    if found is None and part:
        found = read(pieces, sent[part:])
    assert read(knowing, sent) == (found if part else read(PlainReader(KnownHeads()), sent))
    assert kept.head.message(5).headers["Content-Length"] == "5"


def test_a_head_goes_with_the_last_connection_that_sent_it():
    heads = KnownHeads()
    one, other = PlainReader(heads), PlainReader(heads)
    head = weakref.ref(one.feed(request()).head)
    other.feed(request())

    one.feed(request(more=b"X-More: 1\r\n"))
    assert heads.find(halves(request())) is head() is not None
    del other

    assert head() is None
    assert heads.find(halves(request())) is None


def whole(head):
    made = WholeRequest.__new__(WholeRequest)
    made.head = head
    return made


def test_a_check_is_done_once_for_a_head_and_again_until_it_passes():
    reader = PlainReader(KnownHeads())
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

    once(whole(reader.feed(request(more=b"X-More: 1\r\n")).head), "it", check)
    assert len(looks) == 3
