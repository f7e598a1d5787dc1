"""Personas and styles: shares that add up to 1, and one that counts until another leads by enough."""

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from pipelines.known import Known
from pipelines.players.membership import MARGIN, belong, memberships_before, write_memberships
from tests.factories import make_app, warehouse_with
from tests.pipelines.publish.night_rows import AS_OF
from tests.pipelines.publish.nights import make_night, put

APP = make_app(
    personas={
        "OWL": {"traits": {"night": 1.0}, "risk_tolerance": 0.2},
        "STORM": {"traits": {"intensity": 0.8, "night": -0.6}, "risk_tolerance": 0.9},
    }
)
NOBODY = pl.DataFrame(schema={"player_key": pl.Int64, "name": pl.String})
DAY = dt.timedelta(days=1)


@pytest.fixture(name="warehouse")
def _warehouse():
    with warehouse_with(APP) as made:
        yield made


def traits(*night: float, intensity: float = 0.0) -> pl.DataFrame:
    keys = range(1, len(night) + 1)
    return pl.DataFrame({"player_key": keys, "night": list(night)}).with_columns(intensity=intensity)


def counted(player: int, name: str) -> pl.DataFrame:
    return pl.DataFrame({"player_key": [player], "name": [name]})


def pin(warehouse, as_of: dt.date, revision: int = 1, *, started: dt.datetime | None = None) -> Known:
    """A night that has begun, as the warehouse keeps it; by default at its cut."""
    night = make_night(as_of, app=APP, revision=revision)
    night = replace(night, started_at=started or night.started_at)
    pins = ("as_of", "revision", "cut", "base_day", "watermark", "started_at", "code_version", "app_hash", "seed")
    put(warehouse, "nights", {name: getattr(night, name) for name in pins} | {"status": "published"})
    return Known(warehouse, night)


def personas(*names: str) -> pl.DataFrame:
    return pl.DataFrame({"player_key": range(1, len(names) + 1), "persona": list(names)}).with_columns(
        style=pl.lit(None, pl.String)
    )


def test_shares_add_up_to_one_and_follow_the_traits():
    found = belong(APP.personas, traits(-1.0, -0.3, 0.0, 0.4, 1.0), NOBODY, seed=1)
    shares = found.unnest("shares")
    assert (shares["OWL"] + shares["STORM"]).to_list() == pytest.approx([1.0] * 5)
    assert shares["OWL"].is_sorted()
    assert shares["OWL"][2] == 0.5, "of whom nothing is known all are alike"
    assert found["counts_as"].to_list()[::4] == ["STORM", "OWL"]


def test_a_kind_counts_until_another_leads_by_the_margin():
    at = traits(*(night / 100 for night in range(-20, 21)))
    shares = belong(APP.personas, at, NOBODY, seed=1).unnest("shares")
    held = {name: at.select("player_key", name=pl.lit(name)) for name in APP.personas}
    as_owls, as_storms = (belong(APP.personas, at, some, seed=1)["counts_as"] for some in held.values())
    lead = (shares["STORM"] - shares["OWL"]).to_list()
    assert as_owls.to_list() == ["STORM" if by > MARGIN else "OWL" for by in lead]
    assert as_storms.to_list() == ["OWL" if by < -MARGIN else "STORM" for by in lead]
    assert any(0 < abs(by) < MARGIN for by in lead), "some are between"


def test_who_counted_as_a_kind_that_the_app_no_longer_has_begins_anew():
    assert belong(APP.personas, traits(0.9), counted(1, "GONE"), seed=1)["counts_as"].to_list() == ["OWL"]


def test_a_row_is_kept_only_when_it_changes_and_a_rerun_adds_none(warehouse):
    for as_of, names in ((AS_OF, ("OWL", "STORM")), (AS_OF + DAY, ("OWL", "STORM")), (AS_OF + 2 * DAY, ("OWL", "OWL"))):
        night = pin(warehouse, as_of)
        for _ in range(2):
            write_memberships(night, personas(*names))
    kept = warehouse.rows("SELECT player_key, as_of, name FROM memberships ORDER BY ALL")
    assert kept == [(1, AS_OF, "OWL"), (2, AS_OF, "STORM"), (2, AS_OF + 2 * DAY, "OWL")]


def test_a_night_finds_what_counted_before_it_also_when_made_again_or_late(warehouse):
    first, second, third = (pin(warehouse, AS_OF + n * DAY) for n in range(3))
    write_memberships(first, personas("OWL"))
    write_memberships(third, personas("STORM"))
    assert memberships_before(first).is_empty()
    assert memberships_before(second)["name"].to_list() == ["OWL"], "of the later night it knows nothing"
    again = pin(warehouse, AS_OF, revision=2, started=third.night.started_at + DAY)
    write_memberships(again, personas("STORM"))
    assert memberships_before(second)["name"].to_list() == ["OWL"], "what was made anew since changes no rerun"
    later = pin(warehouse, AS_OF + DAY, revision=2, started=third.night.started_at + 2 * DAY)
    assert memberships_before(later)["name"].to_list() == ["STORM"]
