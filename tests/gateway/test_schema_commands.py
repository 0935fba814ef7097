"""`placet schema` prints what editors need, or writes it beside the files."""

import json

import placet


def test_the_schema_of_a_policy_is_printed_unless_another_is_asked_for(capsys):
    assert placet.main(["schema"]) == 0
    policy = json.loads(capsys.readouterr().out)

    assert placet.main(["schema", "placet"]) == 0
    configuration = json.loads(capsys.readouterr().out)

    assert policy["properties"]["version"]["const"] == 1
    assert policy["required"] == ["version"]
    assert "listen" in configuration["required"]


def test_both_schemas_are_written_into_a_folder(tmp_path, capsys):
    assert placet.main(["schema", "--write", str(tmp_path)]) == 0

    written = {path.name: json.loads(path.read_text()) for path in tmp_path.iterdir()}
    assert set(written) == {"placet.schema.json", "policy.schema.json"}
    assert f"wrote {tmp_path}/policy.schema.json" in capsys.readouterr().out


def test_a_folder_that_is_not_there_is_refused(tmp_path, capsys):
    assert placet.main(["schema", "--write", str(tmp_path / "none")]) == 2

    assert "cannot be written: No such file or directory" in capsys.readouterr().err
