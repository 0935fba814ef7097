"""The fixture server's tools, by the names that the conformance suite calls."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import mcp_types as types
from fixture_contents import PNG, WAV
from fixture_questions import QUESTIONS, Asked, Question, answers, known_to, told
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    PromptsListChanged,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPError

Params: TypeAlias = types.CallToolRequestParams
Tool: TypeAlias = Callable[[ServerRequestContext, Params], Awaitable[Asked]]

BUS = InMemorySubscriptionBus()
_STEP = 0.05
_NOTHING: dict[str, Any] = {"type": "object", "properties": {}}
_IMAGE = {"type": "image", "data": PNG, "mimeType": "image/png"}

RICH_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
_DEFAULTS = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
_TITLED = [{"const": f"value{n}", "title": title} for n, title in ((1, "First"), (2, "Second"))]
_OPTIONS = ["option1", "option2", "option3"]
_ENUMS = {
    "untitledSingle": {"type": "string", "enum": _OPTIONS},
    "titledSingle": {"type": "string", "oneOf": _TITLED},
    "legacyEnum": {"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["One", "Two"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": _OPTIONS}},
    "titledMulti": {"type": "array", "items": {"anyOf": _TITLED}},
}


def result(*blocks: dict[str, Any], **members: Any) -> types.CallToolResult:
    """Return a result of content blocks."""
    return types.CallToolResult.model_validate({"content": list(blocks), **members})


def constant(*blocks: dict[str, Any], **members: Any) -> Tool:
    """Return a tool that always answers the same."""

    async def answer(_: ServerRequestContext, __: Params) -> Asked:
        return result(*blocks, **members)

    return answer


def text(words: str) -> dict[str, str]:
    """Return a block of text."""
    return {"type": "text", "text": words}


def embedded(uri: str, kind: str, words: str) -> dict[str, Any]:
    """Return a block with a resource in it."""
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": words}}


async def log(context: ServerRequestContext, words: str) -> None:
    """Send a log message along with the request that is answered."""
    await context.session.send_log_message(  # deprecated, and still part of both eras
        "info", words, related_request_id=context.request_id
    )


async def logging(context: ServerRequestContext, _: Params) -> Asked:
    """Log three times."""
    await log(context, "Tool execution started")
    await asyncio.sleep(_STEP)
    await log(context, "Tool processing data")
    await asyncio.sleep(_STEP)
    await log(context, "Tool execution completed")
    return told("The tool has logged.")


async def progress(context: ServerRequestContext, _: Params) -> Asked:
    """Tell of progress three times."""
    for done in (0, 50, 100):
        await context.session.report_progress(done, 100)
        await asyncio.sleep(_STEP)
    return told("The tool has told its progress.")


async def sampling(context: ServerRequestContext, params: Params) -> Asked:
    """Ask the client's model, in the middle of the call (before 2026-07-28)."""
    message = {"role": "user", "content": text((params.arguments or {})["prompt"])}
    said = await context.session.create_message(
        [types.SamplingMessage.model_validate(message)],
        max_tokens=100,
        related_request_id=context.request_id,
    )
    block = said.content
    return told(f"LLM response: {getattr(block, 'text', block)}")


def eliciting(message: str | None, label: str, properties: dict[str, Any], *names: str) -> Tool:
    """Return a tool that asks the client's person, in the middle of the call."""
    schema = {"type": "object", "properties": properties, "required": list(names)}

    async def ask(context: ServerRequestContext, params: Params) -> Asked:
        asked = message or (params.arguments or {})["message"]
        said = await context.session.elicit_form(
            asked, schema, related_request_id=context.request_id
        )
        return told(f"{label}: action={said.action}, content={said.content}")

    return ask


async def reconnection(context: ServerRequestContext, _: Params) -> Asked:
    """Close the answer's stream before the answer, so that the client has to ask for the rest."""
    if context.close_sse_stream is not None:
        await context.close_sse_stream()
    await asyncio.sleep(2 * _STEP)
    return told("The tool went on without you.")


async def missing_capability(context: ServerRequestContext, _: Params) -> Asked:
    """Need sampling."""
    capabilities = context.session.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        needed = {"requiredCapabilities": {"sampling": {}}}
        code = types.MISSING_REQUIRED_CLIENT_CAPABILITY
        raise MCPError(code, "this tool needs the client's sampling", needed)
    return told("The client can sample.")


async def tool_change(_: ServerRequestContext, __: Params) -> Asked:
    """Say that the tools have changed."""
    await BUS.publish(ToolsListChanged())
    return told("The tools have changed.")


async def prompt_change(_: ServerRequestContext, __: Params) -> Asked:
    """Say that the prompts have changed."""
    await BUS.publish(PromptsListChanged())
    return told("The prompts have changed.")


async def capabilities(context: ServerRequestContext, _: Params) -> Asked:
    """Ask for what the client can answer."""
    return known_to(context.session.client_capabilities)


def questioning(question: Question) -> Tool:
    """Return a tool that asks before it answers (2026-07-28)."""

    async def ask(_: ServerRequestContext, params: Params) -> Asked:
        return question(answers(params), params.request_state)

    return ask


def asking(**properties: Any) -> dict[str, Any]:
    """Return the schema of a tool whose arguments are all needed."""
    return {"type": "object", "properties": properties, "required": list(properties)}


_FAILURE = text("This tool intentionally returns an error for testing")
_PERSON = {"username": {"type": "string"}, "email": {"type": "string"}}
_MIXED = embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":1}')
_EMBEDDED = embedded("test://embedded-resource", "text/plain", "An embedded resource.")
_WORD = {"type": "string", "description": "Which region", "x-mcp-header": "Region"}

TOOLS: dict[str, tuple[dict[str, Any], Tool]] = {
    "test_simple_text": (
        _NOTHING,
        constant(text("This is a simple text response for testing.")),
    ),
    "test_image_content": (_NOTHING, constant(_IMAGE)),
    "test_audio_content": (
        _NOTHING,
        constant({"type": "audio", "data": WAV, "mimeType": "audio/wav"}),
    ),
    "test_embedded_resource": (_NOTHING, constant(_EMBEDDED)),
    "test_multiple_content_types": (_NOTHING, constant(text("Several:"), _IMAGE, _MIXED)),
    "test_error_handling": (_NOTHING, constant(_FAILURE, isError=True)),
    "test_tool_with_logging": (_NOTHING, logging),
    "test_logging_tool": (_NOTHING, logging),
    "test_tool_with_progress": (_NOTHING, progress),
    "test_sampling": (asking(prompt={"type": "string"}), sampling),
    "test_elicitation": (
        asking(message={"type": "string"}),
        eliciting(None, "User response", _PERSON, "username", "email"),
    ),
    "test_elicitation_sep1034_defaults": (
        _NOTHING,
        eliciting("Who are you?", "Elicitation completed", _DEFAULTS),
    ),
    "test_elicitation_sep1330_enums": (
        _NOTHING,
        eliciting("Choose", "Elicitation completed", _ENUMS),
    ),
    "test_reconnection": (_NOTHING, reconnection),
    "test_missing_capability": (_NOTHING, missing_capability),
    "test_trigger_tool_change": (_NOTHING, tool_change),
    "test_trigger_prompt_change": (_NOTHING, prompt_change),
    "test_input_required_result_capabilities": (_NOTHING, capabilities),
    "test_region": (asking(region=_WORD), constant(text("The region is known."))),
    "json_schema_2020_12_tool": (RICH_SCHEMA, constant(text("The schema is kept."))),
    **{name: (_NOTHING, questioning(question)) for name, question in QUESTIONS.items()},
}
