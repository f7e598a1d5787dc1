"""Ids are standard UUIDs, in order, and tell nights and revisions apart."""

import uuid

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from data.warehouse import scratch
from pipelines.challenges.identity import NAMESPACE, content_ids
from pipelines.known import Known
from tests.pipelines.publish.nights import make_night


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=20))
def test_an_id_is_the_uuid_of_the_nights_name_and_the_rows(names: list[str]) -> None:
    night = make_night()
    with scratch() as warehouse:
        found = content_ids(Known(warehouse, night), pl.Series(names, dtype=pl.String)).to_list()
    start = f"{night.app.app}/{night.as_of}/"
    assert found == [str(uuid.uuid5(NAMESPACE, start + name)) for name in names]
