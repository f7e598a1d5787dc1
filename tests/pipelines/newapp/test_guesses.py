"""What is guessed of a column, a file and a name, each by an example of its own."""

import datetime as dt
import json

import pytest

from configs.errors import NightquestError
from configs.files import Files
from configs.loader import load_app
from data.warehouse import scratch
from pipelines.activity.preview import read_ahead
from pipelines.badges.lint import lint_app
from pipelines.newapp.make import Hints, make_app
from pipelines.newapp.play import Play
from pipelines.newapp.render import with_play
from pipelines.newapp.sample import Table
from pipelines.newapp.text_format import guess_files
from pipelines.newapp.words import event_words, named_event, number_words, voice_of
from tests.foreign.exports import cdnow, purchases
from tests.pipelines.newapp.made import NOW, guesses, make

RUSSIAN = "имя;дата\nИван;2024-01-01\nПётр;2024-01-02\nМария;2024-01-03\n"  # noqa: RUF001
THREE = ["column_1", "column_2", "column_3"]


def test_a_kind_of_event_has_no_year_or_number_of_its_file_in_its_name():
    named = {
        name: named_event(Table(name, (), 1, (), Files()))[0]
        for name in ("raw_sales97", "raw_orders_2024", "raw_laps3", "raw_mp3")
    }
    assert named == {"raw_sales97": "sale", "raw_orders_2024": "order", "raw_laps3": "lap", "raw_mp3": "action"}


@pytest.mark.parametrize(
    ("content", "written"),
    [
        (b"user,at\na,2024-01-01\n", Files()),
        ("user;café\n1;thé\n".encode("cp1252"), Files(encoding="cp1252")),
        (RUSSIAN.encode("cp1251") * 9, Files(encoding="cp1251")),
        ("a\tb\n1\t2\n3\t4\n".encode("utf-16"), Files(encoding="utf-16")),
        (b"1 19970101  2\n2 19970103  1\n3 19970104  5\n", Files(delimiter="space", columns=THREE)),
        (b"7|2024-01-01|3\n8|2024-01-02|4\n", Files(delimiter="pipe", columns=THREE)),
        (b'{"user": 1}\n', Files()),
    ],
)
def test_how_a_file_is_written_is_told_by_its_bytes(tmp_path, content, written):
    (tmp_path / "f.txt").write_bytes(content)
    assert guess_files(tmp_path / "f.txt") == written


@pytest.mark.parametrize(
    ("name", "label", "task"),
    [
        ("purchase", "purchases made", "Make {goal}"),
        ("level_completed", "levels completed", "Complete {goal}"),
        ("play_song", "songs played", "Play {goal}"),
        ("order_placed", "orders placed", "Place {goal}"),
        ("answered", "activities answered", "Answer {goal}"),
        ("add_to_cart", "add-to-cart events", ""),
        ("suspended", "suspended events", ""),
    ],
)
def test_an_event_is_asked_for_only_where_its_name_says_how(name, label, task):
    words = event_words(name)
    assert (words.label, words.task) == (label, task)


@pytest.mark.parametrize(
    ("words", "sign", "agg", "unit", "task"),
    [
        (("amount",), "€", "sum", "€", ""),
        (("unit", "price"), "", "mean", "unit of money", ""),
        (("quantity",), "", "sum", "item", "Buy {goal}"),
        (("distance", "km"), "", "sum", "km", "Cover {goal}"),
        (("heart", "rate"), "", "mean", "", ""),
        (("score",), "", "max", "point", "Score {goal} in one go"),
        (("calories",), "", "sum", "calorie", "Reach {goal}"),
        (("cds",), "", "sum", "CD", "Buy {goal}"),
        (("covers",), "", "sum", "cover", ""),
    ],
)
def test_nobody_is_asked_to_spend_or_to_raise_what_only_varies(words, sign, agg, unit, task):
    found, said = number_words(words, sign, "purchase")
    assert (found, said.unit, said.task) == (agg, unit, task)


