"""Another policy is in force on every replica at once, and what waits for people hears of it."""

import pytest
from scenarios.stage import POLICY, stage, until

pytestmark = pytest.mark.timeout(180)

WRITE = {"path": "a.txt", "text": "hello"}
DENYING = POLICY.replace(
    "redact:", "  - {name: no-writes, match: {tool: write_file}, effect: deny}\nredact:"
)
ALLOWING = DENYING.replace("effect: deny}\nredact:", "effect: allow}\nredact:")


async def test_a_change_reaches_every_replica_and_ends_what_waits(tmp_path, postgres_url):
    async with stage(tmp_path, postgres_url, hold="0s") as staged:
        one, other = await staged.serve("one"), await staged.serve("other")
        waiting = await one.call("write_file", WRITE)
        await staged.card()

        (staged.folder / "policy.yaml").write_text(DENYING)
        await staged.card_saying("denied by rule `no-writes` of the policy in force now")
        denied = [await each.call("write_file", WRITE) for each in (one, other)]

        (staged.folder / "policy.yaml").write_text(ALLOWING)

        async def runs():
            result = await other.call("write_file", WRITE)
            return result["content"][0]["text"].startswith("done: write_file")

        await until(runs)
        _, told, _ = await staged.run("audit", "log")

    assert waiting["_meta"]["placet/decision"]["status"] == "pending"
    assert [each["_meta"]["placet/decision"]["status"] for each in denied] == [
        "denied_by_policy",
        "denied_by_policy",
    ]
    assert 'rule no-writes, effect: "deny" became "allow"' in told
