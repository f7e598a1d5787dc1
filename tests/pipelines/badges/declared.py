"""Events whose properties are declared with their bounds."""

SOLVE = {"properties": {"points": {"type": "number", "min": 0, "max": 10}, "topic": "text", "won": "boolean"}}


LIKED = {"active": False, "properties": {"delta": "number", "post_id": "text"}}
