"""Whatever a file holds, it is a policy or it is said where and how to mend it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from policies.configuration.configuration import parse_configuration
from policies.rules.policy import compile_policy
from policies.values.problems import InvalidDocument
from policies.yaml.encoding import decoded

RULE = "version: 1\nrules:\n  - name: a\n"
WHEN = RULE + "    effect: deny\n    when: "

BROKEN = [
    ("version: 1\nrules:\n\t- {name: a}\n", "3:1: not YAML: a tab stands where"),
    (RULE + "\teffect: deny\n", "4:1: not YAML: a tab stands where"),
    ("version: 1\nrules:\n  - name: a: b\n", "3:12: not YAML: `: ` stands where no key can be"),
    ("version:1\nrules: []\n", "2:6: not YAML: `: ` stands where no key can be"),
    ("version: 1\nrules\n", "3:1: not YAML: `: ` stands where no key can be"),
    ("version: 1\nrules:\n  - {name: 'a, effect: deny}\n", "3:12: not YAML: the quote that opens"),
    ('version: 1\nrules:\n  - {name: "a}\n', "3:12: not YAML: the quote that opens here is not"),
    ("version: 1\nrules:\n  - {name: a\n", "3:5: not YAML: the bracket that opens here is not"),
    ("version: 1\nhide: [a/b\n", "2:7: not YAML: the bracket that opens here is not closed"),
    ("version: 1\nhide: [a/b]]\n", "2:12: not YAML: a bracket closes here that was not opened"),
    ("version: 1\nrisk: {a/b: read}}\n", "2:18: not YAML: a bracket closes here that was not"),
    (RULE + "   effect: deny\n", "4:4: not YAML: the line is not indented like those"),
    ("version: 1\nrules:\n  - name: 'it's'\n", "3:15: not YAML: text goes on after a value"),
    ('version: 1\nrules:\n  - name: "a" b\n', "3:15: not YAML: text goes on after a value"),
    ('version: 1\nrules:\n  - {name: "a\\d"}\n', "3:15: not YAML: `\\d` is no escape"),
    ('version: 1\nrules:\n  - {name: "\\u12"}\n', "3:15: not YAML: an escape in double quotes is"),
    ("version: 1\nrules:\n  - name: @a\n", "3:11: not YAML: a value cannot begin with @"),
    ("version: 1\nrules:\n  - name: `a`\n", "3:11: not YAML: a value cannot begin with `"),
    ("version: 1\nrules:\n  - {name: a, match: {tool: %x}}\n", "3:29: not YAML: a value cannot"),
    (WHEN + "> args.a\n", "5:13: not YAML: a value cannot begin with `|` or `>` and go on"),
    (WHEN + "|| args.a\n", "5:12: not YAML: a value cannot begin with `|` or `>` and go on"),
    (WHEN + 'args.x == "a: b"\n', "5:23: not YAML: `: ` stands where no key can be"),
    (WHEN + "args.x ? true : false\n", "5:25: not YAML: `: ` stands where no key can be"),
    ('version: 1\nrules: [{when: args.x in ["a"]}]\n', "2:26: not YAML: a comma is missing here"),
    (WHEN + "!has(args.x)\n", "5:11: the tag `!has(args.x)` is not allowed; remove it: types"),
    ("version: !!int 1\n", "1:10: the tag `!!int` is not allowed"),
    ("version: !!python/object:os.system {}\n", "1:10: the tag `!!python/object:os.system`"),
    (RULE + "    match: {tool: *drop*}\n", "4:19: the alias `*drop*` is not allowed; a text that"),
    (RULE + "    match: {tool: *drop}\n", "4:19: the alias `*drop` is not allowed; write the"),
    ("version: &a 1\nrules: []\n", "1:10: the anchor `&a` is not allowed"),
    ("version: 1\nrules:\n  - {<<: {a: 1}, name: a, effect: deny}\n", "3:6: merge keys (`<<`)"),
    ("version: 1\nversion: 1\n", "2:1: the key `version` is here twice"),
    ("version: 1\n---\nversion: 1\n", "2:1: a second document begins here"),
    ("%YAML 1.1\n---\nversion: 1\n", "2:1: directives (`%YAML`, `%TAG`) are not allowed"),
    ("version: 1\n? [a]\n: b\n", "2:3: a key must be text"),
    ("- version: 1\n", "1:1: the file must be a map of keys and values"),
    ("hello\n", "1:1: the file must be a map of keys and values"),
    ("", "1:1: the file is empty"),
    ("# nothing\n", "1:1: the file is empty"),
    ("...\n", "1:1: not YAML: a value is missing here"),
    ("version: 1\x00\n", "1:11: the character U+0000 is not allowed"),
    ("version: 1 # \x07\n", "1:14: the character U+0007 is not allowed"),
    ('version: 1\nrules: [{name: "a\u202eb", effect: deny}]\n', "2:16: `name` is not a rule's"),
    ("a: " + "[" * 60, "1:43: maps and lists are nested too deeply"),
    ("#" * 1_000_001, "1:1: the file is too long"),
    ("version: " + "9" * 50, "1:10: the number has too many digits"),
    ("version: 1.0\n", "1:10: `version` must be a whole number"),
    ("version: '1'\n", "1:10: `version` must be a whole number"),
    ("version: 2\n", "1:10: `version` must be 1"),
    ("rules: []\n", "1:1: `version` is missing; add it"),
    ("version: 1\nrules:\n", "2:1: `rules` has no value"),
    ("version: 1\nrules:\n  name: a\n", "3:3: `rules` must be a list"),
    ("version: 1\nhide: github/x\n", "2:7: `hide` must be a list"),
    ("version: 1\nhide: [x]\n", "2:8: `hide` is not `server/tool`"),
    ("version: 1\nowners: {x: sre}\n", "2:10: `x` is not `server/tool`"),
    ("version: 1\nowners: {a/b: 3}\n", "2:15: `a/b` must be text"),
    ("version: 1\nowners: {a/b: The Team}\n", "2:15: `a/b` is not a name"),
    ("version: 1\ninclude: [a.yaml]\n", "2:10: `include` must be a map of keys and values"),
    ("version: 1\ninclude: {A B: a.yaml}\n", "2:11: `A B` is not a name"),
    ("version: 1\nrules: [{name: '${TEAM}', effect: deny}]\n", "2:16: `${TEAM}` is not replaced"),
    (WHEN + ">-\n      args.a == 1 &&\n      agrs.b\n", "7:7: there is no `agrs`"),
    (WHEN + "|\n      args.a == 1 &&\n\n      agrs.b\n", "8:7: there is no `agrs`"),
    (WHEN + "args.a == 1 &&\n      agrs.b\n", "6:7: there is no `agrs`"),
    (WHEN + "'args.a == ''x'' && agrs.b'\n", "5:31: there is no `agrs`"),
    (WHEN + '"args.a == \\"x\\" && agrs.b"\n', "5:31: there is no `agrs`"),
    (WHEN + "args.a and args.b\n", "5:18: CEL has no `and` here; write `&&`"),
    (WHEN + "args.a == True\n", "5:21: there is no `True`; write `true`"),
    (WHEN + "'ip_in(args.ip, \"10.0.0.1/8\")'\n", '5:27: "10.0.0.1/8" is not a network'),
    (WHEN + "'now.getHours(\"Berlin\") > 8'\n", '5:25: "Berlin" is not a time zone'),
]  # fmt: skip


def problems_of(text):
    with pytest.raises(InvalidDocument) as caught:
        compile_policy(text)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(("text", "expected"), BROKEN)
def test_a_broken_file_is_told_with_its_place_and_what_to_write(text, expected):
    told = [problem for problem in problems_of(text) if f"policy.yaml:{expected}" in problem]

    assert len(told) == 1
    assert "; " in told[0]


def test_aliases_never_grow():
    bomb = "version: 1\na: &a [x, x]\n" + "".join(
        f"{each}: &{each} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, each in zip("abcdefgh", "bcdefghi", strict=True)
    )

    assert sum("is not allowed" in problem for problem in problems_of(bomb)) == 9 * 8 + 9


WHOLE = """\
version: 1
default: deny
conditions: {protected: 'args.branch in ["main"]'}
rules:
  - {name: reads, match: {risk: read}, effect: allow}
  - name: pushes
    match: {server: github, tool: ["push_*"]}
    when: >-
      protected &&
      path_within(args.path, "/srv")
    effect: require_approval
    approval: {team: platform, approvals: 2, expires_in: 10m}
