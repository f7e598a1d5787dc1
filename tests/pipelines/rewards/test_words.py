"""Rewards read well, in every language that there is a catalogue of."""

import polars as pl
import pytest

from configs.app import App
from pipelines.rewards.words import amount_words, balance_words, joined_words
from tests.pipelines.rewards.promises import app_with

APP = app_with({"all": {"star": {"gives": "star"}}}, points={"gem": {"unit": "gem"}, "coin": {"unit": "coins"}})
GERMAN = {
    "metrics": {name: {"label": name, "task": "Mach {goal}"} for name in APP.challenges.metrics},
    "badges": {"star": "Stern"},
    "points": {"gem": {"unit": "Edelstein", "plural": "Edelsteine"}},
    "given": {"sage": "Weise", "garden": "der Hain"},
}
ROWS = pl.DataFrame({"item": ["gem", "gem", "coin", "sage", "garden", "star"], "amount": [1, 1250, 1, 1, 1, 1]})


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "45 XP, one gem, 1,250 gems, one coin, the title Sage, access to the walled garden and the badge Star"),
        (
            "de-AT",
            (
                "45 XP, 1 Edelstein, 1.250 Edelsteine, 1 coin, der Titel Weise, Zugang zu „der Hain“ "
                "und das Abzeichen Stern"
            ),
        ),
    ],
)
def test_numbers_units_and_what_stands_before_a_title_are_those_of_the_language(language, said):
    app = App.model_validate(
        APP.model_dump(mode="json", exclude_none=True)
        | {"voice": {"theme": "x", "languages": ["en", "de"]}, "translations": {"de": GERMAN}}
    )
    kinds, of = app.rewards.kinds(app.badges), pl.lit(language)
    words = ROWS.select(amount_words(app, kinds, of, [language])).to_series().to_list()
    row = pl.DataFrame({"xp": [45], "words": [words]})
    assert row.select(joined_words(app, pl.col("xp"), pl.col("words"), of, [language])).item() == said


def test_who_reads_a_language_in_which_the_app_has_no_words_is_paid_in_one_language_and_not_in_two():
    kinds, of = APP.rewards.kinds(APP.badges), pl.lit("it")
    words = ROWS.select(amount_words(APP, kinds, of, ["it"])).to_series().to_list()
    assert words[4] == "access to the walled garden"
    row = pl.DataFrame({"xp": [45], "words": [words[:1]]})
    assert row.select(joined_words(APP, pl.col("xp"), pl.col("words"), of, ["it"])).item() == "45 XP and one gem"


@pytest.mark.parametrize(("xp", "words", "said"), [(0, None, None), (0, ["1 gem"], "1 gem"), (5, [], "5 XP")])
def test_what_there_is_not_is_not_said(xp, words, said):
    row = pl.DataFrame({"xp": [xp], "words": [words]}, schema={"xp": pl.Int32, "words": pl.List(pl.String)})
    assert row.select(joined_words(APP, pl.col("xp"), pl.col("words"), pl.lit("en"), ["en"])).item() == said


def test_a_balance_of_what_the_app_has_no_more_is_told_by_its_name():
    rows = pl.DataFrame({"item": ["gem", "old_coin"], "amount": [2, 3], "language": ["en", "en"]})
    assert balance_words(APP, rows)["words"].to_list() == ["2 gems", "old coin"]
