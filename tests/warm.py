"""Python and `xtransfer` as programs that start warm: a server has imported the large libraries, and forks for each.

A program runs as after a cold start, in a process with its own environment, folder, standard streams and exit status.
Our own modules are imported anew in each, in the order in which it asks for them; only the seconds that torch,
transformers and Prefect take to import are saved. Prefect reads its settings when it is imported, so it is there
beforehand only where PREFECT_API_URL is set. With other HF_* variables than the server's a program starts cold.

Who starts a program has the process id of a small client, which passes SIGINT and SIGTERM on and whose end ends the
program. Use a cold start where a test looks at processes more closely. `python -m tests.warm FOLDER` is the server; it
ends when its standard input does.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import types
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_LIBRARIES = [
    "torch", "torch.nn.functional", "transformers", "transformers.models.marian.modeling_marian",
    "transformers.models.xlm_roberta.modeling_xlm_roberta", "tokenizers", "sentencepiece", "ctranslate2",
    "safetensors.torch", "datasets", "huggingface_hub", "pandas", "pyarrow.parquet", "scipy.stats", "statsmodels.api",
    "matplotlib.pyplot", "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "sqlalchemy.orm",
    "alembic.command", "sacrebleu", "typer", "rich.table", "yaml", "jinja2", "fastapi", "httpx",
]  # fmt: skip
_PREFECT = [
    "prefect", "prefect.artifacts", "prefect.client.orchestration", "prefect.deployments", "prefect.events.worker",
    "prefect.flow_engine", "prefect.task_engine", "prefect.logging.handlers",
]  # fmt: skip
# by way of the shell: a path with spaces cannot stand behind #!
_CLIENT = """#!/bin/sh
'''exec' "{python}" -IS "$0" "$@"
' '''
import json, os, signal, socket, sys
asked = [*{program}, *sys.argv[1:]]
hub = {{name: value for name, value in os.environ.items() if name.startswith("HF_")}}
if hub != {hub} or asked[:1] not in (["-c"], ["-m"]):
    os.execv("{python}", ["{python}", *asked])
server = socket.socket(socket.AF_UNIX)
handles = [int(name) for name in os.listdir("/proc/self/fd")]
handles = [one for one in handles if one != server.fileno() and os.path.exists(f"/proc/self/fd/{{one}}")]
server.connect("{folder}/" + ("prefect" if os.environ.get("PREFECT_API_URL") else "plain"))
socket.send_fds(server, [b"."], handles)
asked = {{"arguments": asked, "handles": handles, "cwd": os.getcwd(), "env": dict(os.environ)}}
server.sendall(json.dumps(asked).encode() + b"\\n")
for one in (signal.SIGINT, signal.SIGTERM):
    signal.signal(one, lambda number, frame: server.send(bytes([number])))
