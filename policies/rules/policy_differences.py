"""Says what changed between two texts of a policy: by rules and settings, and by lines."""

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policies.rules.policy_sources import whole_policy
from policies.values.problems import InvalidDocument
from policies.yaml.composing import Value


@dataclass(frozen=True)
class PolicyChange:
    """A rule or a setting that is another now; None stands for one that is not written.

    `rule` is the rule's name, empty where it is the setting `key`. Of a rule
    that was there before and is after, each changed `key` is a change of its own.
    """

    rule: str
    key: str
    before: str | None
    after: str | None


def policy_changes(before: str, after: str) -> list[PolicyChange] | None:
    """Return what changed from one text to another, None where one of them is no YAML.

    Values are written as JSON. The order of rules has no meaning and is not looked at.
    """
    old, new = _sections(before), _sections(after)
    if old is None or new is None:
        return None
    rules = _changed(_rules(old), _rules(new))
    settings = _changed(_settings(old), _settings(new))
    return [
        *(change for name, was, now in rules for change in _of_rule(name, was, now)),
        *(PolicyChange("", key, _written(was), _written(now)) for key, was, now in settings),
    ]


def line_changes(before: str, after: str) -> list[str]:
    """Return the lines that changed, with three around them, as `diff -u` writes it."""
    return list(
        difflib.unified_diff(
            before.splitlines(), after.splitlines(), "before", "after", lineterm=""
        )
    )


def _sections(text: str) -> Mapping[str, Value] | None:
    try:
        root = whole_policy(text)
    except InvalidDocument:
        return None
    return root if isinstance(root, dict) else None


def _rules(sections: Mapping[str, Value]) -> dict[str, Value]:
    found: dict[str, Value] = {str(rule.get("name")): rule for rule in _listed(sections)}
    for server, included in _included(sections):
        found |= {f"{server}/{rule.get('name')}": rule for rule in _listed(included)}
    return found


def _listed(sections: Mapping[str, Value]) -> list[dict[str, Value]]:
    rules = sections.get("rules")
    return [rule for rule in (rules if isinstance(rules, list) else []) if isinstance(rule, dict)]


def _included(sections: Mapping[str, Value]) -> Iterator[tuple[str, Mapping[str, Value]]]:
    files = sections.get("include")
    for server, included in files.items() if isinstance(files, dict) else ():
        if isinstance(included, dict):
            yield server, included


def _settings(sections: Mapping[str, Value]) -> dict[str, Value]:
    found = {key: value for key, value in sections.items() if key not in ("rules", "include")}
    for server, included in _included(sections):
        found |= {f"include/{server}/{key}": each for key, each in _settings(included).items()}
    return found


def _changed(
    before: Mapping[str, Value], after: Mapping[str, Value]
) -> Iterator[tuple[str, Value, Value]]:
    for name in {**before, **after}:
        if _written(before.get(name)) != _written(after.get(name)):
            yield name, before.get(name), after.get(name)


def _of_rule(name: str, before: Value, after: Value) -> Iterator[PolicyChange]:
    if not (isinstance(before, dict) and isinstance(after, dict)):
        yield PolicyChange(name, "", _written(before), _written(after))
        return
    for key, was, now in _changed(before, after):
        yield PolicyChange(name, key, _written(was), _written(now))


def _written(value: Value) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)
