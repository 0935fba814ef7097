"""Checks in `placet.yaml` that tokens name each caller and each person once, and can be for us."""

from collections.abc import Iterator
from typing import TypeAlias

from policies.configuration.references import sections
from policies.values.problems import Problem
from policies.yaml.composing import Path, Value
from policies.yaml.documents import Document
from policies.yaml.validation import choice, suggestion

_Issuers: TypeAlias = dict[str, dict[str, Value]]
"""The sections of the issuers, by name."""

_ISSUERS = ("identity", "issuers")
_NAMES: tuple[tuple[str, str], ...] = (
    ("agents", "client_id"),
    ("agents", "subject"),
    ("people", "subject"),
)
"""Where it is written what tokens call somebody."""


def issuer_problems(document: Document) -> list[Problem]:
    """Return a problem for each issuer that cannot be used and each name that is not one's own."""
    issuers = dict(sections(document, *_ISSUERS))
    problems = [*_without_address(document, issuers), *_same_issuer(document, issuers)]
    for section, key in _NAMES:
        for name, entry in sections(document, section):
            path = (section, name, key)
            problems += _whose(document, path, entry.get(key), issuers)
    problems += _shared_clients(document, issuers)
    problems += _shared_subjects(document, issuers)
    problems += _clients_as_audience(document, issuers)
    problems += _of_agents(document)
    return problems


def _without_address(document: Document, issuers: _Issuers) -> Iterator[Problem]:
    path = ("gateway", "public_url")
    if issuers and document.at(path) is None and path not in document.faulty:
        yield document.problem(
            document.key(_ISSUERS),
            "tokens are made for an address, and `public_url` is missing in `gateway`",
            'add `gateway: {public_url: "https://placet.example.com"}`, as callers reach it',
        )


def _same_issuer(document: Document, issuers: _Issuers) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name, section in issuers.items():
        issuer = section.get("issuer")
        if not isinstance(issuer, str):
            continue
        first = seen.setdefault(issuer, name)
        if first != name:
            place = document.place((*_ISSUERS, name, "issuer"))
            yield document.problem(place, f"`issuer` is already that of `{first}`", "keep one")


def _whose(document: Document, path: Path, value: Value, issuers: _Issuers) -> Iterator[Problem]:
    """Yield what is wrong with the issuers that a name is of."""
    key = path[-1]
    if isinstance(value, str) and len(issuers) > 1:
        named = ", ".join(f"{name}: …" for name in sorted(issuers))
        what = f"`{key}` does not say of which issuer it is"
        yield document.problem(document.place(path), what, f"write `{key}: {{{named}}}`")
    for name in value if isinstance(value, dict) else ():
        if name not in issuers:
            advice = "add it under `identity.issuers`"
            if issuers:
                advice = suggestion(name, issuers, f"{advice}, or {choice(issuers)}")
            place = document.key((*path, name))
            yield document.problem(place, f"there is no issuer `{name}`", advice)
    if path[0] == "agents" and isinstance(value, str) and not issuers:
        what = f"`{key}` names an agent to issuers of tokens, and there are none"
        yield document.problem(document.key(path), what, "add `identity`, or remove it")


def _named(document: Document, path: Path, issuers: _Issuers) -> dict[str, str]:
    """Return what is written at `path`, by issuer."""
    value = document.at(path)
    if isinstance(value, str):
        return dict.fromkeys(issuers, value)
    found = value if isinstance(value, dict) else {}
    return {name: text for name, text in found.items() if isinstance(text, str)}


def _shared_clients(document: Document, issuers: _Issuers) -> Iterator[Problem]:
    seen: dict[tuple[str, str], str] = {}
    for name, _ in sections(document, "agents"):
        path = ("agents", name, "client_id")
        for of in _named(document, path, issuers).items():
            first = seen.setdefault(of, name)
            if first != name:
                what = f"`client_id` is already that of agent `{first}`"
                instead = f"give `{name}` one of its own"
                yield document.problem(document.place((*path, of[0])), what, instead)


def _shared_subjects(document: Document, issuers: _Issuers) -> Iterator[Problem]:
    """Yield a problem where a token could be of a person or of an agent, or of two people."""
    seen: dict[tuple[str, str], str] = {}
    for section, name, path in _subjects(document):
        who = f"agent `{name}`" if section == "agents" else f"`{name}`"
        for of in _named(document, path, issuers).items():
            first = seen.setdefault(of, who)
            if first != who:
                what = f"`{path[-1]}` is already the subject of {first}"
                instead = f"give `{name}` one of its own"
                yield document.problem(document.place((*path, of[0])), what, instead)


def _subjects(document: Document) -> Iterator[tuple[str, str, Path]]:
    """Yield whom a token can be about: agents, by default as they are called, and people."""
    for name, agent in sections(document, "agents"):
        yield "agents", name, ("agents", name, "subject" if "subject" in agent else "client_id")
    for name, _ in sections(document, "people"):
        yield "people", name, ("people", name, "subject")


def _clients_as_audience(document: Document, issuers: _Issuers) -> Iterator[Problem]:
    """Yield a problem where an ID token (OpenID Connect Core, section 2) would be taken."""
    clients = {
        of: name
        for name, _ in sections(document, "agents")
        for of in _named(document, ("agents", name, "client_id"), issuers).items()
    }
    for issuer, section in issuers.items():
        audience = section.get("audience")
        for index, text in enumerate(audience if isinstance(audience, list) else []):
            if isinstance(text, str) and (issuer, text) in clients:
                place = document.place((*_ISSUERS, issuer, "audience", index))
                agent = clients[issuer, text]
                what = f"the audience `{text}` is the `client_id` of agent `{agent}`"
                instead = "name an audience of Placet's own: ID tokens are for their clients"
                yield document.problem(place, what, instead)


def _of_agents(document: Document) -> Iterator[Problem]:
    for name, agent in sections(document, "agents"):
        if "subject" in agent and "client_id" not in agent:
            place = document.key(("agents", name, "subject"))
            what = f"agent `{name}` has a `subject` and no `client_id`"
            yield document.problem(place, what, "add the `client_id` that its tokens name")
        if "client_id" in agent and "on_behalf_of" in agent:
            place = document.key(("agents", name, "on_behalf_of"))
            what = f"the tokens of agent `{name}` say on whose behalf it acts"
            yield document.problem(place, what, "remove `on_behalf_of`, or `client_id`")
