"""Which GPUs there are: asked of a torch that only claims to see some, since this machine may have none."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.stages.test_isolated import _pretraining
from xtransfer.base.errors import RequestError
from xtransfer.stages import devices, execute, server
from xtransfer.stages.devices import Device, gpus
from xtransfer.stages.isolated import StageProcesses
from xtransfer.stages.slots import Slot, slots

TORCH = """
import os
from types import SimpleNamespace
UUIDS = ["aa11", "aa22", "bb33"]
def visible():
    found = []
    for entry in os.environ.get("CUDA_VISIBLE_DEVICES", "0,1,2").split(","):
        entry = entry.strip()
        if entry.startswith("MIG-"):
            return found or [1]  # a process sees one part alone
        matching = [n for n, uuid in enumerate(UUIDS) if f"GPU-{uuid}".startswith(entry)]
        number = int(entry) if entry.isdecimal() else matching[0] if len(matching) == 1 else 9
        if number >= 3:
            break
        found.append(number)
    return found
def properties(number):
    number = visible()[number]
    return SimpleNamespace(name="Some GPU", uuid=UUIDS[number], pci_domain_id=0, pci_bus_id=number, pci_device_id=0)
cuda = SimpleNamespace(device_count=lambda: len(visible()), get_device_properties=properties)
"""


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    devices._seen.cache_clear()
    devices._tell.cache_clear()


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with three GPUs, and what its driver shows; torch is built for CUDA."""
    for number in range(3):
        (tmp_path / "gpus" / f"0000:0{number}:00.0").mkdir(parents=True)
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "torch.py").write_text(TORCH)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    monkeypatch.setattr(devices, "_built_for", lambda: "cuda")
    monkeypatch.setattr(devices, "_has_driver", lambda: True)
    return tmp_path / "gpus"


@pytest.mark.parametrize(
    "visible, seen",
    [
        (None, [0, 1, 2]),
        ("", []),
        ("-1", []),
        ("2,0", [2, 0]),
        ("GPU-bb33,GPU-aa11", [2, 0]),
        ("GPU-b", [2]),
        ("GPU-aa", []),  # two begin like this
        ("0,7,1", [0]),  # what follows an entry that names nothing is not seen
        (" 1 , 2", [1, 2]),
    ],
)
def test_devices_are_those_that_torch_sees(
    driver: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, seen: list[int]
) -> None:
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    uuids = ("aa11", "aa22", "bb33")
    assert gpus(driver) == [
        Device(f"cuda:{number}", driver / f"0000:0{own}:00.0", f"GPU-{uuids[own]}") for number, own in enumerate(seen)
    ]


