"""What the pretended models write: texts that a designer would ship, judgements and verdicts with reasons."""

from typing import Any

from tests.language_server.asked import Asked
from tests.language_server.options import Options


class Writer:
    """Answers for any request, following its schema."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def warm(self) -> None:
        """Load what is needed."""

    def write(self, asked: Asked) -> Any:
        """The JSON of the answer."""
        data = asked.task.data
        if asked.task.kind == "brief":
            task = data.get("task") or "keep going"
            slots = list(dict.fromkeys([group[0] for group in data.get("one_of", [])] or data.get("slots", {})))
            rest = " ".join(f"{{{slot}}}" for slot in slots if f"{{{slot}}}" not in task)
            texts = [f"Variant {i}: {task} {rest}.".replace("  ", " ") for i in range(int(data.get("variants", 1)))]
            return {"variants": [{"title": "A Steady Step", "description": text} for text in texts]}
        if asked.task.kind == "judge":
            return {"choices": [{"id": pair["id"], "better": "first", "why": "clearer"} for pair in data["pairs"]]}
        return {}
