"""What MLflow keeps of a training and a night for people to read, and a store that is there before any is."""

import datetime as dt
import json
import math
import os

import polars as pl
import pytest

from configs.errors import NightquestError
from models.contest.kinds import OfKind
from models.contest.outcome import Cost, Decision, Moved
from models.tracking.cards import WIDE, card_of
from models.tracking.night_page import NightPage
from models.tracking.pages import Shown, synthetic_rows
from models.tracking.plots import importance_plot
from models.tracking.registry import Registry
from tests.models.tracking.toys import FIRST, INPUTS, Labels, a_run, files_of

AHEAD = {"macro_f1_ahead_of_habit": (-0.04, -0.06, -0.01), "kappa_ahead_of_habit": (0.01, -0.02, 0.04)}


def test_the_run_keeps_parameters_figures_with_intervals_plots_and_data_window(registry, app, mlflow):
    figures = {"importance": importance_plot({"x": 1.0}, title="x")}
    done = registry.record(app, "plays", a_run(figures=figures))
    run = mlflow.get_run(done.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"log_loss": 0.41, "log_loss_low": 0.40, "log_loss_high": 0.42, "auc": 0.8, "odd": 0.1}
    expected = {"kind": "logistic", "data_first": "2024-01-01", "data_test_from": "2024-03-01", "rows_train": "1000"}
    assert expected.items() <= run.data.params.items()
    assert run.data.params["app_hash"] == "0123456789abcdef"
    assert [f.path for f in mlflow.MlflowClient().list_artifacts(done.run_id, "plots")] == ["plots/importance.png"]


def test_the_version_page_lets_a_reviewer_decide(registry, app, mlflow):
    registry.record(app, "plays", a_run())
    told = {
        "gains": {"the base rate": (0.09, 0.08, 0.1), "version 1": (0.01, -0.01, 0.03)},
        "beside": ("version 1", [("calibration error", "0.0110", "0.0120")]),
        "used_for": "Nights ask by it.",
        "notes": {"odd": "told by nobody else"},
        "kinds": [
            OfKind("all", 2100, 80, 0.45, (0.43, 0.38, 0.48), 0.41, (0.05, 0.01, 0.09), off=True),
            OfKind("window of 7 days", 1200, 80, 0.5, (0.4, 0.35, 0.45), 0.41, (0.05, -0.04, 0.06), off=True),
            OfKind("window of 3 days", 900, 80, 0.4, (0.4, 0.35, 0.45), 0.41, (-0.05, -0.08, -0.02), off=False),
        ],
        "never_held": ["window of 28 days"],
        "moved": ("version 1", Moved(200, 0.31, 0.29, 0.04, 0.052, 0.83)),
        "cost": Cost(3.21, 255_076, 4.04),
        "metrics": {
            **a_run().metrics,
            "calibration_error": 0.03,
            "calibration_floor": 0.01,
            "earned": math.nan,
            **AHEAD,
        },
        "figures": {"importance": importance_plot({"x": 1.0}, title="x")},
    }
    registry.record(app, "plays", a_run(promote=False, reason="no better than version 1", **told))
    client = mlflow.MlflowClient()
    page = client.get_model_version(f"{app}.plays", "2").description.replace(WIDE, " ")
    for part in (
        "Does the player play?",
        "Waits as challenger when registered: no better than version 1.",
        "| **logistic**\u00a0(chosen) | 0.410 | 0.400\u00a0to\u00a00.420",
        "to\u00a00.520 | +0.090\u00a0(+0.080\u00a0to\u00a0+0.100) | says 0.3 of everybody |",
        "the same 200 rows of 80 players, later than",
        "asked as on days from 2024-01-01 on; those before 2024-03-01 calibrate; the others, to 2024-03-31, compare",
        "changes\nNights ask by it. Beside version 1, which served, on the 200 rows of the later holdout: the mean",
        "| version 1 | +0.010 | -0.010 to +0.030 |\n| the base rate | +0.090",
        "| calibration error | 0.0110 | 0.0120 |",
        "| auc | 0.800 |  | how well answers rank: 0.5 is guessing, 1 is without fault |",
        "| earned | not known |",
        "| odd | 0.100 |  | told by nobody else |",
        "**Off by more than chance** on these later days: its calibration error, 0.030, is 3.0 times what chance",
        "a faultless model. Most of it is the level of these days: of all questions, 0.45 promised, 0.43 happened.",
        "0.43 happened. That concerns window of 7 days (0.5 promised, 0.4 happened).",
        "against it\n- Not shown to be better than version 1.\n- **Off",
        "- Not shown to be better than the base rate for: window of 7 days.\n",
        "- **Worse than the base rate** beyond noise for: window of 3 days.\n",
        "- **Never compared**, as none of the later rows asks of it: window of 28 days.\n",
        "- **Behind habit** in macro f1, by 0.040 (-0.060 to -0.010).\n- Not shown to be ahead of habit in kappa.\n\n",
        "1,000 to train, 200 to compare\n",
        "## Plots\n\nWhat the model looks at\n\n![importance](get-artifact?path=plots/importance.png&run_uuid=",
        "Players younger than a week are rare.",
        "1,200 | 80 | 0.50 | 0.40\u00a0(0.35\u00a0to\u00a00.45)\u00a0\\* | 0.410 | +0.050\u00a0(-0.040\u00a0to",
        "\n\n\\* what happened differs from what was",
        "mean answer goes from 0.310 to",
        "5.2% of them by 0.1 or more; of the tenth with the highest answers 83% stay the same.",
        "Cost: 3.2 s of processors to fit on 255,076 rows, 4.0 s to answer a million",
        "Move the alias `champion`",
    ):
        assert part in page
    seen = a_run(
        moved=("version 2", Moved(200, 0.31, 0.29, 0.04, 0.052, 0.83)), gains={"the base rate": (-1, -2, -0.5)}
    )
    told = card_of(seen, Decision(promote=False, reason="it has seen all"))
    assert (
        "- **Worse than the base rate** beyond noise.\n- **Never compared** with version 2, which serves: too" in told
    )
    first = client.get_model_version(f"{app}.plays", "1").description
    assert "### What speaks against it\nOf what is looked at below, nothing.\n" in first
    assert "No version that can answer served this question when it was trained" in first
    assert "set the tag `promotion` to `automatic`" in client.get_registered_model(f"{app}.plays").description


