"""Answers `/v1/…`, the JSON API: decisions for agents, reading for operators."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from pydantic import BaseModel

from gateway.api.decision_bodies import Ask, NoQuery, Report, WaitQuery
from gateway.api.decisions import Decisions
from gateway.api.json_bodies import read_json, read_query
from gateway.api.openapi import document
from gateway.api.operator_bodies import ApprovalsQuery, AuditQuery, GrantsQuery
from gateway.api.operator_reads import OperatorReads
from gateway.api.problems import Kind, Problem, internal_error, not_found, problem_of
from gateway.callers.admission import Premises, check_content, read_body
from gateway.callers.crowd import Crowd, Place
from gateway.calls.calling import Stopping
from gateway.calls.reporting import Reporter
from gateway.identity.identity import Identity
from gateway.under_way import UnderWay
from gateway.wire.errors import Code, Rejected
from gateway.wire.routing import check_duplicates
from policies.values.refusals import Refused

_LOG = logging.getLogger(__name__)

_GONE = 499
"""The status of an answer to a caller that is not there any more; nobody reads it."""

_SHARE = "/v1"
"""The share of a caller's requests that those to the API have, beside those to each server."""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class ApiParts:
    """What the API is made of; `body_limit` is in bytes, `patience` with a body in seconds."""

    premises: Premises
    identity: Identity
    crowd: Crowd
    reporter: Reporter
    decisions: Decisions
    reads: OperatorReads
    under_way: UnderWay
    body_limit: int
    patience: float
    reach: Callable[[str], None]


