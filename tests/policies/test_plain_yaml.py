"""The quick reader of YAML: it says what the parser says, or nothing."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from policies.values.problems import Place
from policies.yaml.composing import Composer
from policies.yaml.documents import read_document
from policies.yaml.plain_yaml import Part, read_plain

LIBRARY = Path(__file__).parents[2] / "policies" / "library"
WORDS = (
    *("a", "a b", "1", "1.50", "-1", "true", "null", "~", "é", "0x1F", ".5", "a,b", "a:b", "a #b"),
    *('"q"', "'s'", '"a: b"', '"a # b"', '"x\\"y"', '"\\n"', "it's", "'it''s'", '"open', "[", "}"),
    *("[a, b]", "[a,]", "[a,b]", "{a: 1}", "{a:1}", '{a: [x, {"b": c}], d: e f}', "{a: b, a: c}"),
    *(
        "*a",
        "&a b",
        "!t",
        "- a",
        "a: b",
        "? a",
        "%a",
        "@a",
        "---",
        "<<",
        "",
        "  ",
        "[a] b",
        '"a" b',
    ),
    *("|", ">", "|-", ">-", "|+", ">2", "args.x in ['a', \"b\"]", "http://x/y", "# c", "{ }", "[]"),
)
KEYS = ("a", "b", "c", "when", '"k"', "'k'", "a b", "on", "x-y.z", "1", "?", "<<")
LINES = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["", "", "  ", "  ", "    ", "      ", " "]),
    st.sampled_from(["", "", "", "- ", "-  ", "- - "]),
    st.sampled_from([*(f"{key}: " for key in KEYS), *(f"{key}:" for key in KEYS), ""]),
    st.sampled_from(WORDS),
    st.sampled_from(["", "", "", " # c", "  "]),
)
ENDS = st.sampled_from(["", "\n", "\n\n", "\n   \n", "\n# end\n"])


def parsed(text: str) -> Part | None:
    """Return what the YAML parser says; None where it has anything to say against the text."""
    composer = Composer("")
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            composer.take(event)
    except Exception:  # noqa: BLE001 (the parser raises anything on hostile text)
        return None
    if composer.problems or composer.faulty or composer.documents != 1:
        return None
    return Part(composer.root, composer.values, composer.keys)


def agrees(text: str) -> bool:
    """Say whether the quick reader took a text, and check that it is right about it."""
    plain = read_plain(text, parsed)
    if plain is not None:
        assert plain == parsed(text)
        assert repr(plain.root) == repr(parsed(text).root)
    return plain is not None


@given(st.lists(LINES, max_size=6), ENDS)
@example(["a: |", "   ", "b: 1"], "\n")
@example(["a:", "  b:", "# c"], "")
@example(["a: [a,b]", "b: [a,]"], "")
@example(["a: |", "  text"], "")
def test_what_is_read_quickly_the_parser_reads_alike(lines: list[str], end: str):
    agrees("\n".join(lines) + end)


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text("ab:#[]{},'\"\\ -?&*!|>é\n", max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=3), inner)
        ),
        max_leaves=8,
    )
)
def test_json_is_read_quickly_as_the_parser_reads_it(value):
    agrees(json.dumps({"a": value}))
    agrees(f"b:\n  - c: 1\n    a: {json.dumps(value, ensure_ascii=False)}\n")


@pytest.mark.parametrize("file", sorted(LIBRARY.glob("*.yaml")), ids=lambda file: file.name)
def test_the_library_is_read_quickly(file: Path):
    assert agrees(file.read_text())


@pytest.mark.parametrize(
    "text",
    [
        "a:\n- b: 1\n  c: {d: [e, 'f']} # g\n- h\nk: args.x in [1, 2]\n",
        "a:\n  - b: >-\n      one\n      two\n\n    c: d\n",
        "a: one\n  and two\nb:\n  more\n  text\nc: |\n    x\n      y\nd: [a,\n  b]\n",
        '{"a": {"b": [1, 2.5, "c \\"d\\""]}, "e": null}\n',
    ],
)
def test_what_people_mostly_write_is_read_quickly(text: str):
    assert agrees(text)


@pytest.mark.parametrize(
    "text",
    ["", "a", "- a\n", "a: 1\na: 2\n", "a: &b c\n", "a:\tb\n", "a: b\r\n", "a: 1\n---\nb: 2\n"],
)
def test_what_is_not_is_left_to_the_parser(text: str):
    assert read_plain(text, parsed) is None


def test_where_much_is_written_otherwise_the_parser_reads_all_of_it():
    text = "".join(f"k{number}: one\n  and two\n" for number in range(50))

    assert not agrees(text)
    assert agrees("".join(text.splitlines(keepends=True)[:20]))


def test_values_and_keys_have_their_places_whoever_read_them():
    document = read_document("a:\n  - b: {c: d}\n    e: one\n      two\n", file="policy.yaml")

    assert document.root == {"a": [{"b": {"c": "d"}, "e": "one two"}]}
    assert document.place(("a", 0, "b", "c")) == Place(2, 12)
    assert document.key(("a", 0, "b", "c")) == Place(2, 9)
    assert document.place(("a", 0, "e")) == Place(3, 8)
