import ast
from pathlib import Path

import pytest

from models.tuning import Outcome, tune

ROOT = Path(__file__).parents[2]


def parabola(suggest) -> Outcome:
    x, side = suggest.whole("x", 0, 9), suggest.choice("side", ["left", "right"])
    return Outcome((x - 7) ** 2 + (side == "left"), violation=x - 4, details={"x": x})


def test_best_keeps_the_constraint_though_better_values_break_it():
    tuned = tune(parabola, seed=1, trials=40)
    assert tuned.best.settings == {"x": 4, "side": "right"}
    assert min(t.outcome.value for t in tuned.tried) < tuned.best.outcome.value


def test_least_violation_serves_when_nothing_keeps_the_constraint():
    tuned = tune(lambda s: Outcome(-s.whole("x", 0, 9), violation=1 + s.whole("x", 0, 9)), seed=1, trials=40)
    assert tuned.best.settings == {"x": 0}
    assert not tuned.best.keeps


def test_same_seed_tries_the_same_settings_in_the_same_order():
    assert tune(parabola, seed=3, trials=15) == tune(parabola, seed=3, trials=15)


def test_each_setting_stands_once_among_those_tried():
    tried = tune(parabola, seed=2, trials=60).tried
    assert len({tuple(sorted(t.settings.items())) for t in tried}) == len(tried) <= 20


def test_search_without_trials_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        tune(parabola, seed=1, trials=0)


def test_search_is_silent(capfd):
    tune(parabola, seed=1, trials=3)
    assert capfd.readouterr() == ("", "")


def test_no_other_module_imports_optuna():
    for path in (
        path for folder in ("configs", "data", "models", "pipelines", "flows") for path in (ROOT / folder).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert path.name == "tuning.py" or not any(n.split(".")[0] == "optuna" for n in names), path
