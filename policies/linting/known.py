"""Finds patterns that fit nothing which is known: no server, tool, agent, team or person."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from policies.linting.findings import Finding, Severity
from policies.rules.policy import Policy
from policies.rules.policy_sources import Source, read_sources
from policies.values.calls import Tool
from policies.values.matching import Glob, Matcher
from policies.yaml.validation import choice, suggestion

_FEW = 12
_NAME = re.compile(r"[a-z0-9_.-]+")  # others may be Slack ids or addresses of members of a group


@dataclass(frozen=True)
class Known:
    """What is known of the world; None where nothing is, and then nothing is said of it.

    `tools` are the names of the tools by server, without the servers whose
    tools are not known; `definitions` are those of which more than the name is.
    """

    servers: Collection[str] | None = None
    tools: Mapping[str, Collection[str]] = field(default_factory=dict)
    definitions: Sequence[Tool] = ()
    agents: Collection[str] | None = None
    teams: Collection[str] | None = None
    people: Collection[str] | None = None


def unknown(policy: Policy, known: Known) -> Iterator[Finding]:
    """Yield where a policy has a pattern that fits nothing which is known.

    A pattern that restricts may be there for tools to come: that is a hint only.
    """
    for rule in policy.rules:
        place = Finding(rule.file, rule.line, rule.column, Severity.WARNING, "", "", "")
        for key, matcher in (("match", rule.match), ("except", rule.exception)):
            if matcher is not None:
                guards = rule.restricts if key == "match" else not rule.restricts
                where = f"in `{key}` of rule `{rule.name}`"
                yield from _Place(place, where, guards).in_matcher(matcher, known)
    for limit in policy.limits:
        place = Finding(limit.file, limit.line, limit.column, Severity.WARNING, "", "", "")
        for key, matcher in (("match", limit.match), ("except", limit.exception)):
            if matcher is not None:
                where = f"in `{key}` of limit `{limit.name}`"
                yield from _Place(place, where, guards=key == "match").in_matcher(matcher, known)
    for source in read_sources(policy.text, file=policy.file, unread={})[0]:
        yield from _targets(source, known)


def _targets(source: Source, known: Known) -> Iterator[Finding]:
    """Yield the keys of `risk` and `owners` that fit no known tool."""
    for section in ("risk", "owners"):
        written = source.document.at((section,))
        for text in written if isinstance(written, dict) else ():
            target, at = source.target(text), source.document.key((section, text))
            place = Finding(source.document.file, at.line, at.column, Severity.WARNING, "", "", "")
            matcher = Matcher(server=(target.server,), tool=(target.tool,))
            yield from _Place(place, f"in `{section}`", guards=True).in_matcher(matcher, known)


@dataclass(frozen=True)
class _Place:
    """Where patterns stand, and whether they make the policy stricter for what they fit."""

    place: Finding
    where: str
    guards: bool

    def in_matcher(self, matcher: Matcher, known: Known) -> Iterator[Finding]:
        """Yield a finding for each pattern of a matcher that fits nothing known."""
        people = [glob for glob in matcher.on_behalf_of or () if _NAME.fullmatch(glob.pattern)]
        yield from self._names("server", matcher.server, known.servers)
        yield from self._names("agent", matcher.agent, known.agents)
        yield from self._names("team", matcher.team, known.teams)
        yield from self._names("person", people, known.people)
        servers = [
            server
            for server in (known.servers if known.servers is not None else known.tools)
            if matcher.server is None or _fits(matcher.server, server)
        ]
        if servers and all(server in known.tools for server in servers):
            tools = sorted({tool for server in servers for tool in known.tools[server]})
            of = f" of `{servers[0]}`" if len(servers) == 1 else ""
            yield from self._names("tool", matcher.tool, tools, of)

    def _names(
        self, kind: str, globs: Sequence[Glob] | None, names: Collection[str] | None, of: str = ""
    ) -> Iterator[Finding]:
        for glob in globs or ():
            if names is None or _fits((glob,), *names):
                continue
            pattern = "*" in glob.pattern or "?" in glob.pattern
            severity = Severity.HINT if pattern and self.guards else Severity.WARNING
            few = choice(names) if len(names) <= _FEW else f"write one of the {kind}s there are"
            yield replace(
                self.place,
                severity=severity,
                kind=f"unknown-{kind}",
                what=f"`{glob.pattern}` {self.where} fits no {kind}{of}",
                instead=suggestion(glob.pattern, names, few),
            )


def _fits(globs: Sequence[Glob], *names: str) -> bool:
    return any(glob.matches(name) for glob in globs for name in names)
