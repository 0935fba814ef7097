"""The schemas for editors take every valid file, and refuse files that are formed wrongly."""

import json
import re

import pytest
from broken_files import broken
from generated_policies import policies
from hypothesis import given
from jsonschema import Draft202012Validator
from policy_text import RULES, policy_of
from scenarios.documents import DOCUMENTS, blocks
from whole_files import CONFIGURATION, POLICY

from policies.editors.file_schemas import SCHEMAS, file_schema
from policies.rules.decisions import Effect
from policies.rules.limits import Per
from policies.rules.policy import compile_policy
from policies.values.calls import Risk
from policies.values.problems import InvalidDocument
from policies.yaml.documents import read_document

VALIDATORS = {name: Draft202012Validator(file_schema(name)) for name in SCHEMAS}
SHOWN = [
    (f"{document.name} {block.title}", block.text)
    for document in DOCUMENTS
    for block in blocks(document)
    if block.language == "yaml" and block.text.startswith("version: 1\n")
]
FORMED_WRONGLY = re.compile(
    r"unknown key|must be (a|text|`|at |1)|is not a (name|duration|pattern|Slack|condition)"
    r"|is missing in `(rules|agents|servers|teams|listen)`;|is an empty list; name at least"
)


def wrong(name, text):
    """Return what the schema says of a file."""
    return [error.message for error in VALIDATORS[name].iter_errors(value_of(text))]


def value_of(text):
    return read_document(text, file="f.yaml").root


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_each_is_a_schema_of_the_2020_12_dialect(name):
    schema = file_schema(name)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


@pytest.mark.parametrize(("title", "text"), SHOWN, ids=[title for title, _ in SHOWN])
def test_every_file_that_the_documents_show_is_taken(title, text):
    name = "placet" if "\nlisten:" in text else "test" if "\ntests:" in text else "policy"

    assert name == "test" or wrong(name, text) == []


def test_rules_of_every_kind_are_taken():
    assert wrong("policy", policy_of("\n".join(RULES))) == []


@given(policies())
def test_generated_policies_are_taken(written):
    assert wrong("policy", json.dumps(written)) == []


@pytest.mark.parametrize(
    ("name", "text", "file"),
    [
        ("policy", POLICY, "broken_policies.txt"),
        ("placet", CONFIGURATION, "broken_configurations.txt"),
    ],
)
def test_files_that_are_formed_wrongly_are_refused(name, text, file):
    formed_wrongly = [
        text.replace(replaced, by, 1)
        for replaced, by, expected in broken(file)
        if all(FORMED_WRONGLY.search(line) for line in expected)
    ]

    assert wrong(name, text) == []
    assert len(formed_wrongly) >= 15
    assert [each for each in formed_wrongly if not wrong(name, each)] == []


def test_every_key_of_a_policy_says_what_it_means():
    schema = file_schema("policy")
    described = {"policy": schema, **schema["$defs"]}
    silent = [
        f"{title}.{key}"
        for title, part in described.items()
        for key, inner in part.get("properties", {}).items()
        if "description" not in inner
    ]

    assert silent == []


def test_values_of_a_configuration_may_come_from_the_environment():
    text = CONFIGURATION.replace("url: https://", 'url: "${URL}" # ', 1)

    assert wrong("placet", text) == []


CHOICES = {
    "rules.effect": "rules: [{{name: a, effect: {0}}}]",
    "limits.effect": "limits: [{{name: a, at_most: 1, within: 1h, effect: {0}}}]",
    "limits.per": "limits: [{{name: a, at_most: 1, within: 1h, per: {0}}}]",
    "limits.per of several": "limits: [{{name: a, at_most: 1, within: 1h, per: [{0}]}}]",
    "default": "default: {0}",
    "risk": 'risk: {{"files/a": {0}}}',
    "match.risk": "rules: [{{name: a, effect: deny, match: {{risk: {0}}}}}]",
    "except.risk": "rules: [{{name: a, effect: deny, except: {{risk: [{0}]}}}}]",
    "never.risk": "grants: {{never: {{risk: {0}}}}}",
    "approval.reason": "rules: [{{name: a, effect: require_approval, approval: {{reason: {0}}}}}]",
    "limit's approval.reason": (
        "limits: [{{name: a, at_most: 1, within: 1h, effect: require_approval,"
        " approval: {{reason: {0}}}}}]"
    ),
    "version": "version: {0}",
}
WORDS = (
    *(each.value for each in Effect),
    *(each.value for each in Risk),
    *(each.value for each in Per),
    *("required", "optional", "1", "2", "Deny", "ALLOW", "none", "null", "true", '""', "0"),
)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("choice", CHOICES)
def test_editors_offer_the_very_words_that_are_taken(choice, word):
    written = CHOICES[choice].format(word)
    text = written if choice == "version" else f"version: 1\n{written}"
    try:
        compile_policy(text)
    except InvalidDocument:
        taken = False
    else:
        taken = True

    assert (wrong("policy", text) == []) is taken
