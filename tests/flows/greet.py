"""A flow as a new file."""

GREET = '''
"""Greet: says good morning to an app."""

from configs.app import App
from flows.recording import flow
from flows.schedule import Deployed, Start


def _starts(app: App, _grace_h: float) -> Start:
    return Start(7.5, weekday="1-5", parameters={"loud": True})


@flow("greet {app}", Deployed(_starts, each_app=True))
def greet(app: str, loud: bool = False) -> str:
    """Say good morning.

    Args:
        app: Whom.
        loud: Whether to shout.
    """
    return f"good morning, {app}" + "!" * loud
'''
