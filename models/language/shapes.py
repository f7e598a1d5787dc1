"""The shapes of providers' answers, as loosely as servers keep to them: what has none is a ValueError, nothing else."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from models.language.calls import Reason

# No answer is billed that much: a larger number is a fault, and money is not counted by it.
Tokens = Annotated[int, Field(ge=0, le=1_000_000_000)]
Count = Annotated[Tokens, BeforeValidator(lambda value: 0 if value is None else value)]
Id = Annotated[str, Field(min_length=1, max_length=512)]


class Shape(BaseModel):
    """A JSON object of which only the named fields are read."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Begun(Shape):
    """A batch that has just been begun: only what it is called counts."""

    id: Id


class Part(Shape):
    """One part of an answer; of those that are not text only the type is read."""

    type: str = "text"
    text: str | None = None
    refusal: str | None = None


Content = str | list[str | Part] | None


@dataclass(frozen=True)
class Unsaid:
    """Why an answer holds no text."""

    reason: Reason
    detail: str


NOTHING = Unsaid("malformed", "a 200 without an answer in it")


def joined(content: Content) -> str | Unsaid:
    """The text of an answer, its text parts joined; thoughts and other parts are left out."""
    parts = [content] if isinstance(content, str) else content or []
    for part in parts:
        if isinstance(part, Part) and part.type == "refusal":
            return Unsaid("refused", part.refusal or "")
    said = [part if isinstance(part, str) else part.text or "" for part in parts if _is_text(part)]
    return "".join(said) or NOTHING


def _is_text(part: str | Part) -> bool:
    return isinstance(part, str) or part.type in {"text", "output_text"}


def told(value: Any) -> str:
    """A provider's own explanation, whatever it is, as text."""
    return value if isinstance(value, str) else "" if value is None else repr(value)
