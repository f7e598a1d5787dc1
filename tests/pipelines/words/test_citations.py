import json
import uuid

import polars as pl
import pytest

from configs.badge_rules import badge_rules, term_label
from configs.loader import load_app
from configs.shipped import shipped_apps
from pipelines.words import citations
from pipelines.words.content_type import TEXT_LENGTH
from pipelines.words.write import write_citations
from tests.factories import make_app

BADGES = {
    "solver": {"title": "Solver", "tier": "gold", "category": "x", "when": "solved >= 3"},
    "sprinter": {"title": "Sprinter", "tier": "bronze", "category": "x", "when": "last(solved, 7) >= 3 AND days >= 1"},
    "ember": {"title": "Ember", "tier": "gold", "category": "x", "when": "last(streak, 7) >= 5"},
    "ace": {"title": "Ace", "tier": "silver", "category": "x", "when": "best >= 90 OR last(points, 1) >= 10"},
    "weekly": {"title": "Weekly", "tier": "silver", "category": "x", "when": "days >= 5", "repeat": {"per": "week"}},
}
APP = make_app(badges=BADGES)


def cite(badge_id, values, app=APP, award_id="0" * 32):
    evidence = json.dumps({"rule": "", "values": values}) if isinstance(values, dict) else values
    awards = pl.DataFrame({"award_id": [award_id], "player_key": [1], "badge_id": [badge_id], "evidence": [evidence]})
    return write_citations(app, awards)["citation"].item()


@pytest.mark.parametrize(
    ("badge_id", "values", "says"),
    [
        ("solver", {"solved": 3.0}, "3 puzzles solved"),
        ("solver", {"solved": 1.0}, "one puzzle solved"),
        ("sprinter", {"last(solved, 7)": 4.0, "days": 1.0}, "4 puzzles solved within 7 days and one day"),
        ("ace", {"best": 95.5, "last(points, 1)": 12.0}, "a best of 95.5 and 12 points in one day"),
        ("ace", {"best": 95.5, "last(points, 1)": 0.0}, "a best of 95.5"),
        ("ace", {"best": 326.9}, "a best of 326"),  # nobody tells tenths of so much
        ("weekly", {"days": 5.0}, "5 days out of 7"),
        ("ace", {"best": None, "last(points, 1)": 12.0}, "12 points in one day"),
        ("ember", {"last(streak, 7)": 6.0}, "6 days within 7 days"),
        ("ember", {"last(streak, 7)": 12.0}, "12 days"),  # its run began before them
    ],
)
def test_a_citation_names_the_badge_and_its_evidence(badge_id, values, says):
    citation = cite(badge_id, values)
    badge = APP.badges[badge_id]
    assert says in citation[:1].lower() + citation[1:]
    assert badge.title in citation
    assert badge.tier in citation
    assert "0 points" not in citation.replace("10 points", "")
    assert "12 days within" not in citation


@pytest.mark.parametrize("evidence", [{}, {"solved": None}, {"solved": float("nan")}, "{}", "null", '{"values": 3}'])
def test_a_badge_without_telling_evidence_is_still_cited(evidence):
    citation = cite("solver", evidence)
    assert "Solver" in citation
    assert not any(c.isdigit() for c in citation)


def test_every_award_has_its_own_row_in_order_and_the_same_words_again():
    ids = [str(uuid.uuid5(uuid.NAMESPACE_DNS, str(i))) for i in range(60)]
    awards = pl.DataFrame(
        {
            "award_id": ids,
            "player_key": range(len(ids)),
            "badge_id": ["solver", "ace"] * 30,
            "evidence": ['{"values": {"solved": 3.0, "best": 91.0}}'] * 60,
        }
    )
    cited = write_citations(APP, awards)
    assert cited["award_id"].to_list() == ids
    assert cited.equals(write_citations(APP, awards))
    assert cited["citation"].n_unique() >= 12


def test_citations_of_some_awards_after_others_are_those_of_all_at_once(monkeypatch):
    evidence = ['{"values": {"solved": 3.0}}', '{"values": {}}', '{"values": {"solved": 12.0, "best": 91.0}}']
    awards = pl.DataFrame(
        {
            "award_id": [str(uuid.uuid5(uuid.NAMESPACE_DNS, str(i))) for i in range(50)],
            "player_key": range(50),
            "badge_id": [["solver", "ace", "weekly"][i % 7 % 3] for i in range(50)],
            "evidence": [evidence[i % 3] for i in range(50)],
        }
    )
    whole = write_citations(APP, awards)
    monkeypatch.setattr(citations, "AT_A_TIME", 7)
    assert write_citations(APP, awards).equals(whole)


def test_no_awards_have_no_citations():
    awards = pl.DataFrame(
        schema={"award_id": pl.String, "player_key": pl.Int64, "badge_id": pl.String, "evidence": pl.String}
    )
    assert write_citations(APP, awards).schema == {"award_id": pl.String, "citation": pl.String}


@pytest.mark.parametrize("name", shipped_apps())
def test_every_badge_of_the_shipped_apps_is_cited_with_its_evidence(name):
    app = load_app(name).app
    rows = [
        (str(i), i, rule.badge_id, json.dumps({"values": {term_label(term): 1234.0 for term in rule.rule.terms}}))
        for i, rule in enumerate(badge_rules(app))
    ]
    awards = pl.DataFrame(rows, schema=["award_id", "player_key", "badge_id", "evidence"], orient="row")
    for (_, _, badge_id, _), citation in zip(rows, write_citations(app, awards)["citation"], strict=True):
        assert app.badges[badge_id].title in citation
        assert "1,234" in citation or "123,400%" in citation
        assert "  " not in citation
        assert citation.endswith(".")
        assert len(citation) <= TEXT_LENGTH
