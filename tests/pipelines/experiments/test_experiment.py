from dataclasses import replace

import polars as pl
import pytest

from configs.app import App
from configs.errors import NightquestError
from pipelines.experiments.arms import Arm, Trial, write_down
from pipelines.experiments.experiment import find_experiment, read_experiment, weigh_arms
from pipelines.known import Known
from pipelines.rewards.trial import reward_trial
from tests.factories import add_events, put_zone, warehouse_with
from tests.pipelines.experiments.trials import DAY, FIRST, TRIAL, add_players, one_event, open_night, play_experiment
from tests.pipelines.publish.night_rows import APP, at, challenge, content_id, message, settlement
from tests.pipelines.publish.nights import make_night, put


def results(report, metric: str) -> list[dict]:
    return report.results.filter(metric=metric).to_dicts()


def read(warehouse, after: int, goal="completion"):
    return read_experiment(Known(warehouse, make_night(FIRST + after * DAY)), "spring", goal)


@pytest.fixture(name="better", scope="module")
def _better():
    """Four nights for 500 players whose second arm is better by far."""
    with warehouse_with(APP) as warehouse:
        play_experiment(warehouse, players=500, nights=4, effect=0.25)
        yield warehouse


def test_each_arm_tells_players_shares_and_its_own_words(better):
    report = read(better, 4)
    arms = report.arms.to_dicts()
    assert [arm["arm"] for arm in arms] == ["plain", "models"]
    assert sum(arm["players"] for arm in arms) == 500
    assert sum(arm["issued"] for arm in arms) == 4 * 500
    assert [(arm["provider"], arm["prompt"], arm["own_words"]) for arm in arms] == [
        ("offline", "production", 1.0),
        ("openai", "next", 1.0),
    ]
    assert report.nights == 4
    assert report.valid


def test_a_real_difference_is_found_in_completion_rating_and_return(better):
    report = read(better, 4)
    for metric, truth, slack in (("completion", 0.25, 0.07), ("return", 0.25, 0.08), ("rating", 1.0, 0.2)):
        first, other = results(report, metric)
        assert first["difference"] is None
        assert first["low"] <= first["mean"] <= first["high"]
        assert other["difference"] == pytest.approx(truth, abs=slack)
        assert other["difference"] == pytest.approx(other["mean"] - first["mean"])
        assert other["always_low"] <= other["difference_low"] <= other["difference"]
    assert results(report, "completion")[1]["always_low"] > 0
    assert results(report, "completion")[1]["p"] < 0.001
    assert results(report, "completion")[1]["found_on"] <= FIRST + 4 * DAY
    assert report.verdict.startswith("A difference is shown")
    assert "points" in report.verdict


def test_the_rows_behind_the_figures_are_those_of_the_plain_count(better):
    first, other = results(read(better, 4), "completion")
    counted = better.frame(
        """SELECT arm, count(*) AS n, avg((state = 'completed')::INTEGER) AS kept
           FROM settlements JOIN assignments a USING (player_key)
           JOIN challenges c USING (content_id) WHERE a.as_of = c.as_of GROUP BY arm"""
    )
    expected = {arm: (n, kept) for arm, n, kept in counted.iter_rows()}
    assert {row["arm"]: (row["n"], pytest.approx(row["mean"])) for row in (first, other)} == expected


def test_a_night_sees_only_what_was_known_at_its_cut(better):
    early, late = read(better, 2), read(better, 4)
    assert early.nights == 2
    assert results(early, "completion")[0]["n"] + results(early, "completion")[1]["n"] == 2 * 500
    # Who was shown something on the day before the night may still come back.
    assert sum(row["n"] for row in results(early, "return")) == 500
    assert sum(row["n"] for row in results(late, "return")) == 3 * 500


def test_without_shown_nothing_is_compared_and_the_report_says_what_to_send():
    with warehouse_with(APP) as warehouse:
        play_experiment(warehouse, players=300, nights=2, effect=0.3, shows=0.0)
        report = read(warehouse, 2)
    assert not report.valid
    assert "nightquest.shown" in report.verdict
    assert report.results["mean"].null_count() == report.results.height
    assert report.arms["issued"].sum() == 600


def test_players_lost_from_one_arm_forbid_the_comparison():
    with warehouse_with(APP) as warehouse:
        play_experiment(warehouse, players=400, nights=1, lost=0.6)
        report = read(warehouse, 1)
    assert report.ratios["assigned"].sound
    assert not report.ratios["shown"].sound
    assert not report.valid
    assert "must not be compared" in report.verdict


def test_few_players_are_too_early():
    with warehouse_with(APP) as warehouse:
        play_experiment(warehouse, players=60, nights=2, effect=0.5)
        report = read(warehouse, 2)
    assert report.verdict.startswith("It is too early")
    assert results(report, "completion")[1]["mean"] is not None


