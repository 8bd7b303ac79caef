"""The stage server: one process that has imported everything and forks a child for each stage.

A child starts in milliseconds instead of the ten seconds that importing torch and transformers takes, runs one stage,
and can be killed without affecting anything else. The server is started as `python -m xtransfer.stages.server FD`,
where FD is one end of a socket pair. Each request carries two pipe ends: one to write messages to, and one that closes
when the owner dies, which ends the child.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import signal
import socket
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from xtransfer.base.channel import Channel, end_with_owner
from xtransfer.base.declared import JsonObject
from xtransfer.base.errors import XTransferError
from xtransfer.base.retry import stage_error
from xtransfer.base.stage import Stage
from xtransfer.stages.devices import VISIBLE

_MAX_REQUEST = 1 << 20  # bytes; a stage takes a few kB
_BETWEEN_PROGRESS = 0.25  # seconds


def serve(channel: socket.socket) -> None:
    """Forks a child per request until the owner closes the channel."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the owner's to handle
    _import_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no waiting: a child's pipe tells that it ended
    while True:
        message, handles, _, _ = socket.recv_fds(channel, _MAX_REQUEST, 2)
        if not message:
            return
        if os.fork() == 0:
            channel.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _child(json.loads(message), *handles)
        for handle in handles:
            os.close(handle)


def _child(request: JsonObject, results: int, alive: int) -> None:
    status = 1
    try:
        end_with_owner(alive)
        status = _run(request, Channel(Connection(results, readable=False), _BETWEEN_PROGRESS))
    finally:
        os._exit(status)  # skips the server's exit handlers


def _run(request: JsonObject, channel: Channel) -> int:
    from xtransfer.stages.execute import execute
    from xtransfer.store.artifacts import ArtifactStore

    channel.send("pid", os.getpid())
    channel.forward_logs(logging.INFO)
    if request["visible"] is not None:  # in time: CUDA reads it when it starts
        os.environ[VISIBLE] = request["visible"]
    _limit_threads(request["threads"])
    stage = Stage.from_json(request["stage"])
    try:
        store = ArtifactStore(request["store"])
        artifact, cached = execute(stage, store, channel.progress, request["device"], request["devices"], wait=False)
    except BaseException as error:
        if not isinstance(error, XTransferError):  # a bug, or out of memory: log the traceback
            logging.getLogger(__name__).error("%s failed", stage.name, exc_info=error)
        channel.send("failed", stage_error(stage.name, error))
        return 1
    channel.send("done", {"cached": cached, "seconds": artifact.manifest.seconds, "facts": artifact.manifest.facts})
    return 0


def _limit_threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)


def _import_everything() -> None:
    import datasets
    import transformers
    import transformers.models.marian.modeling_marian
    import transformers.models.xlm_roberta.modeling_xlm_roberta

    import xtransfer.data.corpora
    import xtransfer.data.load
    import xtransfer.lab
    import xtransfer.scoring.score
    import xtransfer.training.finetune
    import xtransfer.training.pretraining
    import xtransfer.training.translator
    import xtransfer.translation.benchmark
    import xtransfer.translation.ctranslate2_engine
    import xtransfer.translation.model_loading
    import xtransfer.translation.transformers_engine  # noqa: F401
    from xtransfer.base.settings import current
    from xtransfer.benchmarks import BENCHMARKS
    from xtransfer.store import manifest
    from xtransfer.store.lease import leases_for

    manifest.packages()  # cached: it reads many files
    leases_for(Path(), current().database_url)
    len(BENCHMARKS)  # runs the user's file now, so that stages see the declarations that the study was planned with
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    datasets.utils.logging.disable_progress_bar()
    datasets.utils.logging.set_verbosity_error()
    gc.freeze()  # garbage collection in children then skips these objects, and does not copy their pages


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
