"""An export has the files of C2SP `tlog-tiles`, and stops where they cannot be true."""

import hashlib
import struct

import pytest
from rfc6962 import ENTRIES, LEAVES, tiles, tree_hash

from ledger.audit.tlog_tiles import (
    LogDiffers,
    NotTheCheckpoint,
    TileDiffers,
    export_tiles,
    tile_name,
)
from ledger.proofs.merkle import Frontier, root_of
from ledger.proofs.signed_notes import Checkpoint, NotANote, SigningKey, sign

KEY = SigningKey.from_seed("placet.example/ledger", bytes(range(32)))


def note_of(size):
    return sign(Checkpoint(KEY.name, size, tree_hash(0, size)), KEY)


def exported(directory, size, entries=ENTRIES):
    reached = []
    export_tiles(directory, size, entries, note_of(size), lambda *at: reached.append(at))
    return reached


def files_of(directory):
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def unbundled(content):
    entries = []
    while content:
        (length,) = struct.unpack(">H", content[:2])
        entries.append(content[2 : 2 + length])
        content = content[2 + length :]
    return entries


@pytest.mark.parametrize(
    ("number", "width", "name"),
    [
        (0, 256, "000"),
        (999, 256, "999"),
        (1000, 256, "x001/000"),
        (1_234_067, 256, "x001/x234/067"),
        (273, 112, "273.p/112"),
        (1000, 1, "x001/000.p/1"),
    ],
)
def test_a_tile_s_number_is_written_in_groups_of_three_digits(number, width, name):
    assert tile_name(number, width) == name


def test_a_log_of_70000_entries_has_the_files_of_the_specification_s_example(tmp_path):
    exported(tmp_path, 70_000)
    files = files_of(tmp_path)

    assert set(files) == {
        "checkpoint",
        *(f"tile/0/{number:03d}" for number in range(273)),
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
        *(f"tile/entries/{number:03d}" for number in range(273)),
        "tile/entries/273.p/112",
    }
    assert files["checkpoint"].decode() == note_of(70_000)
    assert files["tile/0/100"] == b"".join(LEAVES[25_600:25_856])
    assert files["tile/0/273.p/112"] == b"".join(LEAVES[69_888:])
    assert files["tile/1/000"] == b"".join(tiles(1, 0, 256))
    assert files["tile/1/001.p/17"] == b"".join(tiles(1, 256, 273))
    assert files["tile/2/000.p/1"] == tree_hash(0, 65_536)
    assert unbundled(files["tile/entries/100"]) == ENTRIES[25_600:25_856]
    assert unbundled(files["tile/entries/273.p/112"]) == ENTRIES[69_888:]


@pytest.mark.parametrize(
    ("size", "names"),
    [
        (0, set()),
        (1, {"0/000.p/1", "entries/000.p/1"}),
        (255, {"0/000.p/255", "entries/000.p/255"}),
        (256, {"0/000", "1/000.p/1", "entries/000"}),
        (257, {"0/000", "0/001.p/1", "1/000.p/1", "entries/000", "entries/001.p/1"}),
    ],
)
def test_small_logs_have_no_empty_tile(tmp_path, size, names):
    exported(tmp_path, size)

    assert set(files_of(tmp_path)) == {"checkpoint", *(f"tile/{name}" for name in names)}


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 513, 66_049])
def test_the_tiles_make_the_root_of_the_checkpoint(tmp_path, size):
    exported(tmp_path, size)
    files = files_of(tmp_path)

    def hashes(level, start, end):
        number, width = start // 256, end - start
        tile = files[f"tile/{level}/{tile_name(number, width)}"]
        return [tile[at : at + 32] for at in range(0, len(tile), 32)]

    assert root_of(size, hashes) == tree_hash(0, size)


def test_entries_are_read_as_they_are_needed_and_no_further(tmp_path):
    def entries():
        yield from ENTRIES[:600]
        raise AssertionError("read too far")

    assert exported(tmp_path, 600, entries()) == [(256, 600), (512, 600), (600, 600)]


