"""`check`: every fault that can be known before a night, in one round; of a file that is right, how it reads."""

import pytest
import yaml

from configs.errors import AppFileError
from configs.loader import load_app
from data.warehouse import open_warehouse
from flows.cli.check import check_app, describe, summary
from pipelines.activity.ingest import ingest_files
from tests.factories import APP
from tests.pipelines.activity.deliveries import NOW, write

SELECT = "SELECT who AS user_id, 'solve' AS event, at AS occurred_at, _delivery_id, _row FROM raw_games"


def write_app(folder, sql=None, **changes):
    path = folder / "app.yaml"
    content = {**APP, **changes} | ({"source": "games_source"} if sql else {})
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    if sql:
        (folder / "games_source.sql").write_text(sql, encoding="utf-8")
    return path


def faults(folder, *arguments, **changes):
    with pytest.raises(AppFileError) as caught:
        check_app(folder / "home", str(write_app(folder, *arguments, **changes)))
    return caught.value.message.splitlines()


def test_lexicon_and_source_are_told_beside_what_the_file_says(tmp_path):
    lines = faults(
        tmp_path,
        "SELECT who AS user_id, at AS occured_at FROM raw_games",
        voice={"theme": "x", "lexicon": {"opennig": ["Go."], "opening": ["#gone# now."]}},
        badges={"b": {"title": "B", "tier": "bronze", "category": "c", "when": "solved"}},
    )
    assert len(lines) == 4
    for key in ("voice.lexicon.opennig: ", "voice.lexicon.opening: ", "badges.b.when: ", "source: "):
        assert any(f": {key}" in line for line in lines), key
    (source,) = (line for line in lines if ": source: " in line)
    assert "yields user_id, occured_at, but not event, occurred_at" in source


def test_every_metric_that_cannot_be_worded_is_told(tmp_path):
    solved, points = APP["metrics"]["solved"], APP["metrics"]["points"]
    tasks = {
        "solved": {**solved, "task": "Get easy money for {goal}"},
        "points": {**points, "task": "Mail a@b.com {goal}"},
    }
    lines = faults(tmp_path, metrics={**APP["metrics"], **tasks}, voice={"theme": "x", "forbidden": ["easy money"]})
    assert [line.split(": ")[1] for line in lines] == ["metrics.solved", "metrics.points"]


def test_columns_that_a_source_wants_are_held_against_those_delivered(tmp_path):
    app = write_app(tmp_path, SELECT)
    loaded = load_app(app)
    games = write(tmp_path, {"games.csv": "who,at,score\nann,2024-05-01T10:00:00Z,3\n"})
    with open_warehouse(tmp_path / "home", "toy") as warehouse:
        ingest_files(warehouse, loaded.app, games, now=NOW, history=True, source_sql=loaded.source_sql)
    check_app(tmp_path / "home", str(app))
    (line,) = faults(tmp_path, SELECT.replace("who", "whom"))
    assert "'games' lacks 'whom'. It has who, at, score; 'who' is perhaps its 'whom'." in line


@pytest.mark.parametrize("sql", ["DELETE FROM raw_games", "SELECT * FROM games", "SELECT now() AS x FROM raw_games"])
def test_a_source_that_may_not_run_is_told(tmp_path, sql):
    (line,) = faults(tmp_path, sql)
    assert ": source: " in line


def test_a_right_file_shows_every_metric_and_badge_in_sentences(tmp_path):
    badges = {"ten": {"title": "Ten", "tier": "bronze", "category": "c", "when": "solved >= 10"}}
    metrics = {
        **APP["metrics"],
        "best": {"event": "solve", "agg": "max", "of": "points", "label": "points in one puzzle", "unit": "point"},
        "quick": {
            "event": "solve",
            "agg": "min",
            "of": "points",
            "label": "lap time",
            "unit": "second",
            "better": "lower",
        },
    }
    challenges = {**APP["challenges"], "windows": [14, 28]}
    path = write_app(tmp_path, badges=badges, metrics=metrics, challenges=challenges)
    loaded = check_app(tmp_path / "home", str(path))
    said = {(s["of"], s["form"]): s["text"] for s in describe(loaded)["samples"]}
    assert said["metrics.solved", "one"] == "one puzzle solved"
    assert said["metrics.solved", "many"] == "13 puzzles solved"
    assert said["metrics.solved", "task"] == "Solve 13 puzzles"
    assert said["metrics.best", "many"] == "13 points in one puzzle"
    assert said["metrics.quick", "many"] == "a lap time of no more than 13 seconds"
    assert "solve 13 puzzles" in said["metrics.solved", "challenge"].lower()
    assert "next 14 days" in said["metrics.solved", "challenge"]
    assert "13 puzzles solved" in said["metrics.solved", "message"]
    assert "10 puzzles solved" in said["badges.ten", "citation"]
    assert {of for of, _ in said} == {*(f"metrics.{name}" for name in metrics), "badges.ten"}
    text = summary(describe(loaded))
    assert all(sentence in text for sentence in said.values())
