"""What a running Placet measures is what the documents say it measures, and true."""

import re

import pytest
from scenarios.documents import ROOT
from scenarios.stage import BOB, stage, until

pytestmark = pytest.mark.timeout(180)

OF_THE_PROCESS = ("process_", "python_gc_")


@pytest.fixture
async def staged(tmp_path, sqlite_url):
    async with stage(tmp_path, sqlite_url) as opened:
        yield opened


async def measured(replica):
    async with replica.stage.http.get(f"http://{replica.operations}/metrics") as answer:
        return await answer.text()


def samples(text):
    """Return the samples that are no buckets, as name with labels to value."""
    lines = [
        line for line in text.splitlines() if line and line[0] != "#" and "_bucket" not in line
    ]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def documented():
    """Return the metrics of the documents' table: name, labels, kind."""
    text = (ROOT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\| `(placet_\w+)(?:\{([\w,]+)\})?` \| (\w+) \| \S", text, re.MULTILINE)
    return {name: (set(filter(None, labels.split(","))), kind) for name, labels, kind in rows}


async def test_every_metric_is_documented_and_every_documented_metric_is_there(staged):
    replica = await staged.serve()

    text = await measured(replica)

    kinds = dict(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.MULTILINE))
    ours = {name: kind for name, kind in kinds.items() if not name.startswith(OF_THE_PROCESS)}
    assert ours == {name: kind for name, (_, kind) in documented().items()}
    helps = dict(re.findall(r"^# HELP (\S+) (.+)$", text, re.MULTILINE))
    assert helps.keys() == kinds.keys()
    assert all("Seconds" in helps[name] for name in ours if name.endswith("_seconds"))


async def test_every_label_is_documented(staged):
    replica = await staged.serve()
    await replica.call("read_file", {"path": "a.txt"})
    await replica.call("write_file", {"path": "a.txt"})
    await replica.post(b"{", key="wrong-key-0123456789-0123456789-0123456789")

    text = await measured(replica)

    table = documented()
    for name, labels in re.findall(r"^(placet_\w+)\{([^}]*)\}", text, re.MULTILINE):
        family = re.sub(r"_(bucket|count|sum)$", "", name)
        used = set(re.findall(r'(\w+)="', labels)) - {"le"}
        assert used == table.get(name, table.get(family))[0], name


async def test_what_happened_is_what_is_measured(staged):
    replica = await staged.serve()
    await replica.call("read_file", {"path": "a.txt"})
    await replica.call("drop_table", {"table": "users"})
    await replica.call("write_file", {"path": "a.txt"})
    before = samples(await measured(replica))
    await staged.press(BOB, "approval.approve")
    await replica.call("write_file", {"path": "a.txt"})
    await replica.post(b"{}", key="wrong-key-0123456789-0123456789-0123456789")

    async def ended():
        return samples(await measured(replica))['placet_outcomes_total{outcome="ok"}'] == 2

    await until(ended)
    after = samples(await measured(replica))

    assert before['placet_pending_approvals{server="files"}'] == 1
    assert before["placet_oldest_pending_seconds"] > 0
    assert after['placet_pending_approvals{server="files"}'] == 0
    assert after['placet_calls_total{effect="allow",server="files"}'] == 2
    assert after['placet_calls_total{effect="deny",server="files"}'] == 1
    assert after['placet_calls_total{effect="require_approval",server="files"}'] == 1
    assert after["placet_human_decision_seconds_count"] == 1
    assert after['placet_votes_total{vote="yes"}'] == 1
    assert after['placet_approvals_total{ending="approved"}'] == 1
    assert after['placet_cards_total{result="posted"}'] == 1
    assert after['placet_slack_requests_total{method="chat.postMessage"}'] >= 1
    assert after['placet_server_seconds_count{server="files"}'] == 2
    assert after['placet_server_up{server="files"}'] == 1
    assert after['placet_bad_keys_total{shown="key"}'] == 1
    assert after['placet_refused_requests_total{code="-31001"}'] == 1
    assert after["placet_ledger_append_seconds_count"] > 0
    assert after["placet_ledger_writable"] == 1
    assert after["placet_running_calls"] == after["placet_held_calls"] == 0


async def test_pending_approvals_are_those_of_the_ledger_after_a_restart(staged):
    replica = await staged.serve()
    await replica.call("write_file", {"path": "a.txt"})
    await replica.kill()

    again = await staged.serve("again")

    assert samples(await measured(again))['placet_pending_approvals{server="files"}'] == 1


async def test_the_log_tells_of_an_approval_from_request_to_use_and_of_the_shell(staged):
    replica = await staged.serve()
    await replica.call("write_file", {"path": "a.txt"})
    await staged.press(BOB, "approval.approve")
    await replica.call("write_file", {"path": "a.txt"})
    granted = ("grant", "issue", "ci-bot", "files/write_*", "--for", "1h", "--because", "moving")
    code, _, errors = await staged.run(*granted)
    assert code == 0, errors

    async def told():
        return '"event": "GrantIssued"' in replica.log.read_text()

    await until(told)
    log = replica.log.read_text()
    for topic in ("ApprovalRequested", "VoteCast", "ApprovalGiven", "ApprovalDispatched"):
        assert log.count(f'"event": "{topic}"') == 1
    assert '"actor": "shell:' in log
