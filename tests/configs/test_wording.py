"""A metric's words are worked out once for an app, and anew for an edited one."""

from configs import wording
from configs.wording import metric_words
from tests.factories import make_app


def test_words_are_worked_out_once_for_an_app(monkeypatch):
    app = make_app()
    first = {name: metric_words(app, name) for name in app.metrics}
    monkeypatch.setattr(wording, "_cleaned", lambda *_: "anything else")
    assert {name: metric_words(app, name) for name in app.metrics} == first
    assert metric_words(app, "sung") is None


def test_an_edited_app_has_words_of_its_own():
    app = make_app()
    edited = app.model_copy(
        update={"metrics": app.metrics | {"solved": app.metrics["solved"].model_copy(update={"label": "riddles"})}}
    )
    assert metric_words(app, "solved").label != "riddles"
    assert metric_words(edited, "solved").label == "riddles"


def test_a_metric_whose_figures_stand_behind_it_is_told_with_the_unit_that_its_name_lacks():
    metrics = {
        "spent": {"event": "solve", "label": "time spent", "unit": "minute", "task": "Keep at it for {goal}"},
        "days": {"agg": "days", "label": "days with something done", "unit": "day"},
        "best": {"event": "solve", "agg": "max", "of": "points"},
    }
    app = make_app(
        metrics=metrics, segments={"features": ["spent"], "score": "spent"}, challenges={"metrics": ["spent"]}
    )
    assert [app.figured(name) for name in metrics] == ["time spent (minutes)", "days with something done", "best"]
