"""Many questions of one agent share cards, and each is still decided for itself."""

import json

import acme
import pytest
from approvals_given import NOON, requested
from hypothesis import given
from hypothesis import strategies as st
from office import BOB, CAT, EVE, OUT, PLATFORM, shown, until_async
from slack_limits import check_message, check_view

from bot.channels.summaries import Summaries
from bot.drawing.summary_cards import (
    APPROVE_SELECTED,
    DENY_SELECTED,
    OWN_CARD,
    SELECTED,
    selectable,
    summary_card,
)
from bot.drawing.summary_denials import Spread, deny_many_modal
from bot.slack.outbox import NotTaken
from ledger.lives.approvals import ApprovalStatus
from policies.configuration.settings import DENIALS
from policies.rules.decisions import Term
from policies.values.calls import Risk

FIRST, MANY = 2, 8
SPREAD = Spread(channel=PLATFORM, ts="1.000001", members=tuple(f"apr_{n}" for n in range(10)))


@pytest.fixture
async def office(closed_office):
    closed_office.group_after = FIRST
    await closed_office.listening()
    return closed_office


async def many(office, calls: int = MANY, **changes) -> list[str]:
    """Let an agent ask much at once, and return what shares a card once it stands there."""
    asked = [
        await office.ask(f"call_{n:02}", **{"arguments": f'{{"path":"/tmp/{n}"}}', **changes})
        for n in range(calls)
    ]
    await until_async(lambda: carded(office, asked))
    return [name for name in asked if (await office.approval(name)).cards[0].members]


async def carded(office, asked: list[str]) -> bool:
    return all([(await office.approval(name)).cards for name in asked])


async def summary(office, saying: str = "wait for approval"):
    return await office.local.wait_for_message(
        PLATFORM, lambda m: "calls of ci-bot" in shown(m) and saying in shown(m)
    )


async def approve(office, user: str, card, names: list[str]):
    boxes = [e for b in card["blocks"] for e in b.get("elements", []) if e.get("options")]
    values = {o["value"].split()[0]: o["value"] for o in boxes[0]["options"]}
    return await office.local.click(
        user,
        PLATFORM,
        card["ts"],
        APPROVE_SELECTED,
        values={SELECTED: [values[name] for name in names]},
    )


async def test_what_an_agent_asks_beyond_a_few_cards_shares_one(office) -> None:
    shared = await many(office)

    messages = await office.local.messages(PLATFORM)

    assert len(shared) == MANY - FIRST
    assert len(messages) == FIRST + 1
    card = await summary(office)
    check_message(card["blocks"])
    assert all(f"/tmp/{name[-1]}" in shown(card) for name in shared)  # noqa: S108 (a name)
    members = {(await office.approval(name)).cards[0].members for name in shared}
    assert members == {tuple(shared)}


async def test_a_question_beside_which_none_is_asked_gets_a_card_of_its_own(office) -> None:
    await many(office, FIRST)

    alone = await office.ask("call_alone")
    await until_async(lambda: carded(office, [alone]))

    (card,) = (await office.approval(alone)).cards
    assert card.members == ()
    assert "Approve once" in shown(await office.card(alone))


class Known:
    """Knows approvals, and no card but those it was told of."""

    def __init__(self, *approvals) -> None:
        self.approvals = {one.id: one for one in approvals}

    async def approval(self, name):
        return self.approvals[name]

    async def turned_up(self, _approval, _team):
        return False


async def test_the_longer_an_agent_goes_on_asking_the_longer_its_questions_are_gathered() -> None:
    asked = [requested(approval=f"apr_{n}") for n in range(5)]
    known, clock = Known(*asked), [1_000.0]
    summaries = Summaries(None, known, known, print, lambda: clock[0], after=1)
    team = acme.DIRECTORY.teams["platform"]
    waited = []

    for one in asked:
        with pytest.raises(NotTaken) as gathering:
            await summaries.post(one, team)
        waited.append(gathering.value.wait)
        clock[0] += gathering.value.wait
        assert not await summaries.post(one, team)
        clock[0] += 60.0 if one is asked[3] else 0.0

    assert waited == [2.0, 4.0, 8.0, 8.0, 2.0]


async def test_cards_from_before_a_restart_count_among_the_first(office) -> None:
    for n in range(FIRST):
        await office.told_card(await office.ask(f"call_{n}"))
    await office.stop_bot()

    await office.listening()
    later = [await office.ask(f"call_{n}") for n in range(FIRST, FIRST + 2)]
    await until_async(lambda: carded(office, later))

    for name in later:
        assert (await office.approval(name)).cards[0].members == tuple(later)


async def test_cards_from_before_a_restart_count_once_each(office) -> None:
    for n in range(FIRST - 1):
        await office.told_card(await office.ask(f"call_{n}"))
    await office.stop_bot()

    await office.listening()
    names = [await office.ask(f"call_later_{n}") for n in range(3)]
    await until_async(lambda: carded(office, names))

    alone = [name for name in names if not (await office.approval(name)).cards[0].members]
    assert len(alone) == 1