def test_moving_weights_do_not_make_an_arm_look_better_by_the_nights_it_was_favoured_on():
    with warehouse_with(APP) as warehouse:
        chances = [{"plain": 0.9, "models": 0.1}, {"plain": 0.2, "models": 0.8}]
        play_experiment(warehouse, players=600, nights=2, weights=lambda n: chances[n])
        # On the second night nobody completes anything, in either arm.
        warehouse.run(
            "UPDATE settlements SET state = 'expired', completed_at = NULL WHERE as_of = $d", {"d": FIRST + 2 * DAY}
        )
        report = read(warehouse, 2)
        _, other = results(report, "completion")
        naive = warehouse.frame(
            """SELECT arm, avg((state = 'completed')::INTEGER) AS kept FROM settlements
               JOIN challenges c USING (content_id)
               JOIN assignments a ON a.player_key = c.player_key AND a.as_of = c.as_of
               GROUP BY arm ORDER BY arm"""
        )["kept"].to_list()
    assert report.ratios["assigned"].sound
    assert abs(naive[1] - naive[0]) > 0.1
    assert abs(other["difference"]) < 0.08
    assert other["difference_low"] < 0 < other["difference_high"]


def test_only_what_was_done_after_the_text_was_seen_counts():
    with warehouse_with(APP) as warehouse:
        add_players(warehouse, 3)
        placed = pl.DataFrame({"player_key": [1, 2, 3], "arm": "plain", "propensity": 0.5})
        open_night(warehouse, FIRST)
        write_down(Known(warehouse, make_night(FIRST)), TRIAL, placed)
        put(warehouse, "challenges", *(challenge(player, 1, FIRST) for player in (1, 2, 3)))
        ids = [content_id(FIRST, player, 1) for player in (1, 2, 3)]
        shown = [(1, at(FIRST, 8)), (2, at(FIRST, 20)), (3, at(FIRST + DAY, 8))]
        add_events(
            warehouse,
            APP,
            [one_event(player, moment, "nightquest.shown", ids[player - 1]) for player, moment in shown]
            + [one_event(1, at(FIRST, 9), "nightquest.shown", ids[1])],  # another's content
        )
        put(warehouse, "settlements", *(settlement(p, 1, FIRST + DAY, at(FIRST, 12)) for p in (1, 2, 3)))
        open_night(warehouse, FIRST + DAY)
        row, _ = results(read(warehouse, 1), "completion")
    assert (row["n"], row["mean"]) == (1, 1.0)  # player 2 saw it after completing it, player 3 after its window


def test_a_return_is_play_on_the_players_own_day_after():
    with warehouse_with(APP) as warehouse:
        add_players(warehouse, 2)
        put_zone(warehouse, 2, "America/Los_Angeles")
        open_night(warehouse, FIRST)
        write_down(
            Known(warehouse, make_night(FIRST)),
            TRIAL,
            pl.DataFrame({"player_key": [1, 2], "arm": "plain", "propensity": 0.5}),
        )
        put(warehouse, "messages", message(1, FIRST), message(2, FIRST))
        add_events(
            warehouse,
            APP,
            [
                one_event(1, at(FIRST, 8), "nightquest.shown", content_id(FIRST, 1, 9)),
                one_event(2, at(FIRST, 8), "nightquest.shown", content_id(FIRST, 2, 9)),
                one_event(1, at(FIRST + DAY, 8), "solve", ""),
            ],
        )
        open_night(warehouse, FIRST + 2 * DAY)
        row, _ = results(read(warehouse, 2), "return")
    assert (row["n"], row["mean"]) == (1, 1.0)  # in Los Angeles the day after is not over at midnight UTC


def test_a_night_that_never_went_out_is_not_counted():
    with warehouse_with(APP) as warehouse:
        play_experiment(warehouse, players=50, nights=1)
        warehouse.run("UPDATE nights SET status = 'planned' WHERE as_of = $d", {"d": FIRST})
        report = read(warehouse, 1)
    assert report.nights == 0
    assert report.arms["issued"].sum() == 0
    assert not report.valid


def test_thompson_favours_what_worked_by_what_was_known_and_fixed_stays(better):
    clever = Trial("spring", TRIAL.arms, policy="thompson")
    tonight = weigh_arms(Known(better, make_night(FIRST + 4 * DAY)), clever).propensities
    assert tonight["models"] > 0.9
    assert min(tonight.values()) >= 0.05
    assert weigh_arms(Known(better, make_night(FIRST + 4 * DAY)), clever).propensities == tonight
    assert weigh_arms(Known(better, make_night(FIRST + 4 * DAY)), TRIAL) is TRIAL
    # Before anything had settled nothing was known, whatever came later.
    assert weigh_arms(Known(better, make_night(FIRST)), clever) is clever
    rating = Trial("spring", TRIAL.arms, goal="rating", policy="thompson")
    assert weigh_arms(Known(better, make_night(FIRST + 2 * DAY)), rating).propensities["models"] > 0.9


