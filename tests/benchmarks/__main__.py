"""Run the benchmarks, or those named, and print their figures as JSON, one line each."""

import json
import sys
import tempfile
from pathlib import Path

from tests.benchmarks import history, ingest

BENCHMARKS = {"ingest": ingest.measure, "history": history.measure}


def main() -> None:
    """Measure in a folder that is gone afterwards."""
    for name in sys.argv[1:] or BENCHMARKS:
        with tempfile.TemporaryDirectory() as folder:
            figures = BENCHMARKS[name](Path(folder))
        print(json.dumps({"benchmark": name} | {key: round(value, 3) for key, value in figures.items()}), flush=True)


if __name__ == "__main__":
    main()
