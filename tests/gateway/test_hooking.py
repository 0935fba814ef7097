"""How a tool's use ended comes to Placet also where that is away for a moment."""

import asyncio
import threading

from aiohttp import web

from gateway.hooks.claude_code import Used
from gateway.hooks.decision_client import DecisionClient, NoAnswer
from gateway.hooks.hooking import Hook

ENDED = Used("claude-code.1", "ok", 3, 2, None)


class Watched(DecisionClient):
    """A client of which is known that nobody answered it."""

    def __init__(self, url: str) -> None:
        super().__init__(url, None)
        self.missed = threading.Event()

    def send(self, *given):
        try:
            return super().send(*given)
        except NoAnswer:
            self.missed.set()
            raise


async def test_how_a_use_ended_is_reported_once_placet_is_back(free_port):
    told = []

    async def answered(request):
        told.append(await request.json())
        return web.json_response({"decision": "ended"}, headers={"Connection": "close"})

    client = Watched(f"http://127.0.0.1:{free_port}")
    reporting = asyncio.create_task(asyncio.to_thread(Hook(client).report, ENDED))
    await asyncio.to_thread(client.missed.wait)

    application = web.Application()
    application.router.add_post("/v1/decisions/request:claude-code.1/outcome", answered)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", free_port).start()
    await reporting
    await runner.cleanup()

    assert told == [{"outcome": "ok", "duration_ms": 3, "size": 2}]
