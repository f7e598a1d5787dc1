"""A type of content is likely to go well with whom it went well, and with others as with everybody."""

import datetime as dt
import uuid

import polars as pl
import pytest

from data.warehouse import Warehouse
from pipelines.players.content_liked import PRIOR, score_content
from pipelines.players.recommend import recommend
from tests.factories import START, add_events, event, known_at, make_app, warehouse_with

APP = make_app()
AS_OF = START.date() + dt.timedelta(days=20)
CUT = START + dt.timedelta(days=20)


def sent(warehouse: Warehouse, player: int, content_type: str, day: int, **answer: float) -> None:
    """A message of a night, shown to its player and perhaps rated."""
    content_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{player} {content_type} {day}"))
    columns = dict(warehouse.rows("SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'messages'"))
    given = {"content_id": content_id, "player_key": player, "content_type": content_type}
    given["as_of"] = str(START.date() + dt.timedelta(days=day))
    values = [f"'{given.get(name, BLANK.get(kind, ''))}'::{kind} AS {name}" for name, kind in columns.items()]
    warehouse.run(f"INSERT INTO messages BY NAME SELECT {', '.join(values)}")
    shown = [event(player, day + 0.1, "nightquest.shown", content_id=content_id)]
    if answer:
        shown.append(event(player, day + 0.2, "nightquest.rated", content_id=content_id, **answer))
    add_events(warehouse, APP, [{**each, "active": False} for each in shown])


BLANK = {"DATE": "2024-01-01", "INTEGER": "1", "BIGINT": "1", "DOUBLE": "0", "TIMESTAMP WITH TIME ZONE": "2024-01-01"}
BLANK |= {"JSON": "{}"}


def test_each_players_share_is_shrunk_to_everybodys_and_what_comes_after_the_cut_is_not_seen() -> None:
    with warehouse_with(APP, [event(player, 0) for player in (1, 2, 3)]) as warehouse:
        for day in (1, 2, 3):
            sent(warehouse, 1, "tutorial", day, value=5)
            sent(warehouse, 2, "tutorial", day, value=1)
            sent(warehouse, 1, "social_prompt", day)
        sent(warehouse, 3, "tutorial", 19, value=5)
        players = pl.DataFrame({"player_key": [1, 2, 3]})
        told = score_content(known_at(warehouse, APP, AS_OF, CUT - dt.timedelta(days=3)), players)
        chance = {(row["player_key"], row["target"]): row["probability"] for row in told.to_dicts()}
        assert len(chance) == 6
        tutorial, prompt = (3 + 1) / (6 + 2), 1 / 5
        assert chance[1, "tutorial"] == pytest.approx((3 + PRIOR * tutorial) / (3 + PRIOR))
        assert chance[2, "tutorial"] == pytest.approx(PRIOR * tutorial / (3 + PRIOR))
        assert chance[3, "tutorial"] == pytest.approx(tutorial)
        assert chance[1, "social_prompt"] == pytest.approx(PRIOR * prompt / (3 + PRIOR))
        rows = told.with_columns(task=pl.lit("content_types"), model_version=pl.lit("counted"))
        drawn = recommend(rows, seed=3)
        assert drawn["kind"].unique().to_list() == ["content_type"]
        assert drawn.filter(place=2)["propensity"].to_list() == [1.0] * 3


def test_nothing_is_told_where_nothing_was_shown() -> None:
    with warehouse_with(APP, [event(1, 0)]) as warehouse:
        assert score_content(known_at(warehouse, APP, AS_OF, CUT), pl.DataFrame({"player_key": [1]})).is_empty()
