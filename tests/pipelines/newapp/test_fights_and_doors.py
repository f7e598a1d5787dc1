"""Two exports as people have them: fights in German with an outcome, and a log of doors and courses as JSON."""

import json

import pytest

from configs.loader import load_app
from pipelines.newapp.make import Hints, make_app
from pipelines.newapp.play import round_threshold
from tests.pipelines.newapp.made import NOW, guesses, make

FIGHTS = "Zeitpunkt;Spieler;Bossname;Ergebnis;Verursachter Schaden;Erlittener Schaden;Kampfdauer\n"


@pytest.fixture(name="fights", scope="module")
def _fights(tmp_path_factory):
    rows = [
        f"{1 + n // 10:02}.05.2025 18:{(7 * n) % 60:02};P{n // 3 % 7};Hydra {n % 4};"
        f"{('Sieg', 'Niederlage')[n % 3 == 0]};{900 + n};{n};0{3 + n % 4}:1{n % 9}"
        for n in range(200)
    ]
    folder = tmp_path_factory.mktemp("fights")
    made = make(folder, FIGHTS + "\n".join([*rows, ""]), "kaempfe.csv")
    (folder / "app.yaml").write_text(made.app_text)
    (folder / "kaempfe.sql").write_text(made.sql_text)
    return made, load_app(str(folder / "app.yaml")).app


def test_german_compounds_tell_what_they_measure_and_an_outcome_what_was_won(fights):
    metrics = fights[1].metrics
    assert {metric.task for metric in metrics.values()} >= {"Fight {goal}", "Win {goal}", "Deal {goal}"}
    assert metrics["battles_won"].where == "ergebnis = 'Sieg'"
    assert metrics["kampf_dauer"].unit == "minute"
    assert "erlittener_schaden" not in metrics  # nobody is asked to take more of it


def test_spans_that_would_reach_into_what_is_done_next_are_minutes_and_seconds(fights, tmp_path):
    assert guesses(fights[0])["Kampfdauer"] == "durations as minutes:seconds"
    assert "/ 60 END" in fights[0].sql_text
    rows = "".join(f"p{n % 9},2024-01-{1 + n // 9:02},0{n % 7}:30\n" for n in range(200))
    assert (
        guesses(make(tmp_path, "rider,day,duration\n" + rows, "rides.csv"))["duration"] == "durations as hours:minutes"
    )


def test_numbers_of_which_no_metric_is_made_are_named(fights):
    assert guesses(fights[0])["no metric"] == "erlittener_schaden"


@pytest.mark.parametrize(
    ("value", "most", "asked"),
    [(52, 61, 50), (52, 80, 75), (80, 95, 75), (80, 100, 100), (1, 1, 1), (700, 740, 500), (8, 9, 5), (0.3, 0.4, 0.3)],
)
def test_no_badge_asks_for_more_than_anybody_has(value, most, asked):
    assert round_threshold(value, most) == asked


@pytest.fixture(name="doors", scope="module")
def _doors(tmp_path_factory):
    rows = [
        {
            "id": f"e{n}",
            "member": {"id": f"{'Ann' if n % 5 == 0 else 'ann'}.{n % 10}"},
            "event": ("door_opened", "course_attended")[n % 2],
            "at": f"2024-02-{1 + n % 28:02}T18:00:00+01:00",
            "course": {"title": ("sewing", "welding")[n % 2], "cost": n if n % 4 else "free"},
        }
        for n in range(60)
    ]
    for n, member in ((10, "ann.1"), (20, {"id": " "}), (30, None)):
        rows[n]["member"] = member
    rows.append(rows[1] | {"id": "e60", "member": {"id": "ANN.1"}})
    path = tmp_path_factory.mktemp("doors") / "doors.json"
    path.write_text(json.dumps(rows))
    return make_app([path], Hints(), NOW)


def test_a_row_that_has_text_where_the_others_have_a_document_costs_no_other_row(doors):
    assert (doors.refused, doors.play.events) == (0, 58)
    assert ("left out", "3 rows") in {(guess.about, guess.guess) for guess in doors.guesses}


def test_ids_that_differ_by_letter_case_alone_are_told(doors):
    assert guesses(doors)["letter case"] == "1 id differs from another by it alone"


def test_a_title_of_what_is_done_is_kept_and_a_number_with_texts_among_it_is_told(doors):
    assert "course_title: text" in doors.app_text
    assert "'free'" in next(guess.why for guess in doors.guesses if guess.about == "course.cost")


def test_of_german_dates_the_one_on_which_it_was_done_is_the_moment_and_a_number_of_its_own_the_id(tmp_path):
    rows = "".join(f"{n};{n % 9:03};0{1 + n % 9}.05.2025;1{n % 7}:30;2{n % 9}.05.2025\n" for n in range(5000, 5090))
    told = guesses(make(tmp_path, "Ausleihnr;Lesernummer;Ausleihdatum;Uhrzeit;Rückgabedatum\n" + rows, "leihe.csv"))
    assert (told["player"], told["moment"]) == ("Lesernummer", "Ausleihdatum, Uhrzeit")
    assert told["event id"] == "Ausleihnr"


def test_plays_are_of_what_is_played_and_time_is_what_a_player_spent_not_how_long_a_thing_is(tmp_path):
    rows = [
        {"playId": f"{n}-p", "listener": {"id": f"u{n % 9}"}, "device": "web",
         "episode": {"id": f"e{n % 20}", "lengthSec": 900 + n}, "playback": {"startedAtMs": 1700425586000 + 3600000 * n,
         "listenedSec": 600 + n, "completed": n % 3 > 0}} for n in range(90)
    ]  # fmt: skip
    text = make(tmp_path, json.dumps(rows, indent=2), "plays.json").app_text
    assert "agg: sum, of: playback_listened_minutes" in text
    assert 'label: "episodes played", unit: episode, task: "Play {goal}"' in text
    assert 'label: "episodes completed", unit: episode, task: "Complete {goal}"' in text


def test_in_spanish_too_a_visit_is_the_moment_hours_are_time_and_remarks_are_nobodys_business(tmp_path):
    rows = "".join(
        f"S{n % 9}\t{1 + n // 9:02}/03/2024\t{1 + n % 9:02}/01/2019\t{n % 3},5\ttodo bien {n % 4}\n" for n in range(90)
    )
    made = make(tmp_path, "Nº socio\tFecha de visita\tFecha de alta\tHoras\tObservaciones\n" + rows, "registro.tsv")
    assert guesses(made)["moment"] == "Fecha de visita"
    assert 'label: "time spent", unit: hour' in made.app_text
    assert "observaciones" not in made.app_text
