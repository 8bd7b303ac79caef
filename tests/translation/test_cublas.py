"""CTranslate2's library for GPUs is loaded from where it is, and its absence is told and survived."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import ctranslate2
import pytest

from tests.translation.test_ctranslate2_engine import converted
from tests.translation.tiny import make_marian
from xtransfer.translation import cublas
from xtransfer.translation.ctranslate2_engine import CTranslate2Engine


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    cublas._loaded.cache_clear()
    yield
    cublas._loaded.cache_clear()


class _Loader:
    """Stands in for `ctypes.CDLL`: loads the files that are there, records what it loaded."""

    def __init__(self, *there: str) -> None:
        self.there, self.loaded = there, list[str]()

    def __call__(self, name: str, mode: int = 0) -> None:
        if name not in self.there:
            raise OSError(f"{name}: cannot open shared object file")
        assert mode == ctypes.RTLD_GLOBAL
        self.loaded.append(name)


def _nvidia(monkeypatch: pytest.MonkeyPatch, *folders: str) -> None:
    spec = SimpleNamespace(submodule_search_locations=list(folders)) if folders else None
    monkeypatch.setattr(cublas, "find_spec", lambda name: spec if name == "nvidia" else None)


def test_the_system_s_library_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = _Loader("libcublasLt.so.12", "libcublas.so.12")
    monkeypatch.setattr(ctypes, "CDLL", loader)
    _nvidia(monkeypatch)
    assert cublas.usable("cuda:1") == cublas.usable("cuda:1") == "cuda:1"
    assert loader.loaded == ["libcublasLt.so.12", "libcublas.so.12"]  # once


def test_a_package_s_library_is_loaded_before_ctranslate2_looks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [str(Path("/b/nvidia/cublas/lib") / name) for name in ("libcublasLt.so.12", "libcublas.so.12")]
    loader = _Loader(*files)
    monkeypatch.setattr(ctypes, "CDLL", loader)
    _nvidia(monkeypatch, "/a/nvidia", "/b/nvidia")
    assert cublas.usable("cuda:0") == "cuda:0"
    assert loader.loaded == files


def test_without_it_a_model_translates_on_the_cpu_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    folder = converted(make_marian(tmp_path / "model"), tmp_path / "ours")
    monkeypatch.setattr(ctypes, "CDLL", _Loader())
    _nvidia(monkeypatch, "/a/nvidia")
    opened = list[str]()
    translator = ctranslate2.Translator

    def open_on(path: str, device: str, **options: object) -> object:
        opened.append(device)
        return translator(path, device=device, **options)

    monkeypatch.setattr(ctranslate2, "Translator", open_on)
    engine = CTranslate2Engine(folder, "cuda:0")
    assert opened == ["cpu"]
    assert "pip install 'xtransfer[cuda]'" in caplog.text and "cuda:0" in caplog.text
    assert engine.translate(["the red house"], "en", "de") == CTranslate2Engine(folder).translate(
        ["the red house"], "en", "de"
    )


def test_the_cpu_needs_none(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(ctypes, "CDLL", _Loader())
    _nvidia(monkeypatch)
    assert cublas.usable("cpu") == "cpu" and not caplog.text
