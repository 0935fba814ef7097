"""Programs that nobody here wrote accept our checkpoints, proofs and tiles, and nothing changed.

OpenSSL's word on checkpoints is in `test_signed_notes`.
"""

import base64

import pytest
from rfc6962 import ENTRIES, tiles, tree_hash
from shelled import a_history
from tampering import seal

from ledger.audit.tlog_tiles import export_tiles
from ledger.proofs.entries import leaf_hash
from ledger.proofs.merkle import Frontier, consistency, inclusion
from ledger.proofs.signed_notes import Checkpoint, SigningKey, sign
from ledger.proofs.tlog_proofs import receipt

KEY = SigningKey.from_seed("placet.example/ledger", bytes(range(32)))
PLACES = [(0, 1), (1, 2), (3, 5), (255, 256), (256, 257), (300, 777), (66_666, 70_000)]
GROWTHS = [(1, 2), (3, 5), (4, 7), (255, 256), (256, 777), (50_001, 70_000), (65_536, 70_000)]


@pytest.fixture(params=["go", "sigstore", "pymerkle"])
def judge(request):
    return request.getfixturevalue(f"by_{request.param}")


def note_of(size):
    return sign(Checkpoint(KEY.name, size, tree_hash(0, size)), KEY)


def written(index, size):
    return receipt(index, inclusion(index, size, tiles), note_of(size), ENTRIES[index])


def with_key(**case):
    key = KEY.verifier
    return {"key": str(key), "pem": key.pem(), "id": key.id.hex(), **case}


def flipped(some, byte):
    return some[:byte] + bytes([some[byte] ^ 1]) + some[byte + 1 :]


def line_changed(text, number, byte=3):
    """The text with one byte changed in what a line has in base64 as its last word."""
    lines = text.split("\n")
    before, space, coded = lines[number].rpartition(" ")
    changed = base64.b64encode(flipped(base64.b64decode(coded), byte)).decode()
    lines[number] = before + space + changed
    return "\n".join(lines)


def wrong_receipts():
    """Receipts with one thing changed, by its name."""
    text = written(300, 777)
    lines = text.split("\n")
    path = range(3, lines.index(""))
    return {
        "entry": line_changed(text, 1),
        **{f"hash {number}": line_changed(text, number) for number in path},
        "a hash less": "\n".join(lines[:3] + lines[4:]),
        "index": text.replace("index 300", "index 301"),
        "root": line_changed(text, lines.index("777") + 1),
        "size": text.replace("\n777\n", "\n778\n"),
        "origin": text.replace("placet.example/ledger\n", "placet.example/other\n"),
        "signature": line_changed(text, len(lines) - 2, byte=20),
    }


ONLY_SIGNED = {"size", "origin", "signature"}
"""What a path does not show to be wrong."""


def test_others_accept_our_receipts(judge):
    cases = [with_key(receipt=written(*place)) for place in PLACES]

    assert judge(cases) == [""] * len(PLACES)


def test_others_reject_a_receipt_with_anything_changed(judge, request):
    wrong = wrong_receipts()

    verdicts = judge([with_key(receipt=text) for text in wrong.values()])

    accepted = {name for name, said in zip(wrong, verdicts, strict=True) if not said}
    looks_at_paths_alone = request.node.callspec.params["judge"] == "pymerkle"
    assert len(wrong) >= 15
    assert accepted == (ONLY_SIGNED if looks_at_paths_alone else set())


def test_others_reject_a_checkpoint_of_another_key(by_go, by_sigstore):
    other = SigningKey.from_seed(KEY.name, b"\x07" * 32)
    note = sign(Checkpoint(KEY.name, 1, tree_hash(0, 1)), other)
    case = with_key(receipt=receipt(0, [], note, ENTRIES[0]))

    assert all(by_go([case]))
    assert all(by_sigstore([case]))


def test_others_accept_the_receipts_that_the_command_writes(judge, sqlite_url, tmp_path):
    terminal, path = a_history(sqlite_url), tmp_path / "it.tlog-proof"
    seal(sqlite_url)
    cases = []
    for what in ["apr_1"], ["call_1"], ["grt_1"], ["--position", "1"]:
        terminal.run("audit", "receipt", *what, "--output", str(path))
        cases.append({"receipt": path.read_text()})
    terminal.run("audit", "key")
    key = terminal.lines[0]
    terminal.run("audit", "key", "--pem")
    known = {"key": key, "id": key.split("+")[1], "pem": terminal.text + "\n"}

    assert judge([case | known for case in cases]) == [""] * 4


def test_another_tree_has_our_roots(by_pymerkle):
    sizes = [1, 2, 3, 255, 256, 257, 776, 777]
    entries = [base64.b64encode(entry).decode() for entry in ENTRIES[:777]]

    def case(size, entries):
        root = Frontier().append(map(leaf_hash, ENTRIES[:size])).root().hex()
        return {"entries": entries, "size": size, "root": root}

    assert by_pymerkle([case(size, entries) for size in sizes]) == [""] * len(sizes)
    assert all(by_pymerkle([case(777, [*entries[:-2], entries[-1], entries[-2]])]))


def test_go_accepts_that_our_ledger_only_grew(by_go):
    cases = [
        with_key(
            old=note_of(old),
            new=note_of(new),
            path=[base64.b64encode(each).decode() for each in consistency(old, new, tiles)],
        )
        for old, new in GROWTHS
    ]

    assert by_go(cases) == [""] * len(GROWTHS)


def test_go_rejects_a_growth_with_anything_changed(by_go):
    path = consistency(50_001, 70_000, tiles)
    right = {"old": note_of(50_001), "new": note_of(70_000), "path": path}
    wrong = [
        *(
            right | {"path": [*path[:at], flipped(path[at], 31), *path[at + 1 :]]}
            for at in range(len(path))
        ),
        right | {"path": path[1:]},
        right | {"old": note_of(50_000)},
        right | {"new": note_of(69_999)},
        right | {"old": line_changed(note_of(50_001), 2)},
    ]
    for case in wrong:
        case["path"] = [base64.b64encode(each).decode() for each in case["path"]]

    verdicts = by_go([with_key(**case) for case in wrong])

    assert len(verdicts) > 15
    assert all(verdicts)


def exported(directory, size):
    export_tiles(directory, size, ENTRIES, note_of(size), lambda *_: None)
    return directory


def test_go_accepts_our_tiles(by_go, tmp_path):
    sizes = [1, 255, 256, 257, 66_049, 70_000]
    logs = [exported(tmp_path / str(size), size) for size in sizes]

    assert by_go([with_key(log=str(log)) for log in logs]) == [""] * len(sizes)


@pytest.fixture(scope="module")
def log_of_70000(tmp_path_factory):
    return exported(tmp_path_factory.mktemp("log"), 70_000)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("tile/entries/100", "another root"),
        ("tile/entries/273.p/112", "another root"),
        ("tile/0/100", "tile/0/100 is another"),
        ("tile/0/273.p/112", "tile/0/273.p/112 is another"),
        ("tile/1/000", "tile/1/000 is another"),
        ("tile/1/001.p/17", "tile/1/001.p/17 is another"),
        ("tile/2/000.p/1", "tile/2/000.p/1 is another"),
        ("checkpoint", "invalid signature"),
    ],
)
def test_go_rejects_a_log_with_a_byte_changed(by_go, log_of_70000, file, said):
    path = log_of_70000 / file
    content = path.read_bytes()
    path.write_bytes(flipped(content, 30))

    (verdict,) = by_go([with_key(log=str(log_of_70000))])

    path.write_bytes(content)
    assert said in verdict
