"""A warehouse in which five players have played before the night."""

import pytest

from tests.pipelines.publish.nights import played_warehouse


@pytest.fixture(name="warehouse")
def _warehouse():
    with played_warehouse() as warehouse:
        yield warehouse
