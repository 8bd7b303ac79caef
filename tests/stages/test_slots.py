"""Slots share out GPUs and cores; a device that is gone gets no more stages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from xtransfer.base.errors import DeviceLost, RequestError
from xtransfer.stages import slots as module
from xtransfer.stages.devices import Device
from xtransfer.stages.limits import parse_timeouts
from xtransfer.stages.slots import Pool, Slot, slots


def _machine(monkeypatch: pytest.MonkeyPatch, num_gpus: int, cores: int = 16) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.setattr(module, "gpus", lambda: [Device(f"cuda:{number}") for number in range(num_gpus)])


def _devices(found: list[Slot]) -> list[str]:
    return [slot.device for slot in found]


def test_cores_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine(monkeypatch, 0)
    assert slots() == [Slot("cpu", 2)] * 8
    assert slots(2) == [Slot("cpu", 8)] * 2
    assert slots(per_device=3) == slots()


def test_gpus_have_a_slot_each_or_as_many_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine(monkeypatch, 2)
    assert _devices(slots()) == ["cuda:0", "cuda:1"]
    assert _devices(slots(4)) == ["cuda:0", "cuda:1", "cuda:0", "cuda:1"]
    monkeypatch.setenv("XTRANSFER_STAGES_PER_DEVICE", "3")
    assert sorted(_devices(slots())) == ["cuda:0"] * 3 + ["cuda:1"] * 3
    with pytest.raises(RequestError, match="set one of them"):
        slots(4)
    monkeypatch.setenv("XTRANSFER_STAGES_PER_DEVICE", "many")
    with pytest.raises(RequestError, match="XTRANSFER_STAGES_PER_DEVICE: 'many' is not a whole number"):
        slots()


def test_one_training_or_several_small_stages_per_device(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine(monkeypatch, 2, cores=12)
    pool = Pool(slots(per_device=3))
    small = pool.take("score")
    assert small == Slot("cuda:0", 2, (Device("cuda:0"),))
    training = pool.take("train")
    assert training is not None and (training.device, training.threads) == ("cuda:1", 6)
    assert pool.take("train") is None
    more = [pool.take("score"), pool.take("translate")]
    assert [slot and slot.device for slot in more] == ["cuda:0", "cuda:0"]
    assert pool.take("score") is None
    pool.give_back(training)
    assert len(pool) == 6 and pool.take("train") == training


def test_asked_slots_take_any_stage_and_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine(monkeypatch, 2)
    pool = Pool(slots(4))
    taken = [pool.take("train") for _ in range(4)]
    assert sorted(slot.device for slot in taken if slot) == ["cuda:0", "cuda:0", "cuda:1", "cuda:1"]
    assert taken[0] and taken[1] and taken[0].device != taken[1].device and pool.take("score") is None


def test_a_lost_device_gets_no_more_stages(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    _machine(monkeypatch, 2)
    pool = Pool(slots())
    lost = pool.take("train")
    assert lost is not None
    pool.lose(lost)
    pool.give_back(lost)
    assert f"{lost.device} is gone and gets no more stages" in caplog.text
    left = pool.take("train")
    assert left is not None and left.device != lost.device and pool.take("train") is None
    pool.lose(left)
    with pytest.raises(DeviceLost, match="all devices of this machine are gone"):
        pool.take("score")


def test_slots_of_several_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(module, "gpus", lambda: [Device(f"cuda:{number}") for number in range(5)])
    assert slots(devices_per_stage=2) == [
        Slot("cuda:0", 2, (Device("cuda:0"), Device("cuda:1")), 2, ("cuda:0", "cuda:1")),
        Slot("cuda:2", 2, (Device("cuda:2"), Device("cuda:3")), 2, ("cuda:2", "cuda:3")),
    ]
    assert slots(1, devices_per_stage=5)[0].devices == tuple(f"cuda:{number}" for number in range(5))
    with pytest.raises(
        RequestError, match=r"2 devices per stage, 3 at a time: this machine has 5 devices \(cuda:0, cuda:1"
    ):
        slots(3, devices_per_stage=2)
    with pytest.raises(RequestError, match="not both"):
        slots(per_device=2, devices_per_stage=2)
    monkeypatch.setattr(module, "gpus", list)
    assert slots(2, devices_per_stage=2) == [Slot("cpu", 2, parts=2, devices=("cpu", "cpu"))] * 2


def _group(size: int, folder: Path) -> Pool:
    """A group of GPUs that exist as long as their folders do."""
    places = tuple(Device(f"cuda:{number}", folder / str(number), f"GPU-{number}") for number in range(size))
    for place in places:
        assert place.folder is not None
        place.folder.mkdir()
    names = tuple(place.name for place in places)
    return Pool([Slot("cuda:0", 2, places, size, names, ",".join(f"GPU-{number}" for number in range(size)))])


def test_a_small_stage_takes_one_device_of_a_group(tmp_path: Path) -> None:
    pool = _group(3, tmp_path)
    small = [pool.take(kind) for kind in ("score", "translate", "score")]
    assert [slot and (slot.device, slot.visible, slot.threads) for slot in small] == [
        (f"cuda:{number}", f"GPU-{number}", 2) for number in range(3)
    ]
    assert all(slot and slot.in_process() == ("cuda:0", ()) for slot in small)
    assert pool.take("score") is None and pool.take("train") is None
    for slot in small:
        assert slot is not None
        pool.give_back(slot)
    training = pool.take("train")
    assert training is not None and training.in_process() == ("cuda:0", ("cuda:0", "cuda:1", "cuda:2"))
    assert training.threads == 6 and training.visible == "GPU-0,GPU-1,GPU-2" and pool.take("score") is None
    pool.give_back(training)
    assert pool.take("train") == training


def test_small_stages_use_every_core_of_a_group_on_the_cpu() -> None:
    pool = Pool([Slot("cpu", 1, parts=2, devices=("cpu", "cpu"))] * 2)
    taken = [pool.take("score") for _ in range(5)]
    assert taken == [Slot("cpu", 1)] * 4 + [None]
    for slot in taken[:4]:
        assert slot is not None
        pool.give_back(slot)
    assert pool.take("train") == pool.take("train") == Slot("cpu", 2, parts=2, devices=("cpu", "cpu"))
    assert pool.take("score") is None


def test_a_lost_second_device_is_noticed_and_the_others_train_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pool = _group(3, tmp_path)
    training = pool.take("train")
    assert training is not None and not training.gone()
    (tmp_path / "1").rmdir()
    assert training.gone() == ["cuda:1"]
    pool.give_back(training)
    pool.lose(training)
    assert "cuda:1 is gone and gets no more stages; devices left: cuda:0, cuda:2" in caplog.text
    pair = pool.take("train")
    assert pair is not None and pair.devices == ("cuda:0", "cuda:2") and pair.visible == "GPU-0,GPU-2"
    (tmp_path / "0").rmdir()
    pool.lose(pair)
    pool.give_back(pair)
    last = pool.take("train")
    assert last is not None and last.in_process() == ("cuda:0", ()) and last.visible == "GPU-2"
    assert pool.device == "cuda:2" and pool.take("score") is None
    (tmp_path / "2").rmdir()
    pool.lose(last)
    with pytest.raises(DeviceLost, match="all devices of this machine are gone"):
        pool.take("train")


def test_parts_of_a_gpu_do_not_train_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "gpus", lambda: [Device(f"cuda:{one}", visible=f"MIG-{one}") for one in range(2)])
    assert [slot.visible for slot in slots()] == ["MIG-0", "MIG-1"]
    with pytest.raises(RequestError, match=r"a single part of a GPU \(MIG\)"):
        slots(devices_per_stage=2)


@pytest.mark.parametrize("text", ["inf", "train=nan", "score=0", "any=-1", "1e300", "train=2000000"])
def test_hours_that_no_timer_has_are_refused(text: str) -> None:
    with pytest.raises(RequestError, match=r"timeout_hours: .*; use more than 0 hours and at most 1e\+06"):
        parse_timeouts([text])
    assert parse_timeouts(["train=24", "1e6"]) == {"train": 24, "any": 1e6}


def test_numbers_that_are_no_workers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("²", "9" * 5000, "0", "1025", "-1"):
        monkeypatch.setenv("XTRANSFER_WORKERS", text)
        with pytest.raises(RequestError, match="is not a whole number from 1 to 1024"):
            slots()
