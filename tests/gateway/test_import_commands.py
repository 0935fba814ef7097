"""`placet import` prints or writes a policy, and drops nothing in silence."""

import json

import pytest

import placet
from policies.rules.policy import compile_policy

FILE = """\
version: "1"
tools:
  pay:
    rules:
      - {name: cap, conditions: [{path: args.amount, op: lte, value: 500}]}
      - name: large
        action: require_approval
        conditions: [{path: args.amount, op: gt, value: 50}]
"""
STRICTER = "where the argument is missing or of another type, people are asked"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder with one file of Intercept's."""
    (tmp_path / "bank.yaml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_policy_is_printed_with_where_it_is_stricter_as_comments(capsys):
    code = placet.main(["import", "intercept", "bank.yaml", "--server", "bank"])

    printed = capsys.readouterr().out
    assert code == 0
    assert f"# - bank.yaml:8: {STRICTER}\n" in printed
    names = [rule.name for rule in compile_policy(printed).rules]
    assert names == ["pay: cap", "pay: large", "what no other rule denies"]


def test_a_written_policy_is_summed_up_and_never_overwrites_a_file(folder, capsys):
    arguments = ["import", "intercept", "bank.yaml", "--write", "policy.yaml"]

    first, told = placet.main(arguments), capsys.readouterr().out
    second, refused = placet.main(arguments), capsys.readouterr().err

    assert (first, second) == (0, 1)
    assert told.splitlines() == [
        f"bank.yaml:8:22: {STRICTER} (stricter)",
        "wrote policy.yaml: 3 rules, 0 limits",
    ]
    assert refused == "placet: `policy.yaml` is there already; name another file, or move it away\n"
    assert compile_policy((folder / "policy.yaml").read_text()).rules


def test_several_files_guard_the_servers_of_their_names(folder, capsys):
    (folder / "files.yaml").write_text('version: "1"\ntools: {rm: {rules: [{action: deny}]}}\n')

    code = placet.main(["import", "intercept", "bank.yaml", "files.yaml", "--json"])

    answer = json.loads(capsys.readouterr().out)
    rules = compile_policy(answer["policy"]).rules
    assert code == 0
    assert [rule.name for rule in rules][-2:] == [
        "files/rm: deny",
        "files/what no other rule denies",
    ]
    assert answer["notes"] == [
        {"file": "bank.yaml", "line": 8, "column": 22, "what": STRICTER, "stricter": True}
    ]


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_written(folder, capsys):
    text = FILE.replace("op: lte", "op: regex").replace("value: 50}", 'value: "50"}')
    (folder / "bank.yaml").write_text(text)

    code = placet.main(["import", "intercept", "bank.yaml", "--write", "policy.yaml"])

    assert code == 2
    assert capsys.readouterr().err.splitlines() == [
        "bank.yaml:5:72: `regex` takes a text; write it in quotes",
        "bank.yaml:8:57: `lt`, `lte`, `gt` and `gte` take a number; write it without quotes",
    ]
    assert not (folder / "policy.yaml").exists()


def test_errors_are_told_to_machines_too(folder, capsys):
    (folder / "bank.yaml").write_text(
        'version: "1"\ntools: {pay: {rules: [{spend: {daily: 5}}]}}\n'
    )

    code = placet.main(["import", "intercept", "bank.yaml", "--json"])

    assert code == 2
    assert json.loads(capsys.readouterr().out)["problems"] == [
        {
            "file": "bank.yaml",
            "line": 2,
            "column": 24,
            "what": "`spend` bounds what a server charges, which is known only after the call",
            "instead": "limit an argument instead, or the number of calls",
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--server A", "`A` is no name of a server; name it with `--server`, in a-z, 0-9, `-`"),
        ("--server a --server b", "write `--server` once for each file, in their order"),
        (
            "missing.yaml --server a --server b",
            "missing.yaml:1:1: there is no file `missing.yaml`; write it, or name another",
        ),
    ],
)
def test_servers_and_files_that_do_not_fit_are_refused(arguments, said, capsys):
    code = placet.main(["import", "intercept", "bank.yaml", *arguments.split()])

    assert code == 2
    assert capsys.readouterr().err.strip() == said
