"""A policy is read from its files; what cannot be read is said where it is included."""

import os

import pytest

from gateway.files.policy_files import PolicyFiles, read_policy
from policies.values.problems import InvalidDocument

FILES = "version: 1\nrules: [{name: reads, effect: allow}]\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "files.yaml").write_text(FILES)
    return tmp_path


def written(folder, path):
    main = folder / "policy.yaml"
    main.write_text(f'version: 1\ninclude: {{files: "{path}"}}\n')
    return main


def problems_of(main):
    with pytest.raises(InvalidDocument) as caught:
        read_policy(main)
    return [str(problem).removeprefix(f"{main.parent}/") for problem in caught.value.problems]


def test_included_files_are_read_from_beside_the_policy(folder):
    policy = read_policy(written(folder, "policies/files.yaml"))

    assert [rule.name for rule in policy.rules] == ["files/reads"]
    assert policy.rules[0].file == str(folder / "policies" / "files.yaml")


def test_an_absolute_path_leads_anywhere(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "files.yaml"
    elsewhere.write_text(FILES)

    assert len(read_policy(written(folder, elsewhere)).rules) == 1


def test_a_policy_in_a_folder_may_include_from_the_configurations_folder(folder):
    main = folder / "policies" / "policy.yaml"
    main.write_text("version: 1\ninclude: {files: ../files.yaml}\n")
    (folder / "files.yaml").write_text(FILES)

    assert len(read_policy(main, within=folder).rules) == 1
    assert "leads out of" in problems_of(main)[0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("../out.yaml", "`../out.yaml`: the path leads out of"),
        ("policies/../../out.yaml", "`policies/../../out.yaml`: the path leads out of"),
        ("no.yaml", "`no.yaml`: there is no file"),
        ("policies", "`policies`: `"),
        ("latin.yaml", "`latin.yaml`: the byte 0xFF is not UTF-8 in its line 2, column 2; save"),
        ("two.yaml", "`two.yaml`: a second document begins in it; keep one document to a file"),
        ("pipe.yaml", "is not a plain file; name a text file"),
        ("huge.yaml", "`huge.yaml`: the file is too long"),
        ("a\\\\b.yaml", "`files` is not a file; write its path with `/` between folders"),
        ("", "`files` is not a file; write its path"),
    ],
)
def test_what_cannot_be_included_is_said_where_it_is_included(folder, path, expected):
    (folder / "latin.yaml").write_bytes(b"a\nb\xff")
    (folder / "two.yaml").write_text(f"{FILES}--- # included file: x\n{FILES}")
    (folder / "huge.yaml").write_text("#" * 4_000_001)
    os.mkfifo(folder / "pipe.yaml")

    problems = problems_of(written(folder, path))

    assert problems[0].startswith("policy.yaml:2:18: ")
    assert expected in problems[0]


def test_a_policy_file_that_holds_two_documents_is_refused(folder):
    main = folder / "policy.yaml"
    main.write_text(f"{FILES}--- # included file: policies/files.yaml\n{FILES}")

    assert problems_of(main) == [
        "policy.yaml:3:1: a second document begins here; keep one document to a file: remove `---`"
    ]


def test_a_change_of_an_included_file_is_a_change_of_the_text(folder):
    files = PolicyFiles(written(folder, "policies/files.yaml"), folder)
    before = files.text()

    (folder / "policies" / "files.yaml").write_text(f"{FILES}default: deny\n")

    assert files.text() != before
    assert files.text() == files.read().text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"version: 1\nrules: []\n# caf\xe9", "3:6: the byte 0xE9 is not UTF-8; save the file"),
        ("version: 1".encode("utf-16"), "1:1: the file is UTF-16; save the file as UTF-8"),
        ("version: 1".encode("utf-32"), "1:1: the file is UTF-32; save the file as UTF-8"),
        ("version: 1".encode("utf-8-sig"), "1:1: the file begins with a byte order mark; save"),
        (b"version: 1\nrules: [\x00]", "2:9: the character U+0000 is not allowed; remove it"),
    ],
)
def test_a_file_that_is_no_text_is_refused_with_its_place(folder, content, expected):
    main = folder / "policy.yaml"
    main.write_bytes(content)

    (problem,) = problems_of(main)

    assert problem.startswith(f"policy.yaml:{expected}")


def test_files_that_are_not_there_or_not_files_are_refused(folder):
    assert problems_of(folder / "policies")[0].endswith(
        "is a folder, not a file; name a file in it"
    )
    assert "there is no file" in problems_of(folder / "none.yaml")[0]
    assert "is not a file's name" in problems_of(folder / "a\0b")[0]
