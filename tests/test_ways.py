"""Translate-train and translate-test: what is planned for them, what is shared with zero-shot, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from xtransfer.base.errors import RequestError
from xtransfer.base.stage import Stage
from xtransfer.planning import grid, needs, single_runs
from xtransfer.study.study import Target, make

PLAIN = "lab-inference"
TRAIN, TEST = f"{PLAIN}:translate-train~lab-marian", f"{PLAIN}:translate-test~parallel"
SHORT = {"epochs": 1, "max_length": 64}
VALUES = {"name": "t", "encoders": ["lab-mini@0"], "intermediates": ["lab-nli@en"], "seeds": [0],
          "target_recipe": SHORT, "intermediate_recipe": SHORT}  # fmt: skip


def _plan(*targets: Any, languages: tuple[str, ...] = ("en", "de", "tr"), **more: Any) -> grid.Plan:
    return grid.plan(make({**VALUES, "targets": targets, "languages": languages, **more}))


def _of_kind(plan: grid.Plan, kind: str) -> dict[str, Stage]:
    return {stage.key: stage for stage in plan.stages if stage.kind == kind}


def test_each_language_has_a_training_on_rows_translated_to_it() -> None:
    plan = _plan(TRAIN)
    trained, translated = _of_kind(plan, "train"), _of_kind(plan, "translate")
    score = plan.cells[0].score
    assert list(score.inputs) == ["checkpoint", "own.de", "own.tr"]
    for code in ("de", "tr"):
        stage = trained[score.inputs[f"own.{code}"]]
        rows = translated[stage.inputs["parts.0.translation"]]
        part = {"benchmark": PLAIN, "language": code, "translation": {"key": rows.key}}
        assert stage.settings["parts"] == [part]
        assert (rows.settings["language"], rows.settings["split"]) == (code, "train") and "rows" not in rows.settings
        assert stage.inputs["start"] == trained[score.inputs["checkpoint"]].inputs["start"]  # one intermediate
    assert len({stage.name for stage in trained.values()}) == len(trained) == 4


def test_the_english_training_is_the_one_of_zero_shot() -> None:
    plain, train, test = _plan(PLAIN, TRAIN, TEST).cells
    assert plain.score.inputs["checkpoint"] == train.score.inputs["checkpoint"] == test.score.inputs["checkpoint"]
    assert len({cell.key for cell in (plain, train, test)}) == 3
    assert plain.score.key == _plan(PLAIN).cells[0].score.key


def test_without_english_nothing_is_trained_in_it() -> None:
    plan = _plan(TRAIN, languages=("de",))
    assert list(plan.cells[0].score.inputs) == ["own.de"] and "checkpoint" not in plan.cells[0].score.settings
    assert len(_of_kind(plan, "train")) == 2


def test_every_phase_of_a_target_is_translated() -> None:
    plan = _plan("lab-inference<lab-nli,lab-inference:translate-train~lab-marian", languages=("de",))
    assert {one.settings["benchmark"] for one in _of_kind(plan, "translate").values()} == {"lab-nli", "lab-inference"}


def test_a_translation_serves_an_intermediate_and_a_target() -> None:
    first = f"{PLAIN}@de~lab-marian"
    plan = _plan(TRAIN, languages=("de",), intermediates=[first])
    assert len(_of_kind(plan, "translate")) == 1
    values = {"benchmark": PLAIN, "translate": "train", "engine": "lab-marian", "train_rows": 24}
    assert len(_of_kind(_plan(values, languages=("de",), intermediates=[first]), "translate")) == 2
    assert (
        len(_of_kind(_plan(values, languages=("de",), intermediates=[first], intermediate_rows=24), "translate")) == 1
    )


def test_the_rows_that_are_scored_are_translated_to_english() -> None:
    plan = _plan(f"{PLAIN}:dev:first48:translate-test~parallel")
    (score,) = _of_kind(plan, "score").values()
    assert list(score.inputs) == ["checkpoint", "translated.de", "translated.tr"]
    for code in ("de", "tr"):
        settings = _of_kind(plan, "translate")[score.inputs[f"translated.{code}"]].settings
        asked = {name: settings[name] for name in ("source", "language", "split", "rows")}
        assert asked == {"source": code, "language": "en", "split": "dev", "rows": 48}


def test_models_of_both_directions_are_needed() -> None:
    study = make({**VALUES, "intermediates": ["direct"], "languages": ["en", "de", "fr"],
                  "targets": ["xnli:translate-train~opus-mt", "xnli:translate-test~opus-mt"]})  # fmt: skip
    to, back = (f"Helsinki-NLP/opus-mt-{pair}@main" for pair in ("en-de", "de-en"))
    found = needs.of_study(study)
    assert {to, back} < set(found.engines) and len(found.engines) == 4


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("xnli:translate-test~opus-mt", r"for ar, bg, el.*opus-mt translates to en from .*; set languages to .* en, "
         "de, es, fr, ru"),
        ("xnli:translate-train~opus-mt", "translated for ar, bg, el.*opus-mt translates to de, es, fr, ru, not to ar"),
        ("xnli:translate-test~parallel:first9", None),
        ("xnli:translate-train~parallel", "xnli has no human translations of its train rows in 'ar'"),
        ("xnli:translate-test~opus", "'opus'.*did you mean"),
        ("lab-inference:translate-test~lab-marian", "from en, not from de|not to en"),
        ("xquad:translate-test~nllb-200-distilled-600m", "cannot be translated: an answer found in the English"),
        ("panx:translate-test~nllb-200-distilled-600m", "cannot be translated: tags belong to words"),
        ("tatoeba:translate-test~m2m100-418m", "cannot be translated: rows of kind bitext"),
        ("tatoeba:translate-train~m2m100-418m", "no training rows to translate"),
        ("lareqa<squad-answers:translate-train~nllb-200-distilled-600m", "cannot compare"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_when_planned(target: str, said: str | None) -> None:
    study = make({**VALUES, "intermediates": ["direct"], "targets": [target]})
    if said is None:
        assert needs.of_study(study).rows
        return
    with pytest.raises(RequestError, match=said):
        needs.of_study(study)


def test_english_alone_has_nothing_to_translate() -> None:
    with pytest.raises(RequestError, match="only English is scored"):
        _plan(TEST, languages=("en",))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"translate": "test"}, "translate and engine must be given together"),
        ({"engine": "opus-mt"}, "translate and engine must be given together"),
        ({"translate": "train", "engine": "opus-mt", "fine_tune": False}, "use translate: test"),
    ],
)
def test_fields_that_do_not_fit_together(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Target.model_validate({"benchmark": "xnli", **values})


@pytest.mark.parametrize("target", [TRAIN, TEST])
def test_fine_tuning_alone_translates_nothing(target: str) -> None:
    with pytest.raises(RequestError, match="needs a study"):
        single_runs.target_training("lab-mini@0", target, [0])