owners: {"github/deploy_*": sre}
include: {files: files.yaml}
"""
CONFIGURATION = """\
version: 1
policy: policy.yaml
ledger: {url: "sqlite:///placet.db"}
listen: {agents: "127.0.0.1:0", operations: "127.0.0.1:0"}
teams: {platform: {channel: C0PLATFORM, approvers: [bob]}}
people: {bob: {slack: T0ACME/U0BOB}}
servers: {files: {command: ["${COMMAND}"], team: platform}}
slack: {mode: local}
"""
ODD = st.sampled_from(
    ["\t", ": ", "\n", "- ", "{", "}", "[", "]", "'", '"', "&a ", "*a", "!t ", "|", ">", "#", "%",
     "\x00", "\ufeff", "\ud800", "~", "null", "1e999", "args.", "(", ")", "&&", "${X}", "---\n",
     "--- # included file: files.yaml\n"]
)  # fmt: skip


@st.composite
def damaged(draw, whole):
    text = whole
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(len(text), begin + 12)))
        text = text[:begin] + draw(ODD | st.text(max_size=4) | st.just("")) + text[end:]
    return text


def refused_well(attempt):
    """Try to load something; what is wrong must have a place and two texts, and break nothing."""
    try:
        attempt()
    except InvalidDocument as invalid:
        problems = invalid.problems
    else:
        return
    assert problems
    assert all(min(each.line, each.column) >= 1 for each in problems)
    assert all(each.what and each.instead for each in problems)


@given(damaged(WHOLE))
@example(WHOLE.replace("protected &&", "protected && protected."))
def test_a_damaged_policy_is_refused_or_compiled(text):
    refused_well(lambda: compile_policy(text))


@given(damaged(CONFIGURATION))
def test_a_damaged_configuration_is_refused_or_read(text):
    refused_well(lambda: parse_configuration(text, {"COMMAND": "files"}))


@given(st.binary() | st.text().map(lambda text: text.encode("utf-16")))
@example(b"\xef\xbb\xbfversion: 1\n")
@example(b"version: 1\n\xff")
def test_any_bytes_are_refused_or_read(content):
    refused_well(lambda: compile_policy(decoded(content, file="policy.yaml")))
    refused_well(lambda: parse_configuration(decoded(content, file="placet.yaml"), {}))
