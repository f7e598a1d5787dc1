"""Kinds of events that are told by the columns which only some rows have."""

from configs.loader import load_app
from tests.pipelines.newapp.made import guesses, make


def test_kinds_are_told_by_columns_of_their_own_and_declare_no_others(tmp_path):
    rows = ["singer,when,activity,minutes,audience"]
    for n in range(60):
        kind, minutes, audience = (("rehearsal", 90 + n, ""), ("concert", "", 50 + n))[n % 2]
        rows.append(f"s{n % 7:03d},2025-{1 + n % 9:02d}-{1 + n % 28:02d} 19:00,{kind},{minutes},{audience}")
    made = make(tmp_path, "\n".join(rows), name="choir.csv")
    (tmp_path / "choir.yaml").write_text(made.app_text)
    (tmp_path / "choir.sql").write_text(made.sql_text)
    app = load_app(tmp_path / "choir.yaml").app
    assert guesses(made)["kind of event"] == "activity"
    assert {name: set(event.properties) for name, event in app.events.items()} == {
        "rehearsal": {"minutes"},
        "concert": {"audience"},
    }
    assert app.metrics["minutes"].events == ("rehearsal",)


def test_a_column_whose_blanks_follow_from_how_it_ended_tells_no_kinds(tmp_path):
    rows = ["member,when,category,refund_reason"]
    rows += [f"m{n % 7:03d},2025-03-{1 + n % 28:02d},{('kept', 'gone')[n % 2]},{('', 'ill')[n % 2]}" for n in range(60)]
    assert guesses(make(tmp_path, "\n".join(rows), name="bookings.csv"))["kind of event"] == "booking"
