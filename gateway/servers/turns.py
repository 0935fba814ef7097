"""Lets so many requests be at a server at once, and the others wait their turn."""

import asyncio
from collections import deque
from dataclasses import dataclass

_TURN_SECONDS = 30.0


@dataclass(frozen=True)
class Bounds:
    """How long a server is waited for, in seconds, and how many requests are at it at once.

    To `connect`; through its `silence` while a request is under way, where
    silence is not what was asked for; for a `turn` at it while it has `most`.
    """

    connect: float = 5.0
    silence: float = 3600.0
    most: int = 1024
    turn: float = _TURN_SECONDS


class Turns:
    """So many at once, first come, first served."""

    def __init__(self, most: int, patience: float) -> None:
        """Let `most` in at once; nobody waits longer than `patience` seconds."""
        self._most = most
        self._patience = patience
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take_at_once(self) -> bool:
        """Take a turn where one is free and nobody waits; tell whether that was so."""
        free = self._taken < self._most and not self._waiting
        self._taken += free
        return free

    async def take(self) -> None:
        """Take a turn. Raises TimeoutError where none comes up in time."""
        if self.take_at_once():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._patience):
                await turn
        except BaseException:
            if not turn.cancelled():
                self.give_back()
            elif turn in self._waiting:
                self._waiting.remove(turn)
            raise

    def give_back(self) -> None:
        """End a turn; who has waited longest has the next."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._taken -= 1
