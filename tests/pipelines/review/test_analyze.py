"""Players, rows and files judged by the segments that serve: level, targets, what is next, and a message."""

import csv
import datetime as dt
import json
import re

import polars as pl
import pytest

from configs.errors import NightquestError
from flows.cli.analyze_view import analysis_view, tell_file
from flows.cli.terms import Terms
from models.statistics.mixture_search import MixtureParameters
from models.tasks.segments import PARENT, SegmentModel, SegmentParameters
from pipelines.known import Known
from pipelines.players.segments import measures_of, past_strength, player_cohorts
from pipelines.review.analyze import Opened, analyze_given, analyze_player, model_info
from pipelines.review.rows_given import columns_for
from pipelines.review.standings import Judge, reference_of
from tests.factories import FAR, START, event, make_app, warehouse_with
from tests.pipelines.challenges.strength import at_night
from tests.printed import printed

APP = make_app(
    cohorts={"by": ["topic"], "min_players": 30},
    segments={
        "features": ["average"],
        "score": "best",
        "measured_in": "cohort",
        "bands": {"Beginner": [25, 50], "Intermediate": [50, 75], "Advanced": [75, 90], "Expert": [90, 95]},
    },
    challenges={"metrics": ["best", "solved"]},
)
PLAYERS = 60


@pytest.fixture(name="opened", scope="module")
def _opened():
    """Two groups of players of topic a, one ten times as strong; a few of them tried b."""
    rows = [
        event(p, day, topic="a", points=(10 if p % 2 else 100) + p) for p in range(1, PLAYERS + 1) for day in (1, 2)
    ]
    rows += [event(p, 3, topic="b", points=1) for p in range(1, 6)]
    with warehouse_with(APP, rows) as warehouse:
        known = Known(warehouse, at_night(APP, base_day=START.date() + dt.timedelta(days=9), cut=FAR))
        features, _, played = past_strength(known)
        mixture = MixtureParameters(trials=6, refits=2, most_components=3, even_out=True, floor=0.03)
        model = SegmentModel(SegmentParameters(30, mixture), measures_of(APP), APP.segments.levels)
        model.fit(features.select("player_key", "best__28", "average__28", cohort=pl.lit(PARENT)), played)
        now = pl.col("base_day") == known.base_day
        rows = reference_of(APP, model, features.filter(now), player_cohorts(known), played.filter(now))
        yield Opened(Judge(APP, model, "toy.segments/1", rows), known, rows)


def test_a_player_is_judged_in_their_cohort_and_among_all_with_the_next_of_their_band(opened):
    own, among_all = sorted(analyze_player(opened, "user2"), key=lambda row: row["judged_as"])
    assert (own["judged_as"], among_all["judged_as"]) == ("a", "all")
    level, said = own["cluster_prediction"], own["motivational_message"]
    assert sum(level["probabilities"].values()) == pytest.approx(1, abs=0.001)
    assert level["probabilities"][level["cluster_label"]] == level["confidence"]
    assert APP.segments.levels.index(level["cluster_label"]) == level["cluster"] > 0
    assert said["current_score"] == 102.0
    first, last = APP.segments.bands[level["cluster_label"]]
    targets = own["performance_targets"]
    assert targets[f"{said['next_percentile']}th_percentile"] == said["next_target"] > 102.0
    assert first <= said["next_percentile"] <= last
    assert f"{said['next_target']:g}" in said["message"]


def test_what_is_told_of_a_row_given_by_hand_is_what_is_told_of_a_player_like_it(opened):
    own = next(row for row in analyze_player(opened, "user2") if row["judged_as"] == "a")
    (given,) = analyze_given(opened.judge, {"Points": "102", "topic": "A"})
    for name in ("judged_as", "performance_targets"):
        assert given[name] == own[name]
    (named,) = analyze_given(opened.judge, {"best": "102", "average": "102"}, cohort="a")
    assert named["cluster_prediction"] == own["cluster_prediction"]


