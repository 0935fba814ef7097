"""Lists the tools in the file that it is given, one object per line; it can do nothing else."""

import json
import sys
from pathlib import Path

VERSION = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}}


def result(message):
    """Return what answers a request, an error where it is not known."""
    match message["method"]:
        case "initialize":
            return {"result": VERSION | {"serverInfo": {"name": "listing", "version": "1"}}}
        case "tools/list":
            lines = Path(sys.argv[1]).read_text("utf-8").splitlines()
            return {"result": {"tools": [json.loads(line) for line in lines]}}
        case _:
            return {"error": {"code": -32601, "message": "unknown"}}


for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        answer = {"jsonrpc": "2.0", "id": asked["id"], **result(asked)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
