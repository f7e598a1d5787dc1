"""What players have: balances of the app's own points, titles they bear, what is unlocked for them."""

import polars as pl

from data.contracts_out import KINDS, contract, moment, text, whole, words
from pipelines.publish.seen import Seen
from pipelines.rewards.words import balance_words

CONTRACT = contract(
    ("user_id", "item"),
    {
        "user_id": text(),
        "kind": text(one_of=KINDS[:-1]),
        "item": text(),
        "amount": whole(),
        "words": words(),
        "since": moment(),
    },
    standing=False,
    screen=("kind", "item", "amount", "words", "since"),
)


def rows(seen: Seen) -> pl.DataFrame:
    """The table's rows, in any order."""
    return balance_words(seen.known.app, seen.with_language(seen.select("wallets").whole())).drop("language")
