"""An app as the key of a cache."""

from dataclasses import dataclass

from configs.app import App


@dataclass(frozen=True, eq=False)
class AppKey:
    """An app, equal to itself alone: to compare two by all that they say would take longer than what is cached.

    A cache that holds the key holds the app, so that no other app can get its id.
    """

    app: App

    def __hash__(self) -> int:
        return id(self.app)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AppKey) and other.app is self.app
