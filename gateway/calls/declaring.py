"""Adds to what a server says it can do what Placet does in its place."""

from gateway.wire.json_text import NotAnObject, members, with_member, with_members
from gateway.wire.task_shapes import EXTENSION


def with_tasks(body: bytes) -> bytes:
    """Return an answer to `server/discover` that declares the tasks extension (SEP-2663).

    Only the one member is added; an answer of any other shape stays as it is.
    """
    try:
        text = body.decode()
        result = text[members(text)["result"]]
        capabilities = _object_in(result, "capabilities")
        extensions = with_members(_object_in(capabilities, "extensions"), {EXTENSION: "{}"})
        capabilities = _with(capabilities, "extensions", extensions)
        return with_member(text, "result", _with(result, "capabilities", capabilities)).encode()
    except (NotAnObject, KeyError, UnicodeDecodeError):
        return body


def with_list_changes(body: bytes) -> bytes:
    """Return an introduction whose server tells when its list of tools changed: Placet does.

    A server that declares no tools, and an answer of any other shape, stay as they are.
    """
    try:
        text = body.decode()
        result = text[members(text)["result"]]
        capabilities = result[members(result)["capabilities"]]
        tools = _with(capabilities[members(capabilities)["tools"]], "listChanged", "true")
        capabilities = with_member(capabilities, "tools", tools)
        return with_member(text, "result", _with(result, "capabilities", capabilities)).encode()
    except (NotAnObject, KeyError, UnicodeDecodeError):
        return body


def _object_in(text: str, name: str) -> str:
    """Return the member `name` of an object, an empty object where it has none."""
    places = members(text)
    return text[places[name]] if name in places else "{}"


def _with(text: str, name: str, value: str) -> str:
    if name in members(text):
        return with_member(text, name, value)
    return with_members(text, {name: value})
