"""Reads the messages in an answer of the gateway, as a client of it."""

import contextlib
from collections.abc import AsyncGenerator
from typing import NamedTuple

import aiohttp

from gateway.wire.event_blocks import EventBlocks, data_of
from gateway.wire.event_streams import is_event_stream


class Heard(NamedTuple):
    """One event: the message in it, empty where it has none, its id, and all its bytes."""

    body: bytes
    id: str | None
    block: bytes


def streams(answer: aiohttp.ClientResponse) -> bool:
    """Tell whether an answer is a stream of events."""
    return is_event_stream(answer.headers.get("Content-Type", ""))


async def events(answer: aiohttp.ClientResponse) -> AsyncGenerator[Heard, None]:
    """Yield the events of a stream; one that breaks off just ends."""
    blocks = EventBlocks()
    with contextlib.suppress(aiohttp.ClientError, OSError):
        async for chunk in answer.content.iter_any():
            for block in blocks.feed(chunk):
                yield Heard(data_of(block) or b"", _id_of(block), block)


async def last_message(answer: aiohttp.ClientResponse) -> bytes:
    """Return the last message in an answer, be it one body or a stream."""
    if not streams(answer):
        return await answer.read()
    last = b""
    async with contextlib.aclosing(events(answer)) as heard:
        async for event in heard:
            last = event.body or last
    return last


def _id_of(block: bytes) -> str | None:
    for line in block.splitlines():
        if line.startswith(b"id:"):
            return line[3:].removeprefix(b" ").decode("latin-1")
    return None
