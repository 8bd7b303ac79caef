"""The methods section of a paper, written from what a study declared and its stages recorded."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from xtransfer import benchmarks
from xtransfer.analysis.rounds.critical import looks
from xtransfer.analysis.verdict import Verdict
from xtransfer.base.errors import RequestError
from xtransfer.base.languages import LANGUAGES
from xtransfer.base.latex import escape
from xtransfer.base.words import counted, listed
from xtransfer.metrics.aggregate import XTREME, XTREME_R, Suite
from xtransfer.metrics.metrics import METRICS
from xtransfer.report.citations import BENCHMARK_PAPERS, CITATIONS, bibliography, cite
from xtransfer.report.provenance import Provenance
from xtransfer.report.recipe_words import in_words
from xtransfer.report.statistics import statistics
from xtransfer.results.schema import StageRow
from xtransfer.study.encoders import pool_of
from xtransfer.study.intermediate import Intermediate, MixturePart
from xtransfer.study.packages import PACKAGES
from xtransfer.study.rounds import runs_of
from xtransfer.study.stage_facts import TrainFacts
from xtransfer.study.stage_settings import PretrainSettings, ScoreSettings, TrainSettings
from xtransfer.study.study import Study, Target

_MARK = re.compile(r" \[@([a-z0-9;-]+)\]")


@dataclass(frozen=True)
class Methods:
    """The paragraphs of the section, in which ` [@key;key]` marks a citation."""

    paragraphs: list[str]

    @property
    def keys(self) -> set[str]:
        """The keys of the cited papers."""
        return {key for text in self.paragraphs for marks in _MARK.findall(text) for key in marks.split(";")}

    @property
    def plain(self) -> list[str]:
        """The paragraphs with authors and years as citations."""
        return [_MARK.sub(_authors, text) for text in self.paragraphs]

    @property
    def latex(self) -> str:
        r"""The section in LaTeX with natbib's \citep."""
        return "\n\n".join(_in_latex(text) for text in self.paragraphs) + "\n"

    @property
    def bibtex(self) -> str:
        return bibliography(self.keys)


def methods(facts: Provenance, verdicts: Collection[Verdict]) -> Methods:
    """Returns the methods section of a study, from its recorded rows and verdicts alone."""
    said = [_design(facts), _encoders(facts), _intermediates(facts), _targets(facts), *_recipes(facts)]
    return Methods([*filter(None, [*said, statistics(_is_pooled(facts), verdicts), _rounds(facts)]), _machinery(facts)])


def _rounds(facts: Provenance) -> str:
    """Returns how a study by rounds stopped; empty for any other."""
    if not facts.definition.get("rounds"):
        return ""
    study = Study.model_validate(facts.definition)
    assert study.rounds is not None
    asked, at = study.rounds, listed([str(runs) for runs in looks(len(runs_of(study)))])
    compared = (
        f"each intermediate is compared with {asked.against} on two sides{cite('dunnett-1955-multiple')}"
        if asked.against
        else f"the best intermediate is compared with each other on one side{cite('hsu-1984-constrained')}"
    )
    ends = (
        "It was to stop where the best is known, or another is better by at most "
        f"{asked.within:g} points, with 95% probability for the estimated variances, which no error rate over looks "
        "guards; its bounds have one."
        if asked.until == "likely"
        else f"Differences of up to {asked.within:g} points do not matter."
    )
    first = (
        "Intermediates that earlier studies predicted to be the best ran first, without bounds." if asked.prior else ""
    )
    said = (
        f"The study ran by rounds: looks were planned after {at} runs of an intermediate, and what was not settled ran "
        f"on until everything was, or could hardly be. Each comparison of each look has a level of its own, the same "
        f"at all looks{cite('pocock-1977')}, found by simulation so that any is wrong with probability 5%; {compared}."
    )
    return " ".join(filter(None, [said, ends, first]))


def _authors(match: re.Match[str]) -> str:
    return f" ({'; '.join(CITATIONS[key].short for key in match[1].split(';'))})"


def _in_latex(text: str) -> str:
    pieces = _MARK.split(text)  # text and marks alternate
    marked = [f"~\\citep{{{piece.replace(';', ',')}}}" if n % 2 else escape(piece) for n, piece in enumerate(pieces)]
    return "".join(marked)


