"""Writes the starter files of a scan: a configuration, a policy by risk, and its tests."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from policies.configuration.configuration import Configuration
from policies.editors.formatting import Unformattable, formatted
from policies.rules.policy_file import PolicyFile
from policies.scans.scanned import Finding, SeenServer, SeenTool, Severity
from policies.scans.starter_servers import Section, quoted
from policies.values.calls import Risk
from policies.values.inert import inert_line

NAMES = ("placet.yaml", "policy.yaml", "policy.test.yaml")
"""Names of the files that are always written, beside the list of tools of each server."""
TEAM = "owners"
_AGENT = "visitor"
_TOOL = re.compile(r"[A-Za-z0-9_.:/@-]{1,128}")
_SHOWN = 120
_GRAVE = frozenset({Severity.HIGH, Severity.CRITICAL})
_WIDTH = 96


@dataclass(frozen=True)
class _Group:
    """What is said of some tools of a server: for what they are, the effect, and how to ask."""

    key: str
    title: str
    effect: str
    more: str | None = None


_GROUPS: Mapping[Risk, _Group] = {
    Risk.READ: _Group("read", "only reads: runs at once, and is recorded", "allow"),
    Risk.WRITE: _Group("write", "changes things: one yes for each call", "require_approval"),
    Risk.EXECUTE: _Group(
        "execute",
        "makes something run: one yes, with a reason, used soon",
        "require_approval",
        "approval: {reason: required, use_within: 5m}",
    ),
    Risk.DESTRUCTIVE: _Group(
        "destructive",
        "destroys things: one yes, with a reason, given and used soon",
        "require_approval",
        "approval: {reason: required, expires_in: 15m, use_within: 5m}",
    ),
    Risk.FINANCIAL: _Group(
        "financial",
        "moves money: two people say yes, with a reason",
        "require_approval",
        "approval: {approvals: 2, reason: required, expires_in: 15m, use_within: 5m}",
    ),
}
_REVEALING = _Group("secrets", "may give secrets away, so reading is asked for", "require_approval")
_ROVING = _Group(
    "addresses",
    "goes to any address it is given, which can carry something away, so it is asked for",
    "require_approval",
)
_SUSPECT = _Group(
    "suspect",
    "only reads, but the scan found something grave at it or in its server's instructions",
    "require_approval",
)
_ANYTHING = _Group(
    "anything",
    "runs whatever it is given, which nobody can judge in a hurry.\n"
    "  # To use it all the same, make this `require_approval` with `approvals: 2`",
    "deny",
    'message: "it runs whatever it is given; ask its owners for a narrower tool"',
)

_PLACET = """\
# Written by `placet scan`: a start, to be made yours. Docs: docs/policy.md, docs/servers.md.
version: 1
policy: policy.yaml
ledger: {url: "sqlite:///placet.db"}
listen: {agents: "127.0.0.1:8787", operations: "127.0.0.1:8789"}

# Who there is. With real Slack, write the ids of workspace and person: T0ACME/U0ALICE.
people:
  alice: {slack: T0LOCAL/U0ALICE}   # owns the agent, so she cannot approve its calls
  bob: {slack: T0LOCAL/U0BOB}
  cat: {slack: T0LOCAL/U0CAT}

# Who is asked about calls, and where.
teams:
  owners: {channel: C0OWNERS, approvers: [bob, cat]}

# Relative paths in commands start from the folder in which `placet serve` is started.
"""
_REST = """
# Who calls. Callers from this machine need no key as long as this agent is `anonymous`. Others:
# `ci-bot: {team: owners, owner: alice, key: "${CI_BOT_KEY}"}`, with 32 characters or more.
agents:
  visitor: {team: owners, owner: alice, anonymous: true}

