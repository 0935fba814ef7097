"""Writes tasks as callers see them (extension io.modelcontextprotocol/tasks, SEP-2663)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias, assert_never

from gateway.wire.errors import Code, Rejected, RequestId
from gateway.wire.routing import CAPABILITIES_KEY
from ledger.readings.tasks import KeptTask
from policies.values.calls import JsonValue

EXTENSION = "io.modelcontextprotocol/tasks"
ACKNOWLEDGED = '{"resultType":"complete"}'

_POLL_MS = 5_000


@dataclass(frozen=True)
class Working:
    """The call waits, or runs; `message` says for what."""

    message: str


@dataclass(frozen=True)
class InputRequired:
    """The server asks for something; `requests` is a JSON object of that by key."""

    requests: str


@dataclass(frozen=True)
class Completed:
    """The call has a result (JSON text), be it an error that a tool, a person or a rule caused."""

    result: str


@dataclass(frozen=True)
class Failed:
    """The call ended in a JSON-RPC error (JSON text)."""

    error: str


@dataclass(frozen=True)
class Cancelled:
    """The caller cancelled it in time."""


TaskState: TypeAlias = Working | InputRequired | Completed | Failed | Cancelled


def declares_tasks(params: Mapping[str, JsonValue]) -> bool:
    """Tell whether this very request says that its client can do tasks."""
    found = params.get("_meta")
    for member in (CAPABILITIES_KEY, "extensions", EXTENSION):
        if not isinstance(found, dict):
            return False
        found = found.get(member)
    return isinstance(found, dict)


def undeclared(known: RequestId) -> Rejected:
    """Return what to tell a client that asks for a task and does not say that it can do them."""
    details: dict[str, JsonValue] = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
    text = f"the request does not declare `{EXTENSION}`; send it with every request"
    return Rejected(400, Code.MISSING_CAPABILITY, text, id=known, details=details)


def unknown(known: RequestId) -> Rejected:
    """Return what to tell a caller of a task that is not there, or not its own."""
    text = "the task is not known, or it is over; call the tool again"
    return Rejected(400, Code.INVALID_PARAMS, text, id=known)


def created(task: KeptTask, message: str) -> str:
    """Return a CreateTaskResult as JSON text."""
    return _written("task", task, Working(message), task.created_at)


def shown(task: KeptTask, state: TaskState, at: datetime) -> str:
    """Return a GetTaskResult as JSON text; `at` is when the state came to be.

    That of an approval may be older than its task, which joined it.
    """
    return _written("complete", task, state, at)


def _written(result_type: str, task: KeptTask, state: TaskState, at: datetime) -> str:
    status, rest = _detailed(state)
    flat = {
        "resultType": result_type,
        "taskId": task.id,
        "status": status,
        "createdAt": _time(task.created_at),
        "lastUpdatedAt": _time(max(at, task.created_at)),
        "ttlMs": (task.expires_at - task.created_at) // timedelta(milliseconds=1),
        "pollIntervalMs": _POLL_MS,
    }
    return f"{json.dumps(flat)[:-1]}{rest}}}"


def _detailed(state: TaskState) -> tuple[str, str]:
    """Return a state's name and its own members."""
    match state:
        case Working(message):
            return "working", f', "statusMessage": {json.dumps(message)}'
        case InputRequired(requests):
            return "input_required", f', "inputRequests": {requests}'
        case Completed(result):
            return "completed", f', "result": {result}'
        case Failed(error):
            return "failed", f', "error": {error}'
        case Cancelled():
            return "cancelled", ""
        case _:
            assert_never(state)


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
