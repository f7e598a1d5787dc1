import datetime as dt
import json
import re

import polars as pl
import pytest

from configs.app import App
from configs.errors import AppFileError
from configs.loader import load_app
from configs.shipped import shipped_apps
from pipelines.words.briefs import SPARE_TEXTS, brief_pieces
from pipelines.words.checks.validate import SLOT, TITLE_LENGTH
from pipelines.words.content_type import TEXT_LENGTH
from pipelines.words.read_lately import nothing_read
from pipelines.words.write import want_texts
from pipelines.words.writers.source import Offline
from tests.factories import APP, make_app
from tests.pipelines.words.plans import NIGHT, make_asks, make_plan, numbers, read_from, write_words

APPS = tuple(shipped_apps())
ROW = (
    ["content_id", "title"],
    ["brief_id", "ai_provider", "model", "prompt_version", "variant", "propensity", "metadata"],
)


@pytest.fixture(scope="module", params=APPS)
def app(request) -> App:
    return load_app(request.param).app


def words(app, plan=None, asks=None, *, seed=1, as_of=NIGHT, recent=nothing_read):
    plan = make_plan(app, 40) if plan is None else plan
    asks = make_asks(app, 40) if asks is None else asks
    return write_words(app, plan, asks, seed=seed, as_of=as_of, recent=recent)


@pytest.fixture(scope="module")
def night(app):
    """Challenges and messages of 100 neighbours."""
    return words(app, make_plan(app, 100), make_asks(app, 100))


def test_every_row_gets_its_words_in_order(app, night):
    plan, asks = make_plan(app, 100), make_asks(app, 100)
    texts, letters = night
    assert texts["content_id"].to_list() == plan["content_id"].to_list()
    assert letters["content_id"].to_list() == asks["content_id"].to_list()
    assert texts.columns == [*ROW[0], "description", *ROW[1]]
    assert letters.columns == [*ROW[0], "body", *ROW[1]]
    assert texts.null_count().sum_horizontal().item() == letters.null_count().sum_horizontal().item() == 0
    assert set(texts["ai_provider"]) == {"offline"}
    assert texts["propensity"].is_between(0, 1, closed="right").all()
    assert {json.loads(m)["language"] for m in [*texts["metadata"], *letters["metadata"]]} == {"en"}


def test_no_text_leaves_its_limits_or_keeps_a_slot(night):
    texts, letters = night
    for title, text in [
        *texts.select("title", "description").iter_rows(),
        *letters.select("title", "body").iter_rows(),
    ]:
        assert 1 <= len(title) <= TITLE_LENGTH
        assert 1 <= len(text) <= TEXT_LENGTH
        assert not SLOT.search(title + text)
        assert not re.search(r"[{}#<>]|  |\bnull\b|\bNone\b", title + text)


def test_every_sentence_starts_with_a_capital_or_a_number_and_ends(night):
    texts, letters = night
    for text in [*texts["description"], *letters["body"]]:
        assert text.endswith((".", "?"))
        for sentence in re.split(r"(?<=[.?]) ", text):
            assert sentence[0].isupper() or sentence[0].isdigit(), text


def test_a_challenge_names_its_goal_and_window_and_no_other_number(app, night):
    plan, texts = make_plan(app, 100), night[0]
    for row, text in zip(plan.iter_rows(named=True), texts["description"], strict=True):
        task = app.metrics[row["metric"]].task
        wanted = [f"{row['target']:,.0f}", *re.findall(r"\d+", task)]
        wanted += [str(row["window_days"])] if row["window_days"] > 1 else []
        assert sorted(numbers(app, row["metric"], text)) == sorted(wanted), text
        assert ("oday" in text) == (row["window_days"] == 1)


def test_a_message_names_its_target_and_no_other_number(app, night):
    asks, letters = make_asks(app, 100), night[1]
    for row, body in zip(asks.iter_rows(named=True), letters["body"], strict=True):
        label = app.metrics[row["metric"]].label if row["metric"] else ""
        wanted = [f"{row['goal']:.0f}", str(row["percentile"]), "28"] if row["goal"] else []
        assert sorted(numbers(app, row["metric"], body)) == sorted(wanted + re.findall(r"\d+", label)), body


