"""Checkpoints as plain folders that transformers or sentence-transformers load without this program.

A head becomes that of transformers' own class: sequence classification (pairs, similarity scores), multiple choice,
token classification or question answering. An encoder that was trained to compare vectors becomes a folder of
sentence-transformers: the model, its pooling, and for cosines a normalisation. Of any family, the encoder can be had
alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from xtransfer.base.errors import RequestError
from xtransfer.kinds.heads import FirstTokenHead
from xtransfer.kinds.span_head import SpanHead
from xtransfer.kinds.tag_head import TagHead
from xtransfer.kinds.vector_heads import VectorHead
from xtransfer.models.checkpoints import HeadInfo, Loaded, SavedHead
from xtransfer.models.pretrained import longest_sequence, quiet
from xtransfer.models.tokenizer_files import save_tokenizer

_CLASSES = {
    "pair": "AutoModelForSequenceClassification",
    "sts": "AutoModelForSequenceClassification",
    "choice": "AutoModelForMultipleChoice",
    "tags": "AutoModelForTokenClassification",
    "span": "AutoModelForQuestionAnswering",
}
_OWN_CLASSIFIER = ("xlm-roberta", "roberta", "camembert")  # dense and projection in the classifier, as ours
_OWN_POOLER = "deberta-v2"  # beside its encoder, with an activation of its configuration's
_FAMILIES = ("bert", _OWN_POOLER, *_OWN_CLASSIFIER)
_SAMPLE = ("The house is red.", "The house has a colour, which is red.")
_CLOSE = 1e-4  # of logits, which are computed in another order
_LONG = 8192  # tokens of a text, where neither positions nor the tokenizer limit them


@dataclass(frozen=True)
class Plain:
    """What was written."""

    loader: str  # the class that loads it: `transformers.AutoModelForSequenceClassification` …
    head: HeadInfo | None  # None of an encoder alone
    note: str = ""  # what of the head was left out


def write_encoder(loaded: Loaded, folder: Path) -> Plain:
    """Writes the encoder of a checkpoint alone to an empty folder, which the class that it names loads."""
    with quiet():
        loaded.encoder.save_pretrained(folder)
    save_tokenizer(loaded.tokenizer, folder)
    name = type(loaded.encoder).__name__
    is_half = name.endswith("EncoderModel")  # as of T5, which AutoModel loads with a decoder
    return Plain(f"transformers.{name}" if is_half else "transformers.AutoModel", None)


def write(loaded: Loaded, folder: Path, name: str | None = None) -> Plain:
    """Writes a checkpoint to an empty folder; `name`: the benchmark whose head it gets, if it has several.

    Raises RequestError if there is no such head, transformers has no class with the layers of this one, or what was
    written does not compute the same logits.
    """
    saved = _chosen(loaded, name)
    if isinstance(saved.module, VectorHead):
        _sentence_transformer(loaded, saved.module, folder)
        has_layers = any(True for _ in saved.module.parameters())
        note = f"the layers of kind {saved.info.kind} on top of the vectors are left out" if has_layers else ""
        return Plain("sentence_transformers.SentenceTransformer", saved.info, note)
    if saved.info.pooling is not None:
        raise RequestError(
            f"the head for '{saved.info.benchmark}' reads each text's last token, and transformers' classes for "
            f"{', '.join(_FAMILIES)} read the first; score it here, or train with pooling: first"
        )
    family = loaded.encoder.config.model_type
    loader = _CLASSES.get(saved.info.kind)
    if loader is None or family not in _FAMILIES:
        raise RequestError(
            f"a head of kind {saved.info.kind} on a model of type {family} has no class in transformers with the same "
            f"layers (kinds: {', '.join(_CLASSES)} and those that train vectors; types: {', '.join(_FAMILIES)}); "
            "--encoder-only writes the encoder without it"
        )
    values = {**loaded.encoder.config.to_dict(), **_labels(saved.info)}
    if family == _OWN_POOLER:
        values |= {"pooler_hidden_act": "tanh", "pooler_hidden_size": loaded.encoder.config.hidden_size}
    config = loaded.encoder.config.from_dict(values)
    with torch.random.fork_rng(devices=[]), quiet():
        model = getattr(transformers, loader).from_config(config)
    base = getattr(model, model.base_model_prefix)
    _take(base, loaded.encoder.state_dict(), but="pooler.")
    _take_head(model, base, saved)
    with quiet():
        model.eval().save_pretrained(folder)
    save_tokenizer(loaded.tokenizer, folder)
    _check(loaded, saved, getattr(transformers, loader), folder)
    return Plain(f"transformers.{loader}", saved.info)


def _chosen(loaded: Loaded, name: str | None) -> SavedHead:
    has = ", ".join(f"{one} ({saved.info.kind})" for one, saved in loaded.heads.items())
    if not has:
        raise RequestError("the checkpoint has no head, so its folder is a plain transformers model as it is")
    if name is None and len(loaded.heads) > 1:
        raise RequestError(f"the checkpoint has several heads, of which a plain model can have one: {has}; choose one")
    if name is not None and name not in loaded.heads:
        raise RequestError(f"the checkpoint has no head for '{name}'; its heads: {has}")
    return loaded.heads[name] if name is not None else next(iter(loaded.heads.values()))


def _labels(info: HeadInfo) -> dict[str, object]:
    if info.kind == "sts":
        return {"num_labels": 1, "id2label": {0: "score"}, "label2id": {"score": 0}, "problem_type": "regression"}
    if not info.labels:
        return {}
    names = dict(enumerate(info.labels))
    return {"num_labels": len(names), "id2label": names, "label2id": {label: number for number, label in names.items()}}


def _take(module: nn.Module, weights: Mapping[str, Tensor], but: str = "\0") -> None:
    """Loads weights; raises RequestError if other parameters than those below `but` stay as they were drawn."""
    result = module.load_state_dict(dict(weights), strict=False)
    left = [name for name in result.missing_keys if not name.startswith(but)]
    if left or result.unexpected_keys:
        named = ", ".join([*left, *result.unexpected_keys][:4])
        raise RequestError(f"transformers' class has other parameters than the checkpoint ({named})")


def _take_head(model: Any, base: Any, saved: SavedHead) -> None:  # Any: transformers' classes share no type for it
    head = saved.module
    if isinstance(head, FirstTokenHead):
        if saved.info.kind != "choice" and model.config.model_type in _OWN_CLASSIFIER:
            _take(model.classifier, head.state_dict())
        else:
            pooler = model.pooler if model.config.model_type == _OWN_POOLER else base.pooler
            _take(pooler.dense, head.dense.state_dict())
            _take(model.classifier, head.out_proj.state_dict())
    elif isinstance(head, TagHead):
        _take(model.classifier, head.out_proj.state_dict())
    elif isinstance(head, SpanHead):
        _take(model.qa_outputs, head.outputs.state_dict())
    else:
        raise RequestError(f"a head of class {type(head).__name__} cannot be written for transformers")


@torch.no_grad()
def _check(loaded: Loaded, saved: SavedHead, loader: Any, folder: Path) -> None:
    """Raises RequestError unless the written folder gives the checkpoint's logits for a pair of sentences."""
    longest = min(32, longest_sequence(loaded.encoder) or 32)
    head, inputs = saved.module, loaded.tokenizer(*_SAMPLE, truncation=True, max_length=longest, return_tensors="pt")
    states = loaded.encoder.eval()(**inputs).last_hidden_state
    if isinstance(head, FirstTokenHead):
        ours = head.logits_of(states[:, 0])
    else:
        ours = (head.out_proj if isinstance(head, TagHead) else head.outputs)(states)  # type: ignore[operator]
    with quiet():
        model = loader.from_pretrained(folder)
    if saved.info.kind == "choice":
        inputs = {name: value.unsqueeze(1) for name, value in inputs.items()}
    answer = model.eval()(**inputs)
    theirs = torch.stack([answer.start_logits, answer.end_logits], -1) if saved.info.kind == "span" else answer.logits
    apart = float((ours - theirs.reshape(ours.shape)).abs().max())
    if not apart <= _CLOSE:
        raise RequestError(f"what was written gives other logits than the checkpoint (they differ by {apart:.2g})")


