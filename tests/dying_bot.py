"""A bot in a process of its own that kills itself at a named point: URL API_URL POINT."""

import asyncio
import os
import signal
import sys
from datetime import timedelta

import acme
import office
import unhurried

from bot.bot import Bot, OverSocket, SlackAccess
from ledger.ledger import Ledger


def die_at(point: str, reached: str) -> None:
    """End this process as `kill -9` does where the point is reached."""
    if reached == point:
        os.kill(os.getpid(), signal.SIGKILL)


async def main(url: str, api_url: str, point: str) -> None:
    clock = office.Clock()
    ledger = Ledger.open(
        url,
        now=clock.now,
        monotonic=clock.seconds,
        directory=acme.DIRECTORY,
        serving=False,
    )
    bot = Bot(
        SlackAccess(office.BOT_TOKEN, OverSocket(office.APP_TOKEN), api_url),
        ledger,
        acme.DIRECTORY,
        longest=lambda: timedelta(hours=8),
        reach=lambda reached: die_at(point, reached),
    )
    await bot.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    unhurried.give()
    asyncio.run(main(*sys.argv[1:]))
