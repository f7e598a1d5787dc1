import ast
import subprocess
import sys
from pathlib import Path

import pytest

from models.tuning import Outcome, Store, tune

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


@pytest.mark.parametrize("seconds", [0, -1.0])
def test_a_search_without_time_tries_the_first_settings(seconds):
    tuned = tune(parabola, seed=1, trials=9, timeout_s=seconds, first=[{"x": 3, "side": "left"}])
    assert [dict(one.settings) for one in tuned.tried] == [{"x": 3, "side": "left"}]


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


def stored(folder, name="2024-01-01-a", trials=12, seed=1, first=(), objective=None):
    asked = []

    def bowl(suggest) -> Outcome:
        x = suggest.number("x", -4.0, 4.0)
        asked.append(x)
        return Outcome((x - 1) ** 2)

    return tune(objective or bowl, seed=seed, trials=trials, store=Store(folder, name), first=first), asked


def test_a_search_that_is_run_again_goes_on_with_the_trials_it_has(tmp_path):
    half, asked = stored(tmp_path, trials=6, first=[{"x": 3.0}])
    assert asked[0] == 3.0
    assert half.kept == 0
    whole, later = stored(tmp_path, trials=12, first=[{"x": 3.0}])
    assert (whole.kept, len(later)) == (6, 6)
    assert set(later) & set(asked) == set()  # it does not begin with the same settings again
    assert {t.settings["x"] for t in whole.tried} == {*asked, *later}
    done, none = stored(tmp_path, trials=12)
    assert (none, done.best) == ([], whole.best)


def test_the_next_search_of_its_kind_begins_with_the_best_of_the_one_before(tmp_path):
    before, _ = stored(tmp_path, "2024-01-01-a", trials=12)
    _, asked = stored(tmp_path, "2024-01-08-b", trials=3, first=[{"x": 3.0}])
    assert asked[:2] == [3.0, before.best.settings["x"]]
    assert len(list(tmp_path.glob("*.journal"))) == 2
    for day in range(10, 20):
        stored(tmp_path, f"2024-02-{day}", trials=1)
    assert min(path.stem for path in tmp_path.glob("*.journal")) == "2024-02-15"


def test_what_goes_worse_than_most_is_ended_early_and_is_never_the_best(tmp_path):
    finished = []

    def slow(suggest) -> Outcome:
        x = suggest.number("x", 0.0, 1.0)
        suggest.so_far(x)
        finished.append(x)
        return Outcome(x)

    tuned, _ = stored(tmp_path, trials=25, objective=slow)
    assert tuned.pruned > 3
    assert len(finished) + tuned.pruned == 25
    assert tuned.best.settings["x"] == min(finished)


KILLED = """
import sys, time
from pathlib import Path
from models.tuning import Outcome, Store, tune

def slow(suggest):
    x = suggest.number("x", -4.0, 4.0)
    print(x, flush=True)
    if x != 3.0:
        time.sleep(0.05)
    return Outcome((x - 1) ** 2)

tune(slow, seed=1, trials=1000, store=Store(Path(sys.argv[1]), "search"), first=[{"x": 3.0}])
"""


def test_a_search_that_was_killed_keeps_its_trials_and_the_one_cut_short_is_tried_no_more(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", KILLED, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    seen = [float(process.stdout.readline()) for _ in range(6)]
    process.kill()
    seen += [float(line) for line in process.communicate()[0].split()]
    path = tmp_path / "search.journal"
    path.write_bytes(path.read_bytes() + b'{"op_code":4,"wor')  # a line that was being written
    again, asked = stored(tmp_path, "search", trials=len(seen) + 5)
    assert again.kept in {len(seen) - 1, len(seen)}
    assert {t.settings["x"] for t in again.tried} >= set(seen[:-1])
    assert len(asked) == len(seen) + 5 - again.kept
