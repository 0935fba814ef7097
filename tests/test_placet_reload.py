"""The policy in force follows its file and other replicas; an invalid file changes nothing."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from ledger.ledger import Ledger
from ledger.shell import Misconfigured
from placet_reload import StandingPolicy
from policies.policy import compile_policy
from policies.problems import InvalidDocument

FIRST = "version: 1\nrules: [{name: reads, match: {risk: read}, effect: allow}]\n"
SECOND = "version: 1\nrules: [{name: nothing, effect: deny}]\n"


def now():
    return datetime.now(UTC)  # noqa: TID251  the test is the root here


class File:
    """A policy file as the root reads it; `text` None is a file that cannot be read."""

    def __init__(self, text):
        self.text = text

    def read(self):
        if self.text is None:
            raise Misconfigured("there is no file `policy.yaml`")
        return self.text


def compiled(text):
    try:
        return compile_policy(text)
    except InvalidDocument as invalid:
        raise Misconfigured(str(invalid)) from invalid


@asynccontextmanager
async def replica(url, file, name):
    ledger = Ledger.open(url, now=now, instance=name, serving="sqlite" not in url)
    try:
        policy = StandingPolicy(ledger, compiled(file.text), file.read, compiled)
        await policy.begin()
        yield policy, ledger
    finally:
        ledger.close()


def names(policy):
    return [rule.name for rule in policy().rules]


async def texts(ledger):
    return [each.event.text for each in await ledger.events(stream="policy")]


async def test_the_policy_that_was_read_is_in_force_and_kept_with_its_text(ledger_url):
    async with replica(ledger_url, File(FIRST), "a") as (policy, ledger):
        assert names(policy) == ["reads"]
        assert await texts(ledger) == [FIRST]


async def test_a_changed_file_is_in_force_at_the_next_look(ledger_url):
    file = File(FIRST)
    async with replica(ledger_url, file, "a") as (policy, ledger):
        file.text = SECOND
        await policy.look()

        assert names(policy) == ["nothing"]
        assert await texts(ledger) == [FIRST, SECOND]


async def test_a_file_that_did_not_change_is_no_event(ledger_url):
    async with replica(ledger_url, File(FIRST), "a") as (policy, ledger):
        await policy.look()
        await policy.look()

        assert await texts(ledger) == [FIRST]


async def test_an_invalid_file_keeps_the_old_policy_and_says_so(ledger_url):
    file = File(FIRST)
    async with replica(ledger_url, file, "a") as (policy, ledger):
        file.text = "version: 3"
        await policy.look()
        await policy.look()

        assert names(policy) == ["reads"]
        assert len(policy.troubles()) == 1
        assert policy.troubles()[0].startswith("policy.yaml:1:")
        assert await texts(ledger) == [FIRST]


async def test_a_file_that_cannot_be_read_keeps_the_old_policy_and_says_so(ledger_url):
    file = File(FIRST)
    async with replica(ledger_url, file, "a") as (policy, _):
        file.text = None
        await policy.look()

        assert names(policy) == ["reads"]
        assert policy.troubles() == ["there is no file `policy.yaml`"]


async def test_a_mended_file_is_no_trouble_any_more(ledger_url):
    file = File(FIRST)
    async with replica(ledger_url, file, "a") as (policy, _):
        file.text = "version: 3"
        await policy.look()
        file.text = FIRST
        await policy.look()

        assert policy.troubles() == []


async def test_a_change_on_one_replica_is_in_force_on_the_others(ledger_url):
    file = File(FIRST)
    async with (
        replica(ledger_url, file, "a") as (one, _),
        replica(ledger_url, File(FIRST), "b") as (other, _),
    ):
        file.text = SECOND
        await one.look()
        await other.again()

        assert names(other) == ["nothing"]


async def test_a_replica_with_the_old_file_does_not_take_the_change_back(ledger_url):
    file = File(FIRST)
    async with (
        replica(ledger_url, file, "a") as (one, ledger),
        replica(ledger_url, File(FIRST), "b") as (other, _),
    ):
        file.text = SECOND
        await one.look()
        await other.look()
        await one.again()

        assert names(one) == ["nothing"]
        assert await texts(ledger) == [FIRST, SECOND]


async def test_without_a_ledger_that_takes_it_no_policy_is_in_force(sqlite_url):
    ledger = Ledger.open(sqlite_url, now=now)
    policy = StandingPolicy(ledger, compiled(FIRST), File(FIRST).read, compiled)
    ledger.close()

    with pytest.raises(Exception, match="the ledger is closed"):
        await policy.begin()