status = int(server.recv(16) or 1)
if status < 0:
    if status != -signal.SIGKILL:
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
os._exit(status)
"""
_MOST_HANDLES = 64


@cache
def programs() -> Path:
    """A folder with warm `python` and `xtransfer`, to stand first in PATH; the first call starts their server."""
    folder = Path(tempfile.mkdtemp(prefix="warm-"))
    hub = {name: value for name, value in os.environ.items() if name.startswith("HF_")}
    for name, program in (("python", []), ("xtransfer", ["-c", "from flows.cli import main; main()"])):
        file = folder / name
        file.write_text(_CLIENT.format(python=sys.executable, folder=folder, program=program, hub=hub))
        file.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XTRANSFER_", "PREFECT_"))}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.warm", str(folder)],
        cwd=_ROOT,
        env={**kept, "PREFECT_HOME": str(folder / "home")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None and server.stdout.read() == b"ready"
    atexit.register(_end, server, folder)
    return folder


def _end(server: subprocess.Popen[bytes], folder: Path) -> None:
    assert server.stdin is not None
    server.stdin.close()
    server.wait()
    shutil.rmtree(folder, ignore_errors=True)


class _Server:
    """Forks a process for each client, and gives the client its exit status."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._running: dict[int, socket.socket] = {}  # process id → client
        self._selector = selectors.DefaultSelector()
        self._ended, wake = socket.socketpair()
        self._wake = wake
        for one in (self._ended, wake):
            one.setblocking(False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake.fileno())
        for one in (0, self._listener, self._ended):
            self._selector.register(one, selectors.EVENT_READ)

    def serve(self) -> dict[str, Any] | None:
        """In a process for a client: what is to be run. In the server: None, once its owner has gone."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj == 0:
                    return None
                if key.fileobj is self._listener:
                    asked = self._start(self._listener.accept()[0])
                    if asked is not None:
                        return asked
                elif key.fileobj is self._ended:
                    self._ended.recv(4096)
                    self._reap()
                else:
                    self._hear(key.data, key.fileobj)

    def _start(self, client: socket.socket) -> dict[str, Any] | None:
        handles = socket.recv_fds(client, 1, _MOST_HANDLES)[1]
        with client.makefile("r", encoding="utf-8") as stream:
            asked: dict[str, Any] = json.loads(stream.readline())
        pid = os.fork()
        if pid == 0:
            self._leave()
            client.close()
            _take(handles, asked["handles"])
            return asked
        for one in handles:
            os.close(one)
        self._running[pid] = client
        self._selector.register(client, selectors.EVENT_READ, pid)
        return None

    def _hear(self, pid: int, client: socket.socket) -> None:
        """Pass on the signals that a client got; one that has gone was killed."""
        if pid not in self._running:
            return
        signals = client.recv(16)
        if not signals:
            self._selector.unregister(client)
        for one in signals or [signal.SIGKILL]:
            os.kill(pid, one)

    def _leave(self) -> None:
        """Give up, in a child, what is the server's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._selector.close()
        for one in (self._listener, self._ended, self._wake, *self._running.values()):
            one.close()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            client = self._running.pop(pid, None)
            if client is None:
                continue
            if client in self._selector.get_map():
                self._selector.unregister(client)
            with client, suppress(BrokenPipeError):
                client.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _take(handles: list[int], numbers: list[int]) -> None:
    """Make a client's open files ours, under the numbers that it has for them."""
    import fcntl

    above = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 512) for one in handles]
    for one in handles:
        os.close(one)
    for one, number in zip(above, numbers, strict=True):
        os.dup2(one, number)
        os.close(one)


def _run(asked: dict[str, Any], folder: Path) -> None:
    """Be `python ARGUMENTS`, up to the end of this process."""
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.path.insert(0, asked["cwd"])
    sys.executable = str(folder / "python")
    if "prefect" in sys.modules:
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()
    status = _status_of(*asked["arguments"])
    threading._shutdown()  # as an interpreter ends, but for taking the libraries to pieces, which takes half a second
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _status_of(how: str, what: str, *arguments: str) -> int:
    """Run `python -m MODULE` or `python -c TEXT`; the exit status."""
    assert how in ("-m", "-c")
    sys.argv = [how, *arguments]
    try:
        if how == "-m":
            runpy.run_module(what, run_name="__main__", alter_sys=True)
        else:
            main = sys.modules["__main__"] = types.ModuleType("__main__")
            exec(compile(what, "<string>", "exec"), main.__dict__)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _main(folder: Path) -> None:
    plain, prefect = (socket.socket(socket.AF_UNIX) for _ in range(2))
    for one, name in ((plain, "plain"), (prefect, "prefect")):
        one.bind(str(folder / name))
        one.listen(64)
    os.write(1, b"ready")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)
    for name in _LIBRARIES:
        importlib.import_module(name)
    if is_prefect := os.fork() == 0:
        for name in _PREFECT:
            importlib.import_module(name)
    gc.freeze()  # so that collections in a child need not copy it
    (plain if is_prefect else prefect).close()
    asked = _Server(prefect if is_prefect else plain).serve()
    if asked is not None:
        _run(asked, folder)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