def test_one_is_singular_and_more_are_plural():
    app = load_app("stackexchange").app
    for target, noun in ((1.0, "one answer "), (3.0, "3 answers ")):
        plan = make_plan(app, 20, per_player=1, metric="answers", target=target)
        assert all(noun in text.replace(".", " ") for text in words(app, plan)[0]["description"])


def test_the_same_night_gets_the_same_words_and_another_seed_others():
    app = load_app("stackexchange").app
    plan, asks = make_plan(app, 20), make_asks(app, 20)
    night, again, other = words(app, plan, asks), words(app, plan, asks), words(app, plan, asks, seed=2)
    assert night[0].equals(again[0])
    assert night[1].equals(again[1])
    assert (night[0]["description"] != other[0]["description"]).mean() > 0.9


def test_words_do_not_depend_on_the_order_of_players():
    app = load_app("stackexchange").app
    plan, asks = make_plan(app, 20), make_asks(app, 20)
    turned = plan.sort(pl.col("player_key").neg(), maintain_order=True)
    straight, other = words(app, plan, asks)[0], words(app, turned, asks)[0]
    assert straight.sort("content_id").equals(other.sort("content_id"))


def test_among_100_neighbours_few_read_the_same_line(night):
    texts, letters = night
    assert texts["description"].n_unique() >= 0.96 * 300  # 290 to 300 over four seeds of all apps
    assert texts["title"].value_counts()["count"].max() <= 8
    assert letters["body"].n_unique() >= 90


def test_100_neighbours_with_the_very_same_challenge_read_different_texts(app):
    same = {"metric": app.challenges.metrics[0], "target": 3.0, "window_days": 3, "difficulty_level": 5}
    plan = make_plan(app, 100, per_player=1, persona=next(iter(app.personas)), **same)
    texts, _ = words(app, plan)
    assert texts["description"].n_unique() >= 95
    assert texts["title"].value_counts()["count"].max() <= 4


def test_as_many_texts_are_written_as_the_readers_of_a_brief_may_need_and_no_more():
    app = load_app("trading").app
    wanted = want_texts(app, make_plan(app, 30), make_asks(app, 30))
    briefs, rows = brief_pieces(app, [wanted], wanted.columns)
    readers = rows.group_by("brief_id").agg(readers=pl.len())
    found = Offline(app, 5).texts(briefs, rows)
    counts = found.group_by("brief_id").agg(texts=pl.len()).join(readers, on="brief_id")
    assert counts.filter(pl.col("texts") > 2 * pl.col("readers") + SPARE_TEXTS).is_empty()
    assert counts.filter(pl.col("texts") < 2 * pl.col("readers")).is_empty()
    known = rows.select("player_key", "brief_id").join(found.select("brief_id", "variant"), on="brief_id").unique()
    more = Offline(app, 5, read_from(known.select("player_key", "variant"))).texts(briefs, rows)
    assert more.height > 1.9 * found.height, "what the readers know already does not count"
    first = found.join(more, on=["brief_id", "index"], how="left", maintain_order="left", suffix="_more")
    assert first["variant"].equals(first["variant_more"].rename("variant")), "the same texts, and others after them"


def test_nobody_reads_a_text_again_within_30_nights():
    app = load_app("trading").app
    same = {"metric": app.challenges.metrics[0], "target": 3.0, "window_days": 3, "difficulty_level": 5}
    plan, asks = make_plan(app, 2, per_player=1, **same), make_asks(app, 3)
    read = []
    for night in range(30):
        recent = read_from(pl.concat(read)) if read else nothing_read
        both = words(app, plan, asks, as_of=NIGHT + dt.timedelta(days=night), recent=recent)
        read += [
            rows.select("player_key").hstack(told.select("brief_id", "variant", pl.col(text).alias("text")))
            for rows, told, text in zip((plan, asks), both, ("description", "body"), strict=True)
        ]
    assert pl.concat(read).select("player_key", "text").is_duplicated().sum() == 0


