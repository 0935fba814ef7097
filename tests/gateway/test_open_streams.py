"""Streams of changes end together, and what Placet says on them can always be read."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.listening.open_streams import Listening, OpenStreams
from gateway.wire.event_blocks import EventBlocks, data_of
from policies.people.people import Agent

BOT = Agent("ci-bot", "platform", "alice")
NOTICE = b"event: message\ndata: changed\n\n"
END = b"data: the end\n\n"


class Fed:
    """A stream whose bytes the test hands in."""

    def __init__(self, *chunks):
        self.chunks = asyncio.Queue()
        for chunk in chunks:
            self.chunks.put_nowait(chunk)
        self.closed = False

    def __aiter__(self):
        return self

    async def __anext__(self):
        return await self.chunks.get()

    async def aclose(self):
        self.closed = True


def listening(session="", *, server="files", farewell=b"", notice=NOTICE, remark=b""):
    return Listening(BOT, server, session, notice, farewell, remark)


def everybody(_):
    return True


async def nothing(stream):
    """Tell whether nothing comes while all else has its turn, and leave the stream as it was."""
    waiting = asyncio.ensure_future(stream.__anext__())
    for _ in range(10):
        await asyncio.sleep(0)
    came = waiting.done()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    return not came


async def test_a_notice_comes_while_the_server_says_nothing():
    streams = OpenStreams()
    stream = streams.ending(Fed(), listening())
    waiting = asyncio.ensure_future(stream.__anext__())
    await asyncio.sleep(0)

    streams.tell(everybody)

    assert await waiting == NOTICE
    await stream.aclose()


async def test_what_is_due_many_times_is_said_once():
    streams = OpenStreams()
    stream = streams.ending(Fed(b"data: 1\n\n"), listening())

    for _ in range(5):
        streams.tell(everybody)

    assert [await stream.__anext__(), await stream.__anext__()] == [NOTICE, b"data: 1\n\n"]
    assert await nothing(stream)
    await stream.aclose()


@pytest.mark.parametrize("rest", [b"1\n\n", b"1\r\n\r\n", b"1\r\r", b"1\n\n: here\n"])
async def test_a_notice_waits_for_the_end_of_an_event(rest):
    streams, fed = OpenStreams(), Fed(b"data: ")
    stream = streams.ending(fed, listening())
    first = await stream.__anext__()

    streams.tell(everybody)
    waits = await nothing(stream)
    fed.chunks.put_nowait(rest)

    assert (first, waits) == (b"data: ", True)
    assert [await stream.__anext__(), await stream.__anext__()] == [rest, NOTICE]
    await stream.aclose()


async def test_an_acknowledgement_comes_before_any_notice():
    streams, fed = OpenStreams(), Fed()
    stream = streams.ending(fed, listening(farewell=END))

    streams.tell(everybody)
    waits = await nothing(stream)
    fed.chunks.put_nowait(b"data: acknowledged\n\n")

    assert waits
    assert await stream.__anext__() == b"data: acknowledged\n\n"
    assert await stream.__anext__() == NOTICE
    await stream.aclose()


async def test_a_session_is_told_on_its_newest_stream_alone():
    streams = OpenStreams()
    old, new = streams.ending(Fed(), listening("s")), streams.ending(Fed(), listening("s"))
    other, loose = streams.ending(Fed(), listening("t")), streams.ending(Fed(), listening())
    again = streams.ending(Fed(), listening())

    streams.tell(everybody)

    assert [await nothing(s) for s in (old, new, other, loose, again)] == [
        True,
        False,
        False,
        False,
        False,
    ]
    for stream in (old, new, other, loose, again):
        await stream.aclose()


async def test_nobody_is_told_whom_it_does_not_concern_or_who_did_not_ask():
    streams = OpenStreams()
    elsewhere = streams.ending(Fed(), listening(server="github"))
    silent = streams.ending(Fed(), listening(notice=b""))

    streams.tell(lambda who: who.server == "files")

    assert await nothing(elsewhere)
    assert await nothing(silent)
    assert [who.server for who in streams.listening()] == ["github"]
    await elsewhere.aclose()
    await silent.aclose()


async def test_all_streams_end_with_their_farewell_and_new_ones_at_once():
    streams, fed = OpenStreams(), Fed()
    stream = streams.ending(fed, listening(farewell=END))
    waiting = asyncio.ensure_future(stream.__anext__())
    await asyncio.sleep(0)

    streams.close()
    later = streams.ending(Fed(b"data: 1\n\n"), listening())

    assert await waiting == END
    assert [chunk async for chunk in stream] == []
    assert [chunk async for chunk in later] == []
    await stream.aclose()
    assert fed.closed
    await later.aclose()
    assert len(streams) == 0


async def test_a_farewell_is_left_out_in_the_middle_of_an_event():
    streams = OpenStreams()
    stream = streams.ending(Fed(b"data: ha"), listening(farewell=END))
    await stream.__anext__()

    streams.close()

    assert [chunk async for chunk in stream] == []
    await stream.aclose()


ENDS = st.sampled_from([b"\n", b"\r\n"])


@given(st.data())
async def test_a_notice_never_breaks_an_event_in_whatever_pieces_the_stream_comes(data):
    lines = [b": hello", b"data: 1", b"", b"id: 2", b"data: 2", b"data: more", b"", b": still"]
    whole = b"".join(line + data.draw(ENDS) for line in [*lines, b"data: 3", b""])
    pieces = []
    while whole:
        size = data.draw(st.integers(1, len(whole)))
        pieces.append(whole[:size])
        whole = whole[size:]
    streams = OpenStreams()
    stream = streams.ending(Fed(*pieces), listening())

    got = b""
    for _ in range(len(pieces)):
        if data.draw(st.booleans()):
            streams.tell(everybody)
        chunk = await stream.__anext__()
        got += chunk
        if chunk == NOTICE:
            got += await stream.__anext__()
    await stream.aclose()

    told = [data_of(block) for block in EventBlocks().feed(got)]
    said = [text for text in told if text is not None and text != b"changed"]
    assert said == [b"1", b"2\nmore", b"3"]


async def test_a_stream_on_which_the_server_says_nothing_has_a_remark_now_and_then():
    fed = Fed()
    stream = OpenStreams(silence=0.01).ending(fed, listening(remark=b": here\n\n"))

    heard = [await stream.__anext__(), await stream.__anext__()]
    fed.chunks.put_nowait(b"data: 1\n\n")

    assert heard == [b": here\n\n", b": here\n\n"]
    assert await stream.__anext__() == b"data: 1\n\n"
    assert await stream.__anext__() == b": here\n\n"
    await stream.aclose()


@pytest.mark.parametrize(
    ("chunk", "told"),
    [
        (b"data: half", listening(remark=b": here\n\n")),
        (b"data: 1\n\n", listening(remark=b"")),
    ],
)
async def test_there_is_no_remark_within_an_event_or_where_none_is_to_be(chunk, told):
    stream = OpenStreams(silence=0.001).ending(Fed(chunk), told)
    await stream.__anext__()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stream.__anext__(), 0.05)

    await stream.aclose()


async def test_there_is_no_remark_before_a_request_to_listen_is_acknowledged():
    told = listening(farewell=END, remark=b": here\n\n")
    stream = OpenStreams(silence=0.001).ending(Fed(), told)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stream.__anext__(), 0.05)

    await stream.aclose()
