"""Numbers in the offline writer's sentences: amounts, goals and bounds in the form that their metric asks for."""

import json
import re

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.app import App
from configs.nouns import plural_of
from configs.voice import locale_of
from configs.wording import metric_words
from pipelines.words.briefs import Brief
from pipelines.words.citations import write_citations
from pipelines.words.fill import fill_in
from pipelines.words.numbers import say_figure
from pipelines.words.render import amount_text, goal_text
from pipelines.words.writers.offline import write_variants
from tests.factories import make_app
from tests.foreign.linter import faults

ENGLISH = locale_of("en")
STREAK = {"agg": "streak", "label": "daily streak", "unit": "day"}
NOUNS = ["puzzle", "activity", "match", "person", "box", "answer", "km", "bpm", "$", "journal entry", "point"]


def said(agg: str, label: str, unit: str, value: float, **more: str) -> str:
    of = {} if agg == "count" else {"of": "points"}
    metric = {"event": "solve", "agg": agg, "label": label, "unit": unit, **of, **more}
    app = make_app(metrics={**make_app().model_dump()["metrics"], "m": metric})
    return str(pl.select(amount_text(app, pl.lit("m"), pl.lit(value), ENGLISH)).item())


def told(app: App, content_type: str, metric: str, occasion: str, amount: float) -> str:
    """A text with its numbers, as a player reads it."""
    brief = Brief("b", content_type, "", metric, "", "en", occasion, 1)
    found = write_variants(app, brief, seed=0)[0]
    texts = pl.DataFrame([{
        "title": found.title, "text": found.text, "brief_id": "b", "ai_provider": "", "model": "", "prompt_version": "",
        "variant": found.variant, "metadata": found.metadata, "language": "en",
    }])  # fmt: skip
    row = {
        "at": 0,
        "content_type": content_type,
        "metric": metric,
        "amount": amount,
        "window_days": 7,
        "percentile": 75,
    }
    chosen = pl.DataFrame([row]).cast({"at": pl.UInt32, "percentile": pl.Int32})
    return str(fill_in(app, chosen, texts)["text"][0])


@pytest.mark.parametrize(
    ("agg", "label", "unit", "value", "text"),
    [
        ("max", "records in one basket", "record", 13.0, "13 records in one basket"),
        ("max", "records in one basket", "record", 1.0, "one record in one basket"),
        ("max", "most records in one basket", "record", 13.0, "13 records in one basket"),
        ("max", "points in the best workout", "", 912.0, "912 points in the best workout"),
        ("max", "best drill score", "point", 610.0, "a best drill score of 610 points"),
        ("max", "the longest run", "kilometre", 10.5, "a run of 10.5 kilometres"),
        ("mean", "average points per game", "point", 12.0, "an average of 12 points per game"),
        ("mean", "average heart rate", "bpm", 121.0, "an average heart rate of 121 bpm"),
        ("mean", "heart rate", "bpm", 121.0, "an average heart rate of 121 bpm"),
        ("mean", "Avg. heart rate", "bpm", 121.0, "an average heart rate of 121 bpm"),
        ("mean", "typical result", "%", 62.5, "a typical result of 62.5%"),
        ("sum", "running distance", "km", 1234.5, "1,234.5 km of running distance"),
        ("sum", "amount spent", "$", 38.9, "$38.90 spent"),
        ("sum", "Minutes of practice", "minute", 1.0, "1 minute of practice"),
        ("sum", "number of steps", "step", 2.0, "2 steps"),
        ("sum", "puzzles solved", "", 1.0, "one puzzle solved"),
        ("distinct", "different artists", "artist", 1.0, "one artist"),
        ("distinct", "people helped", "person", 2.0, "2 people helped"),
        ("sum", "solve puzzles", "puzzle", 2.0, "2 puzzles"),
        ("sum", "distance", "km", 13.0, "13 km"),
        ("sum", "weight returned", "kg", 13.0, "13 kg returned"),
        ("sum", "Minutes (total)", "min", 13.0, "13 min"),
        ("sum", "points won", "points", 1.0, "one point won"),
        ("max", "top speed", "km/h", 38.5, "a top speed of 38.5 km/h"),
        ("max", "Longest sit", "min", 20.0, "a sit of 20 min"),
        ("max", "TOP SCORE", "points", 20.0, "a top score of 20 points"),
        ("count", "# of drop-offs", "drop-off", 2.0, "2 drop-offs"),
        ("count", "second-hand purchases", "item", 1.0, "one second-hand purchase"),
        ("count", "Puzzles Solved", "puzzle", 2.0, "2 puzzles solved"),
        ("sum", "CO2 saved", "kg", 2.0, "2 kg of CO2 saved"),
        ("sum", "kilometres ridden", "km", 1.0, "1 km ridden"),
        ("sum", "Distance in km", "km", 13.0, "13 km"),
        ("sum", "fares paid", "€", 12.5, "€12.50 in fares paid"),
        ("sum", "bottles returned", "kg", 13.0, "13 kg of bottles returned"),
        ("max", "thickest book", "page", 700.0, "a book of 700 pages"),
        ("max", "largest number of puzzles in a day", "puzzle", 3.0, "3 puzzles in a day"),
        ("mean", "length of a trip", "minute", 12.0, "an average trip length of 12 minutes"),
        ("count", "completion of lessons", "lesson", 2.0, "2 lessons"),
        ("count", "comments on other people's posts", "comment", 1.0, "one comment on someone else's post"),
        ("count", "comments on other people's posts", "comment", 2.0, "2 comments on other people's posts"),
        ("count", "kudos received", "kudos", 1.0, "one kudos received"),
    ],
)
def test_an_aggregation_has_the_form_of_its_number(agg, label, unit, value, text):
    assert said(agg, label, unit, value, task="Solve {goal}") == text


