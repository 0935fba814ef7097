"""Serves operators: liveness, readiness and metrics."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from gateway.callers.admission import Premises
from gateway.wire.errors import Rejected
from policies.configuration.settings import GatewaySection
from policies.yaml.fields import Address

Check: TypeAlias = Callable[[], Sequence[str]]
"""Says in words what is wrong now; nothing where all is well."""

_log = logging.getLogger(__name__)


@dataclass
class Operations:
    """The answers for operators. `checks` are asked at each look at readiness, by name.

    `notices` are asked at each look too, and make nothing unready. Where there
    are `premises`, only they are answered for.
    """

    registry: CollectorRegistry
    checks: Mapping[str, Check]
    notices: Sequence[Check] = ()
    premises: Premises | None = None
    draining: bool = field(default=False)

    def application(self) -> web.Application:
        """Return the application with `/healthz`, `/readyz` and `/metrics`."""
        application = web.Application(middlewares=[self._admitted])
        application.router.add_get("/healthz", self.healthz)
        application.router.add_get("/readyz", self.readyz)
        application.router.add_get("/metrics", self.metrics)
        return application

    async def healthz(self, _: web.Request) -> web.Response:
        """Answer 200 as long as the process answers at all."""
        return web.json_response({"alive": True})

    async def readyz(self, request: web.Request) -> web.Response:
        """Answer 200 where nothing is wrong, else 503, and what is wrong by its part.

        `?only=ledger,slack` looks at those parts only, as do several of one part. An unknown
        part is 400.
        """
        named = ",".join(each for each in request.query.getall("only", []) if each)
        asked = named.split(",") if named else list(self.checks)
        unknown = [name for name in asked if name not in self.checks]
        if unknown:
            return web.json_response({"unknown": unknown, "known": list(self.checks)}, status=400)
        troubles = {name: self._troubles(name) for name in asked}
        if self.draining:
            troubles["placet"] = ["stopping: no new calls are taken"]
        ready = not any(troubles.values())
        answer: dict[str, object] = {"ready": ready, "checks": troubles}
        if told := [notice for notices in self.notices for notice in notices()]:
            answer["notices"] = told
        return web.json_response(answer, status=200 if ready else 503)

    async def metrics(self, _: web.Request) -> web.Response:
        """Answer with the metrics in Prometheus' text format."""
        return web.Response(
            body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    @web.middleware
    async def _admitted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer 403 to the page of a browser that came by a name which is not ours.

        Programs of HTTP/1.0 name no host; browsers always do.
        """
        if self.premises is not None and "Host" in request.headers:
            try:
                self.premises.admit(request)
            except Rejected as rejected:
                return web.json_response({"refused": rejected.message}, status=rejected.status)
        return await handler(request)

    def _troubles(self, name: str) -> list[str]:
        try:
            return list(self.checks[name]())
        except Exception:  # noqa: BLE001  the edge: a check that breaks is a part that is not ready
            _log.exception("the readiness check of %s broke", name)
            return ["its check broke; see the log"]


def premises_of(address: Address, section: GatewaySection) -> Premises | None:
    """Return the names to which operators' answers are given at this address; None where to all.

    Against DNS rebinding: what listens on loopback is kept from the network,
    and so from pages out of it. What listens elsewhere is called by as many
    names as the networks have that reach it.
    """
    return Premises.of(address, section) if address.loopback else None
