"""A bare pass-through: aiohttp's server and its stock client, which decide and record nothing.

Run it as `python bare_proxy.py PORT URL`.
"""

import json
import sys
from collections.abc import AsyncIterator

from aiohttp import ClientSession, TCPConnector, web


def bare(behind: str) -> web.Application:
    """Return what hands every request on to `behind`: the least that a proxy of aiohttp does."""
    app = web.Application()

    async def session(app: web.Application) -> AsyncIterator[None]:
        async with ClientSession(connector=TCPConnector(limit=0)) as http:
            app["http"] = http
            yield

    async def hand_on(request: web.Request) -> web.Response:
        body = await request.read()
        json.loads(body)
        headers = {"Content-Type": "application/json"}
        async with request.app["http"].post(behind, data=body, headers=headers) as answer:
            return web.Response(
                body=await answer.read(), status=answer.status, content_type=answer.content_type
            )

    app.cleanup_ctx.append(session)
    app.router.add_post("/mcp/echo", hand_on)
    return app


if __name__ == "__main__":
    web.run_app(
        bare(sys.argv[2]), port=int(sys.argv[1]), host="127.0.0.1", print=None, access_log=None
    )