async def test_each_tick_is_a_vote_of_its_own_and_the_rest_waits(office) -> None:
    shared = await many(office)
    card = await summary(office)

    await approve(office, BOB, card, shared[:2])

    await office.told(BOB, "2 of 2 votes count.")
    for name in shared[:2]:
        decided = await office.becomes(name, ApprovalStatus.APPROVED)
        assert [vote.person for vote in decided.votes] == ["bob"]
        assert decided.votes[0].evidence is not None
    for name in shared[2:]:
        assert (await office.approval(name)).status is ApprovalStatus.PENDING
    await summary(office, f"{len(shared) - 2} of {len(shared)} calls")


async def test_the_card_shows_each_end_and_its_thread_tells_which_call_it_was(office) -> None:
    shared = await many(office)
    card = await summary(office)
    await approve(office, BOB, card, shared[:1])
    await office.becomes(shared[0], ApprovalStatus.APPROVED)

    await office.run(shared[0], f"call_{shared[0][-2:]}")

    await summary(office, "Completed")
    told = await office.local.wait_for_message(
        PLATFORM, lambda m: m.get("thread_ts") == card["ts"] and "after 812 ms" in shown(m)
    )
    assert shared[0] in shown(told)
    posted = [m for m in await office.local.messages(PLATFORM) if "thread_ts" not in m]
    assert len(posted) == FIRST + 1


async def test_an_outsider_ticks_in_vain_and_is_told_why_once(office) -> None:
    shared = await many(office)

    await approve(office, OUT, await summary(office), shared[:3])

    told = await office.told(OUT, "0 of 3 votes count.")
    assert shown(told).count("Not counted: You are not an approver") == 1
    for name in shared[:3]:
        assert "VoteRefused" in await office.topics(name)


async def test_any_question_gets_a_card_of_its_own_and_both_show_the_same(office) -> None:
    shared = await many(office)
    card = await summary(office)
    options = [e for b in card["blocks"] for e in b.get("elements", []) if e.get("placeholder")]
    (value,) = [o["value"] for o in options[0]["options"] if o["value"].startswith(shared[0])]

    await office.local.click(BOB, PLATFORM, card["ts"], OWN_CARD, values={OWN_CARD: value})
    own = await office.card(shared[0], "Approval needed: files")
    await office.local.click(BOB, PLATFORM, own["ts"], "approval.approve")

    await office.becomes(shared[0], ApprovalStatus.APPROVED)
    await office.card(shared[0], "Approved: files")
    await summary(office, f"{len(shared) - 1} of {len(shared)} calls")


async def test_an_outsider_opens_no_card_of_its_own(office) -> None:
    shared = await many(office)
    card = await summary(office)
    options = [e for b in card["blocks"] for e in b.get("elements", []) if e.get("placeholder")]
    value = options[0]["options"][0]["value"]

    await office.local.click(OUT, PLATFORM, card["ts"], OWN_CARD, values={OWN_CARD: value})

    await office.told(OUT, "Nothing changed. Only people of Placet's configuration")
    assert "CardWanted" not in await office.topics(shared[0])


async def test_a_grave_call_is_not_approved_beside_others_whatever_is_sent(office) -> None:
    shared = await many(office, assessment=acme.assessed(risk=Risk.DESTRUCTIVE))
    card = await summary(office)
    at = await office.ledger.now()

    (refused,) = await office.ledger.execute(
        acme.click(
            "bob",
            at,
            approval=shared[0],
            channel=PLATFORM,
            ts=card["ts"],
            members=tuple(shared),
        )
    )

    assert SELECTED not in json.dumps(card["blocks"])
    assert refused.event.because == "one-by-one"


async def test_what_is_ticked_is_denied_with_one_reason_that_each_call_is_told(office) -> None:
    shared = await many(office)
    card = await summary(office)

    opened = await deny(office, BOB, card, shared[:2])
    assert opened.error is None
    answer = await submit(office, BOB, {"reason": "not on a Friday"})

    assert answer.acknowledged
    await office.told(BOB, "2 of 2 votes count.")
    for name in shared[:2]:
        denied = await office.becomes(name, ApprovalStatus.DENIED)
        assert (denied.by, denied.reason) == (("bob",), "not on a Friday")
    for name in shared[2:]:
        assert (await office.approval(name)).status is ApprovalStatus.PENDING
    await summary(office, f"{len(shared) - 2} of {len(shared)} calls")


async def test_a_no_to_several_needs_calls_and_a_reason(office) -> None:
    shared = await many(office)
    await deny(office, BOB, await summary(office), shared[:1])

    unexplained = await submit(office, BOB, {})
    unchosen = await submit(office, BOB, {"chosen": [], "reason": "no"})

    assert unexplained.errors == {"reason": "Choose a reason or write a note, please."}
    assert unchosen.errors == {"chosen": "Please complete this required field."}
    assert (await office.approval(shared[0])).status is ApprovalStatus.PENDING


