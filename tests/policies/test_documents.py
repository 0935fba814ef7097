"""Files are YAML 1.2 without tricks, and every value knows where it stands."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policies.values.problems import InvalidDocument, Place
from policies.yaml.documents import read_document

EMPTY = "f.yaml:1:1: the file is empty; write `version: 1` and go on from there"
WRITE_OUT = "; write the value out where it is needed; quote a text that begins with this sign"
ANCHOR = "f.yaml:1:4: the anchor `&x` is not allowed" + WRITE_OUT
KEEP_FIRST = "; keep one: the first is on line 1"
SHORTER = "; keep it under 1,000,000 characters"
TYPES = "; remove it: types follow from the key; quote a text that begins with `!`"
ONE_DOCUMENT = "; keep one document to a file: remove `---`"
NO_DIRECTIVES = "are not allowed; remove them: files are YAML 1.2"
REMOVE = "; remove it, or write it as an escape in double quotes"
ESCAPES = "; mend the escapes in quoted text"
SMALLER = "; write a smaller number, or text in quotes"


def problems_of(text: str) -> list[str]:
    try:
        return [str(problem) for problem in read_document(text, file="f.yaml").problems]
    except InvalidDocument as invalid:
        return [str(problem) for problem in invalid.problems]


def test_plain_scalars_follow_the_core_schema_of_yaml_1_2():
    text = "[yes, no, on, 1, -2, 0o17, 0x1F, 1.5, 1e3, true, False, ~, '1', 1_000, 12:30:45]"

    root = read_document(text, file="f.yaml").root

    assert root == [
        "yes", "no", "on", 1, -2, 15, 31, 1.5, 1000.0, True, False, None, "1", "1_000",
        "12:30:45",
    ]  # fmt: skip


def test_every_value_and_key_knows_its_line_and_column():
    document = read_document("a: 1\nb:\n  - x\n  - {c: 2}\n", file="f.yaml")

    assert document.place(("a",)) == Place(1, 4)
    assert document.key(("b",)) == Place(2, 1)
    assert document.place(("b", 0)) == Place(3, 5)
    assert document.key(("b", 1, "c")) == Place(4, 6)
    assert document.place(("b", 1, "c")) == Place(4, 9)


def test_a_value_that_is_not_there_stands_where_the_nearest_thing_around_it_does():
    document = read_document("a:\n  b: 1\n", file="f.yaml")

    assert document.place(("a", "x", 3, "y")) == Place(2, 3)
    assert document.at(("a", "x", 3, "y")) is None


def test_a_place_inside_a_text_is_a_place_in_the_file():
    document = read_document("a: one two\nb: 'one two'\nc: |\n    one\n    two\n", file="f.yaml")

    assert document.inside(("a",), 1, 5) == Place(1, 8)
    assert document.inside(("b",), 1, 5) == Place(2, 9)
    assert document.inside(("c",), 2, 1) == Place(5, 5)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("plain words\n  go on @here", "plain words go on @here"),
        ("'it''s\n\n  quoted @here'", "it's\nquoted @here"),
        ('"a \\"b\\" \\u0041 @here"', 'a "b" A @here'),
        ("|\n  one\n\n    two @here\n", "one\n\n  two @here\n"),
        (">-\n  folded\n  text\n\n  is @here\n", "folded text\nis @here"),
        ("|-\n  one\r\n  two @here", "one\ntwo @here"),
    ],
)
def test_what_stands_inside_a_text_is_found_however_it_is_written(written, text):
    document = read_document(
        f"a:\n  b: {written.replace(chr(10), chr(10) + '  ')}\n", file="f.yaml"
    )
    line = text[: text.index("@")].count("\n") + 1
    column = text.index("@") - text.rfind("\n", 0, text.index("@"))

    place = document.inside(("a", "b"), line, column)

    assert document.at(("a", "b")) == text
    assert document.text.split("\n")[place.line - 1][place.column - 1] == "@"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [EMPTY]),
        ("# only\n", [EMPTY]),
        ("a: 1\na: 2\n", ["f.yaml:2:1: the key `a` is here twice" + KEEP_FIRST]),
        (
            "a: {b: 1, c: [{d: 1, d: 2}], b: 3}\n",
            [
                "f.yaml:1:22: the key `d` is here twice; keep one: the first is on line 1",
                "f.yaml:1:30: the key `b` is here twice; keep one: the first is on line 1",
            ],
        ),
        (
            "a: &x 1\nb: *x\n",
            [
                ANCHOR,
                "f.yaml:2:4: the alias `*x` is not allowed" + WRITE_OUT,
            ],
        ),
        ("a: !!python/name:os.system 1\n", [
            "f.yaml:1:4: the tag `!!python/name:os.system` is not allowed" + TYPES
        ]),
        ("<<: {a: 1}\n<<: {b: 2}\n", [
            "f.yaml:1:1: merge keys (`<<`) are not allowed; write the keys out here",
            "f.yaml:2:1: merge keys (`<<`) are not allowed; write the keys out here",
        ]),
        ("a: 1\n---\nb: 2\n", ["f.yaml:2:1: a second document begins here" + ONE_DOCUMENT]),
        ("%YAML 1.1\n---\na: yes\n", ["f.yaml:2:1: directives (`%YAML`, `%TAG`) " + NO_DIRECTIVES]),
        ("? [a]\n: b\n", ["f.yaml:1:3: a key must be text; write a plain word as the key"]),
        ("a: [1\nb: 2\n", [
            ("f.yaml:2:2: not YAML: a comma is missing here, or a closing bracket before; "
            "part values with commas; quote one that holds brackets or commas, like a condition")
        ]),
        ("a: b: c\n", [
            ("f.yaml:1:5: not YAML: `: ` stands where no key can be, or it is missing; "
            "quote a value that holds `: `; give keys a colon and a blank, and one indentation")
        ]),
        ("a: 1\n\tb: 2\n", [
            ("f.yaml:2:1: not YAML: a tab stands where the line begins or a value should; "
            "write blanks: YAML knows no tabs there")
        ]),
        ("a: 1\nb: \x00\n", ["f.yaml:2:4: the character U+0000 is not allowed" + REMOVE]),
        ('a: "\\UFFFFFFFF"\n', [
            "f.yaml:1:5: not YAML: an escape or a number in it cannot be read" + ESCAPES
        ]),
        ("a: " + "9" * 5000 + "\n", ["f.yaml:1:4: the number has too many digits" + SMALLER]),
        ("[" * 50 + "]" * 50, [
            "f.yaml:1:41: maps and lists are nested too deeply; keep them under 40 levels"
        ]),
        ("x" * 1_000_001, ["f.yaml:1:1: the file is too long" + SHORTER]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said_with_its_place(text, expected):
    assert problems_of(text) == expected


ODD = st.sampled_from(
    ["a", "b", ":", " ", "\n", "- ", "? ", "*a", "&a ", "!t ", "{", "}", "[", "]", ",", "'", '"',
     "|", ">", "#", "%", "---", "...", "\t", "~", "1", "<<", "\\U", "0x", "\ud800", "\x00"]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(ODD, max_size=30).map("".join)))
@example('"\\UFFFFFFFF"')
@example("? {a: 1, a: 2}\n: 3\n'?': *a\n")
@example("? *a\n: b")
def test_any_text_is_read_or_refused_and_never_breaks_the_reader(text):
    found = problems_of(text)

    assert all(line.startswith("f.yaml:") for line in found)
