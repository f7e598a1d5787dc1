import re

import pytest

from configs.app import App
from configs.expressions import parse_rule
from configs.loader import load_app
from configs.personas import standard_personas
from configs.shipped import APPS
from data.simulator.simulator import MARKET_HOLIDAYS

FIVE = {"BRUTE", "SCHOLAR", "PHANTOM", "WARDEN", "FERAL"}
BUILT_IN_TRAITS = {"intensity", "regularity", "variability", "breadth", "night", "weekend", "growth", "boldness"}
# What more risk, not better work, would raise.
RISKY = {"profit", "r_multiple", "volume", "outcome", "won"}


@pytest.fixture(scope="module")
def app() -> App:
    return load_app("trading").app


def test_metrics_show_every_aggregation_that_the_academy_needs(app):
    assert len(app.metrics) >= 14
    used = {metric.agg for metric in app.metrics.values()}
    assert used >= {"count", "sum", "max", "mean", "distinct", "days", "streak", "entity"}


def test_every_badge_rule_is_read_and_all_four_tiers_are_filled(app):
    tiers = [badge.tier for badge in app.badges.values()]
    assert len(tiers) >= 12
    assert set(tiers) == {"bronze", "silver", "gold", "platinum"}
    rules = [parse_rule(badge.condition, app.metrics) for badge in app.badges.values() if badge.condition]
    assert all(rule.terms for rule in rules)
    assert any(term.days for rule in rules for term in rule.terms)


def test_no_challenge_rests_on_profit_size_or_the_mere_number_of_trades(app):
    for name in app.challenges.metrics:
        metric = app.metrics[name]
        words = {metric.of, *re.findall(r"[a-z_]+", metric.where or "")}
        assert not words & RISKY, name
        if "trade_closed" in metric.events:
            assert "stop_set" in words, name


def test_no_badge_pays_for_profit_or_size(app):
    risky = {name for name, m in app.metrics.items() if {m.of, *re.findall(r"[a-z_]+", m.where or "")} & RISKY}
    assert risky == {"winning_trades", "win_rate", "average_volume"}
    for name, badge in app.badges.items():
        if badge.condition:  # what a reward gives rests on challenges, of which see above
            assert not {term.metric for term in parse_rule(badge.condition, app.metrics).terms} & risky, name


def test_personas_are_the_five_with_known_traits(app):
    default = standard_personas()
    assert set(app.personas) == set(default) == FIVE
    for name, persona in app.personas.items():
        assert set(persona.traits) <= BUILT_IN_TRAITS | set(app.metrics), name
        assert all(-1 <= weight <= 1 for weight in persona.traits.values())
        assert persona.risk_tolerance == default[name]["risk_tolerance"]
        assert persona.psychology
    assert all(set(persona["traits"]) <= BUILT_IN_TRAITS for persona in default.values())


def test_calendar_has_the_days_on_which_the_simulator_shuts_the_markets(app):
    assert {(entry.on.month, entry.on.day) for entry in app.calendar} == MARKET_HOLIDAYS


def test_file_points_editors_at_the_schema():
    assert (APPS / "trading.yaml").read_text().startswith("# yaml-language-server: $schema=../apps.schema.json\n")
