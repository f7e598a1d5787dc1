"""Everything in this process, a bucket after another: as much memory as one bucket takes."""

from pipelines.engines.workers import OpenWorkers

workers: OpenWorkers | None = None
