"""The recorder passes the test cases that eventsourcing ships, on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from eventsourcing.tests import persistence as shipped

from ledger.storage.databases import Database, connect
from ledger.storage.recorder import LedgerRecorder
from ledger.storage.schema import migrate


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 (a real clock, as the root hands in)


@pytest.fixture
def database(ledger_url) -> Iterator[Database]:
    opened = connect(ledger_url)
    with opened.write() as connection:
        migrate(connection)
    yield opened
    opened.close()


@pytest.fixture
def recorder(database) -> LedgerRecorder:
    return LedgerRecorder(database, now)


class OverTheRecorder:
    """Runs a shipped test case, method by method, over one recorder."""

    __test__ = False

    def __init__(self, recorder: LedgerRecorder) -> None:
        super().__init__()
        self._recorder = recorder

    def create_recorder(self) -> LedgerRecorder:
        return self._recorder

    def new_originator_id(self) -> str:
        return str(uuid4())


class ApplicationCase(OverTheRecorder, shipped.ApplicationRecorderTestCase[LedgerRecorder]):
    pass


class ProcessCase(OverTheRecorder, shipped.ProcessRecorderTestCase):
    pass


class TrackingCase(OverTheRecorder, shipped.TrackingRecorderTestCase):
    pass


class NonInterleavingCase(OverTheRecorder, shipped.NonInterleavingNotificationIDsBaseCase):
    pass


CASES = [
    (case, name)
    for case in (ApplicationCase, ProcessCase, TrackingCase, NonInterleavingCase)
    for name in dir(case)
    if name.startswith(("test", "optional_test"))
]


@pytest.mark.parametrize(
    ("case", "name"), CASES, ids=[f"{case.__name__}-{name}" for case, name in CASES]
)
def test_the_shipped_case_passes(recorder, case, name):
    shipped_case = case(recorder)

    getattr(shipped_case, name)()
    shipped_case.doCleanups()
