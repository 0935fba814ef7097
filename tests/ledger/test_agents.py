"""Agents that the ledger makes, and what ends with them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from acme import (
    ADD_MOLE,
    DIRECTORY,
    Book,
    after,
    ask,
    assessed,
    card,
    click,
    evidence,
    grant,
    use,
)

from ledger.deciding.deciding import decide
from ledger.events.standing_events import AgentKeyRotated
from ledger.lives.agents import AddAgent, RevokeAgent, RotateAgentKey
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.grants import GrantStatus
from policies.people.people import Agent, Person
from policies.rules.decisions import Effect
from policies.values.refusals import Refused

OLD, NEW, NEWEST = "ab" * 32, "cd" * 32, "ef" * 32
ROTATE_MOLE = RotateAgentKey(
    id="rotate-mole",
    actor="shell:root",
    agent="mole",
    key_sha256=NEW,
    grace=timedelta(minutes=10),
)
REVOKE_MOLE = RevokeAgent(id="revoke-mole", actor="shell:root", agent="mole", because="left")


def with_mole() -> Book:
    book = Book()
    book.do(ADD_MOLE)
    return book


def mole(book: Book) -> object:
    return book.state.agent("mole")


def test_an_added_agent_may_call_with_its_team_and_owner() -> None:
    book = with_mole()

    caller = book.state.agent("mole")

    assert caller is not None
    assert (caller.name, caller.team, caller.owner) == ("mole", "platform", "alice")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"agent": "ci-bot"}, "`ci-bot` is in the configuration"),
        ({"team": "sales"}, "there is no team `sales`"),
        ({"owner": "mallory"}, "there is no person `mallory`"),
    ],
)
def test_an_agent_needs_a_free_name_a_team_and_an_owner(
    changes: dict[str, object], words: str
) -> None:
    command = replace(ADD_MOLE, id="other", **changes)

    with pytest.raises(Refused, match=words):
        Book().do(command)


def test_an_owner_without_a_slack_id_is_refused_where_a_user_group_approves() -> None:
    people = {**DIRECTORY.people, "sam": Person("sam")}
    teams = {name: replace(team, groups=()) for name, team in DIRECTORY.teams.items()}
    sams = replace(ADD_MOLE, owner="sam")

    with pytest.raises(Refused, match="`sam` has no Slack id and might be in the group of team"):
        Book(replace(DIRECTORY, people=people)).do(sams)
    assert Book(replace(DIRECTORY, people=people, teams=teams)).do(sams)[0].TOPIC == "AgentAdded"


def test_a_name_is_given_once() -> None:
    book = with_mole()

    with pytest.raises(Refused, match="`mole` is already live"):
        book.do(replace(ADD_MOLE, id="again"))


def test_a_revoked_agent_is_no_caller_and_its_name_is_not_given_again() -> None:
    book = with_mole()
    book.do(REVOKE_MOLE)

    assert mole(book) is None
    assert mole(book.restarted()) is None
    with pytest.raises(Refused, match="`mole` is already revoked"):
        book.restarted().do(replace(ADD_MOLE, id="again"))


def test_a_call_of_a_revoked_agent_is_refused() -> None:
    book = with_mole()
    book.do(REVOKE_MOLE)

    with pytest.raises(Refused, match="was revoked"):
        book.do(ask(assessment=assessed(Effect.ALLOW, agent="mole"), agent=caller()))


def caller() -> object:
    return with_mole().state.agent("mole")


def test_revoking_an_agent_cancels_what_it_asked_for() -> None:
    book = with_mole()
    book.do(ask(agent=caller()))
    book.do(card())

    events = book.do(REVOKE_MOLE)

    assert [event.TOPIC for event in events] == ["AgentRevoked", "ApprovalCancelled"]
    assert book.approval().status is ApprovalStatus.CANCELLED
    assert book.approval().reason == "agent `mole` was revoked"


def test_a_vote_on_a_cancelled_approval_is_told_so() -> None:
    book = with_mole()
    book.do(ask(agent=caller()))
    book.do(REVOKE_MOLE)

    refused = book.do(click("bob", evidence=evidence("bob")))[-1]

    assert refused.TOPIC == "VoteRefused"
    assert "already cancelled: agent `mole` was revoked" in refused.model_dump_json()


def test_revoking_an_agent_voids_what_it_was_given_and_it_cannot_be_used() -> None:
    book = with_mole()
    book.do(ask(agent=caller()))
    book.do(click("bob"))

    events = book.do(REVOKE_MOLE)

    assert [event.TOPIC for event in events] == ["AgentRevoked", "ApprovalVoided"]
    with pytest.raises(Refused, match="is voided"):
        book.do(use(agent=caller()))


def test_revoking_an_agent_ends_its_grants_and_nobody_elses() -> None:
    book = with_mole()
    book.do(grant(agent="mole"))
    book.do(replace(grant("cat"), grant="grt_2"))

    book.do(REVOKE_MOLE, after(1))

    moles, bots = book.state.grant("grt_1"), book.state.grant("grt_2")
    assert moles is not None
    assert bots is not None
    assert (moles.status, bots.status) == (GrantStatus.REVOKED, GrantStatus.LIVE)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ci-bot", "`ci-bot` is in the configuration; remove it there"),
        ("nobody", "there is no agent `nobody`"),
    ],
)
def test_only_an_agent_of_the_ledger_is_revoked(name: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        Book().do(replace(REVOKE_MOLE, agent=name))


def test_an_agent_is_revoked_once() -> None:
    book = with_mole()
    book.do(REVOKE_MOLE)

    with pytest.raises(Refused, match="already revoked"):
        book.do(replace(REVOKE_MOLE, id="again"))


def test_only_the_hash_of_the_key_is_kept() -> None:
    assert set(AddAgent.__dataclass_fields__) == {
        "id",
        "actor",
        "causation_id",
        "agent",
        "team",
        "owner",
        "key_sha256",
    }


def with_key(key: str) -> Agent:
    return Agent("mole", "platform", "alice", key=key)


def may_call(book: Book, key: str, seconds: float) -> bool:
    call = ask(assessment=assessed(Effect.ALLOW, agent="mole"), agent=with_key(key))
    try:
        decide(call, book.state, after(seconds))
    except Refused:
        return False
    return True


def test_a_replaced_key_is_good_until_its_grace_ends_to_the_microsecond() -> None:
    book = with_mole()

    (rotated,) = book.do(ROTATE_MOLE)

    assert rotated == AgentKeyRotated(
        agent="mole", key_sha256=NEW, previous_sha256=OLD, previous_until=after(600)
    )
    for known in (book, book.restarted()):
        assert may_call(known, OLD, 599.999999)
        assert not may_call(known, OLD, 600)
        assert may_call(known, NEW, 600)


def test_a_key_that_is_replaced_without_grace_is_good_no_more() -> None:
    book = with_mole()

    (rotated,) = book.do(replace(ROTATE_MOLE, grace=timedelta(0)))

    assert rotated == AgentKeyRotated(
        agent="mole", key_sha256=NEW, previous_sha256=OLD, previous_until=None
    )
    assert not may_call(book, OLD, 0)
    assert may_call(book, NEW, 0)


def test_of_the_keys_that_were_replaced_only_the_last_has_a_grace() -> None:
    book = with_mole()
    book.do(ROTATE_MOLE)

    book.do(replace(ROTATE_MOLE, id="again", key_sha256=NEWEST), after(1))

    assert [may_call(book, key, 2) for key in (OLD, NEW, NEWEST)] == [False, True, True]


def test_no_key_of_a_revoked_agent_is_good() -> None:
    book = with_mole()
    book.do(ROTATE_MOLE)

    book.do(REVOKE_MOLE, after(1))

    assert [may_call(book, key, 2) for key in (OLD, NEW)] == [False, False]


def test_an_approval_is_not_used_with_a_token_that_ended_meanwhile() -> None:
    bot = DIRECTORY.agents["ci-bot"]
    ended, lasting = replace(bot, until=after(60)), replace(bot, until=after(600))
    book = Book()
    book.do(ask(agent=ended), after(1))
    book.do(click("bob", after(1)), after(1))

    with pytest.raises(Refused, match="the token of agent `ci-bot` has ended; call again with"):
        book.do(use(agent=ended), after(60))
    with pytest.raises(Refused, match="has ended"):
        book.do(ask("call_2", agent=ended), after(60))

    assert book.do(ask("call_3", agent=lasting), after(60))[-1].TOPIC == "ApprovalDispatched"


def test_an_approval_is_not_used_with_a_key_that_was_replaced_meanwhile() -> None:
    book = with_mole()
    book.do(ask(agent=with_key(OLD)))
    book.do(card())
    book.do(click("bob"))
    book.do(replace(ROTATE_MOLE, grace=timedelta(0)))

    with pytest.raises(Refused, match="`mole` has another key now; call again with that one"):
        book.do(use(agent=with_key(OLD)))
    (used,) = book.do(use(agent=with_key(NEW)))

    assert used.TOPIC == "ApprovalDispatched"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"agent": "ci-bot"}, "`ci-bot` is in the configuration; change its key there"),
        ({"agent": "nobody"}, "there is no agent `nobody`"),
        ({"grace": timedelta(days=31)}, "a key stays good for 30d at most"),
        ({"grace": timedelta(seconds=-1)}, "a key stays good for 30d at most"),
    ],
)
def test_only_a_key_of_a_ledger_agent_is_replaced_and_only_for_so_long(
    changes: dict[str, object], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        with_mole().do(replace(ROTATE_MOLE, **changes))


def test_the_key_of_a_revoked_agent_is_not_replaced() -> None:
    book = with_mole()
    book.do(REVOKE_MOLE)

    with pytest.raises(Refused, match="already revoked"):
        book.do(ROTATE_MOLE)


def test_an_agent_that_the_configuration_has_as_well_can_still_be_revoked_in_the_ledger() -> None:
    book = with_mole()
    taken = replace(DIRECTORY, agents={**DIRECTORY.agents, "mole": with_key(OLD)})

    events = book.restarted(taken).do(REVOKE_MOLE)

    assert [event.TOPIC for event in events] == ["AgentRevoked"]


def test_an_agent_whose_key_was_never_replaced_is_kept_as_it_always_was() -> None:
    known = with_mole().state.ledger_agent("mole")

    assert known is not None
    assert set(known.model_dump()) == {
        *("id", "version", "position"),
        *("status", "team", "owner", "key_sha256", "added_at"),
    }


def test_a_grant_lifts_no_call_on_behalf_of_the_one_who_gave_it() -> None:
    book = Book()
    book.do(grant("bob"))
    for_bob = Agent("ci-bot", "platform", "alice", on_behalf_of="bob")
    for_cat = Agent("ci-bot", "platform", "alice", on_behalf_of="cat")

    own = book.do(ask("call_1", agent=for_bob, digests=("k1:" + "d1" * 32,)))
    other = book.do(ask("call_2", agent=for_cat, digests=("k1:" + "d2" * 32,)))

    assert [event.TOPIC for event in own] == ["CallDecided", "ApprovalRequested"]
    assert [event.TOPIC for event in other] == ["CallDecided", "GrantUsed"]
