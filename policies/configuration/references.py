"""Checks that names in `placet.yaml` are names of something, and that nobody is there twice."""

from collections.abc import Iterator

from policies.values.problems import Problem
from policies.yaml.composing import Path, Value
from policies.yaml.documents import Document
from policies.yaml.validation import choice, suggestion


def reference_problems(document: Document) -> list[Problem]:
    """Return a problem for each unknown team or person, and each person or key found twice."""
    problems = [
        problem
        for path, section in _references(document)
        for problem in _unknown(document, path, section)
    ]
    problems += _twice(document, "people", "slack", "is already the Slack id of")
    problems += _twice(document, "people", "subject", "is already the subject of")
    problems += _twice(document, "people", "shell", "is already the user at the shell of")
    problems += _emails(document)
    problems += _approver_twice(document)
    problems += _stranger_at_a_server(document)
    problems += _escalates_to_itself(document)
    return problems


def sections(document: Document, *path: str) -> Iterator[tuple[str, dict[str, Value]]]:
    """Yield the name and the map of each entry below `path`, where they are maps."""
    entries = document.at(path)
    if isinstance(entries, dict):
        for name, entry in entries.items():
            if isinstance(entry, dict):
                yield name, entry


def _references(document: Document) -> Iterator[tuple[Path, str]]:
    for name, _ in sections(document, "servers"):
        yield ("servers", name, "team"), "teams"
    for name, _ in sections(document, "agents"):
        yield ("agents", name, "team"), "teams"
        yield ("agents", name, "owner"), "people"
        yield ("agents", name, "on_behalf_of"), "people"
    for name, team in sections(document, "teams"):
        yield ("teams", name, "escalate_to"), "teams"
        for key in ("approvers", "break_glass"):
            listed = team.get(key)
            for index in range(len(listed) if isinstance(listed, list) else 0):
                yield ("teams", name, key, index), "people"


def _unknown(document: Document, path: Path, section: str) -> Iterator[Problem]:
    name = document.at(path)
    entries = document.at((section,))
    known = entries if isinstance(entries, dict) else {}
    if not isinstance(name, str) or name in known or path in document.faulty:
        return
    kind = "team" if section == "teams" else "person"
    what = f"there is no {kind} `{name}`"
    advice = suggestion(name, known, f"add it under `{section}`, or {choice(known)}")
    if not known:
        advice = f"add it under `{section}`"
    yield document.problem(document.place(path), what, advice)


def _twice(document: Document, section: str, key: str, what: str) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name, entry in sections(document, section):
        value = entry.get(key)
        if not isinstance(value, str) or not value or (section, name, key) in document.faulty:
            continue
        if value in seen:
            place = document.place((section, name, key))
            instead = f"give `{name}` one of its own"
            yield document.problem(place, f"`{key}` {what} `{seen[value]}`", instead)
        seen.setdefault(value, name)


def _emails(document: Document) -> Iterator[Problem]:
    """Find addresses that name nobody: not switched on, beside a Slack id, or of two people."""
    switched_on = document.at(("slack", "match_email")) is True
    seen: dict[str, str] = {}
    for name, person in sections(document, "people"):
        email = person.get("email")
        if not isinstance(email, str) or ("people", name, "email") in document.faulty:
            continue
        place = document.place(("people", name, "email"))
        if not switched_on:
            what = "`email` has no effect while Slack's people are not matched by it"
            instead = "write `match_email: true` under `slack`, or remove it"
            yield document.problem(place, what, instead)
        elif "slack" in person:
            what = f"`{name}` has a Slack id and is known by that alone"
            yield document.problem(place, what, "remove `email`")
        elif email.casefold() in seen:
            what = f"`email` is already the address of `{seen[email.casefold()]}`"
            yield document.problem(place, what, f"give `{name}` one of its own")
        seen.setdefault(email.casefold(), name)


def _stranger_at_a_server(document: Document) -> Iterator[Problem]:
    """Find agents with something of their own at a server whom the file does not name."""
    entries = document.at(("agents",))
    known = entries if isinstance(entries, dict) else {}
    for server, _ in sections(document, "servers"):
        for agent, _ in sections(document, "servers", server, "agents"):
            if agent not in known:
                advice = suggestion(agent, known, "add it under `agents`, or remove it")
                place = document.key(("servers", server, "agents", agent))
                yield document.problem(place, f"there is no agent `{agent}`", advice)


def _approver_twice(document: Document) -> Iterator[Problem]:
    for name, team in sections(document, "teams"):
        approvers = team.get("approvers")
        if not isinstance(approvers, list):
            continue
        for index, approver in enumerate(approvers):
            if approver in approvers[:index] and approver is not None:
                place = document.place(("teams", name, "approvers", index))
                yield document.problem(
                    place, f"an approver of `{name}` is here twice", "keep one: votes count once"
                )


def _escalates_to_itself(document: Document) -> Iterator[Problem]:
    for name, team in sections(document, "teams"):
        if team.get("escalate_to") == name:
            place = document.place(("teams", name, "escalate_to"))
            what = f"`{name}` escalates to itself"
            yield document.problem(place, what, "name another team, or remove the key")
