"""Groups of equal rows, so that what follows from their keys is worked out once for each group."""

import numpy as np
import numpy.typing as npt
import polars as pl


def find_alike(rows: pl.DataFrame, *keys: str) -> tuple[pl.Series, npt.NDArray[np.uint32]]:
    """Group rows by keys; nulls are alike.

    Returns:
        The first row of each group, in the order of the rows; and for each row the place of its group among these.
    """
    alike = rows.with_row_index("row").select(pl.col("row").first().over(keys)).to_series()
    first = alike.unique().sort()
    place = np.empty(rows.height, np.uint32)
    place[first] = np.arange(len(first))
    return first, place[alike]
