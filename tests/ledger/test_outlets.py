"""Where exported lines go: files that are only ever added to, and pipes."""

import os
import stat
import threading
from pathlib import Path

import pytest

from ledger.audit.outlets import Form, Outlet
from policies.values.refusals import Refused

CSV = Form("a,b", "a,b")
LINES = Form("{")


def test_a_new_file_begins_with_the_header_and_is_private(tmp_path) -> None:
    path = tmp_path / "out"

    with Outlet(path, CSV) as outlet:
        outlet.write(["1,2"])

    assert path.read_text() == "a,b\n1,2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_nobody_knows_of_is_left_alone(tmp_path) -> None:
    path = tmp_path / "out"
    path.write_text("mine")

    with pytest.raises(Refused, match="is not empty, and no cursor says what is in it"):
        Outlet(path, LINES)

    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "a,b\nnew\n"),
        ("a,b\nold\n", "a,b\nold\nnew\n"),
        ("a,b\nold\nto", "a,b\nold\nnew\n"),
        ("a,", "a,b\nnew\n"),
        ("a,b\n" + "x" * 200_000, "a,b\nnew\n"),
        ("a,b" * 70_000, "a,b\nnew\n"),
    ],
)
def test_a_torn_last_line_is_taken_away_when_a_file_is_gone_on_with(
    tmp_path, before, after
) -> None:
    path = tmp_path / "out"
    path.write_text(before)

    with Outlet(path, CSV, resumed=True) as outlet:
        outlet.write(["new"])

    assert path.read_text() == after


@pytest.mark.parametrize("before", ["SQLite format 3\0", "x", '{"position":1}\n', "a,c\n", "\n"])
def test_a_file_that_is_no_export_of_the_format_is_never_cut(tmp_path, before) -> None:
    path = tmp_path / "out"
    path.write_text(before)

    with pytest.raises(Refused, match="is no export of this format"):
        Outlet(path, CSV, resumed=True)

    assert path.read_text() == before


@pytest.mark.parametrize("made", [True, False])
def test_a_file_that_was_rotated_away_is_begun_anew(tmp_path, made) -> None:
    path = tmp_path / "out"

    with Outlet(path, CSV) as outlet:
        outlet.write(["1,2"])
        path.rename(tmp_path / "out.1")
        if made:
            path.touch()
        outlet.write(["3,4"])
        path.unlink()
        outlet.write(["5,6"])

    assert (tmp_path / "out.1").read_text() == "a,b\n1,2\n"
    assert path.read_text() == "a,b\n5,6\n"


def test_what_cannot_be_opened_or_written_is_refused(tmp_path) -> None:
    with pytest.raises(Refused, match="cannot be written: No such file or directory"):
        Outlet(tmp_path / "none" / "out", LINES)
    with pytest.raises(Refused, match="cannot be written: Is a directory"):
        Outlet(tmp_path, LINES)
    with Outlet(Path("/dev/full"), LINES) as full, pytest.raises(Refused, match="No space left"):
        full.write(["line"])


def test_a_pipe_that_must_not_block_gets_every_line(tmp_path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(path.read_bytes()))
    reader.start()

    with Outlet(path, LINES) as outlet:
        os.set_blocking(outlet._file, False)
        assert not outlet.abandoned()
        outlet.write(["x" * 99] * 20_000)
    reader.join()

    assert len(heard[0]) == 2_000_000


def test_a_pipe_without_a_reader_is_abandoned(tmp_path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    with Outlet(path, LINES) as outlet:
        os.close(reader)

        assert outlet.abandoned()
        with pytest.raises(BrokenPipeError):
            outlet.write(["line"])