def test_an_index_without_a_name_a_date_with_a_time_beside_it_and_rows_without_a_player(tmp_path):
    rows = [f"{n},{'' if n == 3 else f'c{n % 4}'},2024-0{1 + n % 6}-11,{8 + n % 3}:30,{n}.5" for n in range(12)]
    made = make(tmp_path, "\n".join([",customer,date,time,amount", *rows, ""]), "till.csv")
    assert (made.refused, made.play.events) == (0, 11)
    assert guesses(made)["player"] == "customer"
    assert "|| coalesce(' ' || trim(r.\"time\"), '')" in made.sql_text
    assert "IS NOT NULL" in made.sql_text
    assert any(guess.about == "left out" and guess.guess == "1 row" for guess in made.guesses)


def test_what_tells_of_a_person_is_left_out(tmp_path):
    rows = [f"{n % 5},Ann {n % 5},a{n % 5}@x.example,2024-01-{n + 1:02},fine thing,{n}" for n in range(20)]
    made = make(tmp_path, "\n".join(["member_id,full_name,email,visited_at,comment,points", *rows, ""]))
    assert "Ann" not in made.app_text
    assert not any(word in made.sql_text for word in ("full_name", "email", "comment"))
    assert "points collected" in made.app_text


def test_columns_can_be_named_where_the_guess_is_wrong(tmp_path):
    rows = [f"{n % 3},{n % 5},2024-01-{n + 1:02},2023-01-{n + 1:02},{'ab'[n % 2]}" for n in range(20)]
    text = "\n".join(["customer,owner,joined,bought,what", *rows, ""])
    assert guesses(make(tmp_path, text))["moment"] == "bought"
    made = make(tmp_path, text, user="owner", time="joined", event="what", timezone="Europe/Rome", app="club")
    assert (made.app, made.play.players, list(made.play.by_kind)) == ("club", 5, ["a", "b"])
    assert "timezone: Europe/Rome" in made.app_text


def test_a_member_is_found_beside_counts_and_measures_and_a_clock_beside_a_span(tmp_path):
    rows = [
        f"{1 + n % 28:02}.03.2025;{6 + n % 12}:05;{n % 3}:30:00;L-{n % 9:03};{n % 25};{90 + n % 40} bpm"
        for n in range(80)
    ]
    made = make(tmp_path, "\n".join(["Tag;Beginn;Dauer;Läufernr;Runden;Puls", *rows, ""]), "laeufe.csv")
    assert guesses(made)["player"] == "Läufernr"
    assert "|| coalesce(' ' || trim(r.\"Beginn\"), '')" in made.sql_text
    assert 'dauer: {event: run, agg: sum, of: dauer, label: "time spent", unit: minute' in made.app_text
    assert "of: puls" not in made.app_text


@pytest.mark.parametrize(
    ("name", "scale", "unit"),
    [("ts", 1, "seconds"), ("stamp", 1e3, "milliseconds"), ("time_us", 1e6, "microseconds"), ("x", 1e9, "nanoseconds")],
)
def test_moments_counted_since_1970_are_read_in_any_unit(tmp_path, name, scale, unit):
    first = dt.datetime(2025, 6, 1, tzinfo=dt.UTC).timestamp()
    rows = [f"u{n % 5},{int((first + 3600 * n) * scale)},{n % 4}" for n in range(20)]
    made = make(tmp_path, "\n".join([f"user,{name},level", *rows, ""]))
    assert guesses(made)["moment"] == name
    assert (made.play.first, made.play.last) == (dt.date(2025, 6, 1), dt.date(2025, 6, 1))
    assert next(guess.why for guess in made.guesses if guess.about == "moment") == f"{unit} since 1970"


def test_long_spans_in_seconds_are_asked_for_in_minutes_and_what_nobody_wants_more_of_is_no_metric(tmp_path):
    rows = [f"r{n % 5},2024-01-{n + 1:02},{600 + 60 * n},{n % 3}" for n in range(20)]
    app = load_made(tmp_path, "\n".join(["rider,day,elapsed_seconds,mistakes", *rows, ""]))
    assert app.metrics["elapsed_minutes"].unit == "minute"
    assert "mistakes" in app.events["visit"].properties
    assert "mistakes" not in app.metrics


