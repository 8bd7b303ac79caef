"""A stand-in for S3: moto's server in a process of its own, on loopback or another address of this machine."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

import pytest

_START_SECONDS = 120
_KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass(frozen=True)
class Bucket:
    """A bucket of the stand-in."""

    endpoint: str
    name: str

    @property
    def url(self) -> str:
        return f"s3://{self.name}/artifacts"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to speak to the stand-in."""
        return {**_KEYS, "AWS_ENDPOINT_URL": self.endpoint, "AWS_EC2_METADATA_DISABLED": "true"}

    def keys(self) -> set[str]:
        """Every object below the URL."""
        import boto3

        client = boto3.client("s3", endpoint_url=self.endpoint, aws_access_key_id="test",
                              aws_secret_access_key="test", region_name="us-east-1")  # fmt: skip
        found = client.list_objects_v2(Bucket=self.name).get("Contents", [])
        return {one["Key"].removeprefix("artifacts/") for one in found}


@contextmanager
def s3(host: str = "127.0.0.1") -> Iterator[str]:
    """The endpoint of a running stand-in; the test is skipped where moto is not installed."""
    if find_spec("moto") is None or find_spec("s3fs") is None or find_spec("flask") is None:
        pytest.skip("moto, flask or s3fs is not installed: pip install 'xtransfer[dev,s3]'")
    port = _free_port(host)
    command = [sys.executable, "-m", "moto.server", "--host", host, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            endpoint = f"http://{host}:{port}"
            _wait(process, f"{endpoint}/moto-api/data.json")
            _forget_others()
            yield endpoint
        finally:
            process.terminate()


def _forget_others() -> None:
    """File systems are kept by their arguments, to which the endpoint of an earlier stand-in does not belong."""
    from s3fs import S3FileSystem

    S3FileSystem.clear_instance_cache()


def make_bucket(endpoint: str, name: str) -> Bucket:
    request = urllib.request.Request(f"{endpoint}/{name}", method="PUT")
    urllib.request.urlopen(request, timeout=30).close()
    return Bucket(endpoint, name)


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            urllib.request.urlopen(address, timeout=10).close()
            return
        except (urllib.error.URLError, OSError):
            assert process.poll() is None and time.monotonic() < deadline, "the stand-in for S3 does not answer"
            time.sleep(0.1)


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