def test_what_a_row_does_not_say_is_as_usual_at_its_score(opened):
    whole, bare = (
        opened.judge.filled_in(pl.DataFrame({"best__28": [102.0, 11.0], "average__28": average, "cohort": "a"}))
        for average in ([90.0, 2.0], [None, None])
    )
    assert whole["average__28"].to_list() == [90.0, 2.0]
    assert bare["average__28"].to_list() == pytest.approx([102.0, 11.0], abs=5)
    assert bare["best__28"].to_list() == [102.0, 11.0]


def test_who_is_beyond_every_target_is_told_of_none(opened):
    (row,) = analyze_given(opened.judge, {"best": "5000", "average": "5000", "topic": "a"})
    said = row["motivational_message"]
    assert (said["next_target"], said["next_percentile"]) == (None, None)
    assert not any(letter.isdigit() for letter in said["message"])


def test_a_row_that_does_not_say_its_kind_of_play_or_says_a_strange_one_is_judged_with_all(opened):
    for given, said in (({"best": "102"}, "all"), ({"best": "102", "topic": "chess"}, "chess")):
        (row,) = analyze_given(opened.judge, given)
        assert (row["cohort"], row["judged_as"]) == (said, "all")
        assert ("'chess' judged with all" in printed(analysis_view([row]))) == (said == "chess")


def test_what_is_told_of_a_player_is_read_in_the_words_and_units_of_the_app(opened):
    best = APP.metrics["best"].model_copy(update={"label": "best round", "unit": "point"})
    app = APP.model_copy(update={"metrics": {**APP.metrics, "best": best}})
    told = " ".join(printed(analysis_view(analyze_player(opened, "user2"), Terms.of(app))).split())
    assert "best round 102 " in told
    assert re.search(r"95th percentile [\d.]+ points", told)


def test_a_bad_row_of_a_file_is_named_and_the_rest_goes_on(opened, tmp_path, capsys):
    path = tmp_path / "rows.csv"
    path.write_text("id,points,topic\nann,102,a\nbob,lots,a\ncid,,a\ndora,15,a\n", encoding="utf-8")
    out = tmp_path / "out.csv"
    assert tell_file(opened.judge, path, "", out, as_json=False) == 2
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [row["id"] for row in rows] == ["ann", "bob", "cid", "dora"]
    assert [row["error"] for row in rows] == ["", "points is no number: lots", "points is missing", ""]
    assert min(len(rows[0][name]) for name in ("next_target", "message")) > 1
    assert rows[0]["cluster_label"] != rows[3]["cluster_label"]
    assert "line 3: points is no number: lots" in capsys.readouterr().out
    assert tell_file(opened.judge, path, "", None, as_json=True) == 2
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["line"], "error" in line) for line in lines] == [(2, False), (3, True), (4, True), (5, False)]


def test_json_lines_are_read_as_a_file_of_columns_is(opened, tmp_path, capsys):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"points": 102, "topic": "a"}\n{"points": 15, "topic": "a"}\n', encoding="utf-8")
    assert tell_file(opened.judge, path, "", None, as_json=True) == 0
    assert [json.loads(line)["judged_as"] for line in capsys.readouterr().out.splitlines()] == ["a", "a"]


def test_a_file_without_a_score_says_how_its_column_may_be_called(opened):
    with pytest.raises(NightquestError, match="No column is the score; there are id, speed") as told:
        columns_for(opened.judge.app, ["id", "speed"])
    with pytest.raises(NightquestError, match="'best' and 'Best' are one name"):
        columns_for(opened.judge.app, ["id", "best", "Best"])
    assert columns_for(opened.judge.app, ["id", "ID", "best"])  # what is not looked at may be spelled as it likes
    assert "best or points" in told.value.remedy


def test_the_model_tells_its_targets_by_cohort_and_level(opened):
    info = model_info(opened.judge)
    assert set(info["features"]) <= {"best__28", "average__28"}
    whole = next(row for row in info["targets"] if row["judged_as"] == "a" and row["segment"] is None)
    assert (whole["players"], whole["p_50"]) == (PLAYERS, 102.0)
