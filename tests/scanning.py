"""What a scan has seen, built from tool objects as servers list them."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.wire.definitions import instructions_of, tools_of
from policies.risks.risk import classify
from policies.scans.scanned import SeenServer, SeenTool


def tool(name: str, description: str = "", /, **fields: Any) -> dict[str, Any]:
    """Return a tool object whose arguments are `fields`."""
    schema = {"type": "object", "properties": fields}
    return {"name": name, "description": description, "inputSchema": schema}


def seen(
    name: str, listed: Sequence[Mapping[str, Any]], instructions: str | None = None
) -> SeenServer:
    """Return what a scan sees of a server that lists these tools."""
    objects = {each["name"]: each for each in listed}
    tools = [
        SeenTool(each, objects[each.name], classify(each, trusted=False))
        for each in tools_of(name, listed)
    ]
    return SeenServer(name, tools, instructions_of(instructions))