def test_files_of_one_name_are_one_table_and_a_list_of_products_is_left_aside(tmp_path):
    for year in (2023, 2024):
        rows = "".join(f"c{n % 4},{year}-01-{n + 1:02},{n}\n" for n in range(10))
        (tmp_path / f"sales-{year}.csv").write_text("customer,day,quantity\n" + rows)
    (tmp_path / "products.csv").write_text("sku,colour\n1,red\n2,blue\n")
    made = make_app(sorted(tmp_path.glob("*.csv")), Hints(), NOW)
    assert made.play.events == 20
    assert guesses(made)["left aside"] == "products.csv"
    assert made.sql_text.count("FROM raw_sales") == 1


@pytest.mark.parametrize("own", ["member_id", "id"])
def test_a_list_of_members_is_left_aside_and_a_table_that_carries_nothing_is_read(tmp_path, own):
    members = "".join(f"{n},1990-01-{n + 1:02},2023-01-01\n" for n in range(9))
    (tmp_path / "tbl_members.csv").write_text(f"{own},birthdate,joined\n" + members)
    (tmp_path / "tbl_visits.csv").write_text(
        "member_id,at\n" + "".join(f"{n % 9},2024-01-{n + 1:02}\n" for n in range(20))
    )
    weights = "".join(f"{n % 9},2024-01-{n + 1:02},{60 + n}.5\n" for n in range(20))
    (tmp_path / "tbl_weights.csv").write_text("member_id,measured_at,weight_kg\n" + weights)
    made = make_app(sorted(tmp_path.glob("*.csv")), Hints(), NOW)
    assert guesses(made)["left aside"] == "tbl_members.csv"
    assert made.aside == (tmp_path / "tbl_members.csv",)
    assert made.play.by_kind == {"visit": 20, "weight": 20}
    assert "Reach" not in made.app_text.split("weights:")[-1].splitlines()[0]


@pytest.mark.parametrize(("yes", "no"), [("Y", "N"), ("ja", "nein"), ("true", "false")])
def test_yes_and_no_become_truths_of_a_source_that_can_be_read(tmp_path, yes, no):
    rows = [f"c{n % 5},2024-01-{n + 1:02},{yes if n % 3 else no}" for n in range(20)]
    app = load_made(tmp_path, "\n".join(["customer,day,done", *rows, ""]))
    assert app.events["visit"].properties["done"].type == "boolean"


def test_codes_are_no_figures_and_numbers_of_things_are(tmp_path):
    rows = [f" {n % 7:05} {n % 3:04} 2024010{1 + n % 9}  {n % 4} {n}.50" for n in range(30)]
    bare = make(tmp_path, "\n".join([*rows, ""]), "log.txt").app_text
    assert "columns: [player, code, moment, count, amount]" in bare
    assert "code: text" in bare
    named = "\n".join(["member shelf day number_of_cds dollar_value", *rows, ""])
    app = make(tmp_path, named, "discs.txt").app_text
    assert (
        'number_of_cds: {event: disc, agg: sum, of: number_of_cds, label: "CDs", unit: "CD", task: "Reach {goal}"}'
        in app
    )
    assert 'label: "money spent", unit: "$"' in app


def test_what_init_writes_has_nothing_in_it_that_looks_unintended(tmp_path):
    made = make(tmp_path, cdnow(tmp_path, purchases()).read_text(), "purchases.csv")
    (tmp_path / "purchases.yaml").write_text(made.app_text)
    (tmp_path / "purchases.sql").write_text(made.sql_text)
    assert lint_app(load_app(tmp_path / "purchases.yaml").app) == []


