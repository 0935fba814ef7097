"""A server for the conformance suite, made with the official SDK: `fixture_server.py PORT`.

It has what the suite's server scenarios ask for, in both eras of the protocol.
"""

import logging
import sys
import warnings
from typing import Any

import fixture_contents as contents
import mcp_types as types
import uvicorn
from fixture_questions import Asked, answers, prompt
from fixture_tools import BUS, TOOLS, result, text
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.server.subscriptions import ListenHandler

_CACHED = (
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
    "resources/read",
)


class KeptEvents(EventStore):
    """Keeps the events of every stream, so that a client can ask for those it missed."""

    def __init__(self) -> None:
        self._events: list[tuple[str, types.JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: types.JSONRPCMessage | None) -> str:
        self._events.append((stream_id, message))
        return str(len(self._events))

    async def replay_events_after(
        self, last_event_id: str, send_callback: EventCallback
    ) -> str | None:
        seen = int(last_event_id) if last_event_id.isdigit() else 0
        if not 0 < seen <= len(self._events):
            return None
        stream = self._events[seen - 1][0]
        for number, (owner, message) in enumerate(self._events[seen:], seen + 1):
            if owner == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


async def list_tools(_: ServerRequestContext, __: Any) -> types.ListToolsResult:
    tools = [
        {"name": name, "description": f"Tests {name}.", "inputSchema": schema}
        for name, (schema, _) in TOOLS.items()
    ]
    return types.ListToolsResult.model_validate({"tools": tools})


async def call_tool(context: ServerRequestContext, params: types.CallToolRequestParams) -> Asked:
    if params.name not in TOOLS:
        return result(text(f"Unknown tool: {params.name}"), isError=True)
    _, tool = TOOLS[params.name]
    return await tool(context, params)


async def list_resources(_: ServerRequestContext, __: Any) -> types.ListResourcesResult:
    return types.ListResourcesResult.model_validate({"resources": contents.RESOURCES})


async def list_templates(_: ServerRequestContext, __: Any) -> types.ListResourceTemplatesResult:
    templates = {"resourceTemplates": [contents.TEMPLATE]}
    return types.ListResourceTemplatesResult.model_validate(templates)


async def read_resource(
    _: ServerRequestContext, params: types.ReadResourceRequestParams
) -> types.ReadResourceResult:
    return contents.read(str(params.uri))


async def nothing(_: ServerRequestContext, __: Any) -> types.EmptyResult:
    return types.EmptyResult()


async def list_prompts(_: ServerRequestContext, __: Any) -> types.ListPromptsResult:
    return types.ListPromptsResult.model_validate({"prompts": contents.PROMPTS})


async def prompted(
    _: ServerRequestContext, params: types.GetPromptRequestParams
) -> types.GetPromptResult | types.InputRequiredResult:
    if params.name == "test_input_required_result_prompt":
        return prompt(answers(params))
    return contents.prompted(params.name, params.arguments or {})


async def complete(
    _: ServerRequestContext, params: types.CompleteRequestParams
) -> types.CompleteResult:
    return contents.completed(params.argument.value)


def fixture() -> Server:
    """Return the server."""
    server = Server(
        "placet-conformance-fixture",
        version="1.0.0",
        cache_hints={method: CacheHint(ttl_ms=0, scope="private") for method in _CACHED},
        get_tool_input_schema=lambda name: TOOLS[name][0] if name in TOOLS else None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_subscribe_resource=nothing,
        on_unsubscribe_resource=nothing,
        on_subscriptions_listen=ListenHandler(BUS),
        on_list_prompts=list_prompts,
        on_get_prompt=prompted,
        on_completion=complete,
        on_set_logging_level=nothing,
    )
    security = RequestStateSecurity.ephemeral()
    server.middleware.append(RequestStateBoundary(security, default_audience=server.name))
    return server


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # the SDK warns of what 2026-07-28 took away
    logging.disable(logging.WARNING)
    application = fixture().streamable_http_app(event_store=KeptEvents(), retry_interval=100)
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        http="h11",  # httptools leaves the white space behind a header's value
        log_level="error",
    )
