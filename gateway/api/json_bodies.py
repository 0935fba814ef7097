"""Reads the bodies and queries of the JSON API so that they can be read in one way only."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_origin

from aiohttp import web
from pydantic import ValidationError

from gateway.api.decision_bodies import Body
from gateway.api.problems import Kind, Problem
from policies.values.calls import Number
from policies.values.inert import inert_line
from policies.values.strict_json import NotStrict, parse

_B = TypeVar("_B", bound=Body)

_AT_ONCE = 128 * 1024
"""Bytes of a body that are read while all others wait."""
_MOST_ERRORS = 20
_ECHO = 100


async def read_json(body: bytes, model: type[_B]) -> _B:
    """Return what a body says, as a `model`. Raises Problem (HTTP 400) with all that is wrong.

    Numbers below the members of the model stay as they were written.
    """
    if len(body) <= _AT_ONCE:
        return _read(body, model)
    return await asyncio.to_thread(_read, body, model)


def read_query(http: web.BaseRequest, model: type[_B]) -> _B:
    """Return what a query string says, as a `model`. Raises Problem (HTTP 400)."""
    values: dict[str, object] = {}
    for name in http.query:
        given = http.query.getall(name)
        field = model.model_fields.get(name)
        several = field is not None and get_origin(field.annotation) is tuple
        if len(given) > 1 and not several:
            raise _wrong_query(name, "is given more than once")
        if any("\0" in text for text in given):  # PostgreSQL cannot even look for it
            raise _wrong_query(name, "holds the character NUL, which nothing here has")
        values[name] = tuple(given) if several else given[0]
    return _validated(values, model, "query", strict=False)


def _wrong_query(name: str, detail: str) -> Problem:
    error = {"pointer": _pointer((name,)), "detail": detail}
    return Problem(400, Kind.INVALID_REQUEST, "the query is not valid", errors=[error])


def _read(body: bytes, model: type[_B]) -> _B:
    try:
        value = parse(body)
    except NotStrict as flaw:
        raise Problem(400, Kind.INVALID_REQUEST, str(flaw)) from None
    if not isinstance(value, dict):
        detail = "the body is not a JSON object; send one"
        raise Problem(400, Kind.INVALID_REQUEST, detail)
    members = {
        name: _plain(member) if isinstance(member, Number) else member
        for name, member in value.items()
    }
    return _validated(members, model, "body", strict=True)


def _plain(number: Number) -> int | float:
    """Return a number of the body itself; `2.0` is a whole one (JSON Schema, core, 6.2.1)."""
    value = number.value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _validated(values: Mapping[str, Any], model: type[_B], what: str, *, strict: bool) -> _B:
    try:
        return model.model_validate(values, strict=strict)
    except ValidationError as error:
        errors = list(_errors(error))[:_MOST_ERRORS]
        named = ", ".join(f"`{each['pointer']}`" for each in errors)
        detail = f"the {what} is not valid at {named}; see `errors`"
        raise Problem(400, Kind.INVALID_REQUEST, detail, errors=errors) from None


def _errors(error: ValidationError) -> Iterator[dict[str, str]]:
    """Yield where something is wrong, and what; never what was given there."""
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        yield {"pointer": _pointer(each["loc"]), "detail": each["msg"]}


def _pointer(path: tuple[str | int, ...]) -> str:
    """Return a JSON Pointer (RFC 6901)."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return inert_line("".join(f"/{step}" for step in steps), _ECHO)
