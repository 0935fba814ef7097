"""`placet fmt` writes valid files in one form, and touches no others."""

import pytest

import placet

UNTIDY = "rules: [{effect: allow, name: 'reads'}]\nversion: 1\n"
TIDY = "version: 1\nrules: [{name: reads, effect: allow}]\n"


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(UNTIDY)
    path.chmod(0o640)
    return path


def test_a_file_is_written_anew_with_its_mode(policy, capsys):
    assert placet.main(["fmt", str(policy)]) == 0

    assert policy.read_text() == TIDY
    assert policy.stat().st_mode & 0o777 == 0o640
    assert capsys.readouterr().out == f"{policy}: written anew\n"
    assert [path.name for path in policy.parent.iterdir()] == ["policy.yaml"]


def test_checking_writes_nothing_and_exits_with_1_where_a_form_is_another(policy, capsys):
    assert placet.main(["fmt", "--check", str(policy)]) == 1
    assert policy.read_text() == UNTIDY
    assert capsys.readouterr().out == f"{policy}: would change\n"

    policy.write_text(TIDY)
    assert placet.main(["fmt", "--check", str(policy)]) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rules: [{effect: alow, name: a}]\nversion: 1\n", "policy.yaml:1:18: `effect` must be"),
        ("rules: [{when: agrs.x, effect: deny, name: a}]\nversion: 1\n", "there is no `agrs`"),
        ("rules: [\n", "the bracket that opens here is not closed"),
        ("- a\n", "the file is no map of keys and values"),
        ("version: 1\nservers: {}\n", "`ledger` is missing"),
    ],
)
def test_no_file_is_touched_where_one_is_invalid(policy, text, expected, capsys):
    valid = policy.with_name("valid.yaml")
    valid.write_text(UNTIDY)
    policy.write_text(text)

    assert placet.main(["fmt", str(valid), str(policy)]) == 2
    assert expected in capsys.readouterr().err
    assert (policy.read_text(), valid.read_text()) == (text, UNTIDY)


def test_an_included_file_is_looked_at_with_the_one_that_includes_it(policy):
    files = policy.with_name("files.yaml")
    files.write_text("rules: [{when: big, effect: deny, name: a}]\nversion: 1\n")
    policy.write_text("version: 1\nconditions: {big: args.n > 1}\ninclude: {files: files.yaml}\n")

    assert placet.main(["fmt", str(files)]) == 2
    assert placet.main(["fmt", str(policy), str(files)]) == 0
    assert files.read_text() == "version: 1\nrules: [{name: a, when: big, effect: deny}]\n"
