"""The keys of the digests are private, made once, and kept."""

import asyncio
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from open_ledgers import open_ledger, prepare

from ledger.keys import KeyUnusable, digest_keys
from policies.values.digests import WeakSecret

SECRET = "0123456789abcdef0123456789abcdef"
OLDER = "fedcba9876543210fedcba9876543210"


def test_sqlite_gets_a_private_key_on_first_use(tmp_path):
    url = f"sqlite:///{tmp_path}/placet.db"

    (first,) = digest_keys(url, None)
    (again,) = digest_keys(url, None)

    made = tmp_path / "placet.db.key"
    assert first == again
    assert len(first.secret) == 64
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if ".key" in path.name] == ["placet.db.key"]


def test_no_new_key_is_made_for_a_history_that_is_sealed(tmp_path):
    url = f"sqlite:///{tmp_path}/placet.db"
    (key,) = digest_keys(url, None)
    open_ledger(url).close()
    with sqlite3.connect(tmp_path / "placet.db") as connection:
        connection.execute("INSERT INTO ledger_checkpoint VALUES (1, 0, x'', 'a note')")
    kept = (tmp_path / "placet.db.key").rename(tmp_path / "elsewhere")

    with pytest.raises(KeyUnusable, match=r"placet\.db\.key` is gone.*put the file back"):
        digest_keys(url, None)

    assert not (tmp_path / "placet.db.key").exists()
    kept.rename(tmp_path / "placet.db.key")
    assert digest_keys(url, None) == (key,)


def test_a_ledger_that_only_commands_wrote_to_gets_its_key_when_it_is_served(tmp_path):
    url = f"sqlite:///{tmp_path}/placet.db"
    with open_ledger(url, serving=False) as ledger:
        asyncio.run(prepare(ledger))

    assert len(digest_keys(url, None)) == 1


def test_processes_that_start_at_once_get_the_same_key(tmp_path):
    url = f"sqlite:///{tmp_path}/placet.db"

    with ThreadPoolExecutor(8) as starting:
        keys = list(starting.map(lambda _: digest_keys(url, None), range(8)))

    assert len(set(keys)) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o620])
def test_a_key_that_others_can_reach_is_refused(tmp_path, mode):
    url = f"sqlite:///{tmp_path}/placet.db"
    digest_keys(url, None)
    (tmp_path / "placet.db.key").chmod(mode)

    with pytest.raises(KeyUnusable, match="chmod 600"):
        digest_keys(url, None)


def test_an_empty_key_file_is_refused_and_not_replaced(tmp_path):
    (tmp_path / "placet.db.key").touch(0o600)

    with pytest.raises(KeyUnusable, match="is empty"):
        digest_keys(f"sqlite:///{tmp_path}/placet.db", None)


def test_a_folder_in_the_place_of_the_key_file_is_refused(tmp_path):
    (tmp_path / "placet.db.key").mkdir()

    with pytest.raises(KeyUnusable, match="cannot be read: Is a directory"):
        digest_keys(f"sqlite:///{tmp_path}/placet.db", None)


def test_a_key_file_that_is_no_text_is_refused(tmp_path):
    digest_keys(f"sqlite:///{tmp_path}/placet.db", None)
    (tmp_path / "placet.db.key").write_bytes(b"\xff\x00" * 32)

    with pytest.raises(KeyUnusable, match="holds no key"):
        digest_keys(f"sqlite:///{tmp_path}/placet.db", None)


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").write_text(SECRET)
    (tmp_path / "elsewhere").chmod(0o600)
    (tmp_path / "placet.db.key").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(KeyUnusable, match="cannot be read"):
        digest_keys(f"sqlite:///{tmp_path}/placet.db", None)


def test_older_secrets_in_the_file_follow_the_one_in_force(tmp_path):
    (tmp_path / "placet.db.key").write_text(f"{SECRET}\n{OLDER}\n")
    (tmp_path / "placet.db.key").chmod(0o600)

    keys = digest_keys(f"sqlite:///{tmp_path}/placet.db", None)

    assert [key.secret for key in keys] == [SECRET.encode(), OLDER.encode()]


def test_a_configured_secret_wins_and_makes_no_file(tmp_path):
    keys = digest_keys(f"sqlite:///{tmp_path}/placet.db", SECRET, (OLDER,))

    assert [key.secret for key in keys] == [SECRET.encode(), OLDER.encode()]
    assert not (tmp_path / "placet.db.key").exists()


def test_postgresql_needs_a_configured_secret():
    with pytest.raises(KeyUnusable, match=r"ledger\.digest_key"):
        digest_keys("postgresql+psycopg://nobody@127.0.0.1:1/none", None)


def test_a_short_secret_is_refused():
    with pytest.raises(WeakSecret):
        digest_keys("postgresql+psycopg://nobody@127.0.0.1:1/none", "short")
