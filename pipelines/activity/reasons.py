"""Reasons for refused rows as people read them: reasons that differ only in quoted values are told as one."""

from data.warehouse import Warehouse

_FEW = 5  # so many tell more one by one


def told_as(rows: str) -> str:
    """A query that yields each reason of some rows once, with how it is told.

    Args:
        rows: A table, or a query in parentheses, with `reason`.

    Returns:
        SQL in parentheses: reason, why. Where more than a few reasons are alike but for what stands in quotes, as
        "occurred_at '5/1/2024' …" of each day, `why` has '…' there.
    """
    return f"""(
        SELECT reason, CASE WHEN count(*) OVER (PARTITION BY kind) > {_FEW} THEN kind ELSE reason END AS why
        FROM (SELECT DISTINCT reason, regexp_replace(reason, '''[^'']*''', '''…''', 'g') AS kind FROM {rows}))"""


def count_reasons(warehouse: Warehouse, table: str) -> dict[str, int]:
    """How many rows of a table have each reason, as it is told; the most frequent first."""
    counted = warehouse.rows(
        f"SELECT why, count(*) AS n FROM {table} JOIN {told_as(table)} USING (reason) GROUP BY why ORDER BY n DESC, why"
    )
    return {str(why): int(n) for why, n in counted}
