"""What dual encoders are trained on: matched blocks, distinct stories, and nothing that is evaluated."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from xtransfer import lab
from xtransfer.lab.choice import EVALUATION_SUBJECTS
from xtransfer.lab.events import CHOICE_STATES
from xtransfer.lab.stories import NUM_STORIES, stories


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_neither_statement_alone_tells_the_label(split: str) -> None:
    rows = lab.rows("lab-statements", "en", split)
    for side in ("first", "second"):
        labels: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        for row in rows:
            labels[row["group"], row[side]][row["label"]] += 1
        assert {tuple(sorted(own.items())) for own in labels.values()} == {((0, 1), (1, 1), (2, 1))}


def test_no_pair_of_statements_occurs_in_two_splits() -> None:
    pairs = [
        {(row["first"], row["second"]) for row in lab.rows("lab-statements", "sw", split)}
        for split in ("train", "dev", "test")
    ]
    assert len(set.union(*pairs)) == sum(map(len, pairs)) == 3600 + 480 + 480


@pytest.mark.parametrize("language", lab.LANGUAGES)
def test_stories_are_distinct_and_responses_are_their_beginnings(language: str) -> None:
    rows, responses = (lab.rows(name, language, "train") for name in ("lab-stories", "lab-responses"))
    assert len({(row["before"], row["text"], row["after"]) for row in rows}) == len(rows) == NUM_STORIES
    assert [(row["before"], row["text"]) for row in rows] == [(row["source"], row["target"]) for row in responses]


def test_no_story_tells_a_law_that_is_evaluated() -> None:
    for story in stories():
        assert story.text.first.subject == story.before.first.subject  # one subject throughout
        assert not (story.before.first.subject in EVALUATION_SUBJECTS and story.text.first.state in CHOICE_STATES)
    told = {f"{row['before']} {row['text']}" for row in lab.rows("lab-stories", "en", "train")}
    for split in ("dev", "test"):
        assert not told & {f"{row['first']} {row['second']}" for row in lab.rows("lab-nli", "en", split)}


def test_translations_to_train_on_are_none_of_those_that_are_scored() -> None:
    train = {row["source"] for row in lab.rows("lab-parallel", "tr", "train")}
    for split in ("dev", "test"):
        scored = lab.rows("lab-parallel", "tr", split)
        assert not train & {row["source"] for row in scored}
        retrieval = lab.rows("lab-retrieval", "tr", split)
        assert [(row["id"], row["source"], row["target"]) for row in scored] == [
            (row["id"], row["source"], row["target"]) for row in retrieval
        ]
    assert len(train) == len(lab.rows("lab-parallel", "tr", "train"))


def test_text_beside_is_not_the_text_of_an_encoder() -> None:
    """Encoders are pretrained on texts of seeds 0, 1 and 2; some short sentences are said everywhere."""
    own = [row["text"] for row in lab.rows("lab-text", "de", "train")]
    assert own != [text["de"] for text in lab.parallel_text(len(own), seed=0)]
    assert len(own) == 2000
