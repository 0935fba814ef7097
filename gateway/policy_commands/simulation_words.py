"""Tells what a candidate policy would change: as a table to people, as JSON to machines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ledger.words.tabulating import table
from policies.past.simulation_tally import Change, Group, Tally, Unsure
from policies.rules.policy import Policy

_K = TypeVar("_K", Change, Unsure)


@dataclass(frozen=True)
class Simulating:
    """A candidate, what was counted, and the time between, as the user wrote it."""

    policy: Policy
    tally: Tally
    since: str | None
    until: str | None


def as_text(told: Simulating) -> Iterator[str]:
    """Yield the sum, what changes, what may change, and what that rests on."""
    tally = told.tally
    span = "".join(
        f" {word} {time}" for word, time in (("since", told.since), ("until", told.until)) if time
    )
    yield f"of {tally.calls:,} calls{span}, {tally.changes:,} would change"
    if tally.changed:
        yield ""
        yield from table(
            ("CALLS", "FROM", "TO", "RULE", "TOOL", "EXAMPLES"),
            [
                (f"{group.calls:,}", *_key(change), ", ".join(group.examples))
                for change, group in _most_first(tally.changed)
            ],
        )
    if tally.unsure:
        yield ""
        yield f"{tally.may_change:,} more may change: what a rule looks at is not kept of them"
        yield from table(
            ("CALLS", "WAS", "NOW", "RULE", "WHY", "TOOL", "EXAMPLES"),
            [
                (f"{group.calls:,}", *_why(unsure), ", ".join(group.examples))
                for unsure, group in _most_first(tally.unsure)
            ],
        )
    yield ""
    hidden, resting = f"{tally.hidden:,} calls have hidden values", f"{tally.resting:,} decisions"
    yield f"{hidden}; {resting} of the candidate rest on what is not kept"
    yield "who owns and trusts servers, and who may give grants, is as in today's configuration"


def as_json(told: Simulating) -> Mapping[str, object]:
    """Return the same as JSON; `changed` and `cannot_be_told` are grouped, most calls first."""
    tally = told.tally
    return {
        "policy": {"file": told.policy.file, "digest": told.policy.digest},
        "since": told.since,
        "until": told.until,
        "calls": tally.calls,
        "would_change": tally.changes,
        "may_change": tally.may_change,
        "with_hidden_values": tally.hidden,
        "rest_on_what_is_not_kept": tally.resting,
        "changed": [_group(change, group) for change, group in _most_first(tally.changed)],
        "cannot_be_told": [_group(unsure, group) for unsure, group in _most_first(tally.unsure)],
    }


def _most_first(groups: Mapping[_K, Group]) -> list[tuple[_K, Group]]:
    return sorted(groups.items(), key=lambda each: (-each[1].calls, each[0]))


def _key(change: Change) -> tuple[str, ...]:
    return change.before, change.after, change.rule, change.tool


def _why(unsure: Unsure) -> tuple[str, ...]:
    return unsure.before, unsure.after, unsure.rule, unsure.because, unsure.tool


def _group(key: Change | Unsure, group: Group) -> Mapping[str, object]:
    named = key._asdict()
    named["from"], named["to"] = named.pop("before"), named.pop("after")
    return {**named, "calls": group.calls, "examples": group.examples}