class JsonApi:
    """The edge of the JSON API: what arrives is checked as the MCP endpoint checks it.

    An agent's key decides, waits and reports on its own calls; an operator's
    reads; no key approves. Every refusal is a problem (RFC 9457).
    """

    def __init__(self, parts: ApiParts) -> None:
        """Take the collaborators."""
        self._parts = parts
        self._document = document()

    def register(self, router: web.UrlDispatcher) -> None:
        """Add the routes."""
        for path, methods in self._routes().items():
            resource = router.add_resource(path)
            for method, handler in methods.items():
                resource.add_route(method, self._guarded(handler))
            allowed = ", ".join(methods)
            resource.add_route("*", self._guarded(_refusing(allowed)))
        router.add_route("*", "/v1{rest:(/.*)?}", self._guarded(_nothing_here))

    def _routes(self) -> dict[str, dict[str, _Handler]]:
        return {
            "/v1/openapi.json": {"GET": self._described},
            "/v1/decisions": {"POST": self._asked},
            "/v1/decisions/{id}": {"GET": self._looked_at, "DELETE": self._withdrawn},
            "/v1/decisions/{id}/outcome": {"POST": self._reported},
            "/v1/approvals": {"GET": self._approvals},
            "/v1/approvals/{id}": {"GET": self._approval},
            "/v1/grants": {"GET": self._grants},
            "/v1/audit": {"GET": self._audit},
        }

    def _guarded(self, handler: _Handler) -> _Handler:
        async def guarded(http: web.Request) -> web.StreamResponse:
            """Return what the handler answers, or the problem that it ends in."""
            try:
                self._parts.premises.admit(http)
                check_duplicates(http)
                return await handler(http)
            except Problem as problem:
                return self._refused(http, problem, Code.INVALID_REQUEST)
            except Rejected as rejected:
                return self._refused(http, problem_of(rejected), rejected.code)
            except Refused as refused:
                return self._refused(http, problem_of(refused), Code.UNDECIDED)
            except ConnectionError:
                return web.Response(status=_GONE)
            except Exception:  # noqa: BLE001 (the edge: whatever failed, nothing goes on)
                _LOG.exception("a request failed")
                return self._refused(http, internal_error(), Code.INTERNAL_ERROR)

        return guarded

    def _refused(self, http: web.Request, problem: Problem, code: Code) -> web.Response:
        told = Rejected(problem.status, code, f"{problem.kind}: {problem.detail}")
        self._parts.reporter.refused(http, told)
        return problem.response()

    async def _described(self, http: web.Request) -> web.Response:
        read_query(http, NoQuery)
        return web.Response(body=self._document, content_type="application/json")

    async def _asked(self, http: web.Request) -> web.Response:
        agent = await self._parts.identity.caller(http)
        read_query(http, NoQuery)
        with self._parts.crowd.enter(agent.name, _SHARE) as place:
            body = await self._body(http, place)
            ask = await read_json(body, Ask)
            with self._taken():
                self._parts.reach("request-read")
                decision = await self._parts.decisions.ask(agent, ask, len(body))
                self._parts.reach("answering")
        return _json(decision)

    async def _looked_at(self, http: web.Request) -> web.Response:
        agent = await self._parts.identity.caller(http)
        wait = read_query(http, WaitQuery).wait
        with self._parts.crowd.enter(agent.name, _SHARE), self._taken():
            decision = await self._parts.decisions.look(agent, _id(http), wait)
            self._parts.reach("answering")
        return _json(decision)

    async def _withdrawn(self, http: web.Request) -> web.Response:
        agent = await self._parts.identity.caller(http)
        read_query(http, NoQuery)
        with self._parts.crowd.enter(agent.name, _SHARE), self._parts.under_way:
            decision = await self._parts.decisions.withdraw(agent, _id(http))
        return _json(decision)

    async def _reported(self, http: web.Request) -> web.Response:
        agent = await self._parts.identity.caller(http)
        read_query(http, NoQuery)
        with self._parts.crowd.enter(agent.name, _SHARE) as place, self._parts.under_way:
            report = await read_json(await self._body(http, place), Report)
            decision = await self._parts.decisions.report(agent, _id(http), report)
        return _json(decision)

    async def _approvals(self, http: web.Request) -> web.Response:
        with self._reading(http):
            return _json(await self._parts.reads.approvals(read_query(http, ApprovalsQuery)))

    async def _approval(self, http: web.Request) -> web.Response:
        with self._reading(http):
            read_query(http, NoQuery)
            return _json(await self._parts.reads.approval(_id(http)))

    async def _grants(self, http: web.Request) -> web.Response:
        with self._reading(http):
            return _json(await self._parts.reads.grants(read_query(http, GrantsQuery)))

    async def _audit(self, http: web.Request) -> web.Response:
        with self._reading(http):
            return _json(await self._parts.reads.audit(read_query(http, AuditQuery)))

    def _reading(self, http: web.Request) -> Place:
        """Return the place of an operator that reads. Raises Rejected."""
        operator = self._parts.identity.operator(http)
        return self._parts.crowd.enter(f"operator {operator.name}", _SHARE)

    async def _body(self, http: web.Request, place: Place) -> bytes:
        check_content(http)
        return await read_body(http, self._parts.body_limit, place, self._parts.patience)

    def _taken(self) -> UnderWay:
        """Return the block of a call that is taken. Raises Stopping."""
        if self._parts.under_way.stopping:
            raise Stopping("Placet is stopping; ask again in a moment")
        return self._parts.under_way


def _json(told: BaseModel) -> web.Response:
    return web.Response(body=told.model_dump_json().encode(), content_type="application/json")


def _id(http: web.Request) -> str:
    """Return the id in the path. Raises Problem (HTTP 404) where no database can look for it."""
    name = http.match_info["id"]
    if "\0" in name:
        raise not_found("such id: it holds the character NUL, which none has")
    return name


def _refusing(allowed: str) -> _Handler:
    async def refuse(http: web.Request) -> web.StreamResponse:
        detail = f"`{http.method}` is not answered here; use {allowed}"
        raise Problem(405, Kind.WRONG_METHOD, detail, headers={"Allow": allowed})

    return refuse


async def _nothing_here(_: web.Request) -> web.StreamResponse:
    raise not_found("such path; `/v1/openapi.json` has all there are")