def test_what_only_varies_or_others_decide_is_carried_and_not_measured(tmp_path):
    rows = [f"c{n % 5},2024-01-{n + 1:02},{n}.5,{n % 2},p{n % 9},{n % 4}" for n in range(20)]
    app = load_made(tmp_path, "\n".join(["customer,day,pace,gift,parent_id,recipe", *rows, ""]))
    assert {"pace", "gift", "parent_id", "recipe"} <= set(app.events["visit"].properties)
    assert list(app.metrics) == ["visits_made", "days"]
    assert lint_app(app) == []


def load_made(folder, text):
    return load_text(folder, make(folder, text, "visits.csv"))


def load_text(folder, made):
    (folder / f"{made.app}.yaml").write_text(made.app_text)
    (folder / f"{made.app}.sql").write_text(made.sql_text)
    return load_app(folder / f"{made.app}.yaml").app


def test_files_written_in_two_ways_are_refused(tmp_path):
    (tmp_path / "a.csv").write_bytes("user;café\n1;2024-01-01\n".encode("cp1252"))
    (tmp_path / "b.csv").write_bytes(b"1 2 3\n4 5 6\n7 8 9\n")
    with pytest.raises(NightquestError, match="not written alike"):
        make_app([tmp_path / "a.csv", tmp_path / "b.csv"], Hints(), NOW)


@pytest.mark.parametrize(
    ("columns", "begins", "ends"),
    [
        ("athlete,start_time,end_time,activity type", "2024-03-{d:02} 08:00", "2024-03-{d:02} 08:{m:02}"),
        ("athlete,started_at,finished_at,sport", "2024-03-{d:02}T08:00:00Z", "2024-03-{d:02}T08:{m:02}:00Z"),
        ("athlete,date,start,end,kind", "2024-03-{d:02},23:45", "00:{m:02}"),
    ],
)
def test_beginning_and_end_tell_how_long_it_took_and_runs_rides_and_swims_are_deeds_of_their_own(
    tmp_path, columns, begins, ends
):
    rows = [
        f"a{n % 4},{begins.format(d=1 + n % 28)},{ends.format(d=1 + n % 28, m=20 + n % 30)},{kind}"
        for n in range(60)
        for kind in [("Run", "Ride", "Swimming")[n % 3]]
    ]
    app = load_made(tmp_path, "\n".join([columns, *rows, ""]))
    assert {"run", "ride", "swim"} == {*app.events}
    assert {"runs_finished", "rides_finished", "swims_finished", "minutes"} <= app.metrics.keys()
    assert app.metrics["minutes"].unit == "minute"
    with scratch() as warehouse:
        sql = (tmp_path / "visits.sql").read_text()
        read_ahead(warehouse, app, [tmp_path / "visits.csv"], now=NOW, source_sql=sql)
        took = "SELECT min(m), max(m) FROM (SELECT (properties ->> 'minutes')::DOUBLE AS m FROM incoming)"
        added = 15 if "date," in columns else 0  # from a quarter to midnight on
        assert warehouse.rows(took) == [(20 + added, 49 + added)]


def test_an_end_counted_since_1970_is_an_end_too(tmp_path):
    rows = [f"acc{n % 5},{1_700_000_000_000 + 86_400_000 * n},{1_700_000_600_000 + 86_400_000 * n}" for n in range(40)]
    app = load_made(tmp_path, "\n".join(["account,begin_ms,stop_ms", *rows, ""]))
    assert [*app.events["visit"].properties] == ["minutes"]


def test_kinds_of_one_thing_are_counted_apart_and_an_event_is_known_by_its_beginning(tmp_path):
    rows = [f"L{n % 5},{1 + n % 28:02}.03.2024,{1 + n % 28:02}.04.2024,{('film', 'novel')[n % 2]}" for n in range(60)]
    made = make(
        tmp_path,
        "\n".join(["Leser;Ausgeliehen am;Zurückgegeben am;type".replace(";", ","), *rows, ""]),
        "Ausleihen.csv",
    )
    assert guesses(made)["moment"] == "Ausgeliehen am"
    assert 'where: "type = \'film\'", label: "films borrowed"' in made.app_text


