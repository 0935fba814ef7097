"""Strict JSON: what is read, what is refused, and the canonical form."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policies.values.calls import JsonValue, Number
from policies.values.strict_json import Flaw, NotStrict, canonical, parse, plain, pretty

numbers = st.one_of(
    st.integers().map(lambda number: Number(str(number))),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda number: Number(repr(number))),
)
keys = st.text("abc_0", max_size=6)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(st.characters(exclude_categories=["Cs"]))),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=20,
)


def flaw_of(body: bytes) -> Flaw:
    with pytest.raises(NotStrict) as refused:
        parse(body)
    return refused.value.flaw


def test_a_value_is_read_with_its_numbers_as_written():
    body = b' {"a": [1, 1.0, 1e2, -0, 100.00000000000000000001], "b": {"c": null, "d": true}} '

    value = parse(body)

    assert value == {
        "a": [
            Number("1"),
            Number("1.0"),
            Number("1e2"),
            Number("-0"),
            Number("100." + "0" * 19 + "1"),
        ],
        "b": {"c": None, "d": True},
    }


@pytest.mark.parametrize(
    ("body", "flaw"),
    [
        (b"", Flaw.SYNTAX),
        (b"{} {}", Flaw.SYNTAX),
        (b"{}\x00", Flaw.SYNTAX),
        (b"{'a':1}", Flaw.SYNTAX),
        (b'{"a":1,}', Flaw.SYNTAX),
        (b"[1,]", Flaw.SYNTAX),
        (b"[01]", Flaw.SYNTAX),
        (b"[.5]", Flaw.SYNTAX),
        (b"[+1]", Flaw.SYNTAX),
        (b"[0x10]", Flaw.SYNTAX),
        (b'["\t"]', Flaw.SYNTAX),
        (b'["\\x41"]', Flaw.SYNTAX),
        (b"[1] // why", Flaw.SYNTAX),
        ("[\u0661]".encode(), Flaw.SYNTAX),
        ("\u00a0[1]".encode(), Flaw.SYNTAX),
        (b"nul", Flaw.SYNTAX),
        (b"\xef\xbb\xbf{}", Flaw.ENCODING),
        ("{}".encode("utf-16"), Flaw.ENCODING),
        ("{}".encode("utf-32"), Flaw.ENCODING),
        (b'["\xc0\xaf"]', Flaw.ENCODING),
        (b'["\xed\xa0\x80"]', Flaw.ENCODING),
        (b'["\\ud800"]', Flaw.ENCODING),
        (b'["\\uDC00\\uD800"]', Flaw.ENCODING),
        (b'{"\\udfff":1}', Flaw.ENCODING),
        (b"[NaN]", Flaw.NUMBER),
        (b"[Infinity]", Flaw.NUMBER),
        (b"[-Infinity]", Flaw.NUMBER),
        (b"[1e400]", Flaw.NUMBER),
        (b"[-1e400]", Flaw.NUMBER),
        (b"[1" + b"0" * 400 + b"]", Flaw.NUMBER),
        (b"[1" + b"0" * 100_000 + b"]", Flaw.NUMBER),
        (b'{"a":1,"a":1}', Flaw.KEYS),
        (b'{"name":1,"Name":1}', Flaw.KEYS),
        (b'{"name":1,"na\\u006de":1}', Flaw.KEYS),
        ('{"k":1,"\u212a":1}'.encode(), Flaw.KEYS),
        ('{"s":1,"\u017f":1}'.encode(), Flaw.KEYS),
        ('{"name":1,"\uff4eame":1}'.encode(), Flaw.KEYS),
        ('{"\u00df":1,"ss":1}'.encode(), Flaw.KEYS),
        (b'[[{"x":[{"deep":1,"b":2,"DEEP":3}]}]]', Flaw.KEYS),
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(body, flaw):
    assert flaw_of(body) is flaw


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_other_encodings_are_refused_without_a_mark_too(encoding):
    with pytest.raises(NotStrict):
        parse('{"a": 1}'.encode(encoding))


def test_a_whole_surrogate_pair_is_one_character():
    assert parse(b'["\\ud83d\\ude00"]') == ["\U0001f600"]


def test_depth_is_counted_outside_strings_only():
    assert parse(b"[" * 100 + b"]" * 100) is not None
    assert parse(b'["' + b"[{" * 200 + b'\\"[[[[", {}]') is not None
    assert flaw_of(b"[" * 101 + b"]" * 101) is Flaw.DEPTH
    assert flaw_of(b'{"a":' * 101 + b"1" + b"}" * 101) is Flaw.DEPTH
    assert flaw_of(b'["\\\\"' + b",[" * 101) is Flaw.DEPTH


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 4_194_304,
        b'{"a":' * 800_000,
        b'"' + b'\\"' * 2_000_000,
        b"[" + b"]" * 4_000_000,
        b'"' + b"[" * 4_000_000,
    ],
    ids=["arrays", "objects", "escapes", "closers", "open string"],
)
def test_a_hostile_body_of_4_mib_is_refused_and_no_more(body):
    with pytest.raises(NotStrict):
        parse(body)


def test_many_flat_values_are_not_deep():
    value = parse(b"[" + b"[]," * 10_000 + b"[]]")

    assert isinstance(value, list)
    assert len(value) == 10_001


def test_a_refusal_echoes_little_and_nothing_invisible():
    body = json.dumps({"x" * 500: 1}).encode()[:-1] + b',"' + b"x" * 500 + b'":1}'

    with pytest.raises(NotStrict) as long_key:
        parse(body)
    with pytest.raises(NotStrict) as bidi_key:
        parse('{"\u202ea":1,"\u202ea":2}'.encode())

    assert len(str(long_key.value)) < 120
    assert str(bidi_key.value) == r"the key `\u{202E}a` appears twice in one object; send it once"


def test_refusals_are_in_the_words_of_the_reader():
    with pytest.raises(
        NotStrict, match=r"^the keys? `Name` appears in two spellings in one object"
    ):
        parse(b'{"name":1,"Name":2}')
    with pytest.raises(NotStrict, match=r"^`NaN` is not a JSON number; send a finite number$"):
        parse(b"[NaN]")


def test_the_canonical_form_sorts_keys_and_keeps_numbers():
    value = parse(
        '{"b": 1.0, "a": {"é": "\\u00e9\\n\\u0001\\/", "Z": [1, 1e2]}, "": null}'.encode()
    )

    assert canonical(value) == '{"":null,"a":{"Z":[1,1e2],"é":"é\\n\\u0001/"},"b":1.0}'


def test_the_pretty_form_indents_by_two():
    value = parse(b'{"b":[1,{"c":2.50}],"a":{},"d":[]}')

    assert pretty(value) == (
        '{\n  "a": {},\n  "b": [\n    1,\n    {\n      "c": 2.50\n    }\n  ],\n  "d": []\n}'
    )


def test_plain_values_are_what_python_counts_with():
    assert plain(parse(b'{"a":[1,1.5,1e2,"1",null,true]}')) == {
        "a": [1, 1.5, 100.0, "1", None, True]
    }


@given(values)
@example({"a": [Number("1"), Number("1.0")]})
def test_canonical_and_pretty_forms_read_back_as_the_same_value(value: JsonValue):
    assert parse(canonical(value).encode()) == value
    assert parse(pretty(value).encode()) == value


@given(st.binary(max_size=200))
def test_no_body_raises_anything_but_not_strict(body: bytes):
    try:
        value = parse(body)
    except NotStrict as refused:
        said = str(refused)
    else:
        said = "read"
        assert parse(canonical(value).encode()) == value

    assert re.fullmatch(r"[\x20-\x7e…]+", said)


@given(st.text(st.sampled_from('{}[]",:\\u0deE1.-+ naNrtlsf'), max_size=60))
def test_what_is_read_here_the_standard_library_reads_alike(text: str):
    try:
        value = parse(text.encode())
    except NotStrict:
        return

    assert plain(value) == json.loads(text)


@pytest.mark.parametrize("last", ["b", "B", "\uff41"])
def test_a_key_that_comes_twice_is_refused_where_its_object_without_it_was_read_before(last: str):
    parse(b'{"a":1,"b":2}')

    body = f'{{"a":1,"b":2,"{last}":3}}'.encode()

    assert flaw_of(body) is Flaw.KEYS
    assert flaw_of(body) is Flaw.KEYS


@given(
    st.lists(st.lists(st.sampled_from(["a", "A", "\uff41", "k", "\u212a", "ß", "ss"]), max_size=4))
)
def test_objects_are_refused_for_alike_keys_alone_whatever_was_read_before(objects):
    members = [",".join(f'"{key}":1' for key in keys) for keys in objects]
    body = ("[" + ",".join(f"{{{each}}}" for each in members) + "]").encode()
    alike = {"a": "a", "A": "a", "\uff41": "a", "k": "k", "\u212a": "k", "ß": "ss", "ss": "ss"}

    if any(len({alike[key] for key in keys}) < len(keys) for keys in objects):
        assert flaw_of(body) is Flaw.KEYS
    else:
        assert parse(body) == [dict.fromkeys(keys, Number("1")) for keys in objects]


@pytest.mark.parametrize(
    ("body", "place"),
    [("", 0), (" ", 1), ("\n[1]x", 4), ("{}\t{}", 3), ("\u00a01", 0), ('{"a":1,}', 7), ("[1,", 3)],
)
def test_what_is_no_json_is_told_with_the_place_at_which_it_ends_to_be(body: str, place: int):
    with pytest.raises(NotStrict, match=f"^the body is not JSON at character {place};"):
        parse(body.encode())
