"""Has answers not tell which libraries, in which versions, send them (RFC 9110, 10.2.4)."""

from functools import partial

from aiohttp import web


class UnnamedRequest(web.Request):
    """A request whose answer has no `Server`; aiohttp's own refusals go through here as well."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        await super()._prepare_hook(response)
        response.headers.pop("Server", None)


class UnnamedRunner(web.AppRunner):
    """Serves an application whose answers have no `Server`."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        server.request_factory = partial(self.app._make_request, _cls=UnnamedRequest)  # noqa: SLF001 (aiohttp has no other way to say so)
        return server
