"""What was guessed of somebody's files, and why."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Guess:
    """One thing guessed: what it is about, what was guessed, and why."""

    about: str
    guess: str
    why: str
