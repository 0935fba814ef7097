"""Serves the control API, by which tests in another process disturb and inspect."""

from dataclasses import asdict, dataclass

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from bot.workspace.control_requests import ControlRequest
from bot.workspace.disturbing import Disturbing
from bot.workspace.driving import Driving
from bot.workspace.errors import SlackError

_REQUEST: TypeAdapter[ControlRequest] = TypeAdapter(ControlRequest)


@dataclass(frozen=True)
class Control:
    """The workspace, seen as what can be driven and as what can be disturbed."""

    driving: Driving
    disturbing: Disturbing

    def routes(self) -> list[web.AbstractRouteDef]:
        """Return the routes below `/control/`, which need the token as bearer."""
        return [
            web.post("/control/do", self.do),
            web.get("/control/messages", self.messages),
            web.get("/control/ephemerals", self.ephemerals),
            web.get("/control/views", self.views),
            web.get("/control/requests", self.requests),
        ]

    async def do(self, request: web.Request) -> web.StreamResponse:
        """Disturb the workspace as the JSON body asks, `{"do": …}`."""
        try:
            await _REQUEST.validate_json(await request.read()).apply(self.disturbing)
        except (ValidationError, ValueError) as error:
            return web.json_response({"refused": str(error)}, status=400)
        except SlackError as refused:
            return web.json_response({"refused": refused.error}, status=409)
        return web.json_response({})

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """Return the messages of `channel`, or of one thread (`thread_ts`), oldest first."""
        try:
            found = await self.driving.messages(
                request.query.get("channel", ""), request.query.get("thread_ts")
            )
        except SlackError as refused:
            return web.json_response({"refused": refused.error}, status=404)
        return web.json_response(found)

    async def ephemerals(self, request: web.Request) -> web.StreamResponse:
        """Return what only `user` sees, oldest first."""
        return web.json_response(await self.driving.ephemerals(request.query.get("user", "")))

    async def views(self, request: web.Request) -> web.StreamResponse:
        """Return the open modals of `user`, the topmost last."""
        return web.json_response(await self.driving.views(request.query.get("user", "")))

    async def requests(self, request: web.Request) -> web.StreamResponse:
        """Return what the app asked of the Web API, all methods or one (`method`)."""
        found = await self.driving.requests(request.query.get("method"))
        return web.json_response([asdict(each) for each in found])
