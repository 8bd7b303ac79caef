"""A study is a value: the same from Python, YAML and settings; what is wrong with it is said at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xtransfer.base.errors import RequestError
from xtransfer.recipes.pooling import Pooling
from xtransfer.study.intermediate import Intermediate, MixturePart
from xtransfer.study.study import Study, Target, make, read

VALUES = {
    "name": "small",
    "encoders": ["lab-tiny@0"],
    "intermediates": ["direct", "lab-nli@de", "lab-nli@tr~lab-marian"],
    "targets": ["lab-inference"],
    "seeds": [1, 2],
}


def test_text_and_values_make_the_same_study() -> None:
    study = make(VALUES)
    assert study.intermediates[2] == Intermediate(
        parts=(MixturePart(benchmark="lab-nli", language="tr", engine="lab-marian"),)
    )
    assert make(study.model_dump(mode="json")) == study


@pytest.mark.parametrize(
    "slug",
    [
        "direct",
        "nli@de",
        "nli@de~org/engine",
        "nli@en+squad@en",
        "nli@en+squad@en*0.5",
        "nli@en,de,fr+squad@en",
        "nli@en~org/engine+nli@de,fr~org/engine*0.25+nli@de,fr",
        "nli@de~org/engine*3+text@sw*0.25:cap5000:temperature2",
        "pairs@de+nli@en:rotation",
    ],
)
def test_slugs_read_back(slug: str) -> None:
    assert Intermediate.parse(slug).slug == slug


@pytest.mark.parametrize(
    ("slug", "said"),
    [
        ("nli@en+squad@en*much", "'squad@en\\*much': weight 'much' is not valid"),
        ("nli@en+squad@en*0", "'squad@en\\*0': weight '0' is not valid"),
        ("nli@en+squad@en*nan", "weight 'nan' is not valid"),
        ("nli@en+squad", "'squad' is not a valid part"),
        ("nli@en+squad@en:cap0", "cap: must be greater than 0, got 0"),
        ("nli@en+squad@en:most", "':most' is not a valid sampling, expected :capN"),
        ("nli@en:cap500", "need a mixture of at least two parts"),
        ("nli@en*2", "need a mixture of at least two parts"),
        ("direct:rotation", "need a mixture of at least two parts"),
        ("nli@en+nli@en", "part nli@en occurs twice"),
        ("nli@en,de,en", "part nli@en occurs twice"),
        ("nli@en,", "'nli@en,' is not a valid part"),
        ("nli@en*2+squad@en:rotation", "remove the weight of nli@en\\*2"),
    ],
)
def test_a_mixture_that_cannot_be_says_which_part_is_wrong(slug: str, said: str) -> None:
    with pytest.raises(RequestError, match=f"intermediates.0: .*{said}"):
        make({**VALUES, "intermediates": [slug]})


def test_languages_of_a_part_are_written_together() -> None:
    apart = Intermediate.parse("nli@en+text@de*0.5+text@sw*0.5")
    assert apart.slug == "nli@en+text@de,sw*0.5"
    assert [part.slug for part in apart.parts] == ["nli@en", "text@de*0.5", "text@sw*0.5"]
    assert Intermediate.parse(apart.slug) == apart


def test_a_mixture_is_the_same_from_text_and_values() -> None:
    values = {
        "parts": [{"benchmark": "nli"}, {"benchmark": "text", "language": "sw", "weight": 0.5}],
        "sampling": {"cap": 100},
    }
    study = make({**VALUES, "intermediates": [values]})
    assert study.intermediates[0] == Intermediate.parse("nli@en+text@sw*0.5:cap100")


def test_phases_in_sequence() -> None:
    slug = "siqa@en>copa@en+text@de,sw:cap9>nli@en"
    three = Intermediate.parse(slug)
    assert three.slug == slug and [phase.slug for phase in three.phases] == slug.split(">")
    assert [part.benchmark for part in three.all_parts] == ["siqa", "copa", "text", "text", "nli"]
    assert Intermediate.of(three.phases) == three
    assert Intermediate.of(three.phases[:1]) == Intermediate.parse("siqa@en")
    study = make({**VALUES, "intermediates": ["direct", slug]})
    assert study.intermediates[1] == three and make(study.model_dump(mode="json")) == study
    assert Intermediate.parse("direct").phases == () and Intermediate.parse("siqa@en").earlier == ()


@pytest.mark.parametrize(
    ("slug", "said"),
    [
        ("siqa@en>direct", "one of its phases is empty"),
        ("direct>siqa@en", "one of its phases is empty"),
        ("siqa@en>", "'' is not a valid part"),
        ("siqa@en>copa@en+copa@en", "part copa@en occurs twice"),
        ("siqa@en>copa@en:cap5", "weights and sampling need a mixture"),
    ],
)
def test_phases_that_cannot_be(slug: str, said: str) -> None:
    with pytest.raises(RequestError, match=f"intermediates.1: .*{said}"):
        make({**VALUES, "intermediates": ["direct", slug]})


def test_a_target_may_train_on_another_benchmark() -> None:
    target = Target.parse("xnli<lingnli-b")
    assert (target.benchmark, target.train_on, target.slug) == ("xnli", ("lingnli-b",), "xnli<lingnli-b")


@pytest.mark.parametrize(
    ("slug", "expected"),
    [
        ("xnli", {}),
        ("xcopa<siqa,copa", {"train_on": ("siqa", "copa")}),
        ("tatoeba:layer7", {"pooling": Pooling(layer=7)}),
        ("tatoeba:layer0:cls", {"pooling": Pooling(layer=0, how="cls")}),
        ("xnli:as-is", {"fine_tune": False}),
        ("xnli:bf16", {"precision": "bf16"}),
        ("xnli<lingnli-b:dev:first500", {"train_on": ("lingnli-b",), "split": "dev", "score_rows": 500}),
        ("xnli:as-is:dev:first8", {"fine_tune": False, "split": "dev", "score_rows": 8}),
    ],
)
def test_target_slugs_read_back(slug: str, expected: dict[str, object]) -> None:
    target = Target.parse(slug)
    assert target == Target(benchmark=slug.partition("<")[0].partition(":")[0], **expected)
    assert target.slug == slug
    assert Target.parse(target.slug) == target
    assert make({**VALUES, "targets": [slug]}).targets == (target,)


def test_marks_of_a_target_come_in_any_order() -> None:
    assert Target.parse("tatoeba:cls:first9:layer3:dev").slug == "tatoeba:dev:first9:layer3:cls"


@pytest.mark.parametrize("slug", ["xnli:test", "xnli:layer", "xnli:first0", "xnli:", "tatoeba:max", "xnli:Layer7"])
def test_marks_that_are_none_are_refused(slug: str) -> None:
    with pytest.raises(ValueError, match=":as-is, :dev, :firstN, :layerN, :cls, :last, "):
        Target.parse(slug)
    with pytest.raises(RequestError, match=r"targets\.0.* is not a valid mark"):
        make({**VALUES, "targets": [slug]})


def test_a_target_as_it_comes_is_not_trained() -> None:
    with pytest.raises(RequestError, match="need fine_tune"):
        make({**VALUES, "targets": ["xnli<lingnli-b:as-is"]})


def test_two_ways_to_score_one_benchmark_are_two_targets() -> None:
    assert len(make({**VALUES, "targets": ["xnli", "xnli:dev", "xnli<lingnli-b", "xnli:first9"]}).targets) == 4
    with pytest.raises(RequestError, match="listed twice: tatoeba:dev:cls"):
        make({**VALUES, "targets": ["tatoeba:cls:dev", "tatoeba:dev:cls"]})


def test_settings_replace_fields_paths_and_singulars() -> None:
    changed = make(VALUES).with_settings(
        {"encoder": "xlm-roberta-base", "intermediate_recipe.epochs": 7, "targets.0.train_rows": 50}
    )
    assert changed.encoders == ("xlm-roberta-base",)
    assert changed.intermediate_recipe.epochs == 7
    assert changed.targets[0].train_rows == 50


def test_settings_reach_inner_values_of_a_recipe() -> None:
    changed = make(VALUES).with_settings({"target_recipe.precision": "bf16", "intermediate_recipe.dual.scale": 20})
    assert changed.target_recipe.precision == "bf16"
    assert changed.intermediate_recipe.dual.scale == 20


def test_every_fault_is_listed_with_its_field() -> None:
    with pytest.raises(RequestError) as caught:
        make({**VALUES, "seeds": "many", "sedes": [1], "intermediates": ["lab-nli"]})
    for part in ("seeds", "sedes: no such field; did you mean 'seeds'?", "intermediates.0", "benchmark@language"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "a/b"),
        ("seeds", [1, 1]),
        ("seeds", []),
        ("targets", ["lab-inference", "lab-inference"]),
        ("intermediate_recipe", {"epochs": 1, "steps": 1}),
        ("intermediate_recipe", {"epochs": 1, "learning_rate": 3}),
    ],
)
def test_values_out_of_range_are_refused(field: str, value: object) -> None:
    with pytest.raises(RequestError, match=field):
        make({**VALUES, field: value})


def test_unknown_setting_is_refused() -> None:
    with pytest.raises(RequestError, match="no field 'epoch'"):
        make(VALUES).with_settings({"intermediate_recipe.epoch": 1})
    with pytest.raises(RequestError, match="no field 'targets'"):
        make(VALUES).with_settings({"intermediate_recipe.targets.0": 1})


def test_a_small_version_may_get_settings_of_its_own() -> None:
    assert make(VALUES).with_settings({"small.seed": 7}).shrunk().seeds == (7,)


def test_small_needs_a_declaration() -> None:
    with pytest.raises(RequestError, match="has no small version"):
        make(VALUES).shrunk()
    small = make({**VALUES, "small": {"seeds": [1]}}).shrunk()
    assert (small.name, small.seeds, small.small) == ("small-small", (1,), {})


def test_yaml_files(tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(
        "name: small\nencoders: [lab-tiny@0]\nintermediates: [direct]\ntargets: [lab-inference]\nseeds: [3]\n"
    )
    assert isinstance(read(file), Study)
    file.write_text("name: [unclosed")
    with pytest.raises(RequestError, match=r"study\.yaml: not valid YAML"):
        read(file)
    file.write_text("- a list")
    with pytest.raises(RequestError, match="expected a mapping"):
        read(file)
    with pytest.raises(RequestError, match="cannot be read"):
        read(tmp_path / "missing.yaml")


def test_a_form_offers_slugs_and_names_of_recipes_and_refuses_bad_names() -> None:
    fields = Study.model_json_schema()["properties"]
    for name in ("intermediates", "targets"):
        assert fields[name]["items"]["anyOf"][0] == {"type": "string"}
    for name in ("intermediate_recipe", "target_recipe"):
        assert {"type": "string"} in fields[name]["anyOf"]
        assert fields[name]["title"] == name.replace("_", " ").title()
    assert re.fullmatch(fields["name"]["pattern"], "lab-full.2") and not re.search(
        fields["name"]["pattern"], "My study"
    )
