"""The ledger is served where the clock here agrees with the one that counts there."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.shell import Misconfigured
from placet_ledger import served_ledger
from placet_service import Order
from placet_settings import Unsafe, load_to_serve

CONFIGURATION = """\
version: 1
policy: policy.yaml
ledger: {url: "URL", digest_key: "a-digest-key-of-forty-characters-or-more"}
listen: {agents: "127.0.0.1:8787", operations: "127.0.0.1:8789"}
people: {alice: {slack: T0ACME/U0ALICE}, bob: {slack: T0ACME/U0BOB}}
teams: {platform: {channel: C0PLATFORM, approvers: [bob]}}
servers: {files: {command: [cat], team: platform}}
agents: {ci-bot: {team: platform, owner: alice, key: "ci-bot-key-0123456789-0123456789"}}
slack: {mode: socket, bot_token: xoxb-example, app_token: xapp-example}
"""


def clock():
    return datetime.now(UTC)  # noqa: TID251 (the test is a root of its own)


@pytest.fixture
def order(tmp_path, postgres_url):
    config = tmp_path / "placet.yaml"
    config.write_text(CONFIGURATION.replace("URL", postgres_url))
    (tmp_path / "policy.yaml").write_text("version: 1\n")
    loaded = load_to_serve(config, unsafe=Unsafe(), environment={})
    return Order(loaded, config, Unsafe(), {})


async def test_it_is_open_where_the_clocks_agree(order):
    ledger = await served_ledger(order, clock)
    try:
        assert ledger.ready() == []
    finally:
        ledger.close()


@pytest.mark.parametrize(
    ("apart", "said"), [(3600, "3600 s ahead of"), (-90, "90 s behind")], ids=["ahead", "behind"]
)
async def test_it_is_not_served_where_the_clocks_are_apart(order, apart, said):
    def wrong():
        return clock() + timedelta(seconds=apart)

    with pytest.raises(Misconfigured, match=f"the clock here is {said} the database's"):
        await served_ledger(order, wrong)
