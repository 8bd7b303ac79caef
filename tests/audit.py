"""Asks an index of vulnerabilities about the tested versions: `python -m tests.audit`; exit status 1 if it knows any.

Where no index answers, as without internet, it says so and ends well: look at the versions by hand then.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

AUDITOR = "pip-audit==2.10.1"  # in an environment of its own, because it pins packages that are pinned here, too
VERSIONS = Path(__file__).parents[1] / "constraints.txt"
_SECONDS = 120  # for each of two programs


def _main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        _output([f"{folder}/bin/pip", "install", "--quiet", "--disable-pip-version-check", AUDITOR])
        told = _output([f"{folder}/bin/pip-audit", "--requirement", str(VERSIONS), "--no-deps", "--disable-pip",
                        "--format", "json", "--progress-spinner", "off"])  # fmt: skip
    try:
        found = json.loads(told)["dependencies"]
    except (ValueError, KeyError):
        found = []
    audited = [one for one in found if "vulns" in one]
    if not audited:
        print("no index of vulnerabilities answers: versions were not audited")
        return 0
    faults = [f"{one['name']} {one['version']}: {known['id']}, mended in {', '.join(known['fix_versions']) or 'none'}"
              for one in audited for known in one["vulns"]]  # fmt: skip
    print(f"{len(audited)} of {len(found)} packages audited, {len(faults)} known vulnerabilities", *faults, sep="\n")
    return int(bool(faults))


def _output(command: list[str]) -> str:
    """Returns what a program printed; nothing if it is missing or takes too long."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


if __name__ == "__main__":
    sys.exit(_main())
