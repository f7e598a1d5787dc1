"""From somebody's export to a first night: init, ingest and a night, and what they say on the way."""

import datetime as dt
import json

import pytest

from pipelines.publish.published import read_latest
from tests.flows.world import json_of, run_command, write_app
from tests.foreign.exports import EXPORTS, LAST_DAY, purchases

WHOLE_NIGHTS = ("xAPI",)  # the others differ only in how they are read


@pytest.mark.parametrize("export", EXPORTS)
def test_an_export_becomes_an_app_that_is_right_and_takes_all_of_it(export, tmp_path, new_home):
    rows = purchases()
    file = EXPORTS[export](tmp_path, rows)
    status, out, err = run_command("init", file, "--to", tmp_path, "--json", home=new_home)
    assert status == 0, err
    made = json_of(out)
    assert (made["refused"], made["last_day"]) == (0, str(max(when for _, when, *_ in rows).date()))
    assert run_command("check", made["app_file"], home=new_home)[0] == 0
    status, out, err = run_command("ingest", made["app_file"], file, "--history", "--json", home=new_home)
    taken = json_of(out)
    voided = len(range(0, len(rows), 40)) if export == "xAPI" else 0
    assert (taken["taken"], taken["retracted"], taken["refused"]) == (len(rows) + voided, voided, 0)
    if export in WHOLE_NIGHTS:
        day = str(LAST_DAY + dt.timedelta(days=1))
        status, _, err = run_command("nightly", made["app_file"], "--as-of", day, home=new_home)
        assert status == 0, err
        night = read_latest(new_home, made["app"])
        assert night.table("challenges").height > 20
        assert night.table("badges").height > 5


def test_the_commands_that_init_ends_with_are_those_for_this_file(tmp_path, new_home):
    file = EXPORTS["purchase log"](tmp_path, purchases(20))
    _, out, _ = run_command("init", file, "--to", tmp_path, "--json", home=new_home)
    ingest, nightly, show = json_of(out)["next"]
    app = tmp_path / "cdnow_purchases.yaml"
    assert ingest.startswith(f"nightquest ingest {app} {file} --history")
    assert nightly.startswith(f"nightquest nightly {app} --as-of 1998-07-01")
    assert show.startswith(f"nightquest show {app} 00012 ")


def test_an_export_up_to_yesterday_begins_with_the_night_of_today(tmp_path, new_home):
    today = dt.datetime.now(dt.UTC).date()
    days = [today - dt.timedelta(days=ago) for ago in range(1, 9)]
    file = tmp_path / "visits.csv"
    file.write_text("member,day\n" + "".join(f"m{n % 3},{day}\n" for n, day in enumerate([*days, *days])))
    _, out, _ = run_command("init", file, "--to", tmp_path, "--json", home=new_home)
    assert f"--as-of {today}" in json_of(out)["next"][1]


def test_what_is_there_is_never_written_over(tmp_path, new_home):
    file = EXPORTS["purchase log"](tmp_path, purchases(20))
    (tmp_path / "cdnow_purchases.sql").write_text("SELECT mine")
    status, _, err = run_command("init", file, "--to", tmp_path, home=new_home)
    assert status == 2
    assert "cdnow_purchases.sql is there already" in err
    assert (tmp_path / "cdnow_purchases.sql").read_text() == "SELECT mine"
    assert not (tmp_path / "cdnow_purchases.yaml").exists()
    assert run_command("init", file, "--to", tmp_path, "--app", "mine", home=new_home)[0] == 0


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("colour,weight\nred,1\nblue,2\n", [], "looks like the id of a player"),
        ("user,weight\na,1\nb,2\na,3\n", [], "holds dates; it has 'user', 'weight'"),
        ("user,at\na,2024-01-01\nb,2024-01-02\n", ["--user", "member"], "no column 'member'"),
        ("user,at\na,2024-01-01\nb,2024-01-02\n", ["--time", "user"], "holds no dates: "),
        ("user,at\na,2024-01-01\nb,2024-01-02\n", ["--app", "trading"], "name of a shipped app"),
        ("user,at\n", [], "holds no rows"),
        ("", [], "empty"),
    ],
)
def test_files_that_do_not_say_enough_are_told_with_their_columns(text, options, told, tmp_path, new_home):
    (tmp_path / "export.csv").write_text(text)
    status, _, err = run_command("init", tmp_path / "export.csv", "--to", tmp_path, *options, home=new_home)
    assert status == 2
    assert told in err
    assert list(tmp_path.glob("*.yaml")) == []


