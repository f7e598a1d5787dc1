"""Nights that the schedule missed: made in order by its next run, or skipped with a word; never by a person's run."""

import datetime as dt
import shutil

import pytest

import flows.running
from configs.loader import load_app
from configs.settings import load_settings
from data.warehouse import open_warehouse
from flows.cli.words import price_night
from flows.missed import is_overdue
from flows.nightly import nightly
from pipelines.words.wishes import NO_WISHES
from tests.flows.world import LAST_NIGHT, START

DAY = dt.timedelta(days=1)
FIRST = START + 25 * DAY
TONIGHT = FIRST + 3 * DAY
MISSED = [FIRST + n * DAY for n in (1, 2)]
LATE_START = dt.datetime.combine(TONIGHT, dt.time(20, 30), dt.UTC)  # hours after the grace


@pytest.fixture(name="first", scope="module")
def _first(history, tmp_path_factory):
    """A home with one night out, for copies."""
    app, shared = history
    home = tmp_path_factory.mktemp("first") / "home"
    shutil.copytree(shared, home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NIGHTQUEST_HOME", str(home))
        nightly(app=str(app), as_of=FIRST)
    return home


@pytest.fixture(name="off")
def _off(history, first, tmp_path, monkeypatch):
    """(app file, home) with one night out, and a clock that shows the evening of the third day after it."""
    home = tmp_path / "home"
    shutil.copytree(first, home)
    monkeypatch.setenv("NIGHTQUEST_HOME", str(home))
    monkeypatch.setattr(flows.running, "clock", lambda: LATE_START)
    return history[0], home


def nights(home):
    with open_warehouse(home, "puzzles") as warehouse:
        return warehouse.frame(
            "SELECT as_of, issues, late FROM nights WHERE status = 'published' ORDER BY as_of"
        ).rows()


def test_missed_nights_are_made_in_order_by_the_next_scheduled_run_and_count(off):
    app, home = off
    report = nightly(app=str(app), scheduled=True)
    assert report.as_of == TONIGHT
    assert nights(home) == [(day, True, False) for day in [FIRST, *MISSED, TONIGHT]]
    assert [note for note in report.notes if "was missed" in note] == [
        f"The night of {day} was missed and made now." for day in MISSED
    ]
    again = nightly(app=str(app), scheduled=True)
    assert (again.unchanged, [note for note in again.notes if "was missed" in note]) == (True, [])


@pytest.mark.parametrize(("most", "skipped", "made"), [(0, MISSED, []), (1, MISSED[:1], MISSED[1:])])
def test_missed_nights_beyond_the_setting_are_skipped_with_a_word(off, monkeypatch, most, skipped, made):
    app, home = off
    monkeypatch.setenv("NIGHTQUEST_CATCH_UP_NIGHTS", str(most))
    report = nightly(app=str(app), scheduled=True)
    assert [day for day, *_ in nights(home)] == [FIRST, *made, TONIGHT]
    told = f"{skipped[0]} was" if len(skipped) == 1 else f"{skipped[0]} to {skipped[-1]} were"
    assert any(f"{told} missed and skipped" in note for note in report.notes)


def test_a_run_by_hand_makes_no_missed_night(off):
    app, home = off
    report = nightly(app=str(app), as_of=TONIGHT)
    assert [day for day, *_ in nights(home)] == [FIRST, TONIGHT]
    assert not any("was missed" in note for note in report.notes)


@pytest.mark.parametrize(
    ("days_later", "hour", "most", "overdue"),
    [(0, 23, 7, False), (1, 1, 7, False), (1, 3, 7, True), (2, 1, 7, True), (9, 12, 7, True), (9, 12, 0, False)],
)
def test_a_night_is_overdue_once_the_schedule_should_have_made_it(published, days_later, hour, most, overdue):
    app, home = published
    settings = load_settings(home).model_copy(update={"catch_up_nights": most})
    now = dt.datetime.combine(LAST_NIGHT + days_later * DAY, dt.time(hour), dt.UTC)
    assert is_overdue(settings, load_app(str(app)).app, now, dt.timedelta(hours=2)) == overdue


def test_an_app_without_any_night_waits_for_its_first_scheduled_one(puzzles):
    app, home = puzzles
    now = dt.datetime.combine(LAST_NIGHT, dt.time(12), dt.UTC)
    assert not is_overdue(load_settings(home), load_app(str(app)).app, now, dt.timedelta(hours=2))


def test_the_price_of_a_night_that_later_ones_have_overtaken_can_be_looked_at(published):
    app, home = published
    day = LAST_NIGHT - 2 * DAY
    assert price_night(load_settings(home), str(app), day, NO_WISHES).as_of == day