@pytest.mark.parametrize(("language", "text"), [("de", "2,50\u00a0€"), ("en", "€2.50")])
def test_the_sign_of_money_stands_where_a_language_puts_it(language: str, text: str) -> None:
    paid = {"event": "solve", "agg": "sum", "of": "points", "label": "Ausgaben", "unit": "€"}
    app = make_app(
        metrics={**make_app().model_dump()["metrics"], "m": paid}, voice={"theme": "x", "languages": [language]}
    )
    assert say_figure(app, "m", 2.5) == text


def test_a_bound_stands_before_its_number_where_lower_is_better():
    fewest, late = "fewest mistakes in a test", "days late per return"
    assert said("min", fewest, "mistake", 2.0, better="lower") == "no more than 2 mistakes in a test"
    assert said("min", fewest, "mistake", 0.0, better="lower") == "0 mistakes in a test"
    assert said("mean", late, "day", 1.5, better="lower") == "an average of no more than 1.5 days late per return"
    assert said("mean", "lap time", "second", 62.0, better="lower") == "an average lap time of no more than 62 seconds"


@pytest.mark.parametrize(
    ("label", "value", "text"),
    [
        ("daily streak", 7.0, "a daily streak of 7 days"),
        ("longest run of library days", 7.0, "a run of 7 library days"),
        ("days of training in a row", 7.0, "7 days of training in a row"),
        ("days of training in a row", 1.0, "one day of training"),
    ],
)
def test_a_streak_is_so_many_days_long(label, value, text):
    app = make_app(metrics={**make_app().model_dump()["metrics"], "m": {**STREAK, "label": label}})
    assert pl.select(amount_text(app, pl.lit("m"), pl.lit(value), ENGLISH)).item() == text


@pytest.mark.parametrize(
    ("unit", "text"), [("day", "Practise on all 3 days"), ("mindful day", "Practise on 3 mindful days")]
)
def test_all_the_days_of_a_window_are_its_days_and_not_days_of_some_kind(unit, text):
    metric = {"agg": "days", "label": f"{unit}s", "unit": unit, "task": "Practise on {goal}"}
    app = make_app(metrics={**make_app().model_dump()["metrics"], "m": metric})
    goal = pl.select(goal_text(app, pl.lit("m"), pl.lit(3.0), pl.lit(3), ENGLISH)).item()
    assert metric["task"].replace("{goal}", goal) == text


