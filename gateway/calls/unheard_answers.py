"""Reads on in answers whose callers went away, to learn how their calls ended."""

import asyncio

from gateway.calls.reading_outcomes import OutcomeReader
from gateway.upstreams import ByteStream

_MOST = 32 * 1024 * 1024
"""Bytes of an answer that are read after its caller went away."""

_AT_ITS_SPEED = 256 * 1024
"""Bytes of these that are read as fast as the server sends."""

_RATE = 4 * 1024 * 1024
_LEAST_REST = 0.02
"""Bytes a second, and seconds between two readings, of all such answers that go on after that."""


class UnheardAnswers:
    """Answers that nobody waits for; beyond their beginning they share one slow turn."""

    def __init__(self) -> None:
        """Start with none."""
        self._resting = asyncio.Lock()

    async def read(self, stream: ByteStream, reader: OutcomeReader) -> bool:
        """Feed the rest of an answer to `reader`; return False where it is a flood."""
        heard = reader.size
        async for chunk in stream:
            reader.feed(chunk)
            unheard = reader.size - heard
            if unheard > _MOST:
                return False
            if unheard > _AT_ITS_SPEED:
                async with self._resting:
                    await asyncio.sleep(max(len(chunk) / _RATE, _LEAST_REST))
        return True
