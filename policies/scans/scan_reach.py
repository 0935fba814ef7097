"""Finds tools that can do anything at all, secrets in schemas, and hints that deceive."""

import re
from collections.abc import Iterator, Mapping

from policies.risks.risk_schemas import HUMPS
from policies.scans.scan_texts import quotation
from policies.scans.scanned import Finding, SeenServer, SeenTool, Severity, texts
from policies.secrets.secret_names import names_a_secret
from policies.secrets.secret_shapes import MARKER, hide_secrets
from policies.values.calls import JsonValue, Risk

_SHOWN = 160
_SHORTEST_SECRET = 8
_COMMANDS = frozenset(
    {"bash", "cmd", "command", "commands", "executable", "javascript", "powershell", "script"}
    | {"shell", "code"}
)
_STATEMENTS = frozenset({"cypher", "mutation", "sql", "statement", "graphql"})
_ADDRESSES = frozenset({"endpoint", "uri", "url"})
_ASKING = frozenset({"query"})
_SQL = re.compile(r"\b(?:sql|cypher|graphql|aql|cql|promql|kql)\b", re.IGNORECASE)
_RUNS = re.compile(r"\b(?:run|runs|execute|executes|eval|evaluates?)\b", re.IGNORECASE)
_REQUESTING = re.compile(
    r"\b(?:http|request|fetch|fetches|curl|download|navigate)\b", re.IGNORECASE
)
_PLACEHOLDER = re.compile(
    r"[<{\[(].*[>}\])]|.*(?:your|example|placeholder|changeme|xxx|\*\*\*|\.\.\.|…|dummy|sample|test"
    r"|none|null|string).*",
    re.IGNORECASE | re.DOTALL,
)
_TELLING = re.compile(
    r"[\s\"'`(\[*_]*(?:[A-Z]?[a-z]{0,20}|[A-Z]{1,12}|[$<{%][^\s]*|.*(?i:your|xxx|\.\.\.|…|\*\*\*).*)"
    r"[\s\"'`)\].,;:!?*_]*",
    re.DOTALL,
)
"""What stands behind a secret's name and tells of it, as in `token: Access token`."""
_REVEALED = frozenset({"credential", "credentials", "env", "environ", "password", "passwords"})
_SECRETS = frozenset({"secret", "secrets"}) | _REVEALED
_VARIABLES = re.compile(r"\b(?:environment variables?|credentials?|secrets)\b", re.IGNORECASE)
_GIVEN = frozenset({"default", "example", "examples", "const", "enum"})


def in_reach(server: SeenServer) -> Iterator[Finding]:
    """Yield what is wrong with what the tools of a server can do, and with what they give away."""
    if MARKER in server.told:
        yield _secret(server.name, "", "instructions", server.told)
    for seen in server.tools:
        name = seen.tool.name
        for place, text in texts({**seen.said}):
            yield from _secrets(server.name, name, place, text)
        for argument, field, path in _arguments(seen.said):
            yield from _written_out(server.name, name, argument, field, path)
            yield from _over_broad(server.name, seen, argument, field, path)
        yield from _deceiving(server.name, seen)
        yield from _revealing(server.name, seen)


def _arguments(
    said: Mapping[str, JsonValue],
) -> Iterator[tuple[str, Mapping[str, JsonValue], str]]:
    """Yield the arguments on the first level and below: name, schema, and where that is."""
    waiting = [(said.get("inputSchema"), "inputSchema")]
    for _ in range(2000):
        if not waiting:
            return
        schema, path = waiting.pop()
        if isinstance(schema, list):
            waiting += [(item, f"{path}[{place}]") for place, item in enumerate(schema)]
        if not isinstance(schema, dict):
            continue
        properties = schema.get("properties")
        for name, field in properties.items() if isinstance(properties, dict) else ():
            if isinstance(field, dict):
                yield name, field, f"{path}.properties.{name}"
        waiting += [(value, f"{path}.{key}") for key, value in schema.items()]


