"""Reads what Slack says of people now: their record and their user groups."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from bot.slack.client import UNREACHABLE, SlackClient, reason_of
from bot.slack.home import Home, HomeFinder
from bot.slack.memberships import LATE, SECONDS, Memberships, Reading
from bot.slack.records import UserRecord, record_of
from ledger.events.evidence import Evidence, Membership
from policies.people.people import Directory

_LOG = logging.getLogger(__name__)


class Witness:
    """Fetches evidence. What could not be fetched is undetermined, which the ledger refuses.

    `now` returns the ledger's time (UTC).
    """

    def __init__(
        self,
        slack: SlackClient,
        finder: HomeFinder,
        now: Callable[[], Awaitable[datetime]],
        directory: Directory,
    ) -> None:
        """Read through `slack`."""
        self._slack = slack
        self._directory = directory
        self._finder = finder
        self._now = now
        self._groups = Memberships(slack)

    async def evidence(
        self, people: Sequence[str], groups: Iterable[str], *, cached: bool, sparing: bool = False
    ) -> list[Evidence]:
        """Return the evidence of each of `people` (`T…/U…`), in their order.

        `groups` are the user groups that matter. They are read anew; where Slack
        does not answer or may not be asked, what was read less than 8 seconds ago
        stands, with `cached` 10 minutes. With `sparing` that is not read again.
        Takes 1.5 seconds at most.
        """
        at = await self._now()
        wanted = sorted(set(groups))
        home = asyncio.create_task(self._finder.find())
        records = {who: asyncio.create_task(self._record(who)) for who in set(people)}
        lists = {
            group: asyncio.create_task(
                self._groups.of(group, people, at, cached=cached, sparing=sparing)
            )
            for group in wanted
        }
        running = [home, *records.values(), *lists.values()]
        await asyncio.wait(running, timeout=SECONDS)
        found = {who: _outcome(task) for who, task in records.items()}
        members = {group: _outcome(task) for group, task in lists.items()}
        place = _outcome(home)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        return [self._weigh(who, found[who], members, place, at) for who in people]

    def _weigh(
        self,
        who: str,
        record: "UserRecord | str",
        members: "dict[str, Reading | str]",
        home: "Home | str | None",
        at: datetime,
    ) -> Evidence:
        if not isinstance(home, Home):
            return Evidence(slack=who, fetched_at=at, undetermined=home or self._finder.trouble)
        team, _, user = who.partition("/")
        if team not in {home.team, home.enterprise}:
            return Evidence(slack=who, fetched_at=at, stranger=True)
        if isinstance(record, str):
            return Evidence(slack=who, fetched_at=at, undetermined=record)
        unknown = [reason for reason in members.values() if isinstance(reason, str)]
        known = Evidence(
            slack=who,
            fetched_at=at,
            deleted=record.deleted,
            bot=record.is_bot or user == "USLACKBOT",
            guest=record.is_guest,
            stranger=record.is_stranger or not record.is_of(home.team),
            memberships=tuple(
                Membership(group=group, member=user in known.members, fetched_at=known.at)
                for group, known in members.items()
                if not isinstance(known, str)
            ),
            groups_undetermined=unknown[0] if unknown else None,
        )
        return known.model_copy(update={"matched": self._matched(known, record)})

    def _matched(self, known: Evidence, record: UserRecord) -> str | None:
        """Return the person who has the address of the account, a verified one of a full member."""
        if known.deleted or known.bot or known.guest or known.stranger or record.email is None:
            return None
        return self._directory.person_with(record.email)

    async def _record(self, who: str) -> UserRecord | str:
        """Return a user's record, always fresh, or why there is none.

        Source: https://docs.slack.dev/reference/methods/users.info
        """
        user = who.partition("/")[2]
        try:
            said = await self._slack.users_info(user=user)
        except UNREACHABLE as error:
            return reason_of(error)
        record = record_of(said.get("user"))
        if record is None:
            return "Slack's answer could not be read"
        return record if record.id == user else "Slack's answer is not about that person"


def _outcome(task: "asyncio.Task[Any]") -> Any:
    if not task.done():
        return LATE
    if task.exception() is not None:
        _LOG.error("evidence could not be read", exc_info=task.exception())
        return "Slack's answer could not be read"
    return task.result()
