"""A server's answer is read as a whole for a task, as far as it is any use."""

import asyncio

import pytest
from multidict import CIMultiDict

from gateway.calls.collecting import Failure, Result, collected
from gateway.upstreams import UpstreamAnswer

MIB = 1024 * 1024
RESULT = b'{"jsonrpc":"2.0","id":1,"result":{"content":[]}}'


class Pieces:
    """A stream of the same bytes again and again, at most `most` times."""

    def __init__(self, piece, most, end=b""):
        self.piece, self.left, self.end = piece, most, end

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.sleep(0)
        self.left -= 1
        if self.left == 0 and self.end:
            return self.end
        if self.left < 0:
            raise StopAsyncIteration
        return self.piece

    async def aclose(self):
        pass


def answer(kind, pieces):
    return UpstreamAnswer(200, CIMultiDict({"Content-Type": kind}), None, pieces)


async def test_a_response_after_much_else_in_a_stream_is_found():
    end = b"data: " + RESULT + b"\n\n"
    pieces = Pieces(b": " + b"x" * MIB + b"\n\n", 20, end)

    found = await collected(answer("text/event-stream", pieces), lambda _: None)

    assert found == Result('{"content":[]}')


@pytest.mark.parametrize(
    ("kind", "piece"),
    [("text/event-stream", b": " + b"x" * MIB + b"\n\n"), ("application/json", b" " * MIB)],
)
async def test_an_answer_without_end_is_listened_to_no_more(kind, piece):
    pieces = Pieces(piece, 1000)

    found = await collected(answer(kind, pieces), lambda _: None)

    assert isinstance(found, Failure)
    assert "goes on beyond 33554432 bytes" in found.text
    assert pieces.left > 900
