"""A flow that a worker of the tests can run: it does nothing, for as long as it is told."""

from __future__ import annotations

import sys
import time

from prefect import flow

from flows.run_lock import hold


@flow(name="quick", on_running=[hold], persist_result=False)
def quick(seconds: float = 0) -> None:
    """Sleep for `seconds`."""
    time.sleep(seconds)


if __name__ == "__main__":
    quick(float(sys.argv[1]))