# `local` is a page on this machine that stands in for Slack; docs/slack.md has the other modes.
slack: {mode: local}
"""
_POLICY = """\
# Written by `placet scan`. What no rule speaks of needs a yes of the team that owns the server.
# The strictest rule that covers a call wins; the order of rules does not matter.
version: 1
default: require_approval
grants: {longest: 8h, never: {risk: [destructive, financial]}}
redact: ["*password*", "*passwd*", "*secret*", "*token*", "*api_key*", "*authorization*"]
rules:
"""


@dataclass(frozen=True)
class Starter:
    """The files by their names, and the variables that they need, with what each is for."""

    files: Mapping[str, str]
    variables: Mapping[str, str]


def starter(
    servers: Sequence[SeenServer], sections: Mapping[str, Section], found: Sequence[Finding]
) -> Starter:
    """Return the starter files for what was scanned.

    `sections` say how the servers are written in `placet.yaml`; those without
    one are not written. The files hold no credentials.
    """
    written = [server for server in servers if server.name in sections and not server.failure]
    rules = [rule for server in written for rule in _rules(server, found)]
    files = {
        "placet.yaml": _formed(_placet(servers, sections), Configuration),
        "policy.yaml": _formed(_policy(rules), PolicyFile),
        "policy.test.yaml": _tests(written, rules),
    }
    for server in written:
        listed = [json.loads(seen.tool.definition) for seen in server.tools]
        files[f"{server.name}.tools.json"] = json.dumps({"tools": listed}, indent=1) + "\n"
    variables = {
        name: what
        for server in written
        if not sections[server.name].left_out
        for name, what in sections[server.name].variables.items()
    }
    return Starter(files, variables)


def _formed(text: str, model: type[BaseModel]) -> str:
    """Return a file in the form that `placet fmt` gives it."""
    try:
        return formatted(text, model)
    except Unformattable:
        return text


def _policy(rules: Sequence["_Rule"]) -> str:
    return _POLICY + "".join(rule.text for rule in rules) + ("" if rules else "  []\n")


def _placet(servers: Sequence[SeenServer], sections: Mapping[str, Section]) -> str:
    lines = ["servers:"]
    for server in servers:
        section = sections.get(server.name)
        if section is None:
            continue
        flaw = section.left_out and f"left out: {section.left_out}, which Placet does not serve"
        if server.failure is not None:
            flaw = f"could not be scanned: {_comment(server.failure)}"
        if flaw:
            lines.append(f"  # {flaw}")
        before = "  # " if flaw else "  "
        lines += [
            f"{before}{quoted(server.name)}:",
            *(f"{before}  {line}" for line in section.lines),
        ]
    if all(line.startswith("  #") for line in lines[1:]):
        lines[0] = "servers: {}"
    return _PLACET + "\n".join(lines) + "\n" + _REST


@dataclass(frozen=True)
class _Rule:
    server: str
    name: str
    effect: str
    tools: Sequence[SeenTool]
    text: str


def _rules(server: SeenServer, found: Sequence[Finding]) -> Iterator[_Rule]:
    groups: dict[_Group, list[SeenTool]] = {
        group: [] for group in (*_GROUPS.values(), _REVEALING, _ROVING, _SUSPECT, _ANYTHING)
    }
    about: dict[str, list[Finding]] = {}
    for each in found:
        if each.server == server.name:
            about.setdefault(each.tool, []).append(each)
    for seen in server.tools:
        if _TOOL.fullmatch(seen.tool.name):
            told = about.get(seen.tool.name, [])
            groups[_group(seen, told, about.get("", []))].append(seen)
    yield from (_rule(server.name, group, tools) for group, tools in groups.items() if tools)


def _group(seen: SeenTool, found: Sequence[Finding], server: Sequence[Finding]) -> _Group:
    """Return what is said of a tool, by its risk and what was found at it and its server."""
    kinds = {each.kind for each in found}
    if "any-command" in kinds:
        return _ANYTHING
    if seen.risk.risk is not Risk.READ:
        return _GROUPS[seen.risk.risk]
    if "gives-secrets" in kinds:
        return _REVEALING
    if "any-address" in kinds:
        return _ROVING
    grave = {each.severity for each in (*found, *server)} & _GRAVE
    return _SUSPECT if grave else _GROUPS[Risk.READ]


def _rule(server: str, group: _Group, tools: Sequence[SeenTool]) -> _Rule:
    name = f"{server}-{group.key}"
    risk = next((f"      risk: {risk}" for risk in Risk if _GROUPS[risk] is group), None)
    lines = [
        f"\n  # {server}: {group.title}.",
        *_listed(tools),
        f"  - name: {name}",
        "    match:",
        f"      server: {quoted(server)}",
        *([risk] if risk else []),
        *_wrapped(tools),
        f"    effect: {group.effect}",
        *([f"    {group.more}"] if group.more else []),
    ]
    return _Rule(server, name, group.effect, tools, "\n".join(lines) + "\n")


def _wrapped(tools: Sequence[SeenTool]) -> Iterator[str]:
    """Yield the tools of a rule as a list over as many lines as it takes."""
    line = "      tool: ["
    for place, seen in enumerate(tools):
        word = quoted(seen.tool.name) + ("," if place < len(tools) - 1 else "]")
        if len(line) + len(word) > _WIDTH:
            yield line.rstrip()
            line = "        "
        line += f"{word} "
    yield line.rstrip()


def _listed(tools: Sequence[SeenTool]) -> Iterator[str]:
    for seen in tools:
        yield f"  #   {seen.tool.name}: {_comment(seen.risk.evidence)}"


def _comment(text: str) -> str:
    return inert_line(text, _SHOWN)


def _tests(servers: Sequence[SeenServer], rules: Sequence[_Rule]) -> str:
    lines = [
        "# Run by `placet test`: what the policy decides on one call to a tool of each rule.",
        "version: 1",
        "policy: policy.yaml",
        f"agents: {{{_AGENT}: {{team: {TEAM}, owner: alice}}}}",
        "servers:" if servers else "servers: {}",
    ]
    for server in servers:
        listed = quoted(f"{server.name}.tools.json")
        lines.append(f"  {quoted(server.name)}: {{team: {TEAM}, tools_from: {listed}}}")
    tried = [(rule.name, f"{rule.server}/{rule.tools[0].tool.name}", rule.effect) for rule in rules]
    if not tried:
        tried = [
            ("unlisted-tool", f"{server.name}/anything", "deny")
            for server in servers
            if server.tools
        ]
    lines.append("tests:" if tried else "tests: []")
    for name, call, effect in tried:
        expected = f"{{effect: {effect}, rules: {name}}}"
        lines += [f"  - name: {name}", f"    call: {quoted(call)}", f"    expect: {expected}"]
    return "\n".join(lines) + "\n"
