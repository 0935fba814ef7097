"""Speaks both eras of the protocol for a server that knows only sessions.

Only members are added in front, all else of a result stays byte for byte.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.upstreams import LEGACY_VERSIONS, MODERN_VERSIONS
from gateway.wire.json_text import NotAnObject, members, with_member, with_members, without

OLDEST_VERSION = "2024-11-05"
SERVER_INFO_KEY = "io.modelcontextprotocol/serverInfo"
SUBSCRIPTION_KEY = "io.modelcontextprotocol/subscriptionId"

_LIFETIMES = {
    "server/discover": 5_000,
    "tools/list": 0,
    "prompts/list": 0,
    "resources/list": 0,
    "resources/templates/list": 0,
    "resources/read": 0,
}
"""Milliseconds for which a caller may keep a result.

The server speaks of no such time, and a caller that has it write or add
something and then looks would be shown what was there before. What it says of
itself changes only when it is started again.
"""
_RESERVED = "io.modelcontextprotocol/"
_LOGGING = frozenset({"logging"})
"""What a server that all callers share cannot have for one of them, whatever it says it has."""

_TASKS = frozenset({"tasks"})
_TASKS_OF_CALLS = ("tasks", "requests", "tools", "call")
"""Where a server of 2025-11-25 says that calls may be tasks (basic/utilities/tasks)."""
_CALL = "tools/call"
_UNKNOWN = 404
_STATUS = {-32700: 400, -32600: 400, -32602: 400, -32601: _UNKNOWN}
_NOT_FOUND = "-32002"


class NotSpoken(Exception):
    """The server's answer to `initialize` is not one, or of a version nobody knows."""


@dataclass(frozen=True)
class Introduction:
    """What a server said of itself in its result of `initialize`, as JSON texts."""

    result: str
    version: str
    capabilities: str
    server_info: str | None
    instructions: str | None
    runs_tasks: bool = False
    """Whether a call may ask for being run as a task, in the era with sessions."""

    @classmethod
    def read(cls, result: str) -> "Introduction":
        """Read the result of `initialize` (lifecycle). Raises NotSpoken."""
        try:
            found = {name: result[at] for name, at in members(result).items()}
            version = json.loads(found["protocolVersion"])
            runs_tasks = _declares(found["capabilities"], _TASKS_OF_CALLS)
            left_out = _LOGGING if runs_tasks else _LOGGING | _TASKS
            capabilities = without(found["capabilities"], left_out)
        except (NotAnObject, KeyError, ValueError):
            raise NotSpoken from None
        if version not in {OLDEST_VERSION, *LEGACY_VERSIONS}:
            raise NotSpoken
        return cls(
            with_member(result, "capabilities", capabilities),
            version,
            capabilities,
            found.get("serverInfo"),
            found.get("instructions"),
            runs_tasks,
        )

    def announces(self) -> set[str]:
        """Return the notifications of changed lists that the server may send."""
        declared = members(self.capabilities)
        kinds = ("tools", "prompts", "resources")
        return {f"notifications/{kind}/list_changed" for kind in kinds if kind in declared}

    def takes_subscriptions(self) -> bool:
        """Tell whether resources of the server can be subscribed to."""
        try:
            resources = self.capabilities[members(self.capabilities)["resources"]]
            return resources[members(resources)["subscribe"]] == "true"
        except (NotAnObject, KeyError):
            return False


def initialized(introduction: Introduction, requested: object) -> str:
    """Return the result of `initialize` for a caller that asked for version `requested`.

    A caller gets its own version where that is not newer than the server's.
    """
    known = {OLDEST_VERSION, *LEGACY_VERSIONS}
    older = isinstance(requested, str) and requested in known and requested < introduction.version
    if not older:
        return introduction.result
    return with_member(introduction.result, "protocolVersion", json.dumps(requested))


def discovered(introduction: Introduction) -> str:
    """Return the result of `server/discover` (specification 2026-07-28, server/discover)."""
    versions = json.dumps(sorted(MODERN_VERSIONS))
    capabilities = without(introduction.capabilities, _TASKS)
    said = {"supportedVersions": versions, "capabilities": capabilities}
    if introduction.instructions is not None:
        said["instructions"] = introduction.instructions
    return modern_result("server/discover", with_members("{}", said), introduction)


