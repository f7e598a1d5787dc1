"""Every number that a reason can tell is what the player's own events come to, counted by nothing that tells it."""

import datetime as dt
import re

import polars as pl
import pytest

from models.given import SNAPSHOT, Asked
from models.tasks import binary_task
from models.tasks.attainment import with_inputs
from pipelines.challenges.propose import open_windows
from pipelines.known import Known
from pipelines.players.snapshots import describe, eligible_players
from pipelines.review.explain import night_seen
from pipelines.stores import open_app
from tests.pipelines.nights import now
from tests.pipelines.review.facts import is_checked, players, wrong


@pytest.fixture(scope="module")
def world(trained, tmp_path_factory):
    """(app, who played what by key, the rows of which each task tells facts)."""
    settings, loaded = trained.copy(tmp_path_factory.mktemp("held")), trained.loaded
    with open_app(settings, loaded) as warehouse:
        known = Known(warehouse, night_seen(warehouse, loaded.app, now(), dt.timedelta(hours=6)))
        features = describe(known, eligible_players(known, [known.base_day]))
        windows = open_windows(loaded.app, features.select(SNAPSHOT).join(known.first_whole_days(), on="player_key"))
        none = pl.DataFrame()
        asked = Asked(features, none, windows, none)
        rows = {
            "churn": features,
            "attainment": with_inputs(features, windows),
            **{name: binary_task(name).ask(loaded.app, asked) for name in ("plays", "anomaly", "recommendations")},
        }
        return loaded.app, players(known), rows


def told(task, rows, app):
    """player_key and fact, of every kind of fact that the rows can tell."""
    texts = [text for kind in task.kinds(app).values() for text in (kind.text, kind.lowering) if text is not None]
    there = [text for text in texts if set(text.meta.root_names()) <= set(rows.columns)]
    facts = pl.concat(rows.select("player_key", fact=text) for text in there)
    return facts.drop_nulls("fact").unique().rows()


@pytest.mark.parametrize(
    ("name", "kinds"), [("churn", 4), ("attainment", 3), ("plays", 4), ("anomaly", 3), ("recommendations", 4)]
)
def test_every_fact_that_a_task_can_tell_of_a_player_is_what_their_events_come_to(world, name, kinds):
    app, who, rows = world
    facts = told(binary_task(name), rows[name], app)
    assert [fault for key, fact in facts for fault in wrong(app, who[key], fact)] == []
    checked = {re.sub(r"\d+", "#", fact).split(",")[0] for _, fact in facts if is_checked(fact)}
    assert len(checked) >= kinds
    assert len({key for key, _ in facts}) > 30
