"""Whole nights on stale input: published with a word, nothing of missing days settled until they have come."""

import datetime as dt
import json
import shutil

import pytest

from configs.loader import load_app
from configs.settings import Settings
from data.warehouse import open_warehouse
from pipelines.activity.job import run_ingest
from tests.flows.world import START, write_app
from tests.pipelines.nights import now, serve_night

pytestmark = pytest.mark.long

DAYS = 40
MISSING = dt.datetime.combine(START + dt.timedelta(days=36), dt.time(12), dt.UTC)


def day(number):
    return START + dt.timedelta(days=number)


def deliver(settings, loaded, folder, name, wanted):
    """Nine players take turns, one puzzle an hour around the clock; only the moments `wanted` come in this file."""
    first = dt.datetime.combine(START, dt.time(), dt.UTC)
    moments = [(hour, first + dt.timedelta(hours=hour)) for hour in range(DAYS * 24)]
    rows = [
        {
            "event_id": f"e{hour}",
            "user_id": f"p{(hour // 24 + hour) % 9}",
            "event": "solve",
            "occurred_at": moment.isoformat(),
            "properties": {"points": 2, "topic": "a"},
        }
        for hour, moment in moments
        if wanted(moment)
    ]
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    run_ingest(settings, loaded, [path], history=True, players=False, now=now())


def outcomes(settings):
    with open_warehouse(settings.home, "puzzles") as warehouse:
        return warehouse.frame(
            """SELECT c.content_id, c.valid_from, c.valid_until, s.state, s.completed_at, s.xp
               FROM challenges c LEFT JOIN (
                   FROM settlements QUALIFY row_number() OVER (PARTITION BY content_id ORDER BY revision DESC) = 1
               ) s USING (content_id) WHERE c.as_of < $d ORDER BY c.content_id""",
            {"d": day(37)},
        ).to_dicts()


def test_a_feed_that_ends_at_noon_leaves_its_days_open_until_they_come_and_settles_them_then(tmp_path):
    loaded = load_app(write_app(tmp_path))
    settings = Settings(home=tmp_path / "home")
    deliver(settings, loaded, tmp_path, "first", lambda moment: moment < MISSING)
    for number in (35, 36):
        assert not serve_night(settings, loaded, day(number), accept=False).stale
    timely = Settings(home=tmp_path / "timely")
    shutil.copytree(settings.home, timely.home)
    report = serve_night(settings, loaded, day(38), accept=False)
    assert report.stale
    assert report.figures["unknown_from"] == str(day(36))
    over = [row for row in outcomes(settings) if row["valid_until"] in {day(36), day(37)}]
    assert over
    assert {row["state"] for row in over} <= {None, "completed"}
    assert None in {row["state"] for row in over}
    deliver(settings, loaded, tmp_path, "rest", lambda moment: moment >= MISSING)
    after = serve_night(settings, loaded, day(39), accept=False)
    assert not after.stale
    assert "unknown_from" not in after.figures
    settled = outcomes(settings)

    deliver(timely, loaded, tmp_path, "rest", lambda moment: moment >= MISSING)
    serve_night(timely, loaded, day(39), accept=False)
    assert settled == outcomes(timely)
    assert None not in {row["state"] for row in settled if row["valid_until"] < day(38)}