def modern_result(method: str, result: str, introduction: Introduction) -> str:
    """Return a result of `method` with the members that 2026-07-28 requires.

    `resultType` (basic), `ttlMs` and `cacheScope` (utilities, caching), and
    who answers in `_meta`; what the server said itself stands.
    """
    added = {"resultType": '"complete"'}
    if method in _LIFETIMES:
        added |= {"ttlMs": str(_LIFETIMES[method]), "cacheScope": '"private"'}
    if introduction.server_info is not None:
        result = _with_server_info(result, introduction.server_info)
    return with_members(result, added)


def modern_error(method: str, error: str) -> tuple[int, str]:
    """Return the HTTP status and JSON text of an error, as 2026-07-28 has them.

    "Resource not found" lost its own code there; unknown methods are 404, which
    whoever can call a tool does not hear of what the tool lacks.
    """
    try:
        code = error[members(error)["code"]]
        if code == _NOT_FOUND:
            code = "-32602"
            error = with_member(error, "code", code)
        status = _STATUS.get(int(code), 200) if len(code) < len("-1000000") else 200
    except (NotAnObject, KeyError, ValueError):
        status = 200
    return 200 if status == _UNKNOWN and method == _CALL else status, error


def bridged_params(params: str, *, modern: bool, token: int) -> tuple[str, str | None]:
    """Return params for the server, and the caller's progress token, as JSON texts.

    In `_meta`, the token becomes `token`, and what 2026-07-28 puts there for a
    server of its kind is left out; all else of the params stays as it is.
    """
    places = members(params)
    if "_meta" not in places:
        return params, None
    meta = params[places["_meta"]]
    own = members(meta)
    changed = meta
    if modern:
        changed = without(meta, frozenset(name for name in own if name.startswith(_RESERVED)))
    caller = meta[own["progressToken"]] if "progressToken" in own else None
    if caller is not None:
        changed = with_member(changed, "progressToken", str(token))
    if changed == meta:
        return params, caller
    at = places["_meta"]
    return f"{params[: at.start]}{changed}{params[at.stop :]}", caller


def acknowledged(subscription: str, kept: Mapping[str, object]) -> str:
    """Return the first notification of a `subscriptions/listen` stream (basic, patterns)."""
    meta = f'{{"{SUBSCRIPTION_KEY}":{subscription}}}'
    return (
        '{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":'
        f'{{"_meta":{meta},"notifications":{json.dumps(kept)}}}}}'
    )


def subscription_ended(subscription: str) -> str:
    """Return the answer that ends a `subscriptions/listen` stream for good."""
    meta = f'{{"{SUBSCRIPTION_KEY}":{subscription}}}'
    return (
        f'{{"jsonrpc":"2.0","id":{subscription},"result":'
        f'{{"resultType":"complete","_meta":{meta}}}}}'
    )


def tagged(params: str | None, subscription: str) -> str:
    """Return the params of a notification with the subscription it is sent under."""
    params = with_members(params or "{}", {"_meta": "{}"})
    meta = params[members(params)["_meta"]]
    try:
        meta = with_members(
            without(meta, frozenset({SUBSCRIPTION_KEY})), {SUBSCRIPTION_KEY: subscription}
        )
    except NotAnObject:
        meta = f'{{"{SUBSCRIPTION_KEY}":{subscription}}}'
    return with_member(params, "_meta", meta)


def _declares(capabilities: str, path: Sequence[str]) -> bool:
    """Tell whether the last of these members, each in the one before, is an object."""
    found = capabilities
    try:
        for name in path:
            found = found[members(found)[name]]
    except (NotAnObject, KeyError):
        return False
    return found.startswith("{")


def _with_server_info(result: str, server_info: str) -> str:
    """Return a result whose `_meta` names the server software."""
    named = {SERVER_INFO_KEY: server_info}
    places = members(result)
    if "_meta" not in places:
        return with_members(result, {"_meta": with_members("{}", named)})
    meta = result[places["_meta"]]
    if not meta.startswith("{"):
        return result
    return with_member(result, "_meta", with_members(meta, named))
