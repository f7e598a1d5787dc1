"""Who has opted out or paused is told nothing; everybody else no more than the caps allow, and not in quiet hours."""

import datetime as dt
import json
from pathlib import Path

from configs.loader import load_app
from pipelines.activity.job import run_ingest
from pipelines.publish.published import read_latest
from tests.flows.world import write_app
from tests.pipelines.nights import now, serve_night
from tests.pipelines.trained import APP, NEXT

TYPES = (
    *("daily_challenge", "adaptive_mission", "mission_brief", "motivational_message", "come_back_message"),
    *("tutorial", "social_prompt", "custom_achievement"),
)
ADDRESSED = ("challenges", "messages", "achievements")
OUT, PAUSED, AWAY = "player-1", "player-2", "player-3"


def records() -> str:
    told = f"user_id,recorded_at,timezone,opted_out\n{OUT},{NEXT - dt.timedelta(days=1)}T10:00Z,,true\n"
    moves = {"T01:00Z": "Asia/Tokyo", "T09:00Z": "America/New_York", "T19:00Z": "Asia/Tokyo"}
    return told + "".join(f"{AWAY},{NEXT - dt.timedelta(days=2)}{at},{zone},\n" for at, zone in moves.items())


def test_who_is_to_be_left_alone_gets_nothing_and_others_no_more_than_the_caps(trained, tmp_path: Path) -> None:
    settings = trained.copy(tmp_path)
    changes = {"caps": {"challenges_a_day": 2, "messages_a_day": 1}, "quiet_hours": {"begin": "22:00", "end": "08:00"}}
    content = {"types": list(TYPES), "social_metrics": ["solved"]}
    loaded = load_app(write_app(tmp_path, **{**APP, **changes, "content": content}))
    (tmp_path / "players.csv").write_text(records(), encoding="utf-8")
    pause = {"user_id": PAUSED, "event": "nightquest.paused", "occurred_at": f"{NEXT - dt.timedelta(days=1)}T20:00Z"}
    (tmp_path / "pause.jsonl").write_text(json.dumps(pause | {"properties": {"days": 3}}), encoding="utf-8")
    for name in ("players.csv", "pause.jsonl"):
        run_ingest(settings, loaded, [tmp_path / name], history=True, players=name == "players.csv", now=now())
    for revision in (1, 2):
        assert serve_night(settings, loaded, NEXT, refresh=revision == 2).issued
        night = read_latest(settings.home, "puzzles")
        told = {name: night.table(name) for name in (*ADDRESSED, "profiles", "contacts")}
        for name in ADDRESSED:
            assert told[name].height
            assert OUT not in told[name]["user_id"]
            assert PAUSED not in told[name].filter("is_new")["user_id"]
        assert PAUSED not in {*told["challenges"]["user_id"], *told["messages"]["user_id"]}
        assert {OUT, PAUSED} <= set(told["profiles"]["user_id"])
        for name, most in {"challenges": 2, "messages": 1}.items():
            new = told[name].filter("is_new").group_by("user_id").len()
            assert new["len"].max() == most
    contacts = {user: row for user, *row in told["contacts"].drop("app", "as_of", "news_from").iter_rows()}
    assert [user for user, (left_alone, *_) in contacts.items() if left_alone] == [OUT, PAUSED]
    noon = dt.datetime.combine(NEXT, dt.time(12), dt.UTC)
    here, there = (noon - dt.timedelta(hours=4), noon + dt.timedelta(hours=10)), noon - dt.timedelta(hours=13)
    assert {tuple(times) for user, (_, *times) in contacts.items() if user != AWAY} == {here}
    assert contacts[AWAY] == [None, there, there + dt.timedelta(hours=14)]
