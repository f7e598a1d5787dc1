"""What people call what other tables name by an id: metrics, badges, personas, styles, points, titles, unlocks."""

from collections.abc import Iterator

import polars as pl

from configs.app import App
from configs.speaking import speaking
from configs.wording import metric_words
from data.contracts_out import contract, flag, text, words
from pipelines.publish.seen import Seen
from pipelines.rewards.titles import item_title, nouns_of

CONTRACT = contract(
    ("kind", "item", "language"),
    {
        "kind": text(one_of=("metric", "badge", "persona", "style", "points", "title", "unlock")),
        "item": text(),
        "language": text(),
        "is_default": flag(),
        "title": words(),
        "unit": text(nullable=True),
        "units": text(nullable=True),
    },
    standing=False,
)


def rows(seen: Seen) -> pl.DataFrame:
    """The table's rows, in any order."""
    return names_of(seen.known.app)


def names_of(app: App) -> pl.DataFrame:
    """The names of an app in each of its languages, without `app` and `as_of`."""
    first, *_ = app.voice.languages
    told = [
        (kind, item, language, language == first, title, unit or None, units or None)
        for language in dict.fromkeys(app.voice.languages)
        for kind, item, title, unit, units in _named(speaking(app, language) or app)
    ]
    types = {name: kind for name, kind in CONTRACT.types.items() if name not in {"app", "as_of"}}
    return pl.DataFrame(told, schema=types, orient="row")


def _named(app: App) -> Iterator[tuple[str, str, str, str, str]]:
    """Kind, id, title, and what one and several of it are called, where it is counted; of no hidden badge."""
    for name in app.metrics:
        said = metric_words(app, name)
        if said:
            yield "metric", name, said.label, said.unit, said.plural
    for name, badge in app.badges.items():
        if not badge.hidden:
            yield "badge", name, badge.title, "", ""
    for kind, named in (("persona", app.personas), ("style", app.profile.styles)):
        for name, one in named.items():
            yield kind, name, one.title, "", ""
    for name in app.rewards.points:
        yield "points", name, item_title(app, name), *nouns_of(app, name)
    for kind, given in (("title", app.rewards.titles), ("unlock", app.rewards.unlocks)):
        for name in given:
            yield kind, name, item_title(app, name), "", ""
