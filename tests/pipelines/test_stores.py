"""What a job opens of an app."""

import pytest

from configs.loader import load_app
from configs.settings import Settings
from pipelines.stores import open_app


@pytest.mark.parametrize(
    ("given", "grows", "kept"), [(2, True, "1.0 GiB"), (2, False, "2.0 GiB"), (0.5, True, "512.0 MiB")]
)
def test_an_ingest_has_half_the_memory_of_a_night_but_a_gibibyte_where_there_is_one(tmp_path, given, grows, kept):
    settings = Settings(home=tmp_path, memory_gb=given)
    with open_app(settings, load_app("trading"), grows=grows) as warehouse:
        assert warehouse.value("SELECT current_setting('memory_limit')") == kept
