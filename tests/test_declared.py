"""What people declare in YAML and with `--set`: whatever is no declaration ends in a sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from flows.commands.common import setting
from xtransfer.base.declared import LARGEST_SEED, LONGEST_NAME, read
from xtransfer.base.errors import RequestError
from xtransfer.planning.single_runs import intermediate_training
from xtransfer.study.builtin import find
from xtransfer.study.encoders import resolve
from xtransfer.study.study import Study
from xtransfer.watch.watch import Watch

NO_YAML = [
    "2026-99-99", "2026-01-01 25:00:00", "2026-01-01T00:00:00+99:99", "0x_", "0b_", "!!float x", "!!int ''",
    "!!bool x", "!!timestamp x", "!!python/object:os.system x", "9" * 5000, "[" * 2000, "{[a]: b}", "\x00", "*x", "}",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_YAML)
def test_what_yaml_does_not_read_is_named(text: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"^--set seeds=.*not valid YAML") as refused:
        setting(f"seeds={text}")
    assert "sys." not in str(refused.value)
    file = tmp_path / "study.yaml"
    file.write_text(f"name: a\nseeds: {text}\n", encoding="utf-8")
    with pytest.raises(RequestError, match=r"study\.yaml: not valid YAML"):
        read(Study, file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("question=\ud800", "not valid YAML"),
        (r'question="\ud800"', r"has the character '\\ud800', which cannot be stored"),
        (r'question="a\0"', r"has the character '\\x00'"),
        (r'small={a: {b: ["\e[2J"]}}', r"has the character '\\x1b'"),
        ("seeds=[99999999999999999999]", "a number of 67 bits is too large"),
        ("seeds=[2147483648]", "seeds.0: .*less than or equal to 2147483647"),
        ("seeds=[-1]", "seeds.0: .*greater than or equal to 0"),
        ("intermediate_rows=0x" + "f" * 400, "a number of 1600 bits is too large"),
        (f"name={'x' * 300}", "name: has 300 characters; a name has at most 100"),
        ("small=&a [*a]", "refers to itself"),
        ("target_recipe.clip_norm=.inf", "clip_norm: .*finite"),
        ("targets.².x=1", "write targets.0.field"),
        (f"targets.{'9' * 5000}.x=1", "write targets.0.field"),
    ],
)
def test_what_no_study_can_hold_is_refused_at_once(text: str, said: str) -> None:
    with pytest.raises(RequestError, match=said) as refused:
        find("lab").with_settings(dict([setting(text)]))
    assert len(str(refused.value)) < 6000


def test_many_values_from_few_lines_are_not_unfolded(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (tmp_path / "study.yaml").write_text("\n".join(lines))
    with pytest.raises(RequestError, match="more than 100000 values"):
        read(Study, tmp_path / "study.yaml")


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").symlink_to("/dev/zero")
    with pytest.raises(RequestError, match=r"study\.yaml: more than 16 MiB, too large for a declaration"):
        read(Study, tmp_path / "study.yaml")


@pytest.mark.parametrize("seed", ["99999999999999999999", "2147483648", "9" * 5000, "-1", "01", "٣"])
def test_seeds_that_cannot_be_recorded_are_refused_for_encoders(seed: str) -> None:
    with pytest.raises(RequestError, match="needs a seed: lab-mini@0"):
        resolve(f"lab-mini@{seed}")


def test_seeds_that_cannot_be_recorded_are_refused_for_single_runs() -> None:
    with pytest.raises(RequestError, match=f"seeds: {LARGEST_SEED + 1} is not from 0 to {LARGEST_SEED}"):
        intermediate_training("lab-mini@0", "lab-nli@en", [0, LARGEST_SEED + 1])


@pytest.mark.parametrize("name", ["..", ".hidden", "-x", "_", "a/b", "A"])
def test_a_name_that_is_refused_says_what_it_may_begin_with(name: str) -> None:
    with pytest.raises(RequestError, match=f"'{re.escape(name)}' is not a valid name; .* a letter or digit first"):
        find("lab").with_settings({"name": name})


def test_the_longest_names_of_a_watch_make_names_of_studies() -> None:
    values: dict[str, Any] = {"sources": ["/x/*"], "evaluate": {"targets": ["xnli"]}}
    watch = Watch.model_validate({"name": "w" * LONGEST_NAME, **values})
    name = watch.study_name(f"/x/{'y' * 250}", "0123456789")
    assert len(name) == LONGEST_NAME and name.endswith("-01234567")
    short = Watch.model_validate({"name": "w", **values}).study_name("/x/Checkpoint 7@x", "0123456789")
    assert short == "w-checkpoint-7-01234567"


@pytest.mark.parametrize("change", [{"lost_minutes": 1e300}, {"steady_seconds": float("inf")}])
def test_times_that_no_clock_has_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        Watch.model_validate({"name": "w", "sources": ["/x/*"], "evaluate": {"targets": ["xnli"]}, **change})
