"""Why a text serves, told to a person from what its metadata keeps."""

from collections.abc import Mapping
from typing import Any


def how_chosen(metadata: Mapping[str, Any]) -> str:
    """How a text came to serve, in a sentence or two.

    Args:
        metadata: Of a text: written, asked_again, instead_of, reason, judged (see `judging.Contest`).
    """
    told = "Passed every check."
    if metadata.get("written") == "plain":
        told = "The app's plain sentence, as no other might go out."
    if metadata.get("asked_again"):
        told = f"Passed when asked again, after: {metadata.get('reason')}."
    if instead := metadata.get("instead_of"):
        told = f"Written in place of {instead}, because: {metadata.get('reason')}."
    judged = metadata.get("judged")
    if not isinstance(judged, Mapping):
        return told
    score = judged.get("score")
    by = {
        "judge": f"The judge {judged.get('judge', '')} named it in both orders: {judged.get('why', '')}.",
        "rules": f"Ahead by the rules, with {score}, as the judge did not decide.",
        "margin": f"Clearly ahead by the rules, with {score}.",
        "lot": "Drawn by lot between equals.",
        "alone": "It had no opponent.",
    }
    return f"{told} {by.get(str(judged.get('by')), '')}".strip()