def _sentence_transformer(loaded: Loaded, head: VectorHead, folder: Path) -> None:
    width = loaded.encoder.config.hidden_size
    write_encoder(loaded, folder)
    modules = [("", "Transformer"), ("1_Pooling", "Pooling")]
    if head.dual.similarity == "cosine":
        modules.append(("2_Normalize", "Normalize"))
        (folder / "2_Normalize").mkdir()
    parts = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{name}"}
        for number, (path, name) in enumerate(modules)
    ]
    pooling = {
        "word_embedding_dimension": width,
        "pooling_mode_cls_token": head.dual.pooling == "cls",
        "pooling_mode_mean_tokens": head.dual.pooling == "mean",
        "pooling_mode_lasttoken": head.dual.pooling == "last",
    }
    length = min(longest_sequence(loaded.encoder) or _LONG, int(loaded.tokenizer.model_max_length), _LONG)
    (folder / "1_Pooling").mkdir()
    _write(folder / "1_Pooling" / "config.json", pooling)
    _write(folder / "modules.json", parts)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": length, "do_lower_case": False})
    prompts = {"query": head.dual.query_prompt, "passage": head.dual.passage_prompt}
    own = {"similarity_fn_name": head.dual.similarity, "prompts": prompts if any(prompts.values()) else {}}
    _write(folder / "config_sentence_transformers.json", own)


def _write(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
