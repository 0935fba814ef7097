r"""Inert text: nothing invisible, nothing that reorders, nothing that drives a terminal."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policies.values.inert import _SUSPECT, hostile, inert, inert_line, mixed_scripts

any_text = st.text(
    st.one_of(st.characters(), st.sampled_from("\\u{}20x \n\t\u200b\u202e\u0301\ufe0fé"))
)
FILLERS = "\u034f\u115f\u1160\u17b4\u2800\u3164\uffa0\ufe0f\U000e0100\U000e0041\u180b"


def revealed(shown: str) -> str:
    """Return the text that `shown` stands for."""

    def one(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) * int(found[2] or 1)

    return re.sub(r"\\u\{([0-9A-F]+)(?:x([0-9]+))?\}", one, shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, no more", "plain text, no more"),
        ("Grüße, 東京 Ελλάδα العربية", "Grüße, 東京 Ελλάδα العربية"),
        ("a\u200bb", r"a\u{200B}b"),
        ("\u202egpj.exe", r"\u{202E}gpj.exe"),
        ("a\tb\rc\x00", r"a\u{9}b\u{D}c\u{0}"),
        ("\x1b[2Jgone\x9b1m", r"\u{1B}[2Jgone\u{9B}1m"),
        ("two\nlines", r"two\u{A}lines"),
        ("a\u00a0b\u2003c\u3000d", r"a\u{A0}b\u{2003}c\u{3000}d"),
        ("\ud800", r"\u{D800}"),
        ("\ue000", r"\u{E000}"),
        ("e\u0301", "e\u0301"),
        ("e" + "\u0301" * 6, "e" + "\u0301" * 4 + r"\u{301}\u{301}"),
        ("=\u0338", r"=\u{338}"),
        ("\u0338a", r"\u{338}a"),
        ("a   b", "a   b"),
        ("a            b", r"a\u{20x12}b"),
        (r"\u{200B}", r"\u{5C}u{200B}"),
        (r"C:\users", r"C:\users"),
    ],
)
def test_text_is_shown_with_what_is_invisible_spelled_out(text, shown):
    assert inert(text) == shown


@pytest.mark.parametrize("filler", FILLERS)
def test_characters_that_only_look_like_nothing_are_shown(filler):
    assert inert(f"a{filler}b") == f"a\\u{{{ord(filler):X}}}b"


def test_lines_may_stay_lines_but_not_push_text_away():
    text = "a\n    b\r\nc" + " " * 40 + "d" + "\n" * 9 + "e\n"

    assert inert(text, multiline=True) == "a\n    b\\u{D}\nc\\u{20x40}d\\u{Ax9}e\n"


@given(any_text)
@example("a" + "\u0301" * 50)
def test_nothing_invisible_or_reordering_is_left(text: str):
    shown = inert(text)

    assert not any(
        unicodedata.category(character)[0] in "CZ" for character in shown.replace(" ", "")
    )
    assert not set(shown) & set(FILLERS)
    assert "    " not in shown
    shown.encode()


@given(any_text)
@example("    20x4")
@example("\\\u200b")
def test_what_was_shown_can_be_told_exactly(text: str):
    assert revealed(inert(text)) == text
    assert revealed(inert(text, multiline=True)) == text


@given(any_text.filter(lambda text: "\\" not in text))
def test_inert_text_without_escapes_stays_as_it_is(text: str):
    shown = inert(text)

    if "\\u{" not in shown:
        assert inert(shown) == shown == text


def test_a_long_line_says_how_much_is_missing():
    assert inert_line("short", 40) == "short"
    assert inert_line("x" * 500, 60) == "x" * 34 + "… 466 characters not shown"


def test_a_cut_falls_between_escapes():
    shown = inert_line("\u200b" * 100, 50)

    assert shown == r"\u{200B}\u{200B}\u{200B}" + "… 97 characters not shown"


@given(any_text, st.integers(40, 80))
def test_a_line_keeps_its_limit_and_its_count(text: str, limit: int):
    shown = inert_line(text, limit)

    assert len(shown) <= limit
    head, cut, count = shown.partition("… ")
    if cut and shown != inert(text):
        kept = revealed(head)
        assert text.startswith(kept)
        assert count == f"{len(text) - len(kept)} characters not shown"


@pytest.mark.parametrize(
    "text", ["p\u0430ypal", "\u0430dmin", "x \u03a1assword y", "\uff30\u0430y"]
)
def test_look_alike_scripts_in_one_word_are_noticed(text):
    assert mixed_scripts(text)


@pytest.mark.parametrize("text", ["admin", "при admin", "10 μs", "5 kΩ", "Grüße", "東京Tower", ""])
def test_ordinary_words_are_of_one_script(text):
    assert not mixed_scripts(text)


def test_findings_are_told_in_words():
    assert hostile("plain\nlines\\u{41}") == []
    assert hostile("a\u202eb") == ["invisible or control characters"]
    assert hostile("p\u0430ypal \u05d0") == [
        "letters of several scripts in one word",
        "right-to-left letters",
    ]


def test_what_is_passed_over_at_once_is_letters():
    passed = [chr(code) for code in range(0x110000) if not _SUSPECT.match(chr(code))]

    foreign = [character for character in passed if not character.isascii()]

    assert len(foreign) > 30_000
    assert all(unicodedata.category(character)[0] == "L" for character in foreign)
    assert not set(foreign) & set(FILLERS)


@pytest.mark.parametrize("piece", ["\u6771", "\u0301", "a\u200b", "    a", "\\u{", "a\u0430", "\n"])
def test_a_line_of_a_long_text_is_cut_and_counted(piece: str):
    text = piece * 100_000

    shown = inert_line(text, 60)

    assert len(shown) <= 60
    assert shown.endswith(" characters not shown") or piece == "\n"
