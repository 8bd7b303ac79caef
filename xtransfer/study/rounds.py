"""How a study runs by rounds: what is asked, and of which scores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from xtransfer.base.declared import Value
from xtransfer.base.errors import RequestError, unknown

if TYPE_CHECKING:
    from xtransfer.study.study import Study

Until = Literal["decided", "likely"]
Points = Annotated[float, Field(ge=-100, le=100)]
Deviation = Annotated[float, Field(gt=0, le=100)]
FEWEST_RUNS = 3  # before the first look: two show too little of their spread


class Rounds(Value):
    """A question at which a study stops once it is settled, with an error rate that holds over all its looks.

    The study's grid is what it may use at most. A run is a training seed or, where the study has several encoders, a
    seed of the encoder.
    """

    target: str = Field("", description="Target that the question is about; empty: the study's only one")
    language: str = Field("mean-but-en", description="Language, or mean-but-en: the mean over all but English")
    against: str = Field("", description="Intermediate that each other is compared with; empty: which is the best?")
    until: Until = Field(
        "decided",
        description="decided: bounds with an error rate settle it; likely: its probability is 95%, for fewer runs",
    )
    within: float = Field(0.5, ge=0, le=100, description="Difference in points that does not matter")
    prior: dict[str, tuple[Points, Deviation]] = Field(
        default_factory=dict,
        description="Intermediate: [predicted gain, its standard deviation] in points: those that are probably the "
        "best run first; bounds and probabilities are those of the scores alone",
    )

    def target_in(self, study: Study) -> str:
        """Returns the slug of the target; raises RequestError if it is not one of the study's."""
        slugs = [one.slug for one in study.targets]
        if not self.target and len(slugs) == 1:
            return slugs[0]
        if not self.target:
            raise RequestError(
                f"rounds.target: the rounds are about one target; name one of {', '.join(slugs)}: "
                f"--set 'rounds={{target: {slugs[0]}}}'"
            )
        if self.target not in slugs:
            raise unknown("rounds.target", self.target, slugs)
        return self.target

    def check(self, study: Study) -> None:
        """Raises RequestError if the study cannot answer the question."""
        self.target_in(study)
        slugs = [one.slug for one in study.intermediates]
        if len(slugs) < 2:
            raise RequestError(
                f"rounds: '{study.name}' has one intermediate, {slugs[0]}, so there is nothing to choose between"
            )
        if self.against and self.against not in slugs:
            raise unknown("rounds.against", self.against, slugs)
        if self.against and self.until == "likely":
            raise RequestError("rounds: 'until: likely' is for the best intermediate; leave out 'against'")
        names = {text.rpartition("@")[0] for text in study.encoders}
        if len(study.encoders) > 1 and (len(names) > 1 or min(map(number, study.encoders)) < 0):
            raise RequestError(
                "rounds: name one encoder, or several seeds of one that is trained here (name@0, name@1 …); others are "
                "no sample of one another"
            )
        if (most := len(runs_of(study))) < FEWEST_RUNS:
            seeds = "seeds of the encoder" if len(study.encoders) > 1 else "seeds"
            field = "encoders" if len(study.encoders) > 1 else "seeds"
            raise RequestError(
                f"rounds: need {FEWEST_RUNS} {seeds} or more (--set {field}=[...]), '{study.name}' has {most}"
            )


def runs_of(study: Study) -> list[dict[str, list[object]]]:
    """Returns the runs of a study that has one encoder or seeds of one, in the order in which rounds use them, as the
    settings that choose them."""
    if len(study.encoders) > 1:
        return [{"encoders": [one]} for one in sorted(study.encoders, key=number)]
    return [{"seeds": [seed]} for seed in sorted(study.seeds)]


def number(encoder: str) -> int:
    """Returns the seed of an encoder `name@seed`; -1 for any other."""
    seed = encoder.rpartition("@")[2]
    return int(seed) if seed.isdecimal() else -1
