"""Copies the files of a running PostgreSQL, for another one to begin with."""

import os
import subprocess

import psycopg


def base_backup(server, copy):
    """Copy a running server's files (PostgreSQL's manual, "Making a Base Backup")."""
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("SELECT pg_backup_start('base', true)")
        subprocess.run(["cp", "-a", f"{server.pgdata}/.", str(copy)], check=True)
        (_, label, _) = connection.execute("SELECT * FROM pg_backup_stop()").fetchone()
    for running in ("postmaster.*", ".s.PGSQL.*", ".handle_pids.json", "pg_wal/0*"):
        for path in copy.glob(running):
            path.unlink()
    written(copy / "backup_label", label)


def written(path, text):
    """Write a file for the server's own user."""
    path.write_text(text)
    owner = (path.parent / "PG_VERSION").stat()
    os.chown(path, owner.st_uid, owner.st_gid)
