"""What is frozen is shown to operators, from any process and after a restart."""

from acme import NOON
from office import until
from open_ledgers import open_ledger
from prometheus_client import CollectorRegistry

from ledger.lives.freezes import BeginFreeze, EndFreeze
from ledger.watching.freeze_watch import FreezeWatch
from policies.deciding.freezes import Frozen


def begin(name: str) -> BeginFreeze:
    return BeginFreeze(
        id=f"begin-{name}", actor="shell:ops", freeze=name, over=Frozen.SERVER, name="files"
    )


async def test_freezes_are_told_and_counted_until_they_are_lifted(sqlite_url) -> None:
    registry = CollectorRegistry()
    with open_ledger(sqlite_url) as ledger:
        await ledger.execute(begin("frz_1"))
        async with FreezeWatch(ledger, registry, lambda: NOON) as watch:
            await ledger.execute(begin("frz_2"))

            await until(lambda: len(watch.told()) == 2)
            assert all(told.startswith("server `files` was frozen by") for told in watch.told())
            assert registry.get_sample_value("placet_freezes", {"over": "server"}) == 2

            for name in ("frz_1", "frz_2"):
                lift = EndFreeze(id=f"end-{name}", actor="shell:root", freeze=name)
                await ledger.execute(lift)
            await until(lambda: watch.told() == [])
            assert registry.get_sample_value("placet_freezes", {"over": "server"}) == 0
