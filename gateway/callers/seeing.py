"""Sees in a request's head what was seen before in the very same head, at once."""

from collections.abc import Callable
from typing import TypeVar, cast

from aiohttp import web

from gateway.callers.fast_lane import WholeRequest

_T = TypeVar("_T")


def once(http: web.BaseRequest, what: str, look: Callable[[web.BaseRequest], _T]) -> _T:
    """Return what is seen in a request's head: of a head that the caller sent before, at once.

    What looking raises is raised each time. It must look at the head alone.
    """
    if not isinstance(http, WholeRequest):
        return look(http)
    seen = http.head.seen
    if what not in seen:
        seen[what] = look(http)
    return cast("_T", seen[what])
