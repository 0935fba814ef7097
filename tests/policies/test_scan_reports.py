"""A scan can be kept as JSON, and a later one is compared with it."""

import json

import pytest
from scanning import seen, tool

from policies.scans.scan_findings import findings
from policies.scans.scan_reports import as_json, changes_since, read_scan
from policies.scans.scanned import SeenServer
from policies.values.refusals import Refused

BEFORE = [
    seen("files", [tool("read_it", "Reads it"), tool("keep_it", "Keeps it"), tool("old_it", "")]),
    seen("gone", [tool("x", "")]),
    SeenServer("away", failure="it is away"),
]


def kept(servers):
    return json.dumps(as_json(servers, findings(servers), ())).encode()


def changes(now):
    found = changes_since(read_scan(kept(BEFORE)), now)
    return {(each.finding.kind, each.finding.severity.value, each.finding.where) for each in found}


def test_the_same_again_has_not_changed():
    assert changes(BEFORE) == set()


def test_what_is_new_gone_and_changed_is_told():
    now = [
        seen("files", [tool("read_it", "Reads it, and deletes it"), tool("keep_it", "Keeps it!")]),
        seen("new", [tool("new_it", "")]),
        seen("away", [tool("x", "")]),
    ]

    assert changes(now) == {
        ("tool-changed", "high", "files/read_it"),
        ("tool-changed", "medium", "files/keep_it"),
        ("tool-gone", "low", "files/old_it"),
        ("server-new", "medium", "new"),
        ("server-gone", "low", "gone"),
    }


def test_a_change_is_told_line_by_line():
    earlier = read_scan(kept([seen("s", [tool("a", "one", x={"type": "string"})])]))

    (change,) = changes_since(earlier, [seen("s", [tool("a", "two", x={"type": "number"})])])

    assert change.lines == (
        "- description: one",
        "+ description: two",
        "- inputSchema.properties.x.type: string",
        "+ inputSchema.properties.x.type: number",
    )


def test_other_instructions_are_a_grave_change():
    earlier = read_scan(kept([seen("s", [], "Be kind.")]))

    (change,) = changes_since(earlier, [seen("s", [], "Be quick.")])

    assert change.finding.kind == "instructions-changed"
    assert change.lines == ("- instructions: Be kind.", "+ instructions: Be quick.")


@pytest.mark.parametrize("text", [b"", b"[]", b'{"version": 2}', b"\xff", b'{"servers": [1]}'])
def test_what_is_no_scan_is_refused(text):
    with pytest.raises(Refused, match="the earlier scan cannot be read"):
        read_scan(text)