def test_without_a_drivers_folder_devices_keep_their_entries(driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on WSL2 and Jetson."""
    nowhere = driver / "nowhere"
    assert gpus(nowhere) == [Device(f"cuda:{number}", None, str(number)) for number in range(3)]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-aa1")
    assert gpus(nowhere) == [Device("cuda:0", None, "2"), Device("cuda:1", None, "GPU-aa1")]
    assert not gpus(nowhere)[0].is_gone()


def test_each_part_of_a_gpu_is_a_device(driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-0123,MIG-4567")
    folder = driver / "0000:01:00.0"
    assert gpus(driver) == [Device("cuda:0", folder, "MIG-0123"), Device("cuda:1", folder, "MIG-4567")]


def test_a_device_is_gone_with_its_folder(driver: Path) -> None:
    first = gpus(driver)[0]
    assert not first.is_gone()
    assert first.folder is not None
    shutil.rmtree(first.folder)
    assert first.is_gone() and Slot("cuda:0", 1, (first,)).gone() == ["cuda:0"] and not Slot("cpu", 1).gone()


def test_torch_is_asked_once_and_the_choice_is_logged(
    driver: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str | None] = []
    true_asked = devices._asked
    monkeypatch.setattr(devices, "_asked", lambda visible: asked.append(visible) or true_asked(visible))
    with caplog.at_level(logging.INFO):
        assert gpus(driver) == gpus(driver) and asked == [None]
    assert [one.message for one in caplog.records] == [
        "stages run on cuda:0 (Some GPU), cuda:1 (Some GPU), cuda:2 (Some GPU)"
    ]


def test_a_torch_that_fails_is_not_taken_for_no_gpu(driver: Path, tmp_path: Path) -> None:
    (tmp_path / "packages" / "torch.py").write_text("raise OSError('libcudart.so.13: no such file')")
    with pytest.raises(
        RequestError, match=r"libcudart\.so\.13: no such file\); .* set CUDA_VISIBLE_DEVICES to nothing"
    ):
        gpus(driver)


@pytest.mark.parametrize(
    ("built_for", "has_driver", "said"),
    [
        (None, True, "this torch is built for CPUs"),
        ("cuda", False, "CUDA_VISIBLE_DEVICES is 9, but no CUDA driver is installed"),
        ("cuda", True, "CUDA_VISIBLE_DEVICES is 9, but torch sees no such GPU"),
    ],
)
def test_a_gpu_that_was_asked_for_and_cannot_be_used_is_reported(
    driver: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    built_for: str | None,
    has_driver: bool,
    said: str,
) -> None:
    monkeypatch.setattr(devices, "_built_for", lambda: built_for)
    monkeypatch.setattr(devices, "_has_driver", lambda: has_driver)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "9")
    assert gpus(driver) == []
    assert caplog.records[0].levelname == "WARNING" and said in caplog.records[0].message


def test_what_torch_is_built_for_is_read_without_importing_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torch

    assert devices._built_for() == ("cuda" if torch.version.cuda else "hip" if torch.version.hip else None)
    spec = type("Spec", (), {"submodule_search_locations": [str(tmp_path)]})
    monkeypatch.setattr(devices, "find_spec", lambda name: spec)
    for text, expected in (
        ("cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n", "cuda"),
        ("cuda: Optional[str] = None\nhip: Optional[str] = '6.4'\n", "hip"),
        ("cuda: Optional[str] = None\nhip: Optional[str] = None\n", None),
    ):
        (tmp_path / "version.py").write_text(text)
        assert devices._built_for() == expected


def test_a_stages_process_sees_its_own_devices_alone(driver: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the slots to what the stage runs on; no stage is computed."""
    requests: list[dict[str, Any]] = []
    ran: list[tuple[str | None, str, list[str]]] = []
    monkeypatch.setattr(
        StageProcesses, "_ask", lambda self, stage, request, handles: requests.append(json.loads(request))
    )
    monkeypatch.setattr(StageProcesses, "_follow", lambda *_: None)
    monkeypatch.setattr("xtransfer.stages.slots.gpus", lambda: gpus(driver))
    monkeypatch.setattr(server, "_limit_threads", lambda count: None)

    def execution(stage: Any, store: Any, progress: Any, device: str, several: list[str], wait: bool) -> Any:
        ran.append((server.os.environ.get("CUDA_VISIBLE_DEVICES"), device, several))
        raise RequestError("enough")

    monkeypatch.setattr(execute, "execute", execution)
    processes = StageProcesses(str(driver))
    for slot in (*slots(), *slots(devices_per_stage=2), Slot("cpu", 1)):
        processes.run(_pretraining(1), slot)
    for request in requests:
        with monkeypatch.context() as own:
            own.setenv("CUDA_VISIBLE_DEVICES", "all")
            server._run(request, _Deaf())  # type: ignore[arg-type]
    assert ran == [
        ("GPU-aa11", "cuda:0", []),
        ("GPU-aa22", "cuda:0", []),
        ("GPU-bb33", "cuda:0", []),
        ("GPU-aa11,GPU-aa22", "cuda:0", ["cuda:0", "cuda:1"]),
        ("all", "cpu", []),
    ]


class _Deaf:
    """A channel that nobody listens to."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None
