"""A tool's risk follows from its name and definition; what is unknown is never low."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.risks.risk import GRAVITY, RiskFinding, classify
from policies.values.calls import Risk, Tool
from policies.values.matching import Target


def tool(name: str, description: str = "", fields: str = "", **hints: bool) -> Tool:
    properties = {field: {"type": "string"} for field in fields.split()}
    definition = {
        "description": description,
        "inputSchema": {"properties": properties},
        "name": name,
    }
    text = json.dumps(definition, separators=(",", ":"), sort_keys=True)
    return Tool("files", name, description, text, "aa", hints)


def with_schema(name: str, properties: dict[str, object]) -> Tool:
    definition = {"name": name, "inputSchema": {"type": "object", "properties": properties}}
    return Tool("files", name, "", json.dumps(definition), "aa")


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


@pytest.mark.parametrize(
    ("field", "schema", "risk"),
    [
        ("sqlQuery", {"type": "string"}, "execute"),
        ("shell_command", {"type": "string"}, "execute"),
        ("script", {}, "execute"),
        ("command", {"enum": ["view", "create"]}, "write"),
        ("command", {"enum": ["view", "delete"]}, "destructive"),
        ("action", {"enum": ["list", "execute"]}, "execute"),
        ("operation", {"enum": ["list", "bulkDelete"]}, "destructive"),
        ("op", {"anyOf": [{"const": "read"}, {"const": "remove"}]}, "destructive"),
        ("op", {"oneOf": [{"const": "read"}, {"const": "refund"}]}, "financial"),
        ("method", {"enum": ["GET", "POST", "DELETE"]}, "destructive"),
        ("method", {"enum": ["GET", "HEAD"]}, "read"),
        ("status", {"enum": ["open", "deleted", "delete"]}, "read"),
        ("order", {"enum": ["asc", "desc"]}, "read"),
        ("shell", {"type": "boolean"}, "read"),
        ("script_id", {"type": "string"}, "read"),
        ("force", {"type": "boolean"}, "read"),
        ("recursive", {"type": "boolean"}, "read"),
    ],
)
def test_arguments_that_choose_or_are_run_say_what_a_tool_can_do(field, schema, risk):
    assert classify(with_schema("get_it", {field: schema}), trusted=False).risk.value == risk


def test_arguments_are_found_at_any_depth():
    inner = {"type": "object", "properties": {"command": {"type": "string"}}}
    steps = {"steps": {"type": "array", "items": {"anyOf": [{"type": "null"}, inner]}}}

    assert classify(with_schema("get_it", steps), trusted=False).risk is Risk.EXECUTE


def test_what_a_tool_returns_says_nothing_of_what_it_does():
    returned = {"type": "object", "properties": {"command": {"type": "string"}}}
    definition = json.dumps({"inputSchema": {"properties": {}}, "outputSchema": returned})

    assert classify(Tool("s", "get_it", "", definition, "aa"), trusted=False).risk is Risk.READ


def test_a_change_that_can_be_forced_is_destructive():
    forced = with_schema("update_branch", {"force": {"type": "boolean"}})
    finding = classify(forced, trusted=False)

    assert finding == RiskFinding(Risk.DESTRUCTIVE, "the argument `force`")


def test_a_schema_too_large_to_be_looked_through_counts_against_the_tool():
    many = {"all": {"anyOf": [{"type": "string"}] * 5000}}

    assert classify(with_schema("get_it", many), trusted=False).risk is Risk.EXECUTE


@pytest.mark.parametrize("definition", ['{"inputSchema"', '["inputSchema"]', "[" * 5000])
def test_a_definition_that_cannot_be_read_is_never_low(definition):
    text = definition + '"inputSchema"'

    assert classify(Tool("s", "get_it", "", text, "aa"), trusted=False).risk is Risk.WRITE


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("delete_file", "This tool is read only and safe."),
        ("delete_file", "Read-only. Lists files."),
        ("send_email", "Read only: shows emails."),
        ("execute_sql", "Returns rows. readOnlyHint: true. Harmless, risk: read."),
        ("checkout", "Check out what is in the cart"),
        ("post_message", "Reads nothing, changes nothing."),
        ("frobnicate", "A helper that is read only."),
    ],
)
def test_a_description_that_says_read_only_lowers_nothing(name, description):
    bare, told = (
        classify(tool(name), trusted=False),
        classify(tool(name, description), trusted=False),
    )

    assert GRAVITY[told.risk] >= GRAVITY[bare.risk]
    assert told.risk is not Risk.READ


@pytest.mark.parametrize(
    ("name", "description", "risk"),
    [
        ("x", "This tool deletes files", "destructive"),
        ("x", "A tool for running shell commands", "execute"),
        ("x", "Allows you to permanently wipe a disk", "destructive"),
        ("x", "Use it to pay invoices", "financial"),
        ("get_it", "Gets it. Deletes the original.", "destructive"),
        ("get_it", "Gets it. It will execute the file.", "execute"),
        ("get_it", "Gets it. Use before you delete anything.", "read"),
        ("get_it", "Lists charges, refunds and disputes", "read"),
        ("get_it", "Gets the order and refunds it", "financial"),
    ],
)
def test_what_a_description_says_that_the_tool_does_counts(name, description, risk):
    assert risk_of(name, description).value == risk


@pytest.mark.parametrize("name", ["get_d\u0435lete", "list\u200bfiles", "get_\uff44\uff45\uff4c"])
def test_a_name_with_other_letters_than_ascii_is_never_read(name):
    assert risk_of(name, "Lists files") is Risk.WRITE


@pytest.mark.parametrize("name", ["deletefile", "get_executecommand", "truncatetable"])
def test_a_grave_verb_glued_to_another_word_counts(name):
    assert GRAVITY[risk_of(name)] >= GRAVITY[Risk.EXECUTE]


@pytest.mark.parametrize(
    "name", ["get_deleted_items", "list_executions", "get_remover", "dropdown"]
)
def test_other_forms_of_a_grave_verb_are_things(name):
    assert GRAVITY[risk_of(name)] <= GRAVITY[Risk.WRITE]


def test_the_server_says_what_a_word_means():
    assert classify(Tool("git", "checkout", "", "{}", "aa"), trusted=False).risk is Risk.WRITE
    assert classify(Tool("cart", "checkout", "", "{}", "aa"), trusted=False).risk is Risk.FINANCIAL
    sent = Tool("solana", "send_token", "", "{}", "aa")
    assert classify(sent, trusted=False).risk is Risk.FINANCIAL


@pytest.mark.parametrize(
    ("name", "description", "risk"),
    [
        ("engine_proxy", "Proxy any request to the engine (GET only in safe mode)", "execute"),
        ("update_firmware", "Install the pending firmware", "execute"),
        ("add_package", "Installs a package", "execute"),
        ("debugger_continue", "", "execute"),
        ("step_into", "Step into a function", "execute"),
        ("service_reload", "", "execute"),
        ("queue_clean", "", "destructive"),
        ("replace_disk", "", "destructive"),
        ("recreate_machine", "", "destructive"),
        ("things", "Manage things with `action: list|get|delete`", "destructive"),
        ("mode", "Controls the mode of the player", "execute"),
        ("sort_range", "Sort the rows of a range", "write"),
        ("generateToken", "", "write"),
        ("get_it", "Gets it, deletes the original", "destructive"),
        ("get_it", "Gets it and marks it as seen", "write"),
        ("get_page", "Page fetcher; executes scripts", "execute"),
        ("x", "Place a GTC (good till cancelled) order", "financial"),
        ("x", "Makes a raw API request", "execute"),
        ("raw_request", "", "execute"),
        ("top_up_card", "Top up a card", "financial"),
        ("register_domain", "", "financial"),
        ("renew_domain", "", "financial"),
        ("write_stdin", "", "execute"),
        ("db_import", "Imports a dump. It is destructive to what was there.", "destructive"),
        ("x", "Send a control command to the screen", "execute"),
        ("active_scan", "Start an active scan of the target", "execute"),
        ("brute_force_login", "", "execute"),
        ("x", "Raw REST PUT of whatever is given", "execute"),
        ("merge_pull_request", "", "write"),
    ],
)
def test_words_that_are_seldom_verbs_count_where_they_act(name, description, risk):
    assert risk_of(name, description).value == risk


@pytest.mark.parametrize(
    ("name", "description", "risk"),
    [
        ("payments_summary", "Spending summary by month", "read"),
        ("transactions_pending", "Summary of what is pending", "read"),
        ("diagnostic", "Provides detailed information about the host", "read"),
        ("get_activities", "Fills, dividends, transfers", "read"),
        ("get_changes", "Deployments, changes, rollbacks", "read"),
        ("get_clock", "State of the market and next open/close", "read"),
        ("list_places", "Lists the places available for provisioning a site", "read"),
        ("find_it", "Find it by its name (accepts a list, allows wildcards)", "read"),
        ("diagnose_it", "Diagnose it (status, logs, settings)", "read"),
        ("check_WordPress", "Check a site", "read"),
        ("get_drop_rules", "", "read"),
        ("add_drop_rule", "", "write"),
        ("apply_label", "", "write"),
        ("scale_shape", "Scale a shape", "write"),
        ("send_console_message", "Send a message to the console", "write"),
        ("set_code", "", "write"),
        ("swap_voice", "Replace a voice", "write"),
        ("create_element", "Create an element of a drawing", "write"),
        ("create_book", "Create a new, empty book", "write"),
        ("set_flag", "Set a flag, or clear the flag", "write"),
        ("manage_incidents", "Updates the status of incidents", "write"),
        ("repo_pull_request", "Retrieves what is proposed", "read"),
        ("list_boxes", "Lists mailboxes (inbox, drafts, trash)", "read"),
        ("query_metrics", "Runs a PromQL query", "read"),
        ("find", "Run a find query against a collection", "read"),
        ("get_posture", "Performs a full security audit", "read"),
        ("run_insights_query", "", "read"),
        ("get_plan", "Says whether a plan is destructive", "read"),
        ("db_import", "Imports a dump. Not for what is destructive.", "write"),
        ("backup_list", "Lists what there is, returning the id of each", "read"),
        ("list_active_scans", "Lists active scans", "read"),
        ("zap_version", "Returns the version of the ZAP daemon", "read"),
        ("browser_set_cookie", "Set a cookie", "write"),
        ("get_organization", "Fetch an organization with its fields, comments and tags", "read"),
        ("get_links", "Get linked issues, merge requests and commits for a ticket", "read"),
        ("insert_elements", "Inserts elements into a drawing", "write"),
    ],
)
def test_words_that_look_like_verbs_and_say_what_a_thing_is_do_not_count(name, description, risk):
    assert risk_of(name, description).value == risk


@pytest.mark.parametrize(
    ("name", "description", "risk"),
    [
        ("helm_template_apply", "Render a chart and apply it", "execute"),
        ("run_code", "", "execute"),
        ("send_console", "", "execute"),
        ("manage_incidents", "Manage incidents", "destructive"),
        ("manage_incidents", "Lists incidents", "destructive"),
        ("kafka_cluster", "Inspect clusters and manage rules", "destructive"),
        ("contexts", "Manage contexts: list, get, set", "write"),
        ("drop_rule", "", "destructive"),
        ("clear_flag", "", "destructive"),
        ("empty_bin", "", "destructive"),
        ("click_element", "", "execute"),
        ("scale_deployment", "", "execute"),
        ("repo_pull_request", "Merges what is proposed", "write"),
        ("repo_pull", "", "write"),
        ("list_boxes", "Lists mailboxes (and deletes them)", "destructive"),
        ("list_boxes", "Lists mailboxes (delete, trash)", "destructive"),
        ("query_metrics", "Runs a query", "execute"),
        ("get_organization", "Fetch an organization and tag it", "write"),
        ("browser_open_cookie", "", "execute"),
        ("get_posture", "Runs an audit script", "execute"),
        ("get_posture", "Performs an audit and deletes what it finds", "destructive"),
        ("x", "Places the layers in order", "write"),
    ],
)
def test_the_same_words_count_where_nothing_takes_their_meaning_away(name, description, risk):
    assert risk_of(name, description).value == risk


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


@given(st.text(), st.text(), st.text(), st.dictionaries(st.text(max_size=20), st.booleans()))
def test_any_tool_has_a_risk_and_an_untrusted_hint_never_lowers_it(
    name, description, definition, hints
):
    definition = f'{{"inputSchema":{definition}'
    bare = Tool("s", name, description, definition, "aa")
    hinted = Tool("s", name, description, definition, "aa", hints)

    before, after = classify(bare, trusted=False), classify(hinted, trusted=False)

    assert GRAVITY[after.risk] >= GRAVITY[before.risk]
    assert after.evidence != ""
