"""Reads what Placet is told from outside: configuration, policy and environment."""

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.files.policy_files import PolicyFiles, read_policy
from gateway.files.text_files import read_text
from gateway.identity.jwks import UnreadableKeys, read_keys
from ledger.shell import Loaded, Misconfigured
from placet_environment import SETTINGS, Environment
from policies.checking.approvable import nobody_could_approve
from policies.configuration.configuration import Configuration, parse_configuration
from policies.rules.policy import Policy, compile_policy
from policies.values.problems import InvalidDocument, Problem
from policies.yaml.composing import Value
from policies.yaml.documents import read_document

_UNSET = "not-set-"


class LenientEnvironment(Environment):
    """An environment for commands that need no secrets: what is not set has a stand-in."""

    def __getitem__(self, name: str) -> str:
        """Return the value of `name`, or a stand-in that shows what is missing."""
        try:
            return super().__getitem__(name)
        except KeyError:
            return f"{_UNSET}{name}-{'0' * 32}"


def stands_in(secret: str) -> bool:
    """Tell whether a secret only stands in for a variable that is not set."""
    return secret.startswith(_UNSET)


@dataclass(frozen=True)
class Unsafe:
    """What an operator has said may be unsafe, in so many words."""

    no_auth: bool = False
    local_approvers: bool = False


def user() -> str:
    """Return the name of the person at the shell, or their number where it has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def load_beside(path: Path, *, environment: Mapping[str, str] = SETTINGS) -> Loaded:
    """Return both files for a command beside the service, which needs no secrets.

    Raises Misconfigured as `_load`, and where the ledger's address needs a
    variable that is not set.
    """
    unsafe = Unsafe(no_auth=True, local_approvers=True)
    loaded = _load(path, unsafe, LenientEnvironment(environment))
    if _UNSET in loaded.configuration.ledger.url:
        place = loaded.configuration.place(("ledger", "url"))
        what = "`ledger.url` names a variable that is not set"
        problem = Problem(str(path), place.line, place.column, what, "set it for this command")
        raise Misconfigured(str(problem))
    return loaded


def _load(path: Path, unsafe: Unsafe, environment: Environment) -> Loaded:
    """Return the configuration at `path` and the policy it names.

    Relative paths in the file start from its folder. Raises Misconfigured
    with every problem of both files.
    """
    problems: list[Problem] = []
    configuration: Configuration | None = None
    policy: Policy | None = None
    try:
        text = read_text(path)
    except InvalidDocument as invalid:
        raise Misconfigured(str(invalid)) from invalid
    named: Value = None
    try:
        configuration = parse_configuration(
            text,
            environment,
            file=str(path),
            unsafe_no_auth=unsafe.no_auth,
            unsafe_local_approvers=unsafe.local_approvers,
        )
        named = configuration.policy
    except InvalidDocument as invalid:
        problems += invalid.problems
        named = _named_policy(text)
    try:
        if isinstance(named, str):
            policy = read_policy(path.parent / named, within=path.parent)
    except InvalidDocument as invalid:
        problems += invalid.problems
    if configuration is None or policy is None or problems:
        raise Misconfigured("\n".join(str(problem) for problem in problems))
    return Loaded(configuration, policy)


def load_to_serve(
    path: Path, *, unsafe: Unsafe, environment: Mapping[str, str] = SETTINGS
) -> Loaded:
    """Return both files, to serve them.

    Relative paths in the configuration start from its folder. Raises
    Misconfigured with every problem of both files, with files of keys that
    cannot be used, and with approvals that nobody could give.
    """
    loaded = _load(path, unsafe, Environment(environment))
    _check_key_files(loaded.configuration, path.parent)
    _check_approvable(loaded.configuration, loaded.policy)
    return loaded


def _named_policy(text: str) -> Value:
    """Return the policy that an invalid configuration names all the same, if it does."""
    try:
        return read_document(text, file="").at(("policy",))
    except InvalidDocument:
        return None


@dataclass(frozen=True)
class PolicyFile:
    """The policy file that a configuration names, with the files it includes."""

    files: PolicyFiles
    configuration: Configuration

    def read(self) -> str:
        """Return the text of all files. Raises Misconfigured."""
        try:
            return self.files.text()
        except InvalidDocument as invalid:
            raise Misconfigured(str(invalid)) from invalid

    def owner(self) -> str | None:
        """Return the account that the policy file belongs to; None where that has no name."""
        try:
            return self.files.path.owner()
        except (OSError, KeyError):
            return None

    def compile(self, text: str) -> Policy:
        """Return the policy that `text` writes. Raises Misconfigured with every problem."""
        try:
            policy = compile_policy(text, file=str(self.files.path))
        except InvalidDocument as invalid:
            raise Misconfigured(str(invalid)) from invalid
        _check_approvable(self.configuration, policy)
        return policy


def policy_file(configuration: Configuration, path: Path) -> PolicyFile:
    """Return the policy file that the configuration at `path` names."""
    return PolicyFile(PolicyFiles(path.parent / configuration.policy, path.parent), configuration)


def _check_approvable(configuration: Configuration, policy: Policy) -> None:
    problems = nobody_could_approve(configuration, policy)
    if problems:
        raise Misconfigured("\n".join(str(problem) for problem in problems))


def _check_key_files(configuration: Configuration, folder: Path) -> None:
    """Raise Misconfigured where the keys of an issuer are to be in a file, and are not."""
    problems = []
    for name, section in configuration.identity.issuers.items():
        if section.jwks.file is None:
            continue
        try:
            read_keys((folder / section.jwks.file).read_bytes(), section.algorithms)
        except (OSError, UnreadableKeys) as wrong:
            place = configuration.place(("identity", "issuers", name, "jwks", "file"))
            reason = wrong.strerror if isinstance(wrong, OSError) else str(wrong)
            what = f"the keys of issuer `{name}` cannot be read from the file: {reason}"
            instead = "write the issuer's JWK set there, or name its `url`"
            problems.append(Problem(configuration.file, place.line, place.column, what, instead))
    if problems:
        raise Misconfigured("\n".join(str(problem) for problem in problems))


def ledger_url(configuration: Configuration, path: Path) -> str:
    """Return the ledger's address; SQLite's relative file starts from the folder of `path`."""
    url = configuration.ledger.url
    head, absolute, file = url.partition("sqlite:///")
    if not absolute or head or file.startswith("/"):
        return url
    return f"sqlite:///{(path.parent / file).absolute()}"
