"""A checkpoint that was exported gives the same numbers when transformers or sentence-transformers alone load it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from sentence_transformers import SentenceTransformer
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    BertModel,
    DebertaV2Config,
    DebertaV2Model,
    ElectraConfig,
    ElectraModel,
    MT5Config,
    MT5EncoderModel,
)

from tests.training.tiny import CHOICE, PAIR, RECIPE, choice_rows, make_encoder, pair_rows
from xtransfer.base.errors import RequestError
from xtransfer.benchmarks.spec import Benchmark, Row
from xtransfer.models import checkpoints, plain, weights
from xtransfer.models.checkpoints import HeadInfo, Loaded, SavedHead, new_head
from xtransfer.models.predict import RowEncoder, predict_languages
from xtransfer.models.pretrained import quiet
from xtransfer.recipes.dual import DualRecipe
from xtransfer.training.finetune import finetune

SHORT = RECIPE.model_copy(update={"epochs": 1})
KINDS = {
    "pair": ("AutoModelForSequenceClassification", ("entailment", "other")),
    "sts": ("AutoModelForSequenceClassification", ()),
    "choice": ("AutoModelForMultipleChoice", ()),
    "tags": ("AutoModelForTokenClassification", ("O", "B", "I")),
    "span": ("AutoModelForQuestionAnswering", ()),
}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


def _as(family: str, folder: Path, encoder: Path) -> Path:
    """The tokenizer of `encoder` with a random model of another family."""
    if family == "xlm-roberta":
        return encoder
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    sizes = {"vocab_size": len(tokenizer), "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
             "intermediate_size": 64, "max_position_embeddings": 64,
             "pad_token_id": tokenizer.pad_token_id}  # fmt: skip
    with quiet():
        if family == "bert":
            BertModel(BertConfig(**sizes), add_pooling_layer=False).save_pretrained(folder)
        elif family == "deberta-v2":
            DebertaV2Model(DebertaV2Config(**sizes)).save_pretrained(folder)
        elif family == "mt5":
            values = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2}
            MT5EncoderModel(MT5Config(vocab_size=len(tokenizer), **values)).save_pretrained(folder)
        else:
            ElectraModel(ElectraConfig(**sizes, embedding_size=32)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _with_head(folder: Path, kind: str) -> Loaded:
    loaded = checkpoints.load(folder)
    info = HeadInfo("mine", kind, KINDS[kind][1], 0.1)
    return Loaded(loaded.encoder, loaded.tokenizer, {}, {"mine": SavedHead(info, new_head(info, 32).eval())}, folder)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("family", ["xlm-roberta", "bert", "deberta-v2"])
def test_every_head_has_a_class_with_its_logits(kind: str, family: str, encoder: Path, tmp_path: Path) -> None:
    """`write` compares the logits itself; here, that transformers loads it without a word of new or unused weights."""
    loaded = _with_head(_as(family, tmp_path / "model", encoder), kind)
    (tmp_path / "plain").mkdir()
    written = plain.write(loaded, tmp_path / "plain")
    assert written.loader == f"transformers.{KINDS[kind][0]}"
    model, info = getattr(transformers, KINDS[kind][0]).from_pretrained(tmp_path / "plain", output_loading_info=True)
    assert not any(info[what] for what in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    if KINDS[kind][1]:
        assert tuple(model.config.id2label.values()) == KINDS[kind][1]


def test_a_trained_classifier_answers_as_here(encoder: Path, tmp_path: Path) -> None:
    rows = pair_rows(16)
    ours, tokenizer = _exported(encoder, PAIR, pair_rows(32), rows, tmp_path)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path / "plain").eval()
    batch = tokenizer(
        [row["first"] for row in rows], [row["second"] for row in rows], padding=True, return_tensors="pt"
    )
    with torch.no_grad():
        theirs = model(**batch).logits
    torch.testing.assert_close(theirs, ours, atol=1e-5, rtol=1e-5)


def test_trained_options_are_ranked_as_here(encoder: Path, tmp_path: Path) -> None:
    rows = choice_rows(8)
    ours, tokenizer = _exported(encoder, CHOICE, choice_rows(32), rows, tmp_path)
    model = transformers.AutoModelForMultipleChoice.from_pretrained(tmp_path / "plain").eval()
    for row, expected in zip(rows, ours, strict=True):
        batch = tokenizer([row["context"]] * 2, row["choices"], padding=True, return_tensors="pt")
        with torch.no_grad():
            logits = model(**{name: value.unsqueeze(0) for name, value in batch.items()}).logits[0]
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-3)


def _exported(encoder: Path, benchmark: Benchmark, train: list[Row], rows: list[Row], folder: Path) -> Any:
    """Trains and exports to `plain`; the logits of `rows` before, and the tokenizer that was exported."""
    finetune(encoder, [(benchmark, train)], SHORT, 0, folder / "trained", folder / "state")
    loaded = checkpoints.load(folder / "trained")
    head, reader = loaded.head_for(benchmark), RowEncoder(loaded.tokenizer, 24)
    (found,) = predict_languages(loaded.encoder, head, benchmark, {"en": rows}, reader).values()
    (folder / "plain").mkdir()
    plain.write(loaded, folder / "plain")
    return torch.tensor([one.scores for one in found]), AutoTokenizer.from_pretrained(folder / "plain")


@pytest.mark.parametrize(("pooling", "similarity"), [("mean", "cosine"), ("cls", "dot")])
def test_a_dual_encoder_gives_its_vectors_to_sentence_transformers(
    pooling: str, similarity: str, encoder: Path, tmp_path: Path
) -> None:
    loaded = checkpoints.load(encoder)
    dual = DualRecipe(pooling=pooling, similarity=similarity).model_dump()  # type: ignore[arg-type]
    info = HeadInfo("mine", "ranking", (), 0.1, dual)
    dual_encoder = Loaded(loaded.encoder, loaded.tokenizer, {}, {"mine": SavedHead(info, new_head(info, 32).eval())})
    (tmp_path / "plain").mkdir()
    assert plain.write(dual_encoder, tmp_path / "plain").loader == "sentence_transformers.SentenceTransformer"
    texts = ["the red house", "a blue ship"]
    theirs = torch.tensor(SentenceTransformer(str(tmp_path / "plain"), device="cpu").encode(texts))
    batch = loaded.tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        states = loaded.encoder(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    ours = states[:, 0] if pooling == "cls" else (states * mask).sum(1) / mask.sum(1)
    ours = torch.nn.functional.normalize(ours, dim=-1) if similarity == "cosine" else ours
    torch.testing.assert_close(theirs, ours, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("family", "loader"), [("electra", AutoModel), ("mt5", MT5EncoderModel)])
def test_the_encoder_of_any_family_can_be_had_alone(
    family: str, loader: Any, encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where its table is large, so that a checkpoint has its weights in files that transformers does not know."""
    monkeypatch.setattr(weights, "_LARGE", 1)
    monkeypatch.setattr(weights, "_FEW", 1.0)
    recipe = RECIPE.model_copy(update={"epochs": None, "steps": 2})
    finetune(_as(family, tmp_path / "model", encoder), [(PAIR, pair_rows(16))], recipe, 0, tmp_path / "trained",
             tmp_path / "state")  # fmt: skip
    assert not (tmp_path / "trained" / "model.safetensors").exists()
    loaded = checkpoints.load(tmp_path / "trained")
    (tmp_path / "plain").mkdir()
    written = plain.write_encoder(loaded, tmp_path / "plain")
    assert written.loader == f"transformers.{loader.__name__}" and written.head is None
    model, info = loader.from_pretrained(tmp_path / "plain", output_loading_info=True)
    assert not info["missing_keys"]
    batch = AutoTokenizer.from_pretrained(tmp_path / "plain")("the red house", return_tensors="pt")
    with torch.no_grad():
        theirs, ours = (one.eval()(**batch).last_hidden_state for one in (model, loaded.encoder))
    torch.testing.assert_close(theirs, ours)


