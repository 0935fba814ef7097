"""The demo goes on with what is in its folder, and takes nobody else's."""

import re

import pytest

from ledger.shell import Misconfigured
from ledger.storage.leases import FileLock
from placet_demo_stage import FILES, POLICY, Ports, lay_out, take_folder

URL = "http://127.0.0.1:9/mcp"


def begun(folder):
    take_folder(folder)
    return lay_out(folder, URL, Ports())


def test_a_demo_that_starts_again_goes_on_with_its_policy_and_files(tmp_path):
    stage = begun(tmp_path / "demo")
    policy = stage.folder / "policy.yaml"
    policy.write_text("version: 1\n")
    (stage.files / "notes.txt").write_text("mine")
    (stage.files / "old-report.txt").unlink()

    begun(stage.folder)

    assert policy.read_text() == "version: 1\n"
    assert (stage.files / "notes.txt").read_text() == "mine"
    assert (stage.files / "old-report.txt").read_text() == FILES["old-report.txt"]


@pytest.mark.parametrize("text", ["version: 1\n", "", "\udcff"])
def test_a_configuration_of_somebody_else_is_left_alone(tmp_path, text):
    config = tmp_path / "placet.yaml"
    config.write_text(text, "utf-8", "surrogateescape")

    with pytest.raises(Misconfigured, match="is not of `placet demo`; name another folder"):
        take_folder(tmp_path)

    assert config.read_text("utf-8", "surrogateescape") == text


def test_a_folder_in_which_a_demo_runs_is_left_alone(tmp_path):
    begun(tmp_path)
    ledger = tmp_path / "placet.db"
    ledger.touch()
    lock = FileLock(ledger)

    with pytest.raises(Misconfigured, match=f"has the ledger `{re.escape(str(ledger))}`"):
        take_folder(tmp_path)

    lock.release()
    take_folder(tmp_path)


def test_a_folder_that_cannot_be_made_is_said_to_be_that(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(Misconfigured, match="file`: not a directory; name another"):
        take_folder(tmp_path / "file")


def test_a_folder_that_cannot_be_written_is_said_to_be_that(tmp_path):
    (tmp_path / "placet.yaml").mkdir()

    with pytest.raises(Misconfigured, match="is a directory; name another"):
        take_folder(tmp_path)
    with pytest.raises(Misconfigured, match="is a directory; name another"):
        lay_out(tmp_path, URL, Ports())


def test_the_demo_begins_with_its_own_policy(tmp_path):
    stage = begun(tmp_path)

    assert (stage.folder / "policy.yaml").read_text() == POLICY
    assert stage.config.stat().st_mode & 0o077 == 0
