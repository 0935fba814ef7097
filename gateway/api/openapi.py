"""Describes the JSON API in OpenAPI 3.1, from the models that read and write its bodies."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.api.decision_bodies import Ask, Body, Report, ToldDecision, WaitQuery
from gateway.api.described_schemas import of_body, of_query, problem
from gateway.api.operator_bodies import (
    ApprovalsQuery,
    AuditQuery,
    GrantsQuery,
    ToldApproval,
    ToldApprovals,
    ToldEvents,
    ToldGrants,
)
from gateway.api.problems import CONTENT_TYPE, PREFIX, TITLES, Kind

_Json = dict[str, Any]

_SCHEMAS = "#/components/schemas/"
_ASKED: tuple[type[BaseModel], ...] = (
    Ask,
    Report,
    WaitQuery,
    ApprovalsQuery,
    AuditQuery,
    GrantsQuery,
)
_TOLD: tuple[type[BaseModel], ...] = (
    ToldDecision,
    ToldApproval,
    ToldApprovals,
    ToldGrants,
    ToldEvents,
)

_ANYWHERE: Mapping[int, tuple[Kind, ...]] = {
    400: (Kind.INVALID_REQUEST,),
    403: (Kind.WRONG_ORIGIN,),
    500: (Kind.INTERNAL_ERROR,),
}
_KEYED: Mapping[int, tuple[Kind, ...]] = {
    **_ANYWHERE,
    401: (Kind.NOT_AUTHENTICATED,),
    403: (Kind.WRONG_ORIGIN, Kind.NOT_PERMITTED),
    429: (Kind.BUSY,),
    503: (Kind.BUSY, Kind.UNDECIDED),
}
_WITH_BODY: Mapping[int, tuple[Kind, ...]] = {
    **_KEYED,
    408: (Kind.TOO_SLOW,),
    413: (Kind.TOO_LARGE,),
    415: (Kind.WRONG_CONTENT,),
}
_MISSING: Mapping[int, tuple[Kind, ...]] = {404: (Kind.NOT_FOUND,)}
_DECIDING = (Kind.BUSY, Kind.UNDECIDED, Kind.TOOLS_NOT_KNOWN)

_ABOUT = (
    "Decisions on calls that the caller runs itself, and reading for operators. An agent's key "
    "decides, waits and reports on its own calls only; an operator's key reads; no key approves: "
    "that is done in Slack. Errors are problems (RFC 9457); their `type` is stable. Any other path "
    "is 404 `not-found`, any other method of these 405 `wrong-method`."
)


@cache
def document() -> bytes:
    """Return the document as JSON; making it takes a while."""
    _, defined = models_json_schema(
        [*((m, "validation") for m in _ASKED), *((m, "serialization") for m in _TOLD)],
        ref_template=f"{_SCHEMAS}{{model}}",
    )
    schemas = {**defined["$defs"], "Problem": problem()}
    for body in _BODIES:
        schemas[body.__name__] = of_body(schemas[body.__name__])
    queries = {query.__name__: schemas.pop(query.__name__) for query in _ASKED if query in _QUERIES}
    told = {
        "openapi": "3.1.1",
        "info": {"title": "Placet", "version": "1", "description": _ABOUT},
        "servers": [{"url": "/", "description": "Where `listen.agents` is reached."}],
        "tags": [
            {"name": "decisions", "description": "With an agent's key."},
            {"name": "reading", "description": "With an operator's key."},
        ],
        "paths": _paths(queries),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "agent": _bearer("An agent's key, or a token of a configured issuer."),
                "operator": _bearer("An operator's key."),
            },
        },
    }
    return json.dumps(told, indent=1).encode()


_BODIES: tuple[type[Body], ...] = (Ask, Report)
_QUERIES: tuple[type[Body], ...] = (WaitQuery, ApprovalsQuery, AuditQuery, GrantsQuery)


def _paths(queries: Mapping[str, _Json]) -> _Json:
    one = _parameter("id", "The id of the decision, or `request:` and its request id.")
    return {
        "/v1/decisions": {"post": _ask()},
        "/v1/decisions/{id}": {
            "parameters": [one],
            "get": _look(queries["WaitQuery"]),
            "delete": _withdraw(),
        },
        "/v1/decisions/{id}/outcome": {"parameters": [one], "post": _report()},
        "/v1/approvals": {
            "get": _reading("List approvals, the newest first", ToldApprovals)
            | _query(queries["ApprovalsQuery"])
        },
        "/v1/approvals/{id}": {
            "parameters": [_parameter("id", "The approval's id.")],
            "get": _reading("Read an approval", ToldApproval, _MISSING),
        },
        "/v1/grants": {
            "get": _reading("List grants, by id", ToldGrants) | _query(queries["GrantsQuery"])
        },
        "/v1/audit": {
            "get": _reading("List the history, in order", ToldEvents, _MISSING)
            | _query(queries["AuditQuery"])
        },
        "/v1/openapi.json": {"get": _describe()},
    }


def _ask() -> _Json:
    errors = {
        **_WITH_BODY,
        404: (Kind.NO_SUCH_SERVER,),
        409: (Kind.REFUSED, Kind.REQUEST_ID_TAKEN),
        503: _DECIDING,
    }
    return {
        "operationId": "ask",
        "tags": ["decisions"],
        "summary": "Ask whether a call may run",
        "description": "What is answered `allow` is durable before it is answered, and may be run "
        "by the caller, once. If the caller goes away while it waits, nothing is claimed.",
        "security": [{"agent": []}],
        "requestBody": _body(Ask),
        "responses": _responses("The decision.", ToldDecision, errors),
    }


def _look(query: _Json) -> _Json:
    errors = {**_KEYED, **_MISSING, 409: (Kind.REFUSED,), 503: _DECIDING}
    return {
        "operationId": "look",
        "tags": ["decisions"],
        "summary": "See how a decision stands, or wait for people",
        "description": "Where people have approved, the approval is used for this call: once, "
        "however often and wherever it is asked.",
        "security": [{"agent": []}],
        **_query(query),
        "responses": _responses("The decision.", ToldDecision, errors),
    }


def _withdraw() -> _Json:
    errors = {**_KEYED, **_MISSING, 409: (Kind.REFUSED,), 503: _DECIDING}
    return {
        "operationId": "withdraw",
        "tags": ["decisions"],
        "summary": "Take back a question that people have not answered",
        "description": "It is cancelled for every call that waits on it, which is no denial. A "
        "call that was let through cannot be taken back.",
        "security": [{"agent": []}],
        "responses": _responses("The decision.", ToldDecision, errors),
    }


def _report() -> _Json:
    conflicts = (Kind.REFUSED, Kind.NOT_RUNNING, Kind.ALREADY_REPORTED)
    return {
        "operationId": "report",
        "tags": ["decisions"],
        "summary": "Report how a call ended",
        "description": "Reported again alike, nothing changes. What is not reported until "
        "`report_until` has an unknown outcome, which a late report still replaces.",
        "security": [{"agent": []}],
        "requestBody": _body(Report),
        "responses": _responses(
            "The decision.", ToldDecision, {**_WITH_BODY, **_MISSING, 409: conflicts}
        ),
    }


def _reading(
    summary: str, told: type[BaseModel], more: Mapping[int, tuple[Kind, ...]] | None = None
) -> _Json:
    return {
        "operationId": summary.split(maxsplit=1)[0].lower() + told.__name__.removeprefix("Told"),
        "tags": ["reading"],
        "summary": summary,
        "security": [{"operator": []}],
        "responses": _responses("What there is.", told, {**_KEYED, **(more or {})}),
    }


def _describe() -> _Json:
    said = {"description": "This document.", "content": {"application/json": {"schema": {}}}}
    return {
        "operationId": "describe",
        "summary": "Get this document",
        "security": [],
        "responses": {"200": said, **_problems(_ANYWHERE)},
    }


def _responses(what: str, told: type[BaseModel], errors: Mapping[int, tuple[Kind, ...]]) -> _Json:
    content = {"application/json": {"schema": _ref(told.__name__)}}
    return {"200": {"description": what, "content": content}, **_problems(errors)}


def _problems(errors: Mapping[int, Sequence[Kind]]) -> _Json:
    """Return the responses of errors: which types of problem each status can have, and why."""
    found: _Json = {}
    for status in sorted(errors):
        kinds = errors[status]
        types = {"properties": {"type": {"enum": [f"{PREFIX}{kind}" for kind in kinds]}}}
        schema = {"allOf": [_ref("Problem"), types]}
        found[str(status)] = {
            "description": "; ".join(f"`{kind}`: {TITLES[kind]}" for kind in kinds) + ".",
            "content": {CONTENT_TYPE: {"schema": schema}},
            **_headers(status),
        }
    return found


def _headers(status: int) -> _Json:
    match status:
        case 401:
            named = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
        case 429 | 503:
            named = {"Retry-After": {"schema": {"type": "string"}}}
        case _:
            return {}
    return {"headers": named}


def _query(schema: _Json) -> _Json:
    """Return the parameters that a model of a query string has as members."""
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "description": member.get("description", ""),
                "schema": of_query(member),
            }
            for name, member in schema["properties"].items()
        ]
    }


def _parameter(name: str, what: str) -> _Json:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": what, "schema": schema}


def _body(model: type[BaseModel]) -> _Json:
    content = {"application/json": {"schema": _ref(model.__name__)}}
    return {"required": True, "content": content}


def _ref(name: str) -> _Json:
    return {"$ref": f"{_SCHEMAS}{name}"}


def _bearer(what: str) -> _Json:
    return {"type": "http", "scheme": "bearer", "description": what}
