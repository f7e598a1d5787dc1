import datetime as dt

import polars as pl

from data.warehouse import scratch
from pipelines.words.pool import TEXTS, count_missing, keep_texts, read_pool
from tests.pipelines.words.plans import read_from

TONIGHT = dt.date(2024, 3, 2)
YESTERDAY = dt.date(2024, 3, 1)


def text(brief="b", number=0, made_on=YESTERDAY, *, serves=True):
    return {
        "brief_id": brief,
        "variant": f"{brief}{number}",
        "place": number,
        "title": f"Title {number}",
        "text": f"Text {number}",
        "language": "en",
        "ai_provider": "openai",
        "model": "m",
        "prompt_version": "p",
        "call_key": "k",
        "cost_usd": 0.001,
        "made_on": made_on,
        "serves": serves,
        "metadata": "{}",
    }


def pool(*rows):
    return pl.DataFrame(list(rows), schema=TEXTS)


def players(count, brief="b"):
    return pl.DataFrame(
        {"player_key": range(1, count + 1), "brief_id": [brief] * count}, schema_overrides={"player_key": pl.Int64}
    )


def read(*pairs):
    return pl.DataFrame(list(pairs), schema={"player_key": pl.Int64, "variant": pl.String}, orient="row")


def missing(rows, texts, recent=(), variants=10):
    found = count_missing(rows, texts, read_from(read(*recent)), variants=variants, made_on=TONIGHT)
    return dict(found.select("brief_id", "missing").iter_rows())


def test_a_new_brief_wants_a_text_for_each_of_its_few_players():
    assert missing(pl.concat([players(3), players(97, "c"), players(900, "other")]), pool()) == {
        "b": 3,
        "c": 10,
        "other": 20,
    }


def test_last_nights_texts_serve_again():
    assert missing(players(3), pool(*(text(number=n) for n in range(3)))) == {"b": 0}


def test_a_brief_is_topped_up_when_one_of_its_players_has_read_all_of_it():
    texts = pool(*(text(number=n) for n in range(3)))
    assert missing(players(3), texts, [(2, "b0"), (2, "b1")]) == {"b": 0}
    assert missing(players(3), texts, [(2, "b0"), (2, "b1"), (2, "b2")]) == {"b": 1}


def test_what_a_player_read_twice_or_in_another_brief_counts_once_and_not():
    texts = pool(text(number=0), text(number=1))
    assert missing(players(1), texts, [(1, "b0"), (1, "b0"), (1, "c1"), (9, "b1")]) == {"b": 0}


def test_a_night_run_again_asks_for_nothing_new():
    assert missing(players(9), pool(text(number=0, made_on=TONIGHT))) == {"b": 0}


def test_candidates_do_not_serve():
    assert missing(players(1), pool(text(number=0, serves=False))) == {"b": 1}


def test_texts_and_their_briefs_are_kept_once_and_read_back_in_order():
    briefs = pl.DataFrame(
        {
            "brief_id": ["b", "unanswered"],
            **{
                key: ["x", "x"]
                for key in (
                    "content_type",
                    "persona",
                    "metric",
                    "difficulty",
                    "language",
                    "occasion",
                    "writer",
                    "profile",
                )
            },
        }
    )
    with scratch() as warehouse:
        texts = pool(text(number=1), text(number=0))
        for _ in range(2):
            keep_texts(warehouse, briefs, texts, TONIGHT)
        keep_texts(warehouse, briefs, pool({**text(number=0), "title": "Another"}), TONIGHT)
        assert warehouse.value("SELECT count(*) FROM briefs") == 1
        assert read_pool(warehouse, briefs)["title"].to_list() == ["Title 0", "Title 1"]
