"""A night started from Prefect's form, in a real browser."""

import pytest

from tests.flows.browser import browser, find_programs
from tests.flows.ui_run import see_through, serving, start_night
from tests.flows.world import LAST_NIGHT, PLAYERS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_programs() is None, reason="chromium and chromedriver are not installed"),
]


def test_a_night_started_from_the_form_is_seen_through_to_its_table(puzzles):
    app, home = puzzles
    with serving(home, str(app)) as (_, (prefect, _)), browser() as page:
        run = start_night(page, prefect, "puzzles", LAST_NIGHT, save=None)
        state, figures = see_through(page, run, save=None)
    assert state == "Completed"
    assert figures["as_of"] == str(LAST_NIGHT)
    assert figures["players_challenged"] == PLAYERS
    assert (home / "published" / "puzzles" / str(LAST_NIGHT) / "manifest.json").exists()
