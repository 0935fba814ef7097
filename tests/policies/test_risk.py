"""A tool's risk follows from its name and definition; what is unknown is never low."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.calls import Risk, Tool
from policies.matching import Target
from policies.risk import GRAVITY, RiskFinding, classify

# The labelled tools of other servers are not part of this repository; where they are, is said here.
LABELLED = os.environ.get("PLACET_SHARED_DATA", "")  # noqa: TID251 - as said above


def tool(name: str, description: str = "", fields: str = "", **hints: bool) -> Tool:
    properties = {field: {"type": "string"} for field in fields.split()}
    definition = {
        "description": description,
        "inputSchema": {"properties": properties},
        "name": name,
    }
    text = json.dumps(definition, separators=(",", ":"), sort_keys=True)
    return Tool("files", name, description, text, "aa", hints)


def risk_of(name: str, description: str = "", fields: str = "", **hints: bool) -> Risk:
    return classify(tool(name, description, fields, **hints), trusted=False).risk


@pytest.mark.parametrize(
    ("name", "risk"),
    [
        ("read_file", "read"),
        ("listIssues", "read"),
        ("get-pull-request", "read"),
        ("search_orders", "read"),
        ("get_commit", "read"),
        ("list_deployments", "read"),
        ("get_refund", "read"),
        ("browser_screenshot", "read"),
        ("write_file", "write"),
        ("createIssue", "write"),
        ("add_comment", "write"),
        ("update_page", "write"),
        ("search_and_replace", "write"),
        ("find-and-modify", "write"),
        ("getOrCreateUser", "write"),
        ("list_create", "write"),
        ("status_update", "write"),
        ("execute_sql", "execute"),
        ("run_pipeline", "execute"),
        ("bash", "execute"),
        ("deployFunction", "execute"),
        ("restart_service", "execute"),
        ("read_and_execute", "execute"),
        ("delete_file", "destructive"),
        ("drop-table", "destructive"),
        ("removeUser", "destructive"),
        ("list_delete_all", "destructive"),
        ("DROP TABLE", "destructive"),
        ("reset_branch", "destructive"),
        ("create_refund", "financial"),
        ("pay_order", "financial"),
        ("take_payment", "financial"),
        ("transfer_money", "financial"),
        ("invoice_delete", "financial"),
        ("purchase", "financial"),
    ],
)
def test_the_verbs_of_a_name_say_the_risk(name, risk):
    assert risk_of(name).value == risk


@pytest.mark.parametrize(
    ("name", "description", "risk"),
    [
        ("acr", "List registries", "read"),
        ("tree", "Returns the tree of a folder", "read"),
        ("store", "Removes all documents that match", "destructive"),
        ("manager", "Read/create/update/delete resources", "destructive"),
        ("get_file", "Fetches a file and deletes it", "destructive"),
        ("get_page", "Gets a page. Never deletes anything.", "read"),
        ("lookup", "Look up, then send the result on", "write"),
    ],
)
def test_the_verbs_of_a_description_count_too(name, description, risk):
    assert risk_of(name, description).value == risk


@pytest.mark.parametrize("name", ["frobnicate", "", "删除", "x", "🙂", "_", "a" * 10_000])
def test_what_is_unknown_is_never_low(name):
    finding = classify(tool(name), trusted=False)

    assert finding == RiskFinding(Risk.WRITE, "nothing is known of it")


def test_arguments_that_are_run_make_a_tool_execute():
    assert risk_of("get_rows", "", "sql limit") is Risk.EXECUTE
    assert risk_of("assistant", "", "command") is Risk.EXECUTE


def test_a_sum_of_money_in_the_arguments_makes_a_tool_financial():
    assert risk_of("settle_it", "", "amount currency to") is Risk.FINANCIAL
    assert risk_of("mix", "", "amount") is Risk.WRITE


def test_the_evidence_quotes_the_word():
    assert classify(tool("delete_file"), trusted=False).evidence == "`delete` in its name"
    assert classify(tool("x", "Wipes it"), trusted=False).evidence == "`Wipes` in its description"
    assert classify(tool("x", "", "sql"), trusted=False).evidence == "the argument `sql`"


def test_a_hint_of_a_server_that_is_not_trusted_only_tightens():
    assert risk_of("delete_file", readOnlyHint=True) is Risk.DESTRUCTIVE
    assert risk_of("frobnicate", readOnlyHint=True) is Risk.WRITE
    assert risk_of("delete_file", destructiveHint=False) is Risk.DESTRUCTIVE
    assert risk_of("get_file", destructiveHint=True) is Risk.DESTRUCTIVE
    assert risk_of("get_file", readOnlyHint=False) is Risk.WRITE
    assert risk_of("get_file", openWorldHint=False) is Risk.READ


def test_a_trusted_server_may_say_that_a_tool_only_reads():
    hinted = tool("run_query", readOnlyHint=True)

    assert classify(hinted, trusted=True).risk is Risk.READ
    assert classify(hinted, trusted=False).risk is Risk.EXECUTE


def test_a_trusted_server_that_contradicts_itself_is_not_believed():
    hinted = tool("delete_file", readOnlyHint=True, destructiveHint=True)

    assert classify(hinted, trusted=True).risk is Risk.DESTRUCTIVE


def test_the_policy_has_the_first_word_and_its_most_specific_pattern_wins():
    overrides = [
        (Target.parse("files/*"), Risk.FINANCIAL),
        (Target.parse("files/del*"), Risk.READ),
        (Target.parse("github/delete_file"), Risk.EXECUTE),
    ]

    finding = classify(tool("delete_file"), trusted=False, overrides=overrides)

    assert finding == RiskFinding(Risk.READ, "the policy says so of `files/del*`")


def test_of_equally_specific_patterns_the_gravest_risk_wins():
    overrides = [(Target.parse("files/a*"), Risk.EXECUTE), (Target.parse("files/*b"), Risk.READ)]

    assert classify(tool("ab"), trusted=False, overrides=overrides).risk is Risk.EXECUTE
    assert classify(tool("ab"), trusted=False, overrides=overrides[::-1]).risk is Risk.EXECUTE


@given(st.text(), st.text(), st.dictionaries(st.text(max_size=20), st.booleans()))
def test_any_tool_has_a_risk_and_an_untrusted_hint_never_lowers_it(name, description, hints):
    bare = Tool("s", name, description, "{}", "aa")
    hinted = Tool("s", name, description, "{}", "aa", hints)

    before, after = classify(bare, trusted=False), classify(hinted, trusted=False)

    assert GRAVITY[after.risk] >= GRAVITY[before.risk]
    assert after.evidence != ""


def labelled() -> Iterator[tuple[Tool, Risk]]:
    path = Path(LABELLED) / "tool-risks.jsonl"
    for line in path.read_text("utf-8").splitlines() if LABELLED else []:
        row = json.loads(line)
        if row["certain"]:
            name, description = row["tool"], row["description"]
            yield Tool(row["server"], name, description, "{}", "aa"), Risk(row["risk"])


if LABELLED:

    def test_labelled_tools_are_mostly_classified_alike():
        pairs = [(classify(each, trusted=False).risk, risk) for each, risk in labelled()]

        assert sum(found is risk for found, risk in pairs) / len(pairs) >= 0.92

    def test_no_labelled_tool_that_does_harm_is_called_read():
        harmless = {
            each.name
            for each, risk in labelled()
            if risk is not Risk.READ and classify(each, trusted=False).risk is Risk.READ
        }

        assert harmless == set()