def _secrets(server: str, tool: str, place: str, text: str) -> Iterator[Finding]:
    """Yield a text that holds what looks like a secret; the secret itself is not quoted."""
    parts: list[str] = []
    shown, hidden = hide_secrets(text, parts)
    if hidden > sum(_TELLING.fullmatch(part) is not None for part in parts):
        yield _secret(server, tool, place, shown)


def _secret(server: str, tool: str, place: str, shown: str) -> Finding:
    start = shown.find(MARKER)
    quoted = quotation(shown, start, start + len(MARKER))
    what = "holds what looks like a secret"
    return Finding(Severity.HIGH, "secret", server, tool, place, what, quoted)


def _written_out(
    server: str, tool: str, name: str, field: Mapping[str, JsonValue], path: str
) -> Iterator[Finding]:
    """Yield an argument for a secret whose schema gives a value of it away."""
    if not names_a_secret(name):
        return
    for key in sorted(_GIVEN.intersection(field)):
        given = field[key]
        values = given if isinstance(given, list) else [given]
        if any(_is_secret(value) for value in values):
            what = f"`{key}` of a secret argument holds a value"
            place = f"{path}.{key}"
            yield Finding(Severity.HIGH, "secret", server, tool, place, what, MARKER)


def _is_secret(value: JsonValue) -> bool:
    long = isinstance(value, str) and len(value) >= _SHORTEST_SECRET
    return long and not _PLACEHOLDER.fullmatch(str(value))


def _over_broad(
    server: str, seen: SeenTool, name: str, field: Mapping[str, JsonValue], path: str
) -> Iterator[Finding]:
    """Yield an argument that lets a tool do anything of a kind."""
    if any(key in field for key in ("enum", "const", "pattern")):
        return
    if field.get("type") not in {"string", "array", None}:
        return
    tokens = [word.lower() for word in HUMPS.findall(name)]
    told = f"{seen.tool.name} {seen.tool.description}".replace("_", " ")
    words = frozenset(tokens)
    last = frozenset(tokens[-1:])
    finding: tuple[Severity, str, str] | None = None
    if last & _COMMANDS and (last != {"code"} or _RUNS.search(told)):
        finding = Severity.HIGH, "any-command", "runs any command or code that it is given"
    elif words & _STATEMENTS or (last & _ASKING and _SQL.search(told)):
        finding = Severity.MEDIUM, "any-statement", "runs any statement that it is given"
    elif last & _ADDRESSES and (_REQUESTING.search(told) or seen.risk.risk is Risk.EXECUTE):
        finding = Severity.MEDIUM, "any-address", "goes to any address that it is given"
    if finding is not None:
        severity, kind, what = finding
        evidence = f"the argument `{name}`"[:_SHOWN]
        yield Finding(severity, kind, server, seen.tool.name, path, what, evidence)


def _deceiving(server: str, seen: SeenTool) -> Iterator[Finding]:
    """Yield a tool that calls itself read-only and is not, by all that else is said of it."""
    if seen.tool.hints.get("readOnlyHint") and seen.risk.risk not in {Risk.READ, Risk.WRITE}:
        what = f"calls itself read-only, and its risk is {seen.risk.risk}"
        yield Finding(
            Severity.MEDIUM,
            "hint-contradicted",
            server,
            seen.tool.name,
            "annotations.readOnlyHint",
            what,
            seen.risk.evidence,
        )


def _revealing(server: str, seen: SeenTool) -> Iterator[Finding]:
    """Yield a reading tool whose answer may hold secrets."""
    if seen.risk.risk is not Risk.READ:
        return
    words = {word.lower() for word in HUMPS.findall(seen.tool.name)}
    told = _VARIABLES.search(seen.tool.description)
    if words & _SECRETS or (told is not None and told.start() < _SHOWN):
        what = "may give secrets away"
        text = seen.tool.description or seen.tool.name
        quoted = quotation(text, told.start(), told.end()) if told else seen.tool.name
        yield Finding(Severity.MEDIUM, "gives-secrets", server, seen.tool.name, "", what, quoted)