def test_a_preview_shows_columns_and_rows_and_takes_nothing(history, tmp_path):
    app, home = history
    before = sorted(path.name for path in home.rglob("*"))
    rows = [
        {"user_id": f"p{n}", "event": "solve", "occurred_at": "2024-01-01T10:00:00Z", "properties": {"points": n - 3}}
        for n in range(12)
    ]
    file = tmp_path / "events.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    status, out, _ = run_command("ingest", app, file, "--preview", "--json", home=home)
    shown = json_of(out)
    assert status == 0
    assert shown["found"][0]["columns"]["user_id"] == "p0"
    assert (shown["taken"], shown["refused"], len(shown["rows"])) == (9, 3, 10)
    assert "points" in shown["rows"][0]["reason"]
    assert json.loads(shown["rows"][3]["properties"]) == {"points": 0}
    assert sorted(path.name for path in home.rglob("*")) == before
    told = run_command("ingest", app, file, "--preview", home=home)[1]
    assert "Of 12 rows 9 would go in and 3 would not." in told
    assert "The calendar" not in told
    assert "Nothing was taken." in told


def test_a_preview_shows_moments_as_clocks_of_the_app_show_them(tmp_path, new_home):
    file = tmp_path / "events.csv"
    file.write_text("user_id,event,occurred_at,properties\n" + 'ann,solve,2024-07-01 10:00,"{""points"": 1}"\n')
    app = write_app(tmp_path, timezone="Europe/Berlin")
    told = run_command("ingest", app, file, "--preview", home=new_home)[1]
    assert "when (Europe/Berlin)" in told
    assert "2024-07-01 10:00:00+02:00" in told


def test_a_preview_shows_the_calendar_as_it_would_be_kept_and_why_a_date_would_not(history, tmp_path):
    app, home = history
    dates = 'Cup,match,2024-06-10,,"{""team"": ""red""}"\nFair,event,2024-07-01,2024-07-03,\nBall,event,soon,,\n'
    (tmp_path / "calendar.csv").write_text("title,kind,starts_on,ends_on,attributes\n" + dates)
    status, out, _ = run_command("ingest", app, tmp_path / "calendar.csv", "--preview", "--json", home=home)
    shown = json_of(out)
    assert (status, shown["entries"], [row["title"] for row in shown["calendar"]]) == (0, 2, ["Cup", "Fair"])
    assert [reason for reason in shown["reasons"] if "starts_on 'soon'" in reason]
    told = run_command("ingest", app, tmp_path / "calendar.csv", "--preview", home=home)[1]
    assert "The calendar would have 2 entries" in told
    assert "team red" in told


def test_a_preview_of_a_source_that_misses_a_column_names_those_that_were_found(tmp_path, new_home):
    file = EXPORTS["purchase log"](tmp_path, purchases(20))
    run_command("init", file, "--to", tmp_path, home=new_home)
    file.write_text(file.read_text().replace("quantity", "pieces"))
    status, _, err = run_command("ingest", tmp_path / "cdnow_purchases.yaml", file, "--preview", home=new_home)
    assert status == 2
    assert "quantity" in err
    assert "customer id, date, pieces, amount" in err


def test_quarantine_is_visited_emptied_by_mending_and_tells_how(tmp_path, new_home):
    app = write_app(tmp_path)
    bad = "user_id,event,occurred_at\nann,solve,2024-01-01T10:00:00Z\nbob,solve,5/1/2024\ncho,solve,6/1/2024\n"
    (tmp_path / "events.csv").write_text(bad)
    run_command("ingest", app, tmp_path / "events.csv", "--history", home=new_home)
    _, out, _ = run_command("quarantine", app, "--samples", "1", home=new_home)
    assert "puzzles: 2 rows in quarantine" in out
    assert "bob,solve,5/1/2024" in out
    mend = tmp_path / "mend.jsonl"
    status, out, _ = run_command("quarantine", app, "--export", mend, home=new_home)
    assert status == 0
    assert "Mend them there" in out
    assert "--history" in out  # as the rows came
    assert run_command("quarantine", app, "--export", mend, home=new_home)[0] == 2
    mend.write_text(mend.read_text().replace('"5/1/2024"', '"2024-01-05"').replace('"6/1/2024"', '"2024-01-06"'))
    _, out, _ = run_command("ingest", app, mend, "--json", home=new_home)
    assert json_of(out)["taken"] == 2
    _, out, _ = run_command("quarantine", app, home=new_home)
    assert out == "Nothing of puzzles lies in quarantine.\n"