def test_the_default_table_of_runs_names_day_winner_days_learned_from_and_command_and_a_view_has_the_figures(
    registry, app, mlflow
):
    done = registry.record(app, "plays", a_run(first_night=dt.date(2024, 4, 1), metrics={"auc": 0.7654321987}))
    client = mlflow.MlflowClient()
    run = client.get_run(done.run_id)
    assert run.info.run_name == "2024-04-01 logistic"
    assert [(each.dataset.name, each.dataset.digest) for each in run.inputs.dataset_inputs] == [
        ("2024-01-01 to 2024-03-31", "01234567")
    ]
    assert run.data.tags["mlflow.source.name"] == "nightquest"
    assert run.data.metrics == {"auc": 0.765432}
    (logged,) = client.search_logged_models([run.info.experiment_id])
    assert logged.name == "logistic"
    page = client.get_model_version(f"{app}.plays", "1").description
    assert run.data.tags["mlflow.note.content"].endswith(page)
    tags = client.get_experiment(run.info.experiment_id).tags
    assert tags["mlflow.note.content"].startswith("Does the player play? [Figures of all runs]")
    assert f"(#/experiments/{run.info.experiment_id}/runs?" in tags["mlflow.note.content"]
    view = json.loads(tags["mlflow.sharedViewState.figures"])
    assert "metrics.`calibration_error`" in json.loads(view["state"])["selectedColumns"]


def test_a_description_that_a_person_wrote_stays(registry, app, mlflow):
    done = registry.record(app, "plays", a_run())
    client, number = mlflow.MlflowClient(), mlflow.get_run(done.run_id).info.experiment_id
    client.set_experiment_tag(number, "mlflow.note.content", "Ask Ada.")
    registry.record(app, "plays", a_run())
    assert client.get_experiment(number).tags["mlflow.note.content"] == "Ask Ada."


def test_why_no_model_came_is_kept_until_one_does(registry, app, mlflow):
    assert registry.untrained(app) == {}
    registry.record_none(app, "plays", dt.date(2024, 4, 1), "all past answers are alike")
    told = "the training as of 2024-04-01 made none: all past answers are alike"
    assert registry.untrained(app) == {"plays": told}
    (run,) = mlflow.search_runs(experiment_names=[f"{app}/plays"], output_format="list")
    assert run.data.tags["mlflow.note.content"] == f"T{told[1:]}."
    done = registry.record(app, "plays", a_run())
    assert registry.untrained(app) == {}
    assert "no_model" not in mlflow.get_experiment(mlflow.get_run(done.run_id).info.experiment_id).tags


def test_reviewable_lists_versions_newest_first_with_who_serves_and_why(registry, app):
    registry.record(app, "plays", a_run())
    registry.record(app, "plays", a_run(promote=False, reason="no better"))
    registry.record(app, "segments", a_run(model=Labels(1.0)))
    listed = registry.reviewable(app)
    assert listed.select("task", "version", "aliases", "reason", "trained_to").rows() == [
        ("plays", 2, "challenger", "no better", "2024-03-31"),
        ("plays", 1, "champion", FIRST, "2024-03-31"),
        ("segments", 1, "challenger, champion", FIRST, "2024-03-31"),
    ]


def test_a_night_recorded_twice_is_one_run_that_holds_the_later_figures(registry, app, mlflow):
    day, page = dt.date(2024, 4, 1), NightPage("published/a", {"plays": "a.plays/3"})
    first = registry.record_night(app, day, {"challenges": 10, "kept": (0.5, 0.4, 0.6)}, page)
    again = registry.record_night(app, day, {"challenges": 12, "kept": (0.5, 0.4, 0.6)}, page)
    assert first == again
    run = mlflow.get_run(again)
    assert run.data.metrics == {"challenges": 12, "kept": 0.5, "kept_low": 0.4, "kept_high": 0.6}
    assert run.info.status == "FINISHED"
    assert registry.record_night(app, day, {"challenges": 1}, revision=2) != first
    assert len(mlflow.search_runs(experiment_names=[f"{app}/nightly"], output_format="list")) == 2


