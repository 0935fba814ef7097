"""Reads files of tests with all that they name: the policy, lists of tools, the configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.files.policy_files import read_policy
from gateway.files.text_files import read_text
from gateway.wire.definitions import tool_of, tools_of
from ledger.shell import Loaded, Misconfigured
from policies.checking.argument_checks import argument_problems
from policies.configuration.declared_tools import ExternalServer
from policies.people.people import Agent, Directory
from policies.rules.policy import Policy
from policies.trials.trial_checks import trial_problems
from policies.trials.trial_file import ServerTools, TestedAgent, TrialFile
from policies.trials.trials import Ground, Trial, TriedServer, trials_of
from policies.values.calls import JsonValue, Tool
from policies.values.problems import InvalidDocument, Problem
from policies.values.refusals import Refused
from policies.values.strict_json import parse
from policies.yaml.documents import Document, read_document
from policies.yaml.validation import validated

ENDING = ".test.yaml"
"""How a file of tests is called that is found by itself: `policy.test.yaml` for `policy.yaml`."""


@dataclass(frozen=True)
class Suite:
    """The tests of one file, and what they stand on."""

    file: Path
    ground: Ground
    trials: Sequence[Trial]


@dataclass
class TrialReader:
    """Reads files of tests; `problems` gathers what is wrong in any of them.

    `chosen` is the policy that the user named, which wins over those that files
    name; `loaded` is the configuration, where there is one.
    """

    chosen: Path | None
    loaded: Loaded | None
    problems: list[Problem] = field(default_factory=list)
    _policies: dict[Path, Policy | None] = field(default_factory=dict)

    def suites(self, files: Sequence[Path]) -> list[Suite]:
        """Return the tests of all files. Raises Misconfigured with every problem of them."""
        found = [self._suite(file) for file in files]
        if self.problems:
            listed = sorted(set(self.problems))
            raise Misconfigured("\n".join(str(problem) for problem in listed))
        return [suite for suite in found if suite is not None]

    def _suite(self, file: Path) -> Suite | None:
        try:
            document = read_document(read_text(file), file=str(file))
        except InvalidDocument as invalid:
            self.problems += invalid.problems
            return None
        written, problems = validated(TrialFile, document)
        self.problems += problems
        if written is None:
            return None
        policy = self._policy(document, written, file)
        servers = self._servers(document, written, file)
        if policy is None:
            return None
        ground = _ground(policy, servers, written, self.loaded)
        wrong = [*trial_problems(document, written, ground), *_unread(ground)]
        self.problems += wrong
        return (
            None if problems or wrong else Suite(file, ground, trials_of(document, written, ground))
        )

    def _policy(self, document: Document, written: TrialFile, file: Path) -> Policy | None:
        named = self.chosen or (file.parent / written.policy if written.policy else None)
        if named is not None:
            if named not in self._policies:
                self._policies[named] = self._compiled(named)
            return self._policies[named]
        if self.loaded is not None:
            return self.loaded.policy
        instead = "write `policy: policy.yaml`, or name one with --policy or --config"
        self.problems.append(document.problem(document.place(()), "no policy is named", instead))
        return None

    def _compiled(self, path: Path) -> Policy | None:
        try:
            return read_policy(path)
        except InvalidDocument as invalid:
            self.problems += invalid.problems
            return None

    def _servers(
        self, document: Document, written: TrialFile, file: Path
    ) -> dict[str, TriedServer]:
        found = _configured(self.loaded)
        for name, section in written.servers.items():
            tools = [tool.values for tool in section.tools]
            for index, source in enumerate(section.tools_from):
                path = ("servers", name, "tools_from", index)
                tools += self._listed(document, path, file.parent / source)
            found[name] = _described(name, section, tools, found.get(name))
        return found

    def _listed(
        self, document: Document, path: tuple[str | int, ...], source: Path
    ) -> list[Mapping[str, JsonValue]]:
        try:
            listed = _tool_list(parse(source.read_bytes()))
        except (OSError, Refused) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            what, instead = f"`{source}` cannot be read: {reason}", "name a JSON file of tools"
        else:
            if listed is not None:
                return listed
            what = f"`{source}` holds no list of tools"
            instead = 'write what `tools/list` answers: `{"tools": [{"name": …}]}`'
        self.problems.append(document.problem(document.place(path), what, instead))
        return []


def _unread(ground: Ground) -> list[Problem]:
    """Return what conditions read that no tool of the tests has which their rules speak of."""
    tools = [tool for server in ground.servers.values() for tool in server.tools.values()]
    return argument_problems(ground.policy, tools)


def _tool_list(value: JsonValue) -> list[Mapping[str, JsonValue]] | None:
    """Return the tools of a list, of a result of `tools/list`, or of the whole answer."""
    for key in ("result", "tools"):
        if isinstance(value, dict) and key in value:
            value = value[key]
    if not isinstance(value, list):
        return None
    tools: list[Mapping[str, JsonValue]] = [
        each for each in value if isinstance(each, dict) and isinstance(each.get("name"), str)
    ]
    return tools if len(tools) == len(value) else None


def _configured(loaded: Loaded | None) -> dict[str, TriedServer]:
    if loaded is None:
        return {}
    return {
        name: TriedServer(
            section.team,
            _declared(name, section) if isinstance(section, ExternalServer) else {},
            trusted=section.trusted,
            asks=isinstance(section, ExternalServer) and section.undeclared != "deny",
        )
        for name, section in loaded.configuration.servers.items()
    }


def _declared(server: str, section: ExternalServer) -> dict[str, Tool]:
    found = (
        tool_of(server, {"name": name, "description": description})
        for name, description in section.declared.items()
    )
    return {tool.name: tool for tool in found if tool is not None}


def _described(
    name: str,
    section: ServerTools,
    tools: Sequence[Mapping[str, JsonValue]],
    known: TriedServer | None,
) -> TriedServer:
    listed = {tool.name: tool for tool in tools_of(name, [dict(tool) for tool in tools])}
    trusted = known.trusted if known is not None else False
    return TriedServer(
        team=section.team or (known.team if known is not None else None),
        tools={**(known.tools if known is not None else {}), **listed},
        trusted=trusted if section.trusted is None else section.trusted,
        asks=known.asks if known is not None else False,
    )


def _ground(
    policy: Policy, servers: Mapping[str, TriedServer], written: TrialFile, loaded: Loaded | None
) -> Ground:
    known = loaded.configuration.directory() if loaded is not None else Directory()
    owned = {name: _agent(name, section) for name, section in written.agents.items()}
    teams = {name: server.team for name, server in servers.items() if server.team is not None}
    directory = Directory(
        people=known.people,
        teams=known.teams,
        agents={**known.agents, **{name: agent for name, agent in owned.items() if agent.owner}},
        server_teams={**known.server_teams, **teams},
    )
    return Ground(policy, servers, {**known.agents, **owned}, directory)


def _agent(name: str, section: TestedAgent) -> Agent:
    return Agent(name, section.team, section.owner or "")