def _design(facts: Provenance) -> str:
    seeds = list(facts.definition["seeds"])
    suites = [suite for suite in (XTREME, XTREME_R) if _of_suite(facts, suite)]
    papers = {"xtreme": "hu-etal-2020-xtreme", "xtreme-r": "ruder-etal-2021-xtreme"}
    usual = f", as in XTREME and its successor{cite(*(papers[one.name] for one in suites))}" if suites else ""
    grid = listed(
        [
            counted(len(facts.definition["encoders"]), "encoder"),
            counted(len(facts.intermediates), "kind") + " of intermediate training",
            counted(len(facts.targets), "target"),
            f"{counted(len(seeds), 'training seed')} ({listed([str(seed) for seed in seeds])})",
        ]
    )
    text = (
        f"We follow the intermediate-task design{cite('phang-etal-2020-english')}: an encoder is first trained on an "
        "intermediate benchmark, then fine-tuned on English rows of a target, and scored on the target in every "
        f"language without further training, that is zero-shot{usual}. "
    )
    text += _ways(facts)
    if any(not one.parts for one in facts.intermediates):
        text += "The baseline, direct, skips the first step. "
    text += f"The grid of {grid} has {counted(len(facts.cells), 'cell')}"
    if facts.left_out:
        text += f", {len(facts.left_out)} of which have no usable scores and are excluded"
    return text + "."


def _ways(facts: Provenance) -> str:
    """Returns sentences on translate-train and translate-test targets."""
    text = ""
    for how, said in (
        ("train", "an encoder is fine-tuned for each language on the English rows translated to it, and on the rows "
         "themselves for English (translate-train)"),
        ("test", "the encoder that was fine-tuned in English is scored on test rows translated to English; a row "
         "whose translation is dropped is scored untranslated (translate-test)"),
    ):  # fmt: skip
        if slugs := [one.slug for one in facts.targets if one.translate == how]:
            text += f"For {listed(slugs)}, {said}. "
    return text


def _of_suite(facts: Provenance, suite: Suite) -> bool:
    names = {name for member in suite.members for name in (member.benchmark, *member.alike)}
    return any(target.benchmark in names for target in facts.targets)


def _encoders(facts: Provenance) -> str:
    said = []
    for one, revision in facts.encoders:
        paper = cite("conneau-etal-2020-unsupervised") if "xlm-r" in one.id.lower() else ""
        stage = next((stage for stage in facts.stages if stage.key == revision), None)
        if stage is not None:
            said.append(f"{one.name}, {_pretraining(stage)}")
        elif one.source in ("hub", "folder"):
            said.append(f"{one.id}{paper} at {'commit' if one.source == 'hub' else 'digest'} {one.revision}")
        elif one.source == "package" and one.id in PACKAGES:
            said.append(
                f"{PACKAGES[one.id].description}, from the Python package {one.id} (digest of its file {one.revision})"
            )
        else:
            said.append(one.name)
    return f"Encoders: {'; '.join(said)}."


def _pretraining(stage: StageRow) -> str:
    settings = PretrainSettings.of(stage)
    if settings is None:
        return "pretrained for this study"
    return (
        f"pretrained for this study in {counted(settings.recipe.steps, 'step')} on {settings.num_texts:,} texts of "
        f"the corpus {settings.corpus.name} (seed {settings.seed})"
    )


def _intermediates(facts: Provenance) -> str:
    trained = [one for one in facts.intermediates if one.parts]
    if not trained:
        return ""
    text = f"Intermediate training is on {'; on '.join(_intermediate(facts, one) for one in trained)}."
    if (rows := facts.definition.get("intermediate_rows")) is not None:
        text += _sizes(facts, rows, len(trained) > 1)
    return text


def _sizes(facts: Provenance, rows: int, several: bool) -> str:
    """Returns a sentence on how many rows of each intermediate are used, and which parts have fewer."""
    most = max((one.rows for one in facts.sizes), default=rows)
    if short := [f"{one.rows:,} of {one.part}" for one in facts.sizes if one.rows < most]:
        return f" At most the first {rows:,} rows of each are used; only {listed(short)} are available."
    return f" The first {most:,} rows of each are used{', so that sizes are equal' if several else ''}."


