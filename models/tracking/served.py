"""How MLflow itself opens one of our models: `mlflow.pyfunc.load_model(...).predict(frame)`, for reviewers.

MLflow imports this module by the name that was logged; no code lies beside the model, and nothing is unpickled.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from models.portable import Portable, load_json, load_model

if TYPE_CHECKING:
    import pandas as pd

RUN_FILE = "run.json"
TYPES: dict[str, type[pl.DataType]] = {
    t.__name__: t
    for t in (
        *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64),
        *(pl.Float32, pl.Float64, pl.Boolean, pl.String, pl.Date),
    )
}


class Served:
    """A model that takes and gives pandas, as MLflow wants it."""

    def __init__(self, model: Portable, inputs: dict[str, str]) -> None:
        self.model = model
        self.inputs = {name: TYPES[dtype] for name, dtype in inputs.items()}

    def predict(self, model_input: "pd.DataFrame", params: dict[str, Any] | None = None) -> Any:  # noqa: ARG002 (MLflow's)
        """Predict for rows with the signature's columns; one that is absent counts as unknown (null)."""
        given = pl.from_pandas(model_input.reset_index(drop=True))
        rows = given.select(
            (pl.col(name) if name in given.columns else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in self.inputs.items()
        )
        result = self.model.predict(rows)
        return result.to_pandas() if isinstance(result, pl.DataFrame) else result


def _load_pyfunc(path: str) -> Served:
    """MLflow's entry point: the folder that was logged."""
    folder = Path(path)
    return Served(load_model(folder), load_json(folder / RUN_FILE)["inputs"])