def test_columns_without_names_get_those_of_what_they_hold_and_nobody_is_asked_to_be_late(tmp_path):
    start = 1_700_000_000_000
    ended = [f"{start + n * 7_200_000 + 60_000 * (9 + n)}" if n % 9 else "" for n in range(60)]
    state = ("OK", "LATE", "OK", "damaged")
    rows = [f"{n * 7_919 + 4096:X}F|M-{n % 7:03}|{start + n * 7_200_000}|{ended[n]}|{state[n % 4]}" for n in range(60)]
    made = make(tmp_path, "\n".join([*rows, ""]), "trips.txt")
    assert guesses(made)["header"] == "none"
    assert [guesses(made)[of] for of in ("event id", "player", "moment")] == ["id", "player", "moment"]
    assert guesses(made)["minutes"] == "moment to end"
    app = load_text(tmp_path, made)
    assert [name for name in app.metrics if "trips" in name and name in app.challenges.metrics] == [
        "trips_finished",
        "ok_trips_finished",
    ]
    assert app.metrics["ok_trips_finished"].label == "OK trips finished"


def test_a_chat_is_written_by_its_senders_and_its_kinds_are_kinds_of_message(tmp_path):
    rows = [
        {
            "id": f"m{n}",
            "conversation": {"id": f"c{n % 40}"},
            "sender": {"id": f"usr_{n % 8}f0"},
            "sentAt": f"2024-03-{1 + n % 28:02}T10:00:00Z",
            "type": ("text", "voice")[n % 2],
            "body": {"words": None if n % 2 else n % 7, "seconds": 3.5 + n % 11 if n % 2 else None, "text": f"hi {n}"},
        }
        for n in range(120)
    ]
    made = make(tmp_path, json.dumps(rows), "messages_export.json")
    assert guesses(made)["player"] == "sender.id"
    app = load_text(tmp_path, made)
    assert {*app.events} == {"text_message", "voice_message"}
    assert app.metrics["voice_messages_sent"].task == "Send {goal}"
    assert app.metrics["body_words"].label == "words"
    assert app.metrics["body_seconds"].unit == "second"
    assert "body_seconds" not in app.challenges.metrics
    assert "body.text" in guesses(made)["left out"]


def test_documents_with_lists_of_what_was_done_are_told_with_the_command_that_lays_them_out(tmp_path):
    one = {"who": {"id": "u1"}, "sessions": [{"at": "2024-01-01T10:00:00Z"}]}
    (tmp_path / "dump.json").write_text(json.dumps({"page": 1, "data": [one, one]}))
    with pytest.raises(NightquestError) as told:
        make_app([tmp_path / "dump.json"], Hints(), NOW)
    assert "its rows lie in the list 'data', and what was done in the list 'sessions' of each" in str(told.value)
    assert "jq -c '.data[] | del(.sessions) + .sessions[]'" in f"{told.value} {told.value.remedy}"


@pytest.mark.parametrize(
    ("events", "kind", "player"),
    [
        (["purchase"], "shop", "customer"),
        (["workout", "login"], "fitness", "athlete"),
        (["lesson_completed"], "learning", "learner"),
        (["match"], "game", "player"),
        (["battle"], "game", "player"),
        (["loan"], None, "reader"),
        (["action"], None, "member"),
        (["completed", "launched"], "learning", "learner"),
    ],
)
def test_the_kind_of_app_is_told_by_what_is_done_in_it(events, kind, player):
    voice = voice_of(events)
    assert (voice.get("kind"), voice["player"]) == (kind, player)


@pytest.mark.parametrize(("courses", "player"), [(5, "member"), (40, "learner")])
def test_what_is_seldom_done_says_nothing_of_the_kind_of_app(courses, player):
    day = dt.date(2025, 5, 1)
    play = Play(100, 9, {"machine_used": 100 - courses, "course_attended": courses}, day, day, 1.0, 1.0)
    assert with_play({"challenges": {}}, play, {})["voice"]["player"] == player