@pytest.mark.parametrize(
    ("task", "amount", "text"),
    [
        ("Write {goal} on other people's walls", 1.0, "write one comment on someone else's wall"),
        ("Write {goal} on other people's walls", 2.0, "write 2 comments on other people's walls"),
        ("Reply with {goal} to other members' questions", 1.0, "reply with one comment to someone else's question"),
    ],
)
def test_a_task_of_one_speaks_of_one_to_its_end(task, amount, text):
    metric = {"event": "solve", "label": "comments", "unit": "comment", "task": task}
    app = make_app(metrics={**make_app().model_dump()["metrics"], "m": metric})
    assert text in told(app, "tutorial", "m", "new", amount).lower()


@pytest.mark.parametrize(
    ("agg", "better", "amount", "text"),
    [
        ("sum", "higher", 189.1, "190 points"),
        ("sum", "higher", 3.14, "3.2 points"),
        ("mean", "lower", 62.9, "no more than 62 points"),
    ],
)
def test_a_target_is_told_without_needless_digits_and_on_the_safe_side(agg, better, amount, text):
    metric = {"event": "solve", "agg": agg, "of": "points", "better": better, "label": "points", "unit": "point"}
    app = make_app(metrics={**make_app().model_dump()["metrics"], "m": metric})
    assert text in told(app, "motivational_message", "m", "target", amount).lower()


def test_a_best_of_so_many_days_is_reached_within_weeks():
    metric = {
        "event": "solve",
        "agg": "min",
        "of": "points",
        "better": "lower",
        "label": "shortest loan",
        "unit": "day",
    }
    app = make_app(metrics={**make_app().model_dump()["metrics"], "m": metric})
    assert "loan of no more than 19 days within 4 weeks" in told(app, "motivational_message", "m", "target", 19.0)


def test_a_target_with_a_with_of_its_own_gets_no_second_one():
    metric = {"event": "solve", "label": "days with a purchase", "unit": "day", "task": "Buy on {goal}"}
    app = make_app(metrics={**make_app().model_dump()["metrics"], "m": metric})
    brief = Brief("b", "motivational_message", "", "m", "", "en", "target", 64)
    texts = [found.text for found in write_variants(app, brief, seed=0)]
    assert len(texts) > 20
    assert [text for text in texts if re.search(r"\bwith \{amount\}", text, re.IGNORECASE)] == []


def test_labels_that_all_begin_with_a_capital_lose_it_within_a_sentence():
    plain = make_app().model_dump()["metrics"]
    capitals = {name: {**one, "label": one["label"].capitalize()} for name, one in plain.items()}
    app = make_app(metrics={**capitals, "m": {"event": "solve", "agg": "max", "of": "points", "label": "Accuracy"}})
    assert metric_words(app, "m").label == "accuracy"
    apart = make_app(metrics={**plain, "m": {"event": "solve", "agg": "max", "of": "points", "label": "Elo"}})
    assert metric_words(apart, "m").label == "Elo"


def test_an_average_is_cited_without_needless_digits():
    mean = {"event": "solve", "agg": "mean", "of": "points", "label": "heart rate", "unit": "bpm"}
    badge = {"title": "Calm", "tier": "gold", "category": "form", "when": "m <= 120"}
    app = make_app(metrics={**make_app().model_dump()["metrics"], "m": mean}, badges={"b": badge})
    row = {"award_id": "00", "player_key": 1, "badge_id": "b", "evidence": json.dumps({"values": {"m": 97.381}})}
    assert "an average heart rate of 97.4 bpm" in write_citations(app, pl.DataFrame([row]))["citation"][0]


@settings(max_examples=25)
@given(
    st.sampled_from(["sum", "max", "min", "mean", "distinct"]),
    st.sampled_from(NOUNS),
    st.sampled_from(["{}", "{} in one go", "best {}", "number of {}", "Total {}", "different {}", "result", "{} done"]),
    st.sampled_from([1.0, 2.0, 13.0, 1250.0, 0.5, 38.97]),
)
def test_any_label_around_its_unit_makes_an_amount_without_a_fault(agg, unit, pattern, value):
    text = said(agg, pattern.format(plural_of(unit)), unit, value)
    assert [f for f in faults(f"For {text}.") if not f.startswith("several of one")] == []
