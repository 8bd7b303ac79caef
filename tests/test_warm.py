"""A warm start is taken for a cold one by all that these programs can see."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.warm import programs

PROGRAMS = {
    "what it is given": "import json, os, sys; print(json.dumps([sys.argv, os.getcwd(), os.environ['MORE']]))",
    "standard input": "import sys; print(sys.stdin.read().upper())",
    "an exit status": "import sys; print('half', end=''); sys.exit(7)",
    "words at the exit": "import sys; sys.exit('it is over')",
    "an error": "raise ValueError('row 3')",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "exit handlers": "import atexit; atexit.register(print, 'handled')",
    "a file of its caller": "import os; os.write(int(os.environ['HANDLE']), b'written')",
    "other variables of the hub": "import huggingface_hub.constants as hub; print(hub.ENDPOINT)",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_warm_start_is_as_a_cold_one(name: str, tmp_path: Path) -> None:
    assert _seen(str(programs() / "python"), PROGRAMS[name], tmp_path) == _seen(
        sys.executable, PROGRAMS[name], tmp_path
    )


def _seen(python: str, program: str, folder: Path) -> tuple[int, str, str, bytes]:
    """Status, output, last line of the errors, and what came through a file that was passed on."""
    ours, theirs = os.pipe()
    more = {"MORE": "more", "HANDLE": str(theirs)}
    if "huggingface_hub" in program:
        more["HF_ENDPOINT"] = "http://127.0.0.1:9"
    done = subprocess.run(
        [python, "-c", program, "a b", "c"], cwd=folder, env={**os.environ, **more}, input="words", text=True,
        capture_output=True, pass_fds=[theirs], check=False,
    )  # fmt: skip
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        return done.returncode, done.stdout, "".join(done.stderr.splitlines()[-1:]), pipe.read()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_passed_on(number: int) -> None:
    program = (
        "import signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(4))\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)"
    )
    with subprocess.Popen([str(programs() / "python"), "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(60) == 4


def test_a_program_ends_with_who_waits_for_it(tmp_path: Path) -> None:
    program = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    with subprocess.Popen([str(programs() / "python"), "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert pid != process.pid and Path(f"/proc/{pid}").exists()
        process.kill()
        assert process.stdout.read() == ""  # its end of the pipe is closed
