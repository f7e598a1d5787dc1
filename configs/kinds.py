"""What is written for players and who may write it; a command line knows these before any app file is read."""

from typing import Literal

# Each kind has its form in pipelines/words/checks/validate.py and its prompt in configs/prompts.
Writer = Literal["offline", "openai", "anthropic", "both"]
ContentType = Literal[
    "daily_challenge",
    "custom_achievement",
    "adaptive_mission",
    "mission_brief",
    "motivational_message",
    "come_back_message",
    "tutorial",
    "social_prompt",
    "badge_citation",
]
