"""Encoders of a hub, against a stand-in on this machine that speaks the hub's protocol."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SCRIPT = """
    import json, sys
    from xtransfer.study.encoders import resolve
    from xtransfer.base.errors import XTransferError
    from xtransfer.models import checkpoints
    said = []
    for text in sys.argv[1:]:
        try:
            ref = resolve(text)
            loaded = checkpoints.load((ref.id, ref.revision))
            said.append([ref.slug, loaded.encoder.config.hidden_size, len(loaded.tokenizer)])
        except XTransferError as error:
            said.append([type(error).__name__, str(error)])
    print(json.dumps(said))
"""


class Hub(ThreadingHTTPServer):
    """Serves folders as models; every revision is the same commit."""

    def __init__(self, models: dict[str, dict[str, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.models = models
        self.fetched: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].strip("/")
        for name, files in self.server.models.items():
            if path.startswith(f"api/models/{name}/tree/"):
                listed = [
                    {"type": "file", "oid": "0" * 40, "size": len(data), "path": file} for file, data in files.items()
                ]
                return self.answer(json.dumps(listed).encode())
            if path == f"api/models/{name}" or path.startswith(f"api/models/{name}/revision/"):
                siblings = [{"rfilename": file} for file in files]
                info = {"_id": "0", "id": name, "sha": COMMIT, "private": False, "tags": [], "siblings": siblings}
                return self.answer(json.dumps(info).encode())
            if path.startswith(f"{name}/resolve/") and (file := path.split("/", 4)[-1]) in files:
                self.server.fetched.append(file)
                return self.answer(files[file])
        return self.answer(b"{}", 404)

    def answer(self, data: bytes, status: int = 200) -> None:
        self.send_response(status)
        if status == 404:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)


@pytest.fixture
def hub(encoder: Path) -> Iterator[Hub]:
    good = {path.name: path.read_bytes() for path in encoder.iterdir()}
    pickled = {"pytorch_model.bin": b"a program", **{k: v for k, v in good.items() if k != "model.safetensors"}}
    extras = {"modeling_own.py": b"raise SystemExit", "onnx/model.onnx": b"big", "pytorch_model.bin": b"a program"}
    server = Hub({"org/tiny": {**good, **extras}, "org/pickled": pickled})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_encoder_of_a_hub(hub: Hub, tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("HF_HUB_OFFLINE", "XTRANSFER_HUB_DIR")
    }
    environment |= {"HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}", "HF_HOME": str(tmp_path)}
    script = "\n".join(line.removeprefix("    ") for line in SCRIPT.splitlines())
    command = [sys.executable, "-c", script, "org/tiny", "org/pickled", "org/none"]
    ended = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, cwd=Path(__file__).parents[2]
    )
    assert ended.returncode == 0, ended.stderr
    tiny, pickled, none = json.loads(ended.stdout.splitlines()[-1])
    assert tiny[:2] == [f"org/tiny@{COMMIT[:12]}", 32]
    assert pickled[0] == "RequestError" and "pytorch_model.bin" in pickled[1] and "convert it" in pickled[1]
    assert none[0] == "RequestError" and "no encoder 'org/none'" in none[1]
    assert not {"modeling_own.py", "pytorch_model.bin", "onnx/model.onnx"} & set(hub.fetched)
