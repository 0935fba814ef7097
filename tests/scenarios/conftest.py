"""A stage for each scenario, on SQLite and on PostgreSQL."""

import functools

import pytest
from scenarios.stage import stage


@pytest.fixture
def staged(tmp_path, ledger_url):
    """Give what opens a stage for a block, with a policy and a hold of the test's own."""
    return functools.partial(stage, tmp_path, ledger_url)
