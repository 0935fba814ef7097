"""Checks in `placet.yaml` that those whom calls are for would be recognised among approvers."""

from collections.abc import Iterator

from policies.configuration.references import sections
from policies.values.problems import Problem
from policies.yaml.composing import Value
from policies.yaml.documents import Document


def recognition_problems(document: Document) -> list[Problem]:
    """Return a problem for each person whom a call can be for and nobody would know in a group.

    Members of an approvers' user group are known by their Slack ids alone: an
    agent's owner without one, or a person it acts for, could be among them.
    """
    grouped = [name for name, team in sections(document, "teams") if _has_group(team)]
    return list(_unrecognised(document, grouped[0])) if grouped else []


def _unrecognised(document: Document, team: str) -> Iterator[Problem]:
    concerned = _concerned(document)
    for name, person in sections(document, "people"):
        if name in concerned and "slack" not in person:
            what = (
                f"{concerned[name]}, who has no Slack id and might be in the group of team"
                f" `{team}`: nobody approves what is done for them"
            )
            instead = f"add `slack` to `{name}`, or name the approvers of `{team}` one by one"
            yield document.problem(document.key(("people", name)), what, instead)


def _concerned(document: Document) -> dict[str, str]:
    """Return whom calls can be for, with why that is so."""
    found: dict[str, str] = {}
    for agent, section in sections(document, "agents"):
        for key, why in (("owner", "is owned by"), ("on_behalf_of", "acts for")):
            name = section.get(key)
            if isinstance(name, str):
                found.setdefault(name, f"agent `{agent}` {why} `{name}`")
    if document.at(("identity", "issuers")):
        for name, person in sections(document, "people"):
            if "subject" in person:
                found.setdefault(name, f"agents can act for `{name}`")
    return found


def _has_group(team: dict[str, Value]) -> bool:
    approvers = team.get("approvers")
    return isinstance(approvers, list) and any(isinstance(each, dict) for each in approvers)
