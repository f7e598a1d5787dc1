"""What the words of the last months have cost, as the spending ledger has it."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import polars as pl

from configs.errors import NightquestError
from models.language.ledger import LEDGER_FILE, open_ledger
from pipelines.pins import Night
from pipelines.publish.collect import NOTHING_PAID
from pipelines.publish.seen import PERFORMANCE_DAYS

JUDGING = "judge "


def paid_for_words(home: Path, night: Night, clock: Callable[[], dt.datetime]) -> pl.DataFrame:
    """What language models were paid for words in the last PERFORMANCE_DAYS, whatever became of their answers.

    Returns:
        content_type, ai_provider, prompt_version, cost_usd; judging between two providers has neither of the two.
        Verdicts on badges pay for no words. Nothing where no model ever wrote, or where the ledger cannot be read:
        that is told while writing, and keeps no night from going out.
    """
    if not (home / LEDGER_FILE).exists():
        return NOTHING_PAID
    since = night.as_of - dt.timedelta(days=PERFORMANCE_DAYS)
    try:
        with open_ledger(home, clock) as ledger:
            paid = ledger.paid_for(night.app.app, str(since), str(night.as_of))
    except NightquestError:
        return NOTHING_PAID
    rows = pl.DataFrame(paid, schema=NOTHING_PAID.schema, orient="row")
    judging = pl.col("content_type").str.starts_with(JUDGING)
    names = ("ai_provider", "prompt_version")
    return rows.filter(pl.col("content_type") != "verdict").with_columns(
        pl.col("content_type").str.strip_prefix(JUDGING), *(pl.when(~judging).then(name).alias(name) for name in names)
    )
