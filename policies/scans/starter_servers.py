"""Says how a scanned server is written in `placet.yaml`: without its credentials."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from policies.configuration.client_files import ReachedServer, StartedServer
from policies.secrets.secret_names import names_a_secret
from policies.secrets.secret_shapes import hide_secrets

_ADDRESS = re.compile(
    r"(?P<scheme>https?://)(?:[^/?#@]*@)?(?P<host>\[[^\]]*\]|[^/?#:]*)(?P<rest>(?::\d+)?[^?#]*)",
    re.IGNORECASE,
)
_FLAG = re.compile(r"--?[A-Za-z][A-Za-z0-9_-]*")
_SCHEME = re.compile(r"(bearer|basic|token) +\S+", re.IGNORECASE)
_NAME = re.compile(r"[^a-z0-9_.-]+")

_RUNNERS = frozenset(
    {
        "npx",
        "bunx",
        "uvx",
        "pnpx",
        "node",
        "bun",
        "deno",
        "python",
        "python3",
        "uv",
        "run",
        "docker",
    }
    | {"pipx", "sh", "bash", "env", "exec", "dlx", "pnpm", "yarn", "npm", "tool"}
)
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off"})


@dataclass
class Section:
    """A server's section: its lines, the variables that it needs, and why it is left out, if so."""

    lines: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    left_out: str | None = None


def section_of(server: StartedServer | ReachedServer, team: str) -> Section:
    """Return the section of a server whose calls `team` answers for.

    Values of headers and of the environment, and arguments that look like
    secrets, are variables: whose name is told, and whose value is not.
    """
    match server:
        case StartedServer():
            return _started(server, team)
        case ReachedServer():
            return _reached(server, team)


def server_name(text: str) -> str:
    """Return `text` as a name that `placet.yaml` takes."""
    return _NAME.sub("-", text.lower()).strip("-._")[:64] or "server"


def name_of_command(command: tuple[str, ...]) -> str:
    """Return a name for a command: of the package or program that it starts."""
    words = [word for word in command if not word.startswith("-")]
    telling = [word for word in words if _stem(word) not in _RUNNERS]
    named = [word for word in telling if "mcp" in word or "server" in word]
    stem = _stem((named or telling or words or ["server"])[0])
    for prefix in ("mcp-server-", "server-", "mcp-"):
        stem = stem.removeprefix(prefix)
    for suffix in ("-mcp-server", "-mcp", "-server", "_server"):
        stem = stem.removesuffix(suffix)
    return server_name(stem)


def _stem(word: str) -> str:
    """Return the last part of a path or package, without its version and ending."""
    last = word.lower().rstrip("/").rpartition("/")[2]
    return re.sub(r"\.(?:[cm]?js|ts|py)$", "", last).partition("@")[0]


def name_of_address(url: str) -> str:
    """Return a name for an address: the part of the host that tells most."""
    found = _ADDRESS.match(url)
    host = found["host"].lower() if found else ""
    if host.replace(".", "").isdigit() or ":" in host or host == "localhost":
        return "server"
    parts = [part for part in host.split(".") if part not in {"www", "api", "mcp"}]
    return server_name(parts[0] if parts else host)


def _started(server: StartedServer, team: str) -> Section:
    section = Section()
    command = [*_arguments(server, section)]
    section.lines.append(f"command: [{', '.join(quoted(part) for part in command)}]")
    if server.cwd is not None:
        section.lines.append(f"cwd: {quoted(_literal(server.cwd))}")
    if server.env:
        section.lines.append("env:")
        for key in sorted(server.env):
            variable = _variable(section, server.name, key, f"`{key}` of its environment")
            section.lines.append(f"  {key}: {quoted(variable)}")
    section.lines.append(f"team: {team}")
    return section


def _arguments(server: StartedServer, section: Section) -> Iterator[str]:
    after_flag = False
    for place, word in enumerate(server.command):
        secret = after_flag or hide_secrets(word)[1] > 0
        after_flag = bool(_FLAG.fullmatch(word)) and names_a_secret(word)
        if secret and place:
            name = f"argument {place}"
            yield _variable(section, server.name, f"arg_{place}", name, alone=False)
        else:
            yield _literal(word)


def _reached(server: ReachedServer, team: str) -> Section:
    section = Section()
    if server.old:
        section.left_out = "it speaks only HTTP+SSE, the transport of 2024-11-05"
    found = _ADDRESS.match(server.url)
    plain = f"{found['scheme']}{found['host']}{found['rest']}" if found else server.url
    if hide_secrets(plain)[1]:
        plain = _variable(section, server.name, "url", "its address", alone=False)
    elif plain != server.url:
        section.lines.append("# its address had more behind it, which Placet does not take:")
        section.lines.append("# credentials go into a header")
    section.lines.append(f"url: {quoted(plain)}")
    if server.headers:
        section.lines.append("headers:")
        for name in sorted(server.headers):
            section.lines.append(f"  {name}: {quoted(_header(section, server, name))}")
    section.lines.append(f"team: {team}")
    return section


def _header(section: Section, server: ReachedServer, name: str) -> str:
    value = server.headers[name].get_secret_value()
    scheme = _SCHEME.fullmatch(value)
    what = f"the header `{name}`"
    if scheme is None:
        return _variable(section, server.name, name, what, alone=False)
    told = f"{what}, behind `{scheme[1]}`"
    return f"{scheme[1]} {_variable(section, server.name, 'token', told, alone=False)}"


def _variable(section: Section, server: str, key: str, what: str, *, alone: bool = True) -> str:
    """Return the variable that stands for a credential, and note what it is for."""
    whole = key if alone else f"{server}_{key}"
    name = re.sub(r"[^A-Z0-9]+", "_", whole.upper()).strip("_")
    name = name if name[:1].isalpha() else f"MCP_{name}"
    section.variables[name] = f"{what}, of `{server}`"
    return f"${{{name}}}"


def _literal(text: str) -> str:
    return text.replace("${", "$${")


def quoted(text: str) -> str:
    """Return a text as YAML writes it on one line."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=text.isascii() or not text.isprintable())
