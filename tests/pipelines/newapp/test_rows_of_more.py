"""Exports in which one row says more than that something was done: sheets with a column for each day, and endings."""

import datetime as dt

from configs.loader import load_app
from data.warehouse import scratch
from pipelines.activity.preview import read_ahead
from tests.pipelines.newapp.made import NOW, guesses, make


def test_a_column_for_each_day_is_read_as_a_row_for_each_mark_and_a_later_file_may_have_other_days(tmp_path):
    days = [f"{1 + 7 * week:02}/01/2024" for week in range(4)]
    rows = [f"Singer {n},Alto," + ",".join("x" if (n + place) % 3 else "0" for place in range(4)) for n in range(9)]
    text = "\n".join([",".join(["Name", "Voice", *days]), *rows, ""])
    made = make(tmp_path, text, "attendance.csv", timezone="Europe/Rome")
    assert (made.play.events, made.play.players, list(made.play.by_kind)) == (24, 9, ["meeting"])
    assert (made.play.first, made.play.last) == (dt.date(2024, 1, 1), dt.date(2024, 1, 22))  # by the clock in Rome
    (tmp_path / "attendance.yaml").write_text(made.app_text)
    (tmp_path / "attendance.sql").write_text(made.sql_text)
    (tmp_path / "attendance-2.csv").write_text("Name,Voice,05/02/2024,12/02/2024,19/02/2024\nSinger 1,Alto,x,x,\n")
    app = load_app(tmp_path / "attendance.yaml").app
    with scratch() as warehouse:
        files = [tmp_path / "attendance.csv", tmp_path / "attendance-2.csv"]
        read_ahead(warehouse, app, files, now=NOW, source_sql=made.sql_text)
        assert warehouse.value("SELECT count(*) FROM incoming") == 26


def test_a_sheet_that_is_kept_on_counts_who_was_there_once_and_no_total(tmp_path):
    head, days = "Singer,Voice", [f"{1 + 7 * week:02}.01.2024" for week in range(4)]
    marks = [[("x", "x", "ill", "e")[(n + place) % 4] for place in range(4)] for n in range(8)]
    rows = [f"S{n},Alto,{','.join(mark)},{mark.count('x')}" for n, mark in enumerate(marks)]
    made = make(tmp_path, "\n".join([",".join([head, *days, "Total"]), *rows, ""]), "Chorproben.csv")
    told = guesses(made)
    assert (told["kind of event"], told["marks"], told["left out"]) == ("rehearsal", "'x'", "Total")
    assert made.play.windows == [7, 14, 28]  # of three days, a week's rehearsal may be in none
    (tmp_path / "chorproben.yaml").write_text(made.app_text)
    (tmp_path / "chorproben.sql").write_text(made.sql_text)
    later = [f"S{n},Bass,{','.join(mark)},x,{mark.count('x') + 1}" for n, mark in enumerate(marks)]
    lines = [",".join([head, *days, "29.01.2024", "Total"]), *later, ""]
    (tmp_path / "chorproben-2.csv").write_text("\n".join(lines))
    with scratch() as warehouse:
        files = [tmp_path / "Chorproben.csv", tmp_path / "chorproben-2.csv"]
        read_ahead(warehouse, load_app(tmp_path / "chorproben.yaml").app, files, now=NOW, source_sql=made.sql_text)
        assert warehouse.value("SELECT count(DISTINCT event_id) FROM incoming") == made.play.events + 8


def test_who_was_there_is_known_by_name_and_a_row_of_sums_is_nobody(tmp_path):
    rows = [f"Ada {n};Alto;{';'.join('xke x'[(n + place) % 5] for place in range(4))};{n % 3}" for n in range(30)]
    text = "\n".join(["Name;Stimme;07.01.2024;14.01.2024;21.01.2024;28.01.2024;Summe", *rows, "Summe;;9;9;9;9;", ""])
    made = make(tmp_path, text, "Anwesenheit.csv")
    assert (guesses(made)["player"], made.play.players) == ("Name", 30)
    assert made.play.events == sum(row.split(";")[2:6].count("x") for row in rows)
    assert "agg: days" not in made.app_text  # who meets once a day would be asked for the same thing twice


def test_a_player_with_several_rows_of_a_sheet_keeps_the_marks_of_each(tmp_path):
    rows = [f"S{n // 2},{('Alto', 'Soprano')[n % 2]},x,x,x" for n in range(8)]
    made = make(tmp_path, "\n".join(["Singer,Voice,01.01.2024,08.01.2024,15.01.2024", *rows, ""]), "Proben.csv")
    assert made.play.events == 24
    assert guesses(made)["event id"] == "none"


def test_what_came_to_its_end_is_counted_apart_from_what_was_begun(tmp_path):
    rows = [f"p{n % 9},2024-01-{1 + n // 9:02}T10:{n % 60:02}:00Z,{str(n % 3 > 0).lower()}" for n in range(99)]
    made = make(tmp_path, "\n".join(["player,at,completed", *rows, ""]), "sessions.csv")
    assert 'where: "completed = true", label: "sessions completed"' in made.app_text
    assert 'sessions_begun: {event: session, label: "sessions begun", unit: session}' in made.app_text
    assert "challenges: {metrics: [sessions_completed, days]" in made.app_text
