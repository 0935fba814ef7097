"""A stdio server for tests that runs calls as tasks of 2025-11-25, and numbers them."""

import json
import sys

DECLARED = {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}}
COUNT = {
    "name": "count",
    "inputSchema": {"type": "object"},
    "execution": {"taskSupport": "required"},
}

tasks: list[dict[str, object]] = []


def answered(method, params):
    match method:
        case "initialize":
            capabilities = {"tools": {}, "tasks": DECLARED}
            info = {"name": "tasking", "version": "1"}
            return {
                "protocolVersion": "2025-11-25",
                "capabilities": capabilities,
                "serverInfo": info,
            }
        case "tools/list":
            return {"tools": [COUNT]}
        case "tools/call" if "task" in params:
            tasks.append(
                {"taskId": f"task-{len(tasks) + 1}", "status": "working", **params["task"]}
            )
            return {"task": tasks[-1]}
        case "tools/call":
            return {"content": [], "isError": True}
        case "tasks/list":
            return {"tasks": tasks}
        case _:
            return {"asked": method, "params": params}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        result = answered(message["method"], message.get("params") or {})
        said = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
