"""What an app file says of badges that need others, repeat or have a season, held against the rest of the file."""

import datetime as dt

import pytest
import yaml

from configs.badge_rules import badge_rules
from configs.errors import AppFileError
from configs.loader import load_app
from configs.spans import season_span, span_days, span_end, span_start, span_start_sql, span_within
from data.connections import in_memory
from tests.factories import APP, make_app

PLAIN = {"title": "B", "tier": "bronze", "category": "c", "when": "solved >= 1"}
SEASON = {"on": "2024-12-01", "until": "2025-01-06"}


def told(folder, **badges):
    path = folder / "app.yaml"
    badges = {name: {key: x for key, x in {**PLAIN, **badge}.items() if x} for name, badge in badges.items()}
    path.write_text(yaml.safe_dump({**APP, "badges": badges}, sort_keys=False), encoding="utf-8")
    with pytest.raises(AppFileError) as caught:
        load_app(path)
    return caught.value.message.splitlines()


def test_badges_that_need_each_other_are_refused_with_the_circle_named(tmp_path):
    (line,) = told(
        tmp_path,
        free={},
        a={"requires": ["free", "b"]},
        b={"requires": ["c"]},
        c={"requires": ["a"]},
        d={"requires": ["a"]},
    )
    assert "badges.a.requires: 'a' needs 'b' needs 'c' needs 'a', so that nobody could ever earn them" in line
    lines = told(tmp_path, a={"requires": ["a"]}, b={"requires": ["c"]}, c={"requires": ["b"]})
    assert [line.split("requires: ")[1].split(",")[0] for line in lines] == ["'a' needs 'a'", "'b' needs 'c' needs 'b'"]


@pytest.mark.parametrize(
    ("badge", "words"),
    [
        ({"requires": ["gone"]}, "'gone' is not one of the badges (a)"),
        ({"repeat": {"per": 5}}, "`of` names the metric"),
        ({"repeat": {"per": "week", "of": "solved"}}, "`of` names the metric"),
        ({"repeat": {"per": "week", "most": 3}}, "`most` stands with a number"),
        ({"repeat": {"per": 5, "of": "average"}}, "'average' is a mean, which does not add up. Use one of solved"),
        ({"repeat": {"per": 5, "of": "nothing"}}, "'nothing' is not one of the metrics"),
        ({"repeat": {"per": "season"}}, "needs a `season` with `yearly: true`"),
        ({"repeat": {"per": 5, "of": "solved"}, "season": SEASON}, "Leave `season` out"),
        ({"season": {"on": "2024-12-01", "until": "2024-11-01"}}, "a season ends before it begins"),
        ({"season": {"on": "2024-02-29", "until": "2024-03-01", "yearly": True}}, "29 February"),
        ({"season": {"on": "2024-01-01", "until": "2024-12-31", "yearly": True}}, "must leave days between"),
        ({"state": "paused"}, "'paused' does not fit"),
        (
            {"when": "", "judged": {"nominate_when": "solved > 1", "criteria": "x" * 30}, "repeat": {"per": "week"}},
            "once",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(tmp_path, badge, words):
    (line,) = told(tmp_path, a=badge)
    assert words in line
    assert "badges.a" in line


def test_a_rule_means_something_else_with_what_bounds_it_and_the_same_with_its_words():
    def version(**badge):
        return badge_rules(make_app(badges={"b": PLAIN | {"title": "Other"}, "a": {**PLAIN, **badge}}))[1].version

    plain = version()
    assert version(prestige=5, state="on_hold", hidden=True, title="T") == plain
    bounds = [
        {"requires": ["b"]},
        {"repeat": {"per": "week"}},
        {"repeat": {"per": 3, "of": "solved"}},
        {"season": SEASON},
    ]
    assert len({plain, *(version(**one) for one in bounds)}) == 5


@pytest.mark.parametrize(
    "span",
    [
        "day", "week", "month", "year",
        season_span(dt.date(2023, 3, 5), dt.date(2023, 5, 1), yearly=False),
        season_span(dt.date(2022, 2, 20), dt.date(2022, 3, 1), yearly=True),
        season_span(dt.date(2022, 12, 20), dt.date(2023, 1, 6), yearly=True),
        span_within("week", season_span(dt.date(2023, 3, 9), dt.date(2023, 5, 2), yearly=False)),
        span_within("year", season_span(dt.date(2022, 12, 20), dt.date(2023, 1, 6), yearly=True)),
    ],
)  # fmt: skip
def test_a_span_begins_on_the_same_day_in_sql_and_here_and_is_no_longer_than_it_says(span):
    days = [dt.date(2021, 12, 25) + dt.timedelta(days=n) for n in range(1200)]
    numbers = ", ".join(f"({(day - dt.date(1970, 1, 1)).days})" for day in days)
    con = in_memory()
    found = con.execute(f"SELECT {span_start_sql(span, 'n')} FROM (VALUES {numbers}) AS t(n)").fetchall()
    con.close()
    starts = [span_start(span, day) for day in days]
    assert [row[0] for row in found] == [start and (start - dt.date(1970, 1, 1)).days for start in starts]
    ends = [span_end(span, day) for day in days]
    for day, start, end in zip(days, starts, ends, strict=True):
        assert (start is None) == (end is None)
        if start and end:
            after = end + dt.timedelta(days=1)
            assert day <= end
            assert span_start(span, end) == start
            assert span_start(span, after) != start
    spans = [(day - start).days for day, start in zip(days, starts, strict=True) if start]
    assert spans
    assert min(spans) >= 0
    assert max(spans) < span_days(span)
