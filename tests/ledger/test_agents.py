"""Agents that the ledger makes, and what ends with them."""

from dataclasses import replace

import pytest
from acme import ADD_MOLE, Book, after, ask, assessed, card, click, evidence, grant, use

from ledger.agents import AddAgent, RevokeAgent
from ledger.approvals import ApprovalStatus
from ledger.grants import GrantStatus
from policies.decisions import Effect
from policies.refusals import Refused

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
