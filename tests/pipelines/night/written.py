"""Nights written by OpenAI and Anthropic, spoken to over HTTP on the loopback: how they are set up, what they left."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import SecretStr

from configs.settings import Settings
from models.language.calls import Usage
from models.language.offers import language_models
from pipelines.publish.published import read_latest
from pipelines.reports import NightReport
from pipelines.stores import open_app
from tests.flows.world import LAST_NIGHT
from tests.language_server.client import LanguageServer

TONIGHT = LAST_NIGHT
NO_LIMITS = {"*": {"requests": 100_000, "tokens": 100_000_000}}


@dataclass(frozen=True)
class Written:
    """A night that both providers have written, to be looked at and not to be changed."""

    settings: Settings
    report: NightReport
    bills: list[dict]


def two_keys(home: Path, server: LanguageServer) -> Settings:
    """With both providers' keys, and a server that lets everything through."""
    server.control.settings(limits=NO_LIMITS)
    return Settings(
        home=home,
        openai_api_key=SecretStr(server.openai_key),
        openai_base_url=server.openai_url,
        anthropic_api_key=SecretStr(server.anthropic_key),
        anthropic_base_url=server.anthropic_url,
        answer_timeout_s=120,
        batch_wait_s=120,
    )


def texts(settings: Settings, table: str = "challenges") -> pl.DataFrame:
    return read_latest(settings.home, "puzzles").table(table)


def providers(settings: Settings) -> Counter:
    return Counter(texts(settings)["ai_provider"].to_list())


def bills(language_server) -> list[dict]:
    return language_server.control.bills()["bills"]


def with_only(settings: Settings, provider: str) -> Settings:
    other = {"openai": "anthropic_api_key", "anthropic": "openai_api_key"}[provider]
    return settings.model_copy(update={other: None})


def kept_texts(settings, loaded) -> pl.DataFrame:
    with open_app(settings, loaded) as warehouse:
        return warehouse.frame("SELECT * FROM texts ORDER BY brief_id, place")


def sum_of(billed: list[dict]) -> float:
    """What the server's bills come to at the configured prices."""
    total = 0.0
    for bill in billed:
        usage = Usage(bill["input"], bill["cached"], bill["cache_write"], bill["output"])
        total += usage.cost_usd(language_models().models[bill["model"]], batch=bill["batch"] is not None)
    return total
