"""The policy in force follows its file and other replicas; an invalid file changes nothing."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count

import pytest

import placet_reload
from ledger.ledger import Ledger
from ledger.shell import Misconfigured
from ledger.storage.leases import UNSEEN_SECONDS
from ledger.words.sentences import sentence
from placet_reload import StandingPolicy
from policies.rules.policy import compile_policy
from policies.values.problems import InvalidDocument

FIRST = "version: 1\nrules: [{name: reads, match: {risk: read}, effect: allow}]\n"
SECOND = "version: 1\nrules: [{name: nothing, effect: deny}]\n"
THIRD = "version: 1\nrules: [{name: people, effect: require_approval}]\n"


@pytest.fixture(autouse=True)
def soon_settled(monkeypatch):
    monkeypatch.setattr(placet_reload, "SETTLING", 0.01)


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

    def compile(self, text):
        try:
            return compile_policy(text)
        except InvalidDocument as invalid:
            raise Misconfigured(str(invalid)) from invalid

    def owner(self):
        return "alice"


@asynccontextmanager
async def replica(url, file, name):
    ledger = Ledger.open(url, now=now, instance=name, serving="sqlite" not in url)
    try:
        policy = StandingPolicy(ledger, file.compile(file.text), file)
        await policy.begin()
        yield policy, ledger
    finally:
        ledger.close()


@asynccontextmanager
async def alone(url, file):
    """Give a replica after all others were gone for long."""
    ledger = Ledger.open(url, now=now, instance="later", serving="sqlite" not in url)
    ledger.others = _nobody
    try:
        policy = StandingPolicy(ledger, file.compile(file.text), file)
        await policy.begin()
        yield policy, ledger
    finally:
        ledger.close()


async def _nobody():
    return False


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


async def test_a_file_that_is_being_written_is_taken_once_it_is_whole(ledger_url):
    whole = "version: 1\ndefault: allow\nrules: [{name: nothing, effect: deny}]\n"
    halves = [whole[:11], whole[:26], whole, whole]
    file = File(FIRST)
    async with replica(ledger_url, file, "a") as (policy, ledger):
        file.read = lambda: halves.pop(0) if halves else whole
        await policy.look()

        assert await texts(ledger) == [FIRST, whole]


async def test_a_file_that_is_never_whole_is_not_taken_and_told(ledger_url):
    numbers = count()
    file = File(FIRST)
    async with replica(ledger_url, file, "a") as (policy, ledger):
        file.read = lambda: f"version: 1\n# {next(numbers)}\n"
        await policy.look()

        assert await texts(ledger) == [FIRST]
        assert policy.troubles() == ["the file goes on changing; it is read once it stands still"]


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
    policy = StandingPolicy(ledger, compile_policy(FIRST), File(FIRST))
    ledger.close()

    with pytest.raises(Exception, match="the ledger is closed"):
        await policy.begin()


async def test_the_event_says_what_changed_and_whose_file_it_is(ledger_url):
    file = File(FIRST)
    async with replica(ledger_url, file, "a") as (policy, ledger):
        file.text = SECOND
        await policy.look()

        *_, recorded = await ledger.events(stream="policy")

    assert sentence(recorded.event) == (
        f"policy {recorded.event.digest[:12]} of policy.yaml is in force, from a file that belongs"
        ' to alice: rule reads is gone: {"effect": "allow", "match": {"risk": "read"}, "name":'
        ' "reads"}; rule nothing is new: {"effect": "deny", "name": "nothing"}'
    )


async def test_a_replica_that_starts_again_with_an_old_file_does_not_take_the_change_back(
    postgres_url, caplog
):
    file = File(FIRST)
    async with replica(postgres_url, file, "a") as (one, ledger):
        file.text = SECOND
        await one.look()
        async with replica(postgres_url, File(FIRST), "b") as (other, _):
            await other.look()

            assert names(other) == ["nothing"]
        assert await texts(ledger) == [FIRST, SECOND]
    assert "put in force after it, stays" in caplog.text


async def test_a_replica_that_starts_with_a_new_file_puts_that_in_force(postgres_url):
    async with (
        replica(postgres_url, File(FIRST), "a") as (one, _),
        replica(postgres_url, File(SECOND), "b"),
    ):
        await one.again()

        assert names(one) == ["nothing"]


async def test_whoever_starts_alone_with_an_old_file_means_it(ledger_url):
    for text in (FIRST, SECOND):
        async with replica(ledger_url, File(text), "a"):
            pass
    async with alone(ledger_url, File(FIRST)) as (policy, ledger):
        assert names(policy) == ["reads"]
        assert await texts(ledger) == [FIRST, SECOND, FIRST]


async def test_an_old_file_is_put_in_force_once_a_replica_without_a_word_is_missed(postgres_url):
    dead = Ledger.open(postgres_url, now=now, instance="dead")
    for text in (FIRST, SECOND):
        await StandingPolicy(dead, compile_policy(text), File(text)).begin()
    dead._parts.leases.leave = lambda: None  # it is killed: its last sign of life stays
    dead.close()

    async with replica(postgres_url, File(FIRST), "a") as (policy, ledger):
        before = names(policy)
        await policy.look()
        still = names(policy)
        ledger.others = _nobody
        await policy.look()

        assert before == still == ["nothing"]
        assert names(policy) == ["reads"]
        assert await texts(ledger) == [FIRST, SECOND, FIRST]


async def test_an_old_file_stays_out_of_force_where_another_replica_serves_on(postgres_url):
    async with replica(postgres_url, File(FIRST), "a") as (one, _):
        await one._activate(compile_policy(SECOND))
        async with replica(postgres_url, File(FIRST), "b") as (other, ledger):
            for _ in range(2 * UNSEEN_SECONDS):
                await other.look()
            ledger.others = _nobody  # the other goes away later: that changes nothing
            await other.look()

            assert names(other) == ["nothing"]
            assert await texts(ledger) == [FIRST, SECOND]


async def test_whoever_starts_again_at_once_with_an_old_file_means_it(postgres_url):
    for text in (FIRST, SECOND):
        async with replica(postgres_url, File(text), "a"):
            pass
    async with replica(postgres_url, File(FIRST), "b") as (policy, _):
        assert names(policy) == ["reads"]


async def test_a_file_that_lags_behind_does_not_take_back_what_is_newer(ledger_url):
    ahead, behind = File(FIRST), File(FIRST)
    async with (
        replica(ledger_url, ahead, "a") as (one, ledger),
        replica(ledger_url, behind, "b") as (other, _),
    ):
        for text in (SECOND, THIRD):
            ahead.text = text
            await one.look()
        await other.again()
        behind.text = SECOND
        await other.look()
        before = await texts(ledger)
        behind.text = THIRD
        await other.look()
        await one.look()

        assert before == [FIRST, SECOND, THIRD]
        assert await texts(ledger) == before


async def test_the_replica_that_is_not_behind_can_go_back_to_an_older_policy(ledger_url):
    file = File(FIRST)
    async with (
        replica(ledger_url, file, "a") as (one, ledger),
        replica(ledger_url, File(FIRST), "b") as (other, _),
    ):
        for text in (SECOND, FIRST):
            file.text = text
            await one.look()
        await other.again()
        await other.look()

        assert names(other) == ["reads"]
        assert await texts(ledger) == [FIRST, SECOND, FIRST]


async def test_two_files_that_change_apart_are_each_put_in_force_once(ledger_url):
    here, there = File(FIRST), File(FIRST)
    async with (
        replica(ledger_url, here, "a") as (one, ledger),
        replica(ledger_url, there, "b") as (other, _),
    ):
        here.text, there.text = SECOND, THIRD
        for policy in (one, other, one, other, one, other):
            await policy.look()
            await policy.again()

        assert await texts(ledger) == [FIRST, SECOND, THIRD]


async def test_replicas_that_change_at_once_agree(postgres_url):
    here, there = File(FIRST), File(FIRST)
    async with (
        replica(postgres_url, here, "a") as (one, ledger),
        replica(postgres_url, there, "b") as (other, _),
    ):
        here.text, there.text = SECOND, THIRD
        await asyncio.gather(one.look(), other.look())
        await asyncio.gather(one.again(), other.again())

        assert names(one) == names(other)
        assert len(await texts(ledger)) == 3