def test_thompson_forgets_what_is_long_past(better):
    clever = Trial("spring", TRIAL.arms, policy="thompson")
    assert weigh_arms(Known(better, make_night(FIRST + 29 * DAY)), clever) is not clever
    assert weigh_arms(Known(better, make_night(FIRST + 60 * DAY)), clever) is clever


def test_an_arm_that_joins_later_starts_from_its_prior(better):
    joined = Trial("spring", (*TRIAL.arms, Arm("new", "anthropic")), policy="thompson")
    chances = weigh_arms(Known(better, make_night(FIRST + 4 * DAY)), joined).propensities
    assert chances["new"] > chances["plain"]


def test_the_experiment_to_look_at_is_the_named_the_declared_or_the_newest(better):
    def declared(name: str) -> App:
        arms = {"plain": {"provider": "offline"}, "models": {"provider": "openai"}}
        content = {"experiment": {"name": name, "arms": arms, "goal": "return"}}
        return App.model_validate({**APP.model_dump(mode="json", exclude_none=True), "content": content})

    assert find_experiment(better, APP) == ("spring", "completion")
    assert find_experiment(better, declared("spring")) == ("spring", "return")
    assert find_experiment(better, declared("summer")) == ("spring", "completion")
    with pytest.raises(NightquestError, match="'autumn' has not been tried; there are: spring"):
        find_experiment(better, APP, "autumn")
    with warehouse_with(APP) as empty, pytest.raises(NightquestError, match="No experiment was tried"):
        find_experiment(empty, APP)


def test_tables_of_rewards_are_compared_like_words_and_the_report_says_what_they_share():
    tables = {"plain": {}, "rich": {"gems": {"gives": "gem"}}}
    tried = {"name": "spring", "arms": {"plain": 1, "rich": 1}, "goal": "return"}
    rewards = {"points": {"gem": {"unit": "gem"}}, "tables": tables, "experiment": tried}
    app = App.model_validate({**APP.model_dump(mode="json", exclude_none=True), "rewards": rewards})
    with warehouse_with(APP) as warehouse:
        play_experiment(warehouse, players=60, nights=2, trial=reward_trial(app))
        report = read(warehouse, 2)
        assert find_experiment(warehouse, app) == ("spring", "return")
    assert report.arms["arm"].to_list() == ["plain", "rich"]
    assert report.arms["own_words"].null_count() == 2
    assert report.verdict.endswith("the difference is that of tables that share their models.")


def test_nothing_tried_and_known_is_a_report_all_the_same():
    with warehouse_with(APP) as warehouse:
        play_experiment(warehouse, players=20, nights=1)
        report = read_experiment(Known(warehouse, make_night(FIRST)), "spring")
    assert report.as_of == FIRST
    assert (report.nights, report.valid) == (0, False)
    assert report.looks.height == 0


def test_each_persona_is_compared_by_what_its_players_counted_as_when_they_were_put_into_an_arm(better):
    app = App.model_validate({**APP.model_dump(mode="json", exclude_none=True), "personas": "standard"})
    kinds = {1: "SCHOLAR", 0: "BRUTE"}
    rows = [(player, "persona", FIRST, 1, kinds[player % 2]) for player in range(1, 481)]  # nobody knows the last 20
    rows += [(player, "persona", FIRST + 2 * DAY, 1, "FERAL") for player in range(1, 101)]  # too late to count
    columns = ["player_key", "kind", "as_of", "revision", "name"]
    better.append("memberships", pl.DataFrame(rows, schema=columns, orient="row"), on_conflict_skip=True)
    known = Known(better, replace(make_night(FIRST + 4 * DAY), app=app))
    told = read_experiment(known, "spring").personas
    assert [*dict.fromkeys(told["persona"])] == ["BRUTE", "SCHOLAR"], "in the order of the app file"
    plain = better.frame(
        """SELECT player_key % 2 AS odd, arm, count(*) AS n, avg((state = 'completed')::INTEGER) AS kept
           FROM settlements JOIN assignments a USING (player_key)
           JOIN challenges c USING (content_id) WHERE a.as_of = c.as_of AND player_key <= 480 GROUP BY ALL"""
    )
    counted = {(kinds[odd], arm): (n, pytest.approx(kept)) for odd, arm, n, kept in plain.iter_rows()}
    assert {(row["persona"], row["arm"]): (row["n"], row["mean"]) for row in told.to_dicts()} == counted
    whole = results(read_experiment(known, "spring"), "completion")[1]
    for row in told.filter(arm="models").to_dicts():
        assert row["difference"] == pytest.approx(0.25, abs=0.1)
        assert row["always_high"] - row["always_low"] > whole["always_high"] - whole["always_low"]
