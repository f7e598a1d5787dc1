"""The one exception that reaches a person: a sentence that says what is wrong and what to do."""

from typing import Any


class NightquestError(Exception):
    """A failure with a remedy; the command line prints it without a traceback.

    Args:
        message: One sentence naming what is wrong and where.
        remedy: What the reader can do about it.
        exit_code: The process's exit status: 2 for wrong input, 3 for a state that may pass, 1 otherwise.
    """

    def __init__(self, message: str, remedy: str = "", exit_code: int = 2) -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[Any, ...]:
        """Its parts as they were, where another process raised it."""
        return type(self), (self.message, self.remedy), {"exit_code": self.exit_code}


class AppFileError(NightquestError):
    """An app file breaks its contract; the message names file, key and remedy."""


class DiskFullError(NightquestError):
    """A file system takes no more; see `configs.full_disk`."""

    def __init__(self, message: str, remedy: str, exit_code: int = 3) -> None:
        super().__init__(message, remedy, exit_code)


class BusyError(NightquestError):
    """Another process is writing this app's warehouse."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message, remedy, exit_code=3)
