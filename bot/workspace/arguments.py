"""What a request of the Web API says, from a form, JSON or the query alike."""

import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.workspace.errors import SlackError

_TRUE = frozenset({"1", "true", "True"})


@dataclass(frozen=True)
class Arguments:
    """The named arguments of one request; values are strings in forms, JSON in JSON bodies."""

    given: dict[str, Any]

    def text(self, name: str) -> str:
        """Return a required string. Raises SlackError `invalid_arguments`."""
        value = self.maybe(name)
        if value is None:
            message = f"[ERROR] missing required field: {name}"
            raise SlackError("invalid_arguments", {"response_metadata": {"messages": [message]}})
        return value

    def maybe(self, name: str) -> str | None:
        """Return a string, or None where it is absent or empty."""
        value = self.given.get(name)
        if value is None or value == "":
            return None
        return value if isinstance(value, str) else json.dumps(value)

    def channel(self) -> str:
        """Return the channel's id. Raises SlackError `channel_not_found` where it is absent."""
        value = self.maybe("channel")
        if value is None:
            raise SlackError("channel_not_found")
        return value

    def flag(self, name: str) -> bool:
        """Tell whether a yes-or-no argument says yes."""
        value = self.given.get(name)
        return value is True or value == 1 or value in _TRUE

    def number(self, name: str, default: int) -> int:
        """Return an integer. Raises SlackError `invalid_arguments`."""
        value = self.maybe(name)
        try:
            return default if value is None else int(value)
        except ValueError:
            raise SlackError("invalid_arguments") from None

    def structure(self, name: str, error: str) -> Any:
        """Return JSON given as text or as itself, None if absent. Raises SlackError `error`."""
        value = self.given.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackError(error) from None


async def arguments_of(request: web.Request) -> Arguments:
    """Read the arguments of a request. Raises SlackError `invalid_json`, `invalid_form_data`."""
    given: dict[str, Any] = dict(request.query)
    if request.method == "POST":
        if request.content_type == "application/json":
            given |= _from_json(await request.read())
        else:
            given |= await _from_form(request)
    return Arguments(given)


def token_of(request: web.Request, arguments: Arguments) -> str | None:
    """Return the token of the Authorization header or the form, None if there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return arguments.maybe("token")


def _from_json(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(parsed, dict):
        raise SlackError("json_not_object")
    return parsed


async def _from_form(request: web.Request) -> dict[str, Any]:
    try:
        form = await request.post()
    except ValueError:
        raise SlackError("invalid_form_data") from None
    return {name: value for name, value in form.items() if isinstance(value, str)}