@pytest.mark.parametrize(("kind", "note"), [("ranking", ""), ("response", "the layers of kind response on top")])
def test_what_is_left_out_of_a_head_is_said(kind: str, note: str, encoder: Path, tmp_path: Path) -> None:
    loaded, info = checkpoints.load(encoder), HeadInfo("mine", kind, (), 0.1, DualRecipe().model_dump())
    vectors = Loaded(loaded.encoder, loaded.tokenizer, {}, {"mine": SavedHead(info, new_head(info, 32).eval())})
    (tmp_path / "plain").mkdir()
    written = plain.write(vectors, tmp_path / "plain")
    assert written.note.startswith(note) and bool(written.note) == bool(note)


def test_texts_are_cut_where_positions_end(tmp_path: Path) -> None:
    short = make_encoder(tmp_path / "short", positions=18)  # for 16 tokens
    loaded = _with_head(short, "pair")
    loaded.tokenizer.model_max_length = 10**30  # as of a tokenizer that does not know
    (tmp_path / "plain").mkdir()
    plain.write(loaded, tmp_path / "plain")
    info = HeadInfo("mine", "ranking", (), 0.1, DualRecipe().model_dump())
    vectors = Loaded(loaded.encoder, loaded.tokenizer, {}, {"mine": SavedHead(info, new_head(info, 32).eval())})
    (tmp_path / "vectors").mkdir()
    plain.write(vectors, tmp_path / "vectors")
    model = SentenceTransformer(str(tmp_path / "vectors"), device="cpu")
    assert model.max_seq_length == 16 and model.encode("the red house " * 20).shape == (32,)


def test_what_no_class_of_transformers_computes_is_refused(encoder: Path, tmp_path: Path) -> None:
    other = _with_head(_as("electra", tmp_path / "model", encoder), "pair")
    (tmp_path / "plain").mkdir()
    with pytest.raises(RequestError, match=r"on a model of type electra has no class.*--encoder-only writes"):
        plain.write(other, tmp_path / "plain")
    with pytest.raises(RequestError, match="has no head, so its folder is a plain"):
        plain.write(checkpoints.load(encoder), tmp_path / "plain")
    several = _with_head(encoder, "pair")
    both = Loaded(several.encoder, several.tokenizer, {}, {**several.heads, "more": several.heads["mine"]})
    with pytest.raises(RequestError, match=r"several heads.*mine \(pair\), more \(pair\); choose one"):
        plain.write(both, tmp_path / "plain")
    with pytest.raises(RequestError, match="no head for 'xnli'"):
        plain.write(both, tmp_path / "plain", "xnli")


def test_a_folder_that_computes_something_else_is_refused(
    encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgotten(model: object, base: object, saved: object) -> None:
        """Leaves the head as it was drawn."""

    monkeypatch.setattr(plain, "_take_head", forgotten)
    (tmp_path / "plain").mkdir()
    with pytest.raises(RequestError, match="gives other logits than the checkpoint"):
        plain.write(_with_head(encoder, "pair"), tmp_path / "plain")