def test_a_night_shows_the_nights_before_it_as_a_line_and_names_its_models_and_folder(registry, app, mlflow):
    day = dt.date(2024, 4, 3)
    past = {dt.date(2024, 4, 1): {"promised": 0.5, "ended_kept": 0.4}, dt.date(2024, 4, 2): {"promised": 0.6}}
    page = NightPage("published/a/2024-04-03", {"plays": "a.plays/3", "segments": "fallback: quantiles"}, "http://p/1")
    for _ in range(2):
        run_id = registry.record_night(app, day, {"promised": 0.7, "challenges": 9}, page, past)
    client = mlflow.MlflowClient()
    line = [(point.step, point.value) for point in client.get_metric_history(run_id, "promised")]
    assert line == [(19814, 0.5), (19815, 0.6), (19816, 0.7)]
    run = client.get_run(run_id)
    assert run.data.metrics["promised"] == 0.7
    tags = {name: value for name, value in run.data.tags.items() if not name.startswith("mlflow.")}
    assert tags == {
        "model_plays": "a.plays/3",
        "model_segments": "fallback: quantiles",
        "published": "published/a/2024-04-03",
        "prefect_run": "http://p/1",
    }
    assert "[a.plays version 3](#/models/a.plays/versions/3)" in run.data.tags["mlflow.note.content"]


def test_an_experiment_that_was_deleted_in_the_ui_comes_back(registry, app, mlflow):
    registry.record_night(app, dt.date(2024, 4, 1), {"challenges": 1})
    client = mlflow.MlflowClient()
    client.delete_experiment(client.get_experiment_by_name(f"{app}/nightly").experiment_id)
    registry.record_night(app, dt.date(2024, 4, 2), {"challenges": 1})
    assert client.get_experiment_by_name(f"{app}/nightly").lifecycle_stage == "active"


def test_telemetry_is_off_before_mlflow_is_imported(registry):
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["MLFLOW_MODEL_CATALOG_URI"] == ""


def test_a_store_that_cannot_be_opened_is_one_sentence_with_a_remedy(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NightquestError, match=r"cannot be opened.*folder can be written"):
        Registry(f"sqlite:///{tmp_path}/file/mlflow.db", tmp_path)


def test_the_example_is_made_from_names_and_types_alone():
    rows = synthetic_rows(INPUTS, {"metric": ["points"]})
    assert dict(rows.schema) == INPUTS
    assert rows["metric"].to_list() == ["points"] * 3
    with pytest.raises(TypeError, match="'when' is Datetime"):
        synthetic_rows({"when": pl.Datetime("us")}, {})


def test_a_page_without_a_contest_still_says_what_it_knows():
    page = card_of(a_run(rivals=(), metrics={}, limits=()), Decision(promote=True, reason="first"))
    assert "Contest" not in page
    assert "None recorded." in page


def test_a_page_says_by_what_rule_the_chosen_one_stays():
    first = Decision(promote=True, reason="first")
    assert "The simpler learner stays unless another is better" in card_of(a_run(), first)
    preferred = card_of(a_run(prefers="who_and_when"), first)
    assert "Who and when, which the question prefers, stays unless another is better" in preferred
    assert "within a single such stretch, by more than the 95 % interval by player" in preferred


def test_a_page_of_what_no_contest_chose_shows_how_it_was_chosen_and_claims_no_comparison():
    tried = pl.DataFrame({"components": [2, 3], "smallest_share": ["0.4", None]})
    run = a_run(rivals=(), moved=None, shown=[Shown("Settings tried", tried, "The lowest serves.")])
    page = card_of(run, Decision(promote=True, reason="stable")).replace(WIDE, " ")
    assert "| components | smallest share |\n|---|---|\n| 2 | 0.4 |\n| 3 |  |\n\nThe lowest" in page
    assert "No version that can answer served this question when it was trained" in page
    assert "Days: 2024-01-01 to 2024-03-31\n" in page
    assert "Asked of all" not in page
    many = {f"bic_{n}": importance_plot({"x": 1.0}, title="x") for n in range(8)}
    assert "![bic_5](" in (page := card_of(a_run(figures=many), run.decision, "run"))
    assert "2 plots more: under `plots/` of the source run." in page
    assert "Calibrated" in card_of(a_run(metrics={"calibration_error": 0.01, "calibration_floor": 0.01}), run.decision)


def test_checksums_are_kept_in_the_registry_and_not_beside_the_files(registry, app, mlflow, home):
    registry.record(app, "plays", a_run())
    kept = json.loads(
        mlflow.MlflowClient().get_model_version(f"{app}.plays", "1").tags["mlflow.nightquest.files_sha256"]
    )
    assert kept.keys() == {path.name for path in files_of(home).iterdir()}
