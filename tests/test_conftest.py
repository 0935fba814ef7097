"""The shared fixtures keep their word."""

import sqlalchemy


def test_every_ledger_address_opens(ledger_url):
    engine = sqlalchemy.create_engine(ledger_url)

    with engine.connect() as connection:
        answer = connection.execute(sqlalchemy.text("SELECT 1")).scalar_one()

    engine.dispose()
    assert answer == 1
