"""Knows who is in which user group, as Slack said last."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.slack.client import UNREACHABLE, SlackClient, code_of, reason_of, wait_of
from ledger.events.evidence import GROUP_FRESH

JUST_NOW = timedelta(seconds=8)
"""How old a reading may be that still counts as new: a little less than the ledger takes."""

SECONDS = 1.5
"""How long all evidence of one click may take; what is missing then is undetermined."""

LATE = "Slack did not answer in time"
_SPARE = 0.1
_ABSENT_FRESH = timedelta(seconds=30)


@dataclass(frozen=True)
class Reading:
    """The members of a user group (user ids), and when Slack was asked (UTC)."""

    members: frozenset[str]
    at: datetime


class Memberships:
    """Reads user groups. Whoever asks for a group while it is being read gets the same answer."""

    def __init__(self, slack: SlackClient) -> None:
        """Read through `slack`, and know nothing yet."""
        self._slack = slack
        self._known: dict[str, Reading] = {}
        self._flights: dict[str, asyncio.Task[Reading | str]] = {}

    async def of(
        self, group: str, people: Sequence[str], at: datetime, *, cached: bool, sparing: bool
    ) -> Reading | str:
        """Return who is in a group as of `at` (UTC) or a little earlier, or why that is not known.

        Where Slack does not answer or may not be asked, what was read less than 8
        seconds ago stands, with `cached` 10 minutes; with `sparing` in any case.
        """
        if sparing and (known := self._lately(group, people, at, cached=cached)):
            return known
        try:
            answer = await asyncio.wait_for(self._read_by_all(group, at), SECONDS - _SPARE)
        except TimeoutError:
            answer = LATE
        if isinstance(answer, Reading):
            return answer
        return self._lately(group, people, at, cached=cached) or answer

    def _lately(
        self, group: str, people: Sequence[str], at: datetime, *, cached: bool
    ) -> Reading | None:
        """Return what was read lately; who was not in it may have joined half a minute later."""
        known = self._known.get(group)
        if known is None:
            return None
        inside = all(who.partition("/")[2] in known.members for who in people)
        oldest = JUST_NOW if not cached else GROUP_FRESH if inside else _ABSENT_FRESH
        return known if at - known.at <= oldest else None

    async def _read_by_all(self, group: str, at: datetime) -> Reading | str:
        """Read a group, or wait for whoever is reading it."""
        flight = self._flights.get(group)
        if flight is None:
            flight = asyncio.create_task(self._read(group, at))
            self._flights[group] = flight
            flight.add_done_callback(lambda _done: self._flights.pop(group, None))
        return await asyncio.shield(flight)

    async def _read(self, group: str, at: datetime) -> Reading | str:
        """Ask Slack. What it refuses to tell is not known from earlier either.

        Source: https://docs.slack.dev/reference/methods/usergroups.users.list
        """
        try:
            said = await self._slack.usergroups_users_list(usergroup=group)
        except UNREACHABLE as error:
            if code_of(error) is not None and wait_of(error) is None:
                self._known.pop(group, None)
            return f"user group {group}: {reason_of(error)}"
        users = said.get("users")
        if not isinstance(users, list):
            self._known.pop(group, None)
            return f"user group {group}: Slack's answer names no users"
        self._known[group] = Reading(frozenset(map(str, users)), at)
        return self._known[group]
