"""Everything in this process, a bucket after another: as much memory as one bucket takes."""

from pipelines.engines.buckets import OpenWorkers

workers: OpenWorkers | None = None