def test_a_players_texts_of_one_night_share_no_title_and_no_sentence(app, night):
    plan, texts = make_plan(app, 100), night[0]
    said = plan.select("player_key").hstack(texts.select("title", "description"))
    assert said.select("player_key", "title").is_duplicated().sum() == 0
    sentences = said.with_columns(pl.col("description").str.split(". ")).explode("description")
    lines = sentences.filter(~pl.col("description").str.contains(r"\d")).with_columns(
        pl.col("description").str.strip_chars(".")
    )
    assert lines.select("player_key", "description").is_duplicated().sum() == 0


def test_when_all_texts_were_read_they_are_read_again():
    app = make_app(voice={"theme": "x", "lexicon": {"title": ["Go"], "challenge": ["Do: #task# {window}."]}})
    plan = make_plan(app, 1, per_player=1)
    texts, _ = words(app, plan)
    recent = read_from(plan.select("player_key").hstack(texts.select("brief_id", "variant")))
    again, _ = words(app, plan, recent=recent)
    assert again["description"].to_list() == texts["description"].to_list()


def test_who_speaks_another_language_reads_english_under_a_brief_of_their_own(app):
    plan = make_plan(app, 2, per_player=1, persona="BRUTE", metric=app.challenges.metrics[0], difficulty_level=5)
    plan = plan.with_columns(language=pl.Series(["en", "fr"]), target=1234.5)
    texts, _ = words(app, plan)
    assert texts["brief_id"].n_unique() == 2
    assert all("1,234.5 " in text for text in texts["description"])
    assert json.loads(texts["metadata"][1])["language"] == "en"


def test_a_night_without_challenges_or_messages_has_none():
    app = load_app("stackexchange").app
    none = make_plan(app, 1).clear(), make_asks(app, 3).clear()
    texts, letters = words(app, *none)
    assert (texts.height, letters.height) == (0, 0)
    assert words(app, none[0])[1].height == 40
    assert words(app, asks=none[1])[0].height == 120


def test_a_lexicon_that_yields_nothing_leaves_a_plain_sentence_marked_as_such():
    app = make_app(voice={"theme": "x", "lexicon": {"challenge": ["Win 500 coins: #task# {window}."]}})
    texts, _ = words(app, make_plan(app, 2, per_player=1, metric="solved", target=2.0, window_days=3))
    assert set(texts["description"]) == {"Solve 2 puzzles within the next 3 days."}
    marks = json.loads(texts["metadata"][0])
    assert marks["written"] == "plain"
    assert "number of its own" in marks["reason"]


def test_an_app_file_that_leaves_no_way_to_say_it_is_told_which_words_to_mend():
    metrics = APP["metrics"] | {"solved": {"event": "solve", "unit": "puzzle", "task": "Get easy money for {goal}"}}
    app = make_app(metrics=metrics, voice={"theme": "x", "forbidden": ["easy money"]})
    with pytest.raises(AppFileError, match=r"metrics\.solved.*easy money.*Mend"):
        words(app, make_plan(app, 3))


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (lambda plan: plan.drop("target"), "challenges lacks target"),
        (lambda plan: plan.with_columns(content_id=pl.lit("same")), "stands twice"),
        (lambda plan: plan.with_columns(target=pl.lit(None, dtype=pl.Float64)), "target is null"),
        (lambda plan: plan.with_columns(target=pl.lit(float("nan"))), "target is null"),
        (lambda plan: plan.with_columns(target=pl.lit(1e15)), "target is null"),
    ],
)
def test_a_plan_that_cannot_be_put_into_words_is_refused(plan, says):
    app = make_app()
    with pytest.raises(ValueError, match=says):
        words(app, plan(make_plan(app, 2)))