async def test_grave_calls_without_a_box_can_be_denied_together(office) -> None:
    shared = await many(office, assessment=acme.assessed(risk=Risk.DESTRUCTIVE))
    card = await summary(office)
    await office.local.click(BOB, PLATFORM, card["ts"], DENY_SELECTED)
    view = await office.local.wait_for_view(BOB)
    options = [e for b in view["blocks"] if (e := b.get("element", {})).get("options")]
    values = [each["value"] for each in options[0]["options"]]

    await submit(office, BOB, {"chosen": values, "preset": DENIALS[0]})

    for name in shared:
        await office.becomes(name, ApprovalStatus.DENIED)
    await summary(office, f"0 of {len(shared)} calls")


async def test_who_is_no_approver_denies_several_in_vain(office) -> None:
    shared = await many(office)
    await deny(office, EVE, await summary(office), shared[:2])

    await submit(office, EVE, {"reason": "no"})

    await office.told(EVE, "0 of 2 votes count.")
    for name in shared[:2]:
        assert "VoteRefused" in await office.topics(name)


async def test_an_outsider_is_asked_for_no_reason(office) -> None:
    shared = await many(office)

    await deny(office, OUT, await summary(office), shared[:2])

    await office.told(OUT, "Nothing was opened. Only people of Placet's configuration")
    assert await office.local.views(OUT) == []


async def test_a_freeze_is_said_at_each_question_and_goes_with_it(office) -> None:
    shared = await many(office)
    await summary(office)

    await office.local.command(CAT, PLATFORM, "/placet", "freeze agent ci-bot it deletes too much")
    frozen = await summary(office, "FROZEN: agent `ci-bot`")
    kept = (await office.approval(shared[0])).cards[0]
    await office.local.command(EVE, PLATFORM, "/placet", "unfreeze agent ci-bot")

    assert shown(frozen).count("FROZEN: agent `ci-bot`") == len(shared)
    check_message(frozen["blocks"])
    await until_async(lambda: _repainted_since(office, shared[0], kept))
    await office.local.wait_for_message(
        PLATFORM, lambda m: "calls of ci-bot" in shown(m) and "FROZEN" not in shown(m)
    )


async def test_what_changes_for_all_questions_of_a_card_is_painted_once(office) -> None:
    shared = await many(office)
    card = await summary(office)

    await office.local.command(CAT, PLATFORM, "/placet", "freeze agent ci-bot for 1h")
    await until_async(lambda: all_repainted(office, shared))

    updates = [r for r in await office.local.requests("chat.update") if is_of(r, card)]
    assert len(updates) == 1


async def all_repainted(office, names) -> bool:
    topics = [await office.topics(name) for name in names]
    return all("CardRepainted" in each for each in topics)


def is_of(request, card) -> bool:
    return request.arguments["ts"] == card["ts"]


async def _repainted_since(office, name, kept) -> bool:
    return (await office.approval(name)).cards[0] != kept


async def submit(office, user: str, values):
    view = await office.local.wait_for_view(user)
    return await office.local.submit_view(user, view["id"], values)


async def deny(office, user: str, card, names: list[str]):
    boxes = [e for b in card["blocks"] for e in b.get("elements", []) if e.get("options")]
    values = [o["value"] for o in boxes[0]["options"] if o["value"].split()[0] in names]
    return await office.local.click(
        user, PLATFORM, card["ts"], DENY_SELECTED, values={SELECTED: values}
    )


@given(
    st.lists(
        st.tuples(
            st.text(max_size=900),
            st.text(min_size=1, max_size=300),
            st.sampled_from(Risk),
            st.booleans(),
            st.text(max_size=300) | st.just("\n" * 200),
        ),
        min_size=1,
        max_size=10,
    )
)
def test_hostile_calls_fit_on_one_card_and_nothing_in_part_can_be_ticked(calls) -> None:
    approvals = [
        requested(
            approval=f"apr_{n}",
            arguments=json.dumps({"a": text}, ensure_ascii=True),
            tool=tool,
            risk=risk,
            reason_required=reason,
            terms=(Term("platform", 2),),
            expires_at=NOON,
        )
        for n, (text, tool, risk, reason, _) in enumerate(calls)
    ]

    frozen = {one.id: line for one, (*_, line) in zip(approvals, calls, strict=True)}

    card = summary_card(approvals, "platform", frozen)

    check_message(list(card.blocks))
    check_view(deny_many_modal(approvals, SPREAD, {f"{approvals[0].id} 1"}, ["x" * 90, "y"]))
    ticks = [o for b in card.blocks for e in b.get("elements", []) for o in e.get("options", ())]
    for approval, (_, _, risk, reason, _) in zip(approvals, calls, strict=True):
        if selectable(approval):
            assert risk in {Risk.READ, Risk.WRITE}
            assert not reason
    assert len(ticks) == len(approvals) + sum(map(selectable, approvals))