def _intermediate(facts: Provenance, one: Intermediate) -> str:
    """Returns the phases of an intermediate in order, each with its length."""
    return ", and then on ".join(_phase(facts, one, number) for number in range(len(one.phases)))


def _phase(facts: Provenance, one: Intermediate, number: int) -> str:
    text = listed([_part(facts, part) for part in one.phases[number].parts])
    run = facts.trained.get((one.slug, number))
    training = TrainSettings.of(run) if run is not None else None
    steps = TrainFacts.of(run.facts).steps if run is not None else None
    if training is None or steps is None:
        return text
    return f"{text}: {counted(steps, 'step')} of {training.recipe.batch_size} rows"


def _part(facts: Provenance, part: MixturePart) -> str:
    name = LANGUAGES[part.language].name if part.language in LANGUAGES else part.language
    benchmark = part.benchmark + _paper(part.benchmark)
    if part.engine is None:
        return f"{benchmark} in {name}"
    text = f"{benchmark} translated from English to {name} by {part.engine}"
    made = [
        one
        for one, _ in facts.translations
        if (one.benchmark, one.language, one.engine) == (part.benchmark, part.language, part.engine)
    ]
    if not made:
        return text
    first = made[0]
    quality = f", chrF2 {first.chrf:.1f} against the rows written in that language" if first.chrf is not None else ""
    return f"{text} ({first.kept:,} of {first.num_rows:,} rows kept{quality})"


def _paper(benchmark: str) -> str:
    return cite(BENCHMARK_PAPERS[benchmark]) if benchmark in BENCHMARK_PAPERS else ""


def _targets(facts: Provenance) -> str:
    said = [f"{one.slug}{_paper(one.benchmark)}{_scored_in(facts, one)}" for one in facts.targets]
    splits = listed(sorted({one.split for one in facts.targets}, reverse=True))
    metrics = dict.fromkeys(filter(None, (_metric(one.benchmark) for one in facts.targets)))
    text = f"Targets are scored on their {splits} split: {'; '.join(said)}. Scores are in points (0 to 100)"
    return f"{text}: {'; '.join(metrics)}." if metrics else f"{text}."


def _scored_in(facts: Provenance, target: Target) -> str:
    keys = {cell.score_stage for cell in facts.cells if cell.target == target.slug}
    scorings = (ScoreSettings.of(one) for one in facts.stages if one.key in keys)
    languages = sorted({code for one in scorings if one is not None for code in one.languages})
    return f" in {counted(len(languages), 'language')} ({', '.join(languages)})" if languages else ""


def _metric(benchmark: str) -> str:
    try:
        metric = benchmarks.get(benchmark).metric
    except RequestError:
        return ""
    return f"{metric} is the {METRICS[metric].definition}" if metric in METRICS else ""


def _recipes(facts: Provenance) -> Iterator[str]:
    used = facts.recipes
    for one in used:
        source = f" Source of the values: {one.recipe.source}." if one.recipe.source else ""
        yield f"{one.used_for[0].upper()}{one.used_for[1:]}: {in_words(one.recipe)}.{source}"
    if used and all(one.recipe.select == "last" for one in used):
        kept = "Nothing" if any(one.recipe.average_last for one in used) else "The last checkpoint is used; nothing"
        yield f"{kept} is selected on development data."
    elif used:
        yield (
            "Where a checkpoint is selected, it is the best on English development data; no other language's data "
            "and no test data are read before scoring."
        )


def _is_pooled(facts: Provenance) -> bool:
    pools = [pool for one, _ in facts.encoders if (pool := pool_of(one.name))]
    return len(pools) > len(set(pools))


def _machinery(facts: Provenance) -> str:
    if not facts.stages:
        return ""
    wanted = ("xtransfer ", "python ", "torch ", "transformers ")
    versions = [one for one in facts.packages if one.startswith(wanted)]
    devices = sorted({stage.device for stage in facts.stages})
    over = [found.resumed_over for stage in facts.stages if (found := TrainFacts.of(stage.facts)).resumed_over]
    mixed = f" {counted(len(over), 'training')} resumed on other software or processors." if over else ""
    return f"Software: {listed(versions)}. Devices: {listed(devices)}.{mixed}"
