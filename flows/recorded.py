"""The flows as Prefect knows them: a deployment's run finds its flow here, by its name."""

from typing import TYPE_CHECKING, Any

from flows.registry import flow_names, load_flow

if TYPE_CHECKING:
    from prefect import Flow


def __getattr__(name: str) -> "Flow[..., Any]":
    if name not in flow_names():
        raise AttributeError(f"there is no flow {name}")
    return load_flow(name).recorded
