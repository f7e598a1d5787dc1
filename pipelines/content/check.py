"""Whether an app file can be put into words, told before a night needs it."""

from collections.abc import Iterator

from configs.app import App
from configs.errors import AppFileError
from pipelines.content.briefs import Brief
from pipelines.content.lexicon import lexicon_problems
from pipelines.content.offline import LANGUAGE, write_variants


def check_voice(app: App) -> None:
    """Look for what the offline writer cannot use in the lexicon, and try to word everything that a night may ask for.

    Raises:
        AppFileError: The first problem found, with its key and remedy.
    """
    for problem in lexicon_problems(app):
        raise AppFileError(f"{problem}.", f"Mend the lexicon of '{app.app}'; docs/content.md lists the symbols.")
    for brief in _everything(app):
        write_variants(app, brief, seed=0)


def _everything(app: App) -> Iterator[Brief]:
    """One brief of every kind."""
    for metric in app.challenges.metrics:
        yield _brief("daily_challenge", metric)
        yield _brief("motivational_message", metric, "target")
    yield _brief("motivational_message", "", "none")
    yield from (_brief("come_back_message", "", away) for away in ("days", "weeks", "long"))
    yield from (_brief("badge_citation", badge, shown) for badge in app.badges for shown in ("shown", "none"))


def _brief(content_type: str, metric: str, occasion: str = "") -> Brief:
    return Brief("check", content_type, "", metric, "", LANGUAGE, occasion, variants=1)
