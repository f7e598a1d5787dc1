"""What a metric's task asks a player to do, so that nothing absurd is said of it: no luck is wished with a purchase."""

from collections.abc import Mapping
from typing import Literal, get_args

Verb = Literal["make", "read", "watch", "buy", "play", "train", "learn", "help", "talk", "visit", "give", "do"]
VERBS: tuple[str, ...] = get_args(Verb)
# What one just does: it comes neither easily nor as a stretch, and nobody is wished luck with it.
WITHOUT_EFFORT = frozenset({"buy", "read", "watch", "talk", "visit", "give"})
_FIRST_WORDS = {
    "make": "write post create build draw paint design compose publish upload craft bake cook knit film record code",
    "read": "read open browse explore view borrow",
    "watch": "watch listen hear",
    "buy": "buy order purchase pay reserve rent book spend",
    "play": "play score win collect solve beat",
    "train": "train run ride walk swim climb lift cycle hike stretch row cover move",
    "learn": "learn study practise practice pass revise rehearse",
    "help": "help support mentor teach coach answer",
    "talk": "ask send comment reply greet thank meet invite chat",
    "visit": "visit attend join",
    "give": "give donate bring return",
    "do": "do complete finish keep reach master hand take",
}
# What such a thing is done with, where the first word says little: 'Complete {goal}', 'Make {goal}'.
_THINGS = {
    "buy": "purchase order booking reservation payment transaction subscription rental loan",
    "read": "page article book chapter story",
    "watch": "video film movie episode song track podcast",
    "talk": "comment message reply chat",
    "train": "workout exercise session run ride",
    "learn": "lesson course module quiz",
    "play": "game match round level quest puzzle",
    "visit": "visit",
    "give": "donation",
}
_BY_THING = {thing: verb for verb, things in _THINGS.items() for thing in things.split()}
_BY_WORD = {word: verb for verb, words in _FIRST_WORDS.items() for word in words.split()}
_TIME = frozenset({"minute", "min", "hour", "h", "second", "day"})


def verb_of(task: str, unit: str, given: str | None = None, said: Mapping[Verb, str] | None = None) -> str:
    """What a task asks to do, one of VERBS; empty where its first word does not tell.

    Args:
        task: An instruction with {goal}: 'Buy {goal}'.
        unit: Of the goal: to spend hours is no purchase.
        given: What the app file says; it wins.
        said: The first words of another language, by verb; None is English.
    """
    if given:
        return given
    first = task.split(" ", maxsplit=1)[0].lower()
    if said is not None:
        return next((verb for verb, words in said.items() if first in words.split()), "")
    found = _BY_WORD.get(first, "")
    if found in {"buy", "give"} and unit in _TIME:  # to spend hours, to return on a day
        return ""
    return _BY_THING.get(unit.rpartition(" ")[2].lower(), found) if found in {"", "do"} else found
