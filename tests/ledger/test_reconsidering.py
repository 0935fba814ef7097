"""An open approval is looked at again as soon as another policy is in force."""

import pytest
from acme import DIRECTORY, Book, after, ask, assessed, card, click
from open_ledgers import open_ledger, prepare

from ledger.deciding.reconsidering import RUNS_NOW, ReconsiderApproval
from ledger.lives.approvals import ApprovalStatus
from ledger.lives.policy_in_force import ActivatePolicy
from ledger.watching.held_approvals import HeldApprovals
from policies.rules.decisions import Effect, Spoke, Term
from policies.rules.policy import compile_policy

NEW = "6e" * 32


def again(effect, *, effects=None, whole=True, **changes):
    """Return the command that looks at `apr_1` under the new policy."""
    return ReconsiderApproval(
        id="again",
        actor="placet:policy",
        approval="apr_1",
        assessment=assessed(effect, policy_digest=NEW, **changes),
        effects=frozenset(effects or {effect}),
        whole=whole,
    )


def asked(*, approved=False):
    """Return a ledger in which a call waits for people, and another policy is in force."""
    book = Book()
    book.do(ask())
    if approved:
        book.do(card())
        book.do(click("bob"))
    book.do(ActivatePolicy(id="new", actor="placet:policy", digest=NEW, text="", source="p"))
    return book


def told(events):
    """Return the name and the reason of the one event."""
    (event,) = events
    return event.TOPIC, event.because


@pytest.mark.parametrize(
    ("approved", "topic"), [(False, "ApprovalCancelled"), (True, "ApprovalVoided")]
)
def test_what_is_denied_now_ends_at_once(approved, topic):
    spoke = (Spoke("no-writes", "/rules/0", Effect.DENY, "it has no condition"),)

    events = asked(approved=approved).do(again(Effect.DENY, spoke=spoke))

    assert told(events) == (topic, "denied by rule `no-writes` of the policy in force now")


def test_a_question_that_nobody_has_to_answer_falls_away():
    assert told(asked().do(again(Effect.ALLOW))) == ("ApprovalCancelled", RUNS_NOW)


def test_a_yes_that_was_given_stays_where_none_is_needed_any_more():
    assert asked(approved=True).do(again(Effect.ALLOW)) == []


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"terms": (Term("security", 1),)}, "the policy asks for other approvals now"),
        ({"terms": (Term("platform", 2),)}, "the policy asks for other approvals now"),
        ({"reason_required": True}, "the policy asks for a reason now"),
    ],
)
def test_a_question_to_the_wrong_people_is_void(changes, because):
    events = asked().do(again(Effect.REQUIRE_APPROVAL, **changes))

    assert told(events) == ("ApprovalVoided", because)


def test_a_question_that_is_still_the_right_one_stays():
    assert asked().do(again(Effect.REQUIRE_APPROVAL)) == []


@pytest.mark.parametrize("effect", [Effect.ALLOW, Effect.REQUIRE_APPROVAL])
def test_what_cannot_be_told_by_what_is_kept_stays_as_it_is(effect):
    doubtful = again(
        effect, effects={effect, Effect.DENY}, whole=False, terms=(Term("security", 1),)
    )

    assert asked().do(doubtful) == []


def test_an_approval_whose_time_is_over_expires_and_nothing_else():
    events = asked().do(again(Effect.DENY), after(31 * 60))

    assert [event.TOPIC for event in events] == ["ApprovalExpired"]


def test_another_policy_in_force_is_waited_for():
    book = asked()
    book.do(ActivatePolicy(id="newer", actor="placet:policy", digest="7f" * 32, text="", source=""))

    assert book.do(again(Effect.DENY)) == []


async def test_every_open_approval_is_looked_at_with_what_is_kept_of_its_call(ledger_url):
    text = """\
version: 1
rules:
  - {name: motd, when: args.path == "/etc/motd", effect: deny}
  - {name: others, match: {agent: helper}, effect: allow}
"""
    policy = compile_policy(text)
    with open_ledger(ledger_url) as ledger:
        await prepare(ledger)
        await ledger.execute(ask("call_1"))
        await ledger.execute(
            ask(
                "call_2",
                agent=DIRECTORY.agents["helper"],
                digests=("k1:2",),
                arguments='{"path":"/tmp/x"}',
            )
        )
        await ledger.execute(ask("call_3", digests=("k1:3",), arguments='{"path":"/tmp/y"}'))
        held = HeldApprovals(ledger, lambda: policy, DIRECTORY, frozenset())
        held.start()
        await ledger.execute(
            ActivatePolicy(
                id="new", actor="placet:policy", digest=policy.digest, text=text, source="p"
            )
        )
        await held.look()
        await held.look()
        found = {each.id: each for each in await ledger.approvals()}
        await held.stop()

    assert found["apr_1"].status is ApprovalStatus.CANCELLED
    assert found["apr_1"].reason == "denied by rule `motd` of the policy in force now"
    assert (found["apr_2"].status, found["apr_2"].reason) == (ApprovalStatus.CANCELLED, RUNS_NOW)
    assert found["apr_3"].status is ApprovalStatus.PENDING


async def test_a_hidden_value_leaves_the_approval_to_the_look_before_it_runs(sqlite_url):
    policy = compile_policy(
        'version: 1\nrules: [{name: tokens, when: args.token == "x", effect: deny}]\n'
    )
    with open_ledger(sqlite_url) as ledger:
        await prepare(ledger)
        await ledger.execute(ask("call_1", arguments='{"token":"[hidden]"}', hidden=1))
        held = HeldApprovals(ledger, lambda: policy, DIRECTORY, frozenset())
        await ledger.execute(
            ActivatePolicy(
                id="new", actor="placet:policy", digest=policy.digest, text=policy.text, source="p"
            )
        )
        await held.look()
        (found,) = await ledger.approvals()

    assert found.status is ApprovalStatus.PENDING
