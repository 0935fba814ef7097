"""What the fixture server shows besides tools: resources, prompts and completions."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
"""One red pixel."""
WAV = base64.b64encode(
    b"RIFF\x26\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0"
    b"data\x02\0\0\0\0\0"
).decode()
"""One silent sample."""

RESOURCES: list[dict[str, Any]] = [
    {
        "uri": "test://static-text",
        "name": "Static Text Resource",
        "description": "A static text resource for testing",
        "mimeType": "text/plain",
    },
    {
        "uri": "test://static-binary",
        "name": "Static Binary Resource",
        "description": "A static binary resource (image) for testing",
        "mimeType": "image/png",
    },
    {
        "uri": "test://watched-resource",
        "name": "Watched Resource",
        "description": "A resource that can be subscribed to",
        "mimeType": "text/plain",
    },
]
TEMPLATE: dict[str, Any] = {
    "uriTemplate": "test://template/{id}/data",
    "name": "Resource Template",
    "description": "A resource template with parameter substitution",
    "mimeType": "application/json",
}
_BODIES: dict[str, dict[str, str]] = {
    "test://static-text": {"text": "This is the content of the static text resource."},
    "test://static-binary": {"blob": PNG},
    "test://watched-resource": {"text": "Watched resource content"},
}
_HEAD, _TAIL = "test://template/", "/data"

_WHO = {"name": "resourceUri", "description": "URI of the resource to embed", "required": True}
PROMPTS: list[dict[str, Any]] = [
    {"name": "test_simple_prompt", "description": "A prompt without arguments"},
    {
        "name": "test_prompt_with_arguments",
        "description": "A prompt with required arguments",
        "arguments": [
            {"name": "arg1", "description": "First test argument", "required": True},
            {"name": "arg2", "description": "Second test argument", "required": True},
        ],
    },
    {
        "name": "test_prompt_with_embedded_resource",
        "description": "A prompt that embeds a resource",
        "arguments": [_WHO],
    },
    {"name": "test_prompt_with_image", "description": "A prompt with an image"},
    {"name": "test_input_required_result_prompt", "description": "A prompt that asks first"},
]


def read(uri: str) -> types.ReadResourceResult:
    """Return a resource. Raises MCPError (-32602) where there is none."""
    kinds = {each["uri"]: each["mimeType"] for each in RESOURCES}
    content: dict[str, str] = {"uri": uri}
    if uri in _BODIES:
        content |= {"mimeType": kinds[uri], **_BODIES[uri]}
    elif uri.startswith(_HEAD) and uri.endswith(_TAIL):
        name = uri[len(_HEAD) : -len(_TAIL)]
        text = {"id": name, "templateTest": True, "data": f"Data for ID: {name}"}
        content |= {"mimeType": TEMPLATE["mimeType"], "text": json.dumps(text)}
    else:
        raise MCPError(types.INVALID_PARAMS, "Resource not found", {"uri": uri})
    return types.ReadResourceResult.model_validate({"contents": [content]})


def prompted(name: str, arguments: Mapping[str, str]) -> types.GetPromptResult:
    """Return the messages of a prompt. Raises MCPError (-32602) where there is none."""
    match name:
        case "test_simple_prompt":
            return _said(_text("This is a simple prompt for testing."))
        case "test_prompt_with_arguments":
            first, second = arguments["arg1"], arguments["arg2"]
            return _said(_text(f"Prompt with arguments: arg1='{first}', arg2='{second}'"))
        case "test_prompt_with_embedded_resource":
            body = {"mimeType": "text/plain", "text": "Embedded resource content for testing."}
            embedded = {"type": "resource", "resource": {"uri": arguments["resourceUri"], **body}}
            return _said(embedded, _text("Please process the embedded resource above."))
        case "test_prompt_with_image":
            image = {"type": "image", "data": PNG, "mimeType": "image/png"}
            return _said(image, _text("Please analyze the image above."))
        case _:
            raise MCPError(types.INVALID_PARAMS, f"no prompt {name}")


def completed(typed: str) -> types.CompleteResult:
    """Return what may follow what was typed."""
    values = [word for word in ("test", "testing", "tester") if word.startswith(typed)]
    completion = {"values": values, "total": len(values), "hasMore": False}
    return types.CompleteResult.model_validate({"completion": completion})


def with_context(context: str) -> types.GetPromptResult:
    """Return the prompt that asked for its context."""
    return _said(_text(f"Use this context: {context}"))


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _said(*contents: dict[str, Any]) -> types.GetPromptResult:
    messages = [{"role": "user", "content": content} for content in contents]
    return types.GetPromptResult.model_validate({"messages": messages})
