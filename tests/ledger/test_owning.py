"""Who gives grants to tools that the policy says another team owns than their server's."""

from datetime import timedelta

from acme import DIRECTORY, GUARDED, Book, after, ask, assessed, evidence, grant

from ledger.events.standing_events import GrantIssued, GrantRefused
from ledger.lives.grant_requests import RequestGrant
from ledger.lives.grants import IssueGrant
from policies.rules.decisions import Effect, Term


def given(command: IssueGrant) -> GrantIssued | GrantRefused:
    """Return what comes of a grant where security owns the tools that write files."""
    book = Book()
    book.do(GUARDED)
    (event,) = book.do(command)
    assert isinstance(event, GrantIssued | GrantRefused)
    return event


def test_an_approver_of_the_owning_team_gives_a_grant_which_lifts() -> None:
    book = Book()
    book.do(GUARDED)
    (issued,) = book.do(grant("eve"))
    wanted = assessed(terms=(Term("security", 1),), policy_digest=GUARDED.digest)
    decided = book.do(ask("call_1", wanted), after(1))[0]

    assert isinstance(issued, GrantIssued)
    assert issued.teams == ("security",)
    assert (decided.effect, decided.grant) == (Effect.ALLOW, "grt_1")


def test_an_approver_of_the_servers_team_alone_gives_none_that_would_lift_nothing() -> None:
    refused = given(grant("bob"))

    assert isinstance(refused, GrantRefused)
    assert refused.because == "not-an-approver"
    assert "security" in refused.message


def test_what_several_teams_own_takes_an_approver_of_all() -> None:
    refused, issued = given(grant("eve", target="files/*")), given(grant("cat", target="files/*"))

    assert isinstance(refused, GrantRefused)
    assert "`platform`" in refused.message
    assert isinstance(issued, GrantIssued)
    assert issued.teams == ("platform", "security")


def test_the_shell_speaks_for_the_owning_team() -> None:
    issued = given(grant(None))

    assert isinstance(issued, GrantIssued)
    assert issued.teams == ("security",)


def test_the_owning_team_is_asked_for_a_grant() -> None:
    book = Book()
    book.do(GUARDED)

    (asked,) = book.do(
        RequestGrant(
            id="request-1",
            actor="person:alice",
            request="grq_1",
            agent="ci-bot",
            target="files/write_file",
            lasting=timedelta(hours=1),
            longest=timedelta(hours=8),
            evidence=evidence("alice"),
        )
    )

    assert asked.teams == ("security",)
    assert DIRECTORY.owners == ()
