"""Tables and JSON reach the terminal as they were laid out."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ledger.words.tabulating import machine, table
from policies.values.inert import inert

TEXT = st.text(st.one_of(st.characters(), st.sampled_from("\\u{} \x7f\x1b\u202e")), max_size=80)


@given(TEXT)
def test_json_is_inert_as_it_is_and_says_the_same(text: str) -> None:
    line = machine({text: [text]})

    assert inert(line, multiline=True) == line
    assert json.loads(line) == {text: [text]}


@given(st.lists(st.lists(st.integers(1, 120), min_size=3, max_size=3), max_size=4))
def test_a_table_of_any_widths_is_inert_as_it_is(widths: list[list[int]]) -> None:
    rows = [["x" * width for width in row] for row in widths]

    for line in table(("ID", "AGENT", "TOOL"), rows):
        assert inert(line, multiline=True) == line


def test_columns_stand_below_their_titles() -> None:
    assert list(table(("ID", "TOOL", "BY"), [("apr_1", "files/x", "bob"), ("a", "", "")])) == [
        "ID     TOOL     BY",
        "apr_1  files/x  bob",
        "a      -        -",
    ]
