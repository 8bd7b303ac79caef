"""Deploys studies on several machines to a server: `python -m flows.serving.machines [--pool NAME]`.

From a clone, `prefect deploy --all --prefect-file deployments/machines.yaml` does the same if the pool exists.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from flows.serving.deploy import declared, deployment_of, make_pool

POOL = "machines"
FILE = "machines.yaml"


def main(arguments: Sequence[str]) -> int:
    """Deploy to the server of PREFECT_API_URL; repeating it changes nothing. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m flows.serving.machines", description=__doc__)
    parser.add_argument("--pool", help=f"an existing work pool; default: {POOL}, created if it is missing")
    pool = parser.parse_args(arguments).pool
    with get_client(sync_client=True) as client:
        if pool is None:
            make_pool(client, POOL, "One worker per machine, each with --limit 1")
        else:
            try:
                client.read_work_pool(pool)
            except ObjectNotFound:
                print(
                    f"there is no work pool '{pool}'; create it: docs/how-to/several-machines.md",
                    file=sys.stderr,
                )
                return 2
    for one in declared(FILE):
        deployment = deployment_of(one | {"work_pool": {"name": pool or POOL}})
        deployment.apply()
        print(deployment.full_name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
