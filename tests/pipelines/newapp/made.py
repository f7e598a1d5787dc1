"""An app file and source, guessed from a text, for the tests of this folder."""

import datetime as dt

from pipelines.newapp.make import Hints, make_app

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def make(folder, text, name="export.csv", **said):
    (folder / name).write_text(text, encoding="utf-8")
    return make_app([folder / name], Hints(**said), NOW)


def guesses(made):
    return {guess.about: guess.guess for guess in made.guesses}
