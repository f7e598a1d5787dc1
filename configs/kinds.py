"""What is written for players and who may write it; a command line knows these before any app file is read."""

from typing import Annotated, Any

from pydantic import AfterValidator, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from configs.names import Name
from configs.prompt import writing_prompts

Writer = Name  # `offline`, `both`, or a provider: which there are is known where they are, in models/language/providers


def content_type_names() -> list[str]:
    """The content types that may be asked for, in order of name: each has its prompt in configs/prompts.

    What a type is stands in pipelines/words/types/<name>.py.
    """
    return writing_prompts()


def known_type(name: str) -> str:
    """The name, if there is such a content type.

    Raises:
        ValueError: There is none; it says which there are.
    """
    if name not in (known := content_type_names()):
        raise ValueError(f"'{name}' is no content type; use {', '.join(known)}")
    return name


class _Listed:
    """Lets a JSON Schema list the names there are when it is made."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "enum": content_type_names()}


TypeName = Annotated[str, AfterValidator(known_type), _Listed()]
