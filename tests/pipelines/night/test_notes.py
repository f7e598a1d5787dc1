"""What a night says of its input and of what was asked before it."""

import datetime as dt
from dataclasses import replace

import polars as pl

from pipelines.activity.freshness import Silence
from pipelines.activity.parts import sync_metrics
from pipelines.known import Known
from pipelines.night.notes import drift_note, freshness_note, metrics_note
from tests.factories import APP, START, event, known_at, make_app, warehouse_with
from tests.pipelines.publish.night_rows import AS_OF, challenge
from tests.pipelines.publish.nights import YESTERDAY


def test_a_metric_renamed_between_nights_is_told_with_the_challenges_that_asked_for_it():
    with warehouse_with(make_app()) as warehouse:
        asked = [
            challenge(p, as_of=YESTERDAY, valid_from=AS_OF, valid_until=AS_OF + dt.timedelta(days=2)) for p in (1, 2)
        ]
        warehouse.append("challenges", pl.DataFrame(asked))
        assert metrics_note(known_at(warehouse, make_app(), AS_OF)) == ()
        metrics = {"finished" if name == "solved" else name: each for name, each in APP["metrics"].items()}
        renamed = make_app(
            metrics=metrics,
            segments={"features": ["finished"], "score": "points"},
            challenges={"metrics": ["finished", "points"]},
        )
        sync_metrics(warehouse, renamed)
        (told,) = metrics_note(known_at(warehouse, renamed, AS_OF))
    assert "'solved' (2 challenges)" in told


def test_what_came_in_too_late_for_a_night_that_misses_it_is_told_as_that():
    cut, app = START + dt.timedelta(days=9), make_app()
    midnight = dt.datetime.combine(START.date(), dt.time()) + dt.timedelta(days=7)
    silences = (Silence(midnight, midnight + dt.timedelta(days=1)),)
    rows = [event(1, 1), event(1, 7, available_at=cut + dt.timedelta(hours=1))]
    for there, notes in ((rows, 2), (rows[:1], 1)):
        with warehouse_with(app, there) as warehouse:
            night = replace(known_at(warehouse, app, cut.date(), cut).night, silences=silences, stale=True)
            told = freshness_note(Known(warehouse, night))
        assert len(told) == notes
        assert notes == 1 or f"1 event came in later: this night sees what was there by {cut:%Y-%m-%d %H}" in told[1]


def test_a_night_tells_what_deliveries_since_the_one_before_looked_like():
    app = make_app()
    with warehouse_with(app) as warehouse:
        at = [dt.datetime.combine(AS_OF, dt.time(hour), dt.UTC) for hour in (1, 2, 5)]
        warehouse.append("drifts", pl.DataFrame({"noted_at": at, "told": ["a.csv: x.", "b.csv: y.", "c.csv: z."]}))
        known = known_at(warehouse, app, AS_OF, at[1])
        assert drift_note(known) == tuple(f"A delivery looked otherwise: {each}" for each in ("a.csv: x.", "b.csv: y."))
