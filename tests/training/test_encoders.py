from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub.errors import RepositoryNotFoundError

from xtransfer.base.errors import RequestError, SourceError
from xtransfer.study.encoders import ENCODERS, resolve

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XTRANSFER_HUB_DIR", raising=False)


def hub_says(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[tuple[str, str]]:
    asked = []

    def model_info(self: Any, name: str, *, revision: str, timeout: float) -> Any:
        asked.append((name, revision))
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(sha=answer, siblings=None)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    return asked


def test_trained_here() -> None:
    ref = resolve("lab-tiny@3")
    assert (ref.slug, ref.source, ref.id, ref.revision) == ("lab-tiny@3", "trained-here", "lab-tiny", "3")
    for text in ("lab-tiny", "lab-tiny@x", "lab-tiny@01"):
        with pytest.raises(RequestError, match="lab-tiny@0"):
            resolve(text)


def test_catalogue_names_can_be_told_from_hub_ids() -> None:
    assert all("/" not in name and "@" not in name for name in ENCODERS)


def test_a_misspelt_name_fails_without_asking_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = hub_says(monkeypatch, COMMIT)
    with pytest.raises(RequestError, match="did you mean 'lab-tiny'"):
        resolve("lab-tinny@0")
    with pytest.raises(RequestError, match=r"\(known: .*lab-tiny"):
        resolve("not a name")
    assert not asked


def test_hub_ids_are_pinned_to_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = hub_says(monkeypatch, COMMIT)
    ref = resolve("xlm-roberta-base")
    assert (ref.slug, ref.source, ref.id) == ("xlm-roberta-base@0123456789ab", "hub", "xlm-roberta-base")
    assert ref.revision == COMMIT
    assert resolve("org/name@v2").revision == COMMIT
    assert asked == [("xlm-roberta-base", "main"), ("org/name", "v2")]
    assert resolve(f"org/name@{COMMIT}").revision == COMMIT and len(asked) == 2  # nothing left to ask


def test_what_the_hub_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    response = SimpleNamespace(headers={}, request=None, status_code=404)
    hub_says(monkeypatch, RepositoryNotFoundError("404", response=response))  # type: ignore[arg-type]
    with pytest.raises(RequestError, match=r"did you mean 'lab-tiny'.*the hub has no such model"):
        resolve("lab-tinny")


def test_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    hub_says(monkeypatch, ConnectionError("no route"))
    with pytest.raises(SourceError, match=r"no route.*name a local folder.*XTRANSFER_HUB_DIR"):
        resolve("xlm-roberta-base")


def test_a_folder_is_pinned_to_its_contents(encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = resolve(str(encoder))
    assert ref.source == "folder" and Path(ref.id) == encoder and ref.slug.startswith(encoder.name + "@")
    monkeypatch.chdir(encoder.parent)
    assert resolve(f"./{encoder.name}") == ref
    with pytest.raises(RequestError, match="is not a folder"):
        resolve("./nothing-there")
    with pytest.raises(RequestError, match=r"has no config\.json"):
        resolve(str(encoder.parent))


def test_a_mirror_comes_before_the_hub(encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = hub_says(monkeypatch, COMMIT)
    (tmp_path / "org").mkdir()
    (tmp_path / "org" / "name").symlink_to(encoder)
    monkeypatch.setenv("XTRANSFER_HUB_DIR", str(tmp_path))
    ref = resolve("org/name")
    assert ref.source == "folder" and ref.slug.startswith("org/name@") and not asked
    assert ref.revision == resolve(str(encoder)).revision
