"""The local workspace as one object: it listens, and tests drive and disturb it."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web

from bot.workspace.access import Access
from bot.workspace.control import Control
from bot.workspace.delivery import Delivery
from bot.workspace.disturbing import Disturbing
from bot.workspace.driving import Driving
from bot.workspace.http_delivery import HttpDelivery
from bot.workspace.interactions import Interactions
from bot.workspace.page_server import PageServer
from bot.workspace.rates import Rates
from bot.workspace.socket_mode import SocketMode
from bot.workspace.spec import WorkspaceSpec
from bot.workspace.state import Workspace
from bot.workspace.web_api import WebApi

ACK_SECONDS = 3.0
BODY_AT_MOST = 1_000_000
SHUTDOWN_SECONDS = 1.0


@dataclass(frozen=True)
class RequestUrl:
    """Where Slack's HTTP mode delivers, and the secret that signs what it delivers."""

    url: str
    signing_secret: str


@dataclass(frozen=True)
class Addresses:
    """Where the workspace listens: `api_url` for the app, `page_url` with its token for people."""

    api_url: str
    page_url: str


class LocalWorkspace(Driving, Disturbing):
    """A workspace of Slack on loopback.

    It delivers in Socket Mode unless `request_url` asks for signed HTTP. `rate_limits=False`
    lets an app call without Slack's limits on calls. `journal` keeps messages over a restart.
    `now` gives seconds since 1970, `clock` seconds that never go back.
    """

    def __init__(
        self,
        spec: WorkspaceSpec,
        *,
        request_url: RequestUrl | None = None,
        token: str | None = None,
        rate_limits: bool = True,
        ack_seconds: float = ACK_SECONDS,
        journal: Path | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.spec = spec
        self.workspace = Workspace(spec, now=now, clock=clock, journal=journal)
        self.sockets = SocketMode(spec.app_id, spec.app_name, ack_seconds, self._connected)
        self.api = WebApi(self.workspace, self.sockets, Rates(clock) if rate_limits else None)
        self.access = Access(token or secrets.token_urlsafe(32))
        self._request_url = request_url
        delivery: Delivery = self.sockets
        if request_url is not None:
            delivery = HttpDelivery(
                request_url.url, request_url.signing_secret, spec.app_name, ack_seconds, now
            )
        self.interactions = Interactions(self.workspace, delivery, "")
        self._api_runner = web.AppRunner(
            self._api_app(), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS
        )
        self._page_runner = web.AppRunner(
            self._page_app(), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS
        )
        self._api_site: web.TCPSite | None = None
        self._host = "127.0.0.1"
        self._api_port = 0

    @property
    def api_url(self) -> str:
        """Return the base URL of the Web API, for `AsyncWebClient(base_url=…)`."""
        return f"{self._origin(self._api_port)}/api/"

    @property
    def page_url(self) -> str:
        """Return the page's address with its token."""
        return f"{self._origin(self.access.port)}/?token={self.access.token}"

    @property
    def control_url(self) -> str:
        """Return the base URL of the control API; its bearer is `access.token`."""
        return f"{self._origin(self.access.port)}/control/"

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, *, api_port: int = 0
    ) -> Addresses:
        """Listen on loopback: the page on `port`, Slack's API on `api_port` (0: any free one).

        Raises ValueError for a host beyond loopback, OSError for a port in use.
        """
        if not ip_address(host).is_loopback:
            raise ValueError(f"the local workspace listens on loopback only, not on `{host}`")
        self._host = host
        try:
            await self._page_runner.setup()
            page = web.TCPSite(self._page_runner, host, port)
            await page.start()
            self.access.port = int(self._page_runner.addresses[0][1])
            await self._api_runner.setup()
            self._api_port = api_port
            await self._listen()
        except OSError:
            await self.close()
            raise
        self.interactions.response_base = f"{self._origin(self._api_port)}/response"
        self.api.socket_url = f"ws://{self._authority(self._api_port)}/link"
        return Addresses(self.api_url, self.page_url)

    async def close(self) -> None:
        """Stop listening, end what is open, close the journal."""
        self.api.closing.set()
        await self.sockets.close()
        self.workspace.close()
        await self._api_runner.cleanup()
        await self._page_runner.cleanup()

    async def outage(self, *, refuse: bool = False) -> None:
        """Let Slack be away: answer 503 to everything, or `refuse` connections altogether."""
        self.api.away = True
        self.sockets.drop()
        if refuse and self._api_site is not None:
            await self._api_site.stop()
            self._api_site = None

    async def recover(self) -> None:
        """End an outage; the addresses stay."""
        self.api.away = False
        if self._api_site is None:
            await self._listen()

    async def wait_until_connected(self, connections: int = 1, seconds: float = 30) -> None:
        """Return once the app holds that many Socket Mode connections. Raises TimeoutError."""
        await self.wait_until(lambda: self.sockets.connected >= connections, seconds)

    async def _listen(self) -> None:
        site = web.TCPSite(self._api_runner, self._host, self._api_port)
        await site.start()
        self._api_site = site
        self._api_port = int(self._api_runner.addresses[0][1])

    def _api_app(self) -> web.Application:
        app = web.Application(client_max_size=BODY_AT_MOST)
        app.router.add_route("GET", "/link", self._link)
        for method in ("GET", "POST"):
            app.router.add_route(method, "/api/{method}", self.api.answer)
        app.router.add_route("POST", "/response/{name}", self.api.respond)
        return app

    def _page_app(self) -> web.Application:
        app = web.Application(client_max_size=BODY_AT_MOST, middlewares=[self.access.guard])
        app.on_response_prepare.append(self.access.protect)
        page = PageServer(self.workspace, self.interactions, self._wires, self.access.place)
        app.add_routes(page.routes())
        app.add_routes(Control(self, self).routes())
        return app

    async def _link(self, request: web.Request) -> web.StreamResponse:
        if self.api.away:
            return web.Response(status=503, text="away")
        return await self.sockets.connect(request)

    def _wires(self) -> int | None:
        return None if self._request_url else self.sockets.connected

    def _connected(self, wires: int) -> None:
        self.workspace.changes.publish("connected", wires=self._wires(), connections=wires)

    def _origin(self, port: int) -> str:
        return f"http://{self._authority(port)}"

    def _authority(self, port: int) -> str:
        return f"[{self._host}]:{port}" if ":" in self._host else f"{self._host}:{port}"
