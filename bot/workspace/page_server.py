"""Serves the page: its files, its live feed, and what people do in it."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from bot.workspace.changes import Change, Feed
from bot.workspace.errors import Impossible, SlackError
from bot.workspace.interactions import Interactions
from bot.workspace.page_requests import PageRequest
from bot.workspace.snapshot import snapshot
from bot.workspace.state import Workspace

PAGE = Path(__file__).parent / "page"
KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
HEARTBEAT_SECONDS = 15.0
RETRY_MILLISECONDS = 1000
_REQUEST: TypeAdapter[PageRequest] = TypeAdapter(PageRequest)


@dataclass(frozen=True)
class PageServer:
    """The page below the path `place`; `connected` tells how many wires the app holds, if any."""

    workspace: Workspace
    interactions: Interactions
    connected: Callable[[], int | None]
    place: str

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return what the page asks for."""
        return [
            web.get(self.place, self.index),
            web.get(self.place + "static/{name}", self.static),
            web.get(self.place + "feed", self.feed),
            web.post(self.place + "act", self.act),
            web.post("/control/act", self.act),
        ]

    async def index(self, _request: web.Request) -> web.StreamResponse:
        """Serve the page itself."""
        return _file("index.html")

    async def static(self, request: web.Request) -> web.StreamResponse:
        """Serve a style sheet, a script or an image of the page."""
        return _file(request.match_info["name"])

    async def feed(self, request: web.Request) -> web.StreamResponse:
        """Serve server-sent events: the whole state first, then each change.

        https://html.spec.whatwg.org/multipage/server-sent-events.html
        """
        user = request.query.get("user") or self._first_person()
        if user not in {each.id for each in self.workspace.people.all()}:
            return web.Response(status=404, text="nobody has that id")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        feed = self.workspace.changes.follow(user)
        try:
            await self._stream(response, feed)
        except ConnectionError:
            return response
        finally:
            self.workspace.changes.leave(feed)
        return response

    async def act(self, request: web.Request) -> web.StreamResponse:
        """Do what a person did in the page and answer what Slack shows them."""
        try:
            asked = _REQUEST.validate_json(await request.read())
            shown = await asked.apply(self.interactions)
        except ValidationError as error:
            return web.json_response({"impossible": f"not understood: {error}"}, status=400)
        except Impossible as impossible:
            return web.json_response({"impossible": str(impossible)}, status=409)
        return web.json_response(asdict(shown))

    async def _stream(self, response: web.StreamResponse, feed: Feed) -> None:
        await response.write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())
        await self._send_everything(response, feed)
        while not feed.closed:
            change: Change | None = None
            try:
                change = await asyncio.wait_for(feed.queue.get(), HEARTBEAT_SECONDS)
            except TimeoutError:
                await response.write(b": still here\n\n")
                continue
            if change is None or feed.closed:
                return
            if feed.behind or change.kind == "places":
                await self._send_everything(response, feed)
            else:
                await _send(response, change.kind, change.members)

    async def _send_everything(self, response: web.StreamResponse, feed: Feed) -> None:
        while not feed.queue.empty():
            feed.queue.get_nowait()
        feed.behind = False
        with suppress(SlackError):
            await _send(response, "snapshot", snapshot(self.workspace, feed.user, self.connected()))

    def _first_person(self) -> str:
        people = [each for each in self.workspace.people.all() if not each.is_bot]
        return people[0].id if people else ""


async def _send(response: web.StreamResponse, kind: str, members: dict[str, Any]) -> None:
    await response.write(f"event: {kind}\ndata: {json.dumps(members)}\n\n".encode())


def _file(name: str) -> web.Response:
    path = PAGE / name
    if path.parent != PAGE or path.suffix not in KINDS or not path.is_file():
        return web.Response(status=404, text="there is no such file")
    return web.Response(
        text=path.read_text(encoding="utf-8"), content_type=KINDS[path.suffix], charset="utf-8"
    )
