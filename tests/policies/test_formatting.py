"""A file in the one form says what it said before, with every comment, and stays as it is then."""

import json
from io import StringIO

import pytest
from generated_policies import policies
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from scenarios.documents import DOCUMENTS, blocks
from whole_files import CONFIGURATION, POLICY

from policies.configuration.configuration import Configuration
from policies.editors.formatting import Unformattable, formatted
from policies.rules.policy_file import PolicyFile
from policies.yaml.documents import read_document
from policies.yaml.yaml_tree import comments_of

UNTIDY = """\
# yaml-language-server: $schema=policy.schema.json

default:   'deny'   # closed

version: 1
# all the rules
rules:

  # first
  - effect: allow   # fine
    name: "reads"
    match: {tool: ['get_*',
       "list"], server: github}  # where
    when: >-  # both
       args.a == 1 &&
         args.b
  - {effect: deny, name: drops, match: {tool: "*drop*"}, message: "ask: a person who may \
drop things"}  # long


  - # odd
    name: x
    effect: require_approval
    approval: {use_within: "5m", expires_in: 1h30m}
    description: '2026-01-01'
    message: "no"
risk: {"github/get_*": read,  # mild
       "*/x": write}
# end
"""
TIDY = """\
# yaml-language-server: $schema=policy.schema.json

version: 1
default: deny  # closed
# all the rules
rules:
  # first
  - name: reads
    match: {server: github, tool: [get_*, list]}  # where
    when: >-  # both
      args.a == 1 &&
        args.b
    effect: allow  # fine
  - name: drops  # long
    match: {tool: "*drop*"}
    effect: deny
    message: "ask: a person who may drop things"

  # odd
  - name: x
    description: "2026-01-01"
    effect: require_approval
    approval: {expires_in: 1h30m, use_within: 5m}
    message: "no"
risk: {github/get_*: read, "*/x": write}  # mild
# end
"""


def said(text):
    return json.dumps(read_document(text, file="f.yaml").root, sort_keys=True)


def check(text, model):
    once = formatted(text, model)

    assert said(once) == said(text)
    assert comments_of(once) == comments_of(text)
    assert formatted(once, model) == once


def test_a_file_gets_the_order_quotes_and_indentation_of_all_files():
    assert formatted(UNTIDY, PolicyFile) == TIDY
    assert formatted(TIDY, PolicyFile) == TIDY


@pytest.mark.parametrize(
    ("text", "model"),
    [
        (POLICY, PolicyFile),
        (CONFIGURATION, Configuration),
        *(
            (block.text, Configuration if "\nlisten:" in block.text else PolicyFile)
            for document in DOCUMENTS
            for block in blocks(document)
            if block.language == "yaml"
            and block.text.startswith("version: 1\n")
            and "\ntests:" not in block.text
        ),
    ],
)
def test_files_of_every_kind_keep_what_they_say(text, model):
    check(text, model)


@pytest.mark.parametrize(
    "when",
    [
        "|-\n  args.a == 1 &&\n\n    args.b # no comment",
        "|+\n  args.a\n\n",
        "|2\n   args.a",
        ">\n  args.a\n  && args.b\n",
        "'args.s == \"it''s\"'",
        '"args.s == \\"\\\\d\\u2028\\""',
        "args.a ==\n  1",
        '"#"',
        "args.s == 'a #b'",
        "\"a: 'b'\"",
    ],
)
def test_texts_of_every_style_keep_what_they_say(when):
    indented = when.replace("\n", "\n    ")
    check(f"version: 1\nrules:\n  - name: a\n    when: {indented}\n    effect: deny\n", PolicyFile)


GAPS = st.sampled_from(["", "", "\n", "# a note\n", "  # another: {x}\n", "\n\n# apart\n\n"])
ENDS = st.sampled_from(["", "", "  # beside", " # - 'x'"])


@st.composite
def written(draw):
    """Return a policy as a person may write it: in brackets or not, with comments and gaps."""
    policy = draw(policies())
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = draw(st.sampled_from([None, False]))
    yaml.width = draw(st.sampled_from([40, 4096]))
    lines = _dumped(yaml, policy).splitlines()
    whole = [
        f"{draw(GAPS)}{line}{draw(ENDS) if _ends(line) else ''}\n" if _begins(line) else f"{line}\n"
        for line in lines
    ]
    return "".join(whole)


def _dumped(yaml, value):
    stream = StringIO()
    yaml.dump(value, stream)
    return stream.getvalue()


def _begins(line):
    """Say whether a comment may stand above a line: it is not inside of a text."""
    return line.startswith(("version", "rules", "default", "conditions", "- name", "  name"))


def _ends(line):
    return line.endswith(":") or line == "version: 1"


@given(written())
@settings(max_examples=40)
@example("version: 1 # one\nrules: [] # none\n")
@example("version: 1\nrules:\n- name: a\n  # why\n  effect: deny\n# end\n")
def test_any_policy_keeps_what_it_says(text):
    check(text, PolicyFile)


def test_a_line_separator_of_another_kind_is_refused():
    with pytest.raises(Unformattable, match="line separator"):
        formatted("version: 1\nrules: [] # a\u2028b\n", PolicyFile)
