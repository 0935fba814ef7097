"""Reads the MCP servers that a client's configuration file names, in whichever client's form."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, assert_never

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from policies.values.inert import inert_line
from policies.values.refusals import NotUnderstood

_LARGEST = 4 * 1024 * 1024
_LISTS = ("mcpServers", "servers", "mcp", "context_servers", "projects")
"""Members below which clients list servers (Claude, Cursor, Windsurf; VS Code; Zed)."""
_MOST_DEPTH = 4
_COMMENTED = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL)
_VARIABLE = re.compile(
    r"\$\{(?P<kind>env:|input:)?(?P<name>[A-Za-z_][\w.-]*)(?::-(?P<else>[^}]*))?\}"
)
_NAME = 40


@dataclass(frozen=True)
class StartedServer:
    """A server that a client starts: its command, and what its environment has besides."""

    name: str
    command: tuple[str, ...]
    env: Mapping[str, SecretStr] = field(default_factory=dict)
    cwd: str | None = None


@dataclass(frozen=True)
class ReachedServer:
    """A server that a client reaches; `old` where it says to use the transport HTTP+SSE."""

    name: str
    url: str
    headers: Mapping[str, SecretStr] = field(default_factory=dict)
    old: bool = False


@dataclass(frozen=True)
class UnusableServer:
    """A server of a client's file that cannot be used, and why."""

    name: str
    why: str


ClientServer: TypeAlias = StartedServer | ReachedServer | UnusableServer


class _Entry(BaseModel):
    """What clients write of one server; all else of it is theirs (`disabled`, `autoApprove`, …)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str | None = None
    transport: str | None = None
    command: str | dict[str, Any] | None = None
    args: tuple[str, ...] = ()
    env: dict[str, str | None] = Field(default_factory=dict)
    cwd: str | None = None
    url: str | None = None
    serverUrl: str | None = None  # noqa: N815 - as Windsurf writes it
    headers: dict[str, str] = Field(default_factory=dict)


def client_servers(text: str, variables: Mapping[str, str]) -> list[ClientServer]:
    """Return the servers that a client's file names.

    Comments and commas too many are passed over, `${env:NAME}` and `${NAME}`
    are replaced by `variables`. Raises NotUnderstood where the file names none.
    """
    if len(text) > _LARGEST:
        raise NotUnderstood(
            "the file of servers is larger than 4 MiB; name the file of an MCP client"
        )
    try:
        told = json.loads(_COMMENTED.sub(_uncommented, text.removeprefix("\ufeff")))
    except (ValueError, RecursionError) as flaw:
        raise NotUnderstood(
            f"the file of servers is not JSON: {inert_line(str(flaw), 200)}"
        ) from flaw
    found = dict(_entries(told, 0))
    if not found:
        message = "the file names no MCP servers; it should have `mcpServers` or `servers`"
        raise NotUnderstood(f"{message}, as the files of MCP clients do")
    return [_server(name, entry, variables) for name, entry in found.items()]


def _uncommented(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else ""


def _entries(told: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the servers in a file by name; a list of them may lie within another one."""
    if not isinstance(told, dict) or depth > _MOST_DEPTH:
        return
    for key in _LISTS:
        listed = told.get(key)
        if not isinstance(listed, dict):
            continue
        if key in {"mcp", "projects"}:
            yield from _entries(listed, depth + 1)
            for below in listed.values() if key == "projects" else ():
                yield from _entries(below, depth + 1)
        else:
            yield from listed.items()


def _server(name: str, entry: Any, variables: Mapping[str, str]) -> ClientServer:
    try:
        read = _Entry.model_validate(entry)
        return _usable(name, read, variables)
    except ValidationError as flaw:
        first = flaw.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        return UnusableServer(name, f"`{inert_line(where, _NAME)}` is not what clients write there")
    except _Unset as unset:
        return UnusableServer(name, str(unset))


def _usable(name: str, entry: _Entry, variables: Mapping[str, str]) -> ClientServer:
    def filled(text: str) -> str:
        return _VARIABLE.sub(lambda found: _value(found, variables), text)

    url = entry.url or entry.serverUrl
    match entry.command:
        case str() as program:
            return StartedServer(
                name,
                tuple(filled(part) for part in (program, *entry.args)),
                {key: SecretStr(filled(value or "")) for key, value in entry.env.items()},
                None if entry.cwd is None else filled(entry.cwd),
            )
        case dict() as told:
            inner = {**told, "command": told.get("path")}
            return _usable(name, _Entry.model_validate(inner), variables)
        case None if url is not None:
            headers = {key: SecretStr(filled(value)) for key, value in entry.headers.items()}
            return ReachedServer(name, filled(url), headers, "sse" in {entry.type, entry.transport})
        case None:
            return UnusableServer(name, "it has neither a `command` nor a `url`")
        case _:
            assert_never(entry.command)


class _Unset(Exception):
    """A variable that a file of servers names has no value here."""


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    """Return what stands for a variable. Raises _Unset."""
    name = found["name"]
    if found["kind"] == "input:":
        raise _Unset(f"the client asks for `{inert_line(name, _NAME)}`, which Placet cannot")
    if name in variables:
        return variables[name]
    if found["else"] is not None:
        return found["else"]
    if name in {"userHome", "workspaceFolder"}:
        return variables.get("HOME", ".") if name == "userHome" else "."
    raise _Unset(f"it needs the variable `{inert_line(name, _NAME)}`, which is not set")
