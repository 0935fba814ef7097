"""Two replicas on PostgreSQL: one posts, either hears a click, both know the same."""

from dataclasses import replace

import acme
from office import BOB, open_office

from ledger.ledger import Ledger
from ledger.lives.approvals import ApprovalStatus

CALLS = 6


async def test_cards_are_posted_once_and_clicks_count_wherever_they_arrive(postgres_url) -> None:
    async with open_office(postgres_url) as office:
        await office.listening()
        beside = Ledger.open(
            postgres_url,
            now=office.clock.now,
            monotonic=office.clock.seconds,
            directory=acme.DIRECTORY,
        )
        replica = replace(office, ledger=beside, bot=None, points=[])
        await replica.start_bot()
        try:
            await office.local.wait_until_connected(2)
            approvals = [await office.ask(f"call_{n}") for n in range(CALLS)]
            for approval in approvals:
                await office.click(BOB, approval, "approve")

            for approval in approvals:
                await office.becomes(approval, ApprovalStatus.APPROVED)
                await office.card(approval, "Approved: files")
                assert len(await office.cards(approval)) == 1
            assert office.points.count("vote-recorded") == CALLS / 2
            assert replica.points.count("vote-recorded") == CALLS / 2
        finally:
            await replica.stop_bot()
            beside.close()
