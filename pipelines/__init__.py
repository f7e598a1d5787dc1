"""The steps, free of Prefect: frames in, frames out, one folder a capability."""
