from pathlib import Path

import numpy as np
import pytest

from models.learned import LearnedModel
from models.portable import (
    OutdatedModelError,
    class_of,
    load_arrays,
    load_json,
    load_model,
    save_arrays,
    save_json,
)
from models.tasks.segments import SegmentModel


class Trap:
    """Pickled, it would leave a file behind when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def test_arrays_come_back_bit_by_bit(tmp_path):
    arrays = {"a": np.array([1.5, np.nan, -np.inf]), "b": np.arange(6).reshape(2, 3)}
    save_arrays(tmp_path / "x.npz", arrays)
    again = load_arrays(tmp_path / "x.npz")
    assert all(np.array_equal(arrays[k], again[k], equal_nan=k == "a") for k in arrays)


def test_arrays_of_objects_are_refused_when_written(tmp_path):
    with pytest.raises(TypeError, match="'bad' holds Python objects"):
        save_arrays(tmp_path / "x.npz", {"bad": np.array([{}], dtype=object)})


def test_a_pickle_among_arrays_is_not_run_when_read(tmp_path):
    mark = tmp_path / "it-ran"
    np.savez(tmp_path / "x.npz", a=np.array([Trap(mark)], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        load_arrays(tmp_path / "x.npz")
    assert not mark.exists()


def test_json_has_the_same_bytes_for_the_same_content_and_no_nan(tmp_path):
    save_json(tmp_path / "a.json", {"b": 1, "a": [0.1]})
    save_json(tmp_path / "b.json", {"a": [0.1], "b": 1})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert load_json(tmp_path / "a.json") == {"a": [0.1], "b": 1}
    with pytest.raises(ValueError, match="not JSON compliant"):
        save_json(tmp_path / "c.json", {"a": float("nan")})


def test_a_kind_is_found_in_the_module_of_its_name():
    assert class_of("learned") is LearnedModel
    assert class_of("segments") is SegmentModel


@pytest.mark.parametrize("kind", ["os", "scores", "plays", "../learned", "learned.evil", "nothing_such"])
def test_a_kind_that_is_no_model_is_refused_with_a_remedy(kind, tmp_path):
    save_json(tmp_path / "kind.json", {"kind": kind, "format": 1})
    with pytest.raises(OutdatedModelError, match="Train again"):
        load_model(tmp_path)


def test_a_newer_file_format_is_refused_rather_than_misread(tmp_path):
    save_json(tmp_path / "kind.json", {"kind": "learned", "format": 2})
    with pytest.raises(OutdatedModelError, match="format 2"):
        load_model(tmp_path)