def test_a_longer_log_is_exported_over_a_shorter_one(tmp_path):
    exported(tmp_path, 300)
    before = (tmp_path / "tile/0/000").stat().st_mtime_ns

    exported(tmp_path, 600)

    assert (tmp_path / "checkpoint").read_text() == note_of(600)
    assert (tmp_path / "tile/0/000").stat().st_mtime_ns == before
    assert (tmp_path / "tile/0/001").read_bytes() == b"".join(LEAVES[256:512])


@pytest.mark.parametrize("at", [5, 299])
def test_a_history_that_differs_from_what_was_exported_is_told(tmp_path, at):
    exported(tmp_path, 300)
    other = [*ENTRIES[:at], b"another", *ENTRIES[at + 1 :]]

    with pytest.raises(TileDiffers, match=f"entries/{'000' if at == 5 else '001.p/44'}` is of"):
        exported(tmp_path, 300, other)

    assert (tmp_path / "checkpoint").read_text() == note_of(300)


@pytest.mark.parametrize("changed", [0, 255, 256, 299])
def test_entries_that_the_checkpoint_does_not_cover_get_none(tmp_path, changed):
    wrong = [*ENTRIES[:changed], b"another", *ENTRIES[changed + 1 :]]

    with pytest.raises(NotTheCheckpoint, match="another root"):
        exported(tmp_path, 300, wrong)

    assert not (tmp_path / "checkpoint").exists()


def test_entries_that_are_missing_are_told(tmp_path):
    with pytest.raises(NotTheCheckpoint, match="there are 299 events"):
        exported(tmp_path, 300, ENTRIES[:299])

    assert not (tmp_path / "checkpoint").exists()


def test_a_checkpoint_over_another_size_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(NotTheCheckpoint, match="over 299 events, not 300"):
        export_tiles(tmp_path, 300, ENTRIES, note_of(299), print)
    with pytest.raises(NotANote):
        export_tiles(tmp_path, 300, ENTRIES, "no note", print)

    assert files_of(tmp_path) == {}


@pytest.mark.parametrize("size", [1, 255, 299])
def test_a_log_that_was_longer_before_keeps_its_checkpoint(tmp_path, size):
    exported(tmp_path, 300)
    before = files_of(tmp_path)

    with pytest.raises(LogDiffers, match=f"over 300 events, and the ledger is sealed up to {size}"):
        exported(tmp_path, size)

    assert files_of(tmp_path) == before


@pytest.mark.parametrize("size", [1, 200, 256, 300, 512, 600])
def test_a_checkpoint_from_before_is_the_head_of_the_same_history(tmp_path, size):
    exported(tmp_path, size)
    others = [*ENTRIES[: size - 1], b"another", *ENTRIES[size:]]
    leaves = [hashlib.sha256(b"\x00" + entry).digest() for entry in others[:700]]
    note = sign(Checkpoint(KEY.name, 700, Frontier().append(leaves).root()), KEY)

    with pytest.raises((LogDiffers, TileDiffers), match="of another history"):
        export_tiles(tmp_path, 700, others, note, lambda *_: None)

    assert (tmp_path / "checkpoint").read_text() == note_of(size)
    exported(tmp_path, 700)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("junk", "is no checkpoint"),
        (
            note_of(10).replace(KEY.name, "placet.example/another"),
            "is of the log placet.example/an",
        ),
    ],
)
def test_a_checkpoint_of_something_else_stays(tmp_path, written, told):
    (tmp_path / "checkpoint").write_text(written)

    with pytest.raises(LogDiffers, match=told):
        exported(tmp_path, 300)

    assert files_of(tmp_path) == {"checkpoint": written.encode()}


def test_the_longest_entry_fits_into_a_bundle(tmp_path):
    longest = b"x" * 65_535
    leaf = hashlib.sha256(b"\x00" + longest).digest()
    note = sign(Checkpoint(KEY.name, 1, leaf), KEY)

    export_tiles(tmp_path, 1, [longest], note, lambda *_: None)

    assert unbundled((tmp_path / "tile/entries/000.p/1").read_bytes()) == [longest]


def test_an_interrupted_export_is_gone_on_with(tmp_path):
    def entries():
        yield from ENTRIES[:400]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exported(tmp_path, 600, entries())
    assert set(files_of(tmp_path)) == {"tile/0/000", "tile/entries/000"}

    exported(tmp_path, 600)

    assert len(files_of(tmp_path)) == 8
