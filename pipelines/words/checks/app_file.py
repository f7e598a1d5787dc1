"""Whether an app file can be put into words, told before a night needs it."""

from collections.abc import Iterator
from itertools import product
from typing import get_args

from configs.app import App, Tier
from configs.errors import AppFileError
from configs.prompt import read_prompts
from pipelines.challenges.achievements import lifetime_metrics
from pipelines.challenges.invite import taught_metrics
from pipelines.challenges.missions import OCCASIONS
from pipelines.words.briefs import Brief
from pipelines.words.writers.lexicon import lexicon_problems
from pipelines.words.writers.offline import LANGUAGE, WordlessError, write_variants


def check_voice(app: App) -> None:
    """Look for what the offline writer cannot use, try to word everything that a night may ask for, read the prompts.

    Raises:
        AppFileError: Every problem found, each with its key and remedy.
        NightquestError: A prompt file has a problem.
    """
    if problems := [*voice_problems(app), *wording_problems(app)]:
        raise AppFileError("\n".join(f"{problem}." for problem in problems))
    read_prompts()


def voice_problems(app: App) -> list[str]:
    """What the offline writer cannot use in an app's lexicon: 'key: fault; remedy'."""
    remedy = "; docs/content.md lists the symbols"
    return [problem if "; " in problem else problem + remedy for problem in lexicon_problems(app)]


def wording_problems(app: App) -> list[str]:
    """Metrics and badges of which no sentence can be made, each once: 'key: fault; remedy'."""
    found: dict[str, str] = {}
    for brief in everything(app):
        try:
            write_variants(app, brief, seed=0)
        except WordlessError as error:
            found.setdefault(error.key, f"{error.key}: {error.fault}; {error.remedy[:1].lower()}{error.remedy[1:-1]}")
    return list(found.values())


def everything(app: App) -> Iterator[Brief]:
    """One brief of every kind that the app writes; badges are always cited."""
    wanted = {
        "daily_challenge": product(app.challenges.metrics, [""]),
        "custom_achievement": product(lifetime_metrics(app), get_args(Tier)),
        "adaptive_mission": product(app.challenges.metrics, OCCASIONS),
        "mission_brief": product(app.challenges.metrics, [""]),
        "motivational_message": [*product(app.challenges.metrics, ["target"]), ("", "none")],
        "come_back_message": product([""], ["days", "weeks", "long"]),
        "tutorial": product(taught_metrics(app), ["new", "seldom"]),
        "social_prompt": [
            (metric, occasion if "{goal}" in app.metrics[metric].task else "none")
            for metric, occasion in product(app.content.social_metrics, ["quiet", "keen"])
        ],
    }
    for content_type, briefs in wanted.items():
        if content_type in app.content.types:
            yield from (_brief(content_type, metric, occasion) for metric, occasion in briefs)
    yield from (_brief("badge_citation", badge, shown) for badge in app.badges for shown in ("shown", "none"))


def _brief(content_type: str, metric: str, occasion: str) -> Brief:
    return Brief("check", content_type, "", metric, "", LANGUAGE, occasion, variants=1)
