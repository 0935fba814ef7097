"""A ledger's database lets every connection go."""

from ledger.databases import connect


def test_a_connection_that_is_in_use_at_the_end_is_closed_when_it_comes_back(postgres_url):
    database = connect(postgres_url)
    connection = database.reading.connect()
    driver = connection.connection.dbapi_connection

    database.close()
    connection.close()

    assert driver.closed
