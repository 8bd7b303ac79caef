"""The likeliest mistakes of each command end with status 2 in words of the user, and write nothing."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from flows import cli
from flows.prefect_guard import ADDRESS
from flows.prefect_server import SERVED
from flows.private import write_json
from tests.results.numbers import make, record_all
from xtransfer.base.settings import current
from xtransfer.results.database import open_database
from xtransfer.store.lease import lease

_OF_LIBRARIES = ("Input should", "Value error", "NoneType", "uple", "pydantic", "validation", "Traceback", "extra_f")
_FILES = {
    "encoder.yaml": "name: a\nencoder: [lab-tiny@0]\nintermediates: [direct]\ntargets: [lab-inference]\n",
    "recipe.yaml": "name: a\nencoders: [lab-tiny@0]\nintermediates: [direct]\ntargets: [lab-inference]\n"
    "target_recipe: {epoch: 3, dropout: high, freeze_embeddings: maybe}\n",
    "list.yaml": "- a\n",
    "taken": "a file, not a folder",
}
_EVALUATE = "evaluate lab-mini@0 --target lab-inference"
_WATCH = "watch --source /runs/* --target lab-inference"
_STUDY = "--study numbers"
MISTAKES = {
    "studies lab": "unexpected extra argument",
    "studies --jsno": "No such option: --jsno (Possible options: --json)",
    "benchmarks xnly": "no benchmark 'xnly'; did you mean 'xnli'? (`xtransfer benchmarks` lists all",
    "benchmarks XNLI": "did you mean 'xnli'?",
    "benchmarks xnli xcopa": "unexpected extra argument",
    "plan lba": "no study 'lba'; did you mean 'lab'?",
    "plan nofile.yaml": "nofile.yaml: cannot be read",
    "plan lab-full --small": "has no small version",
    "plan lab --set seed=[0,1]": "--set seed: 'seed' takes one value; for several write seeds=[...]",
    "plan lab --set seeds=five": "seeds: must be a list, such as [a, b], got 'five'",
    "plan lab --set seeds=[]": "seeds: needs at least one entry",
    "plan lab --set seeds=": "seeds: must be a list, such as [a, b], got nothing",
    "plan lab --set seeds=[one]": "seeds.0: must be a whole number, got 'one'",
    "plan lab --set seeds=[[0,1]]": "seeds.0: must be a whole number, got [0, 1]",
    "plan lab --set intermediate_recipe.epoch=3": "--set intermediate_recipe.epoch: no field 'epoch'; did you mean",
    "plan lab --set intermediate_recipe.seed=3": "--set intermediate_recipe.seed: no field 'seed'",
    "plan lab --set target_recipe.epochs=many": "target_recipe.epochs: must be a number, got 'many'",
    "plan lab --set encoder=lab-tiny": "needs a seed: lab-tiny@0",
    "plan lab --set languages=[cn]": "no language 'cn'; did you mean 'zh' (Chinese)?",
    "plan lab --set languages=[jp]": "no language 'jp'; did you mean 'ja' (Japanese)?",
    "plan encoder.yaml": "encoder.yaml: encoder: no such field; did you mean 'encoders'?",
    "plan list.yaml": "list.yaml: expected a mapping with the fields of a study",
    "plan recipe.yaml": "target_recipe.dropout: must be a number, got 'high'; target_recipe.freeze_embeddings: must be "
    "true or false, got 'maybe'; target_recipe.epoch: no such field; did you mean 'epochs'?",
    "plan lab-inference": "is a benchmark; `xtransfer evaluate CHECKPOINT --target lab-inference` scores a checkpoint",
    "run 'lab-inference<lab-nli'": "'lab-inference' is a benchmark",
    "plan lab --set targets=[lab-inference": "expected ',' or ']', but got its end (line 1, column 15); quotes keep it",
    "plan lab --set 'targets=[lab-inference<]'": "'lab-inference<': name what it is trained on after '<'",
    "plan lab --set encoders=[lab-nli@en]": "encoder 'lab-nli@en': 'lab-nli' is a benchmark, which belongs among",
    "plan lab --set targets=[lab-inference@de]": "write lab-inference; an intermediate alone names languages after '@'",
    "plan lab --set 'target_recipe.lora={targets: [qeury]}'": "target_recipe.lora.targets: a model of type "
    "'xlm-roberta' has no linear layer named qeury (it has dense, key, query, value); encoder lab-tiny",
    "run": "Missing argument 'STUDY'. A built-in study (see `xtransfer studies`) or a YAML file.",
    "run lab --workers 0": "'--workers': must be greater than or equal to 1, got '0'",
    "run lab --workers two": "'--workers': must be a whole number, got 'two'",
    "run lab --runner slurm": "'--runner': 'slurm' is not one of 'local', 'ray'",
    "run lab --timeout-hours trian=3": "no kind of stage 'trian'; did you mean 'train'?",
    "run lab --out no/such/report": "no/such; create it first, or name another",
    "run lab --out taken/report": "taken; create it first, or name another",
    "run lab --until decide": "'--until': 'decide' is not one of 'decided', 'likely'",
    "run lab --until decided": "name one of lab-inference, lab-retrieval: --set 'rounds={target: lab-inference}'",
    "run lab --until decided --set target=lab-inference --set seeds=[1,2]": "rounds: need 3 seeds or more (--set",
    "run lab --until likely --set rounds.against=direct": "rounds is empty; set all of it: 'rounds={against: ...}'",
    "run lab --budget 4h": "--budget is for a study that runs by rounds: add --until decided",
    "run lab --until decided --set target=lab-inference --budget 4": "budget '4': write a time, such as 4h, 90min or",
    "plan lab --set rounds=yes": "rounds: must be a mapping of fields to values, got true",
    "plan lab --set 'rounds={target: lab-inferense}'": "'lab-inferense'; did you mean 'lab-inference'?",
    "plan lab --set 'rounds={tarjet: lab-inference}'": "rounds.tarjet: no such field; did you mean 'target'?",
    "predict": "Missing argument 'STUDY'. A built-in study",
    "predict lba": "no study 'lba'; did you mean 'lab'?",
    "predict lab --target lab-inference": "No such option: --target (Possible options: --set)",
    "design lba": "no study 'lba'; did you mean 'lab'?",
    "design lab --gain 3": "No such option: --gain",
    "slurm lab": "Missing option '--to'. New folder for scripts and logs, on a disk that all nodes mount.",
    "slurm lba --to job": "no study 'lba'; did you mean 'lab'?",
    "slurm lab --to job": "set XTRANSFER_STORE to a folder that all nodes mount, or to a URL such as s3://",
    "results rounds": "Missing option '--study'. Name of a study that was run.",
    "results rounds --study nubers": "no study 'nubers'; did you mean 'numbers'?",
    "results standing --study numbers --target xnli": "No such option: --target",
    "results round --study numbers": "No such command 'round'. Did you mean 'rounds', 'runs'?",
    "evaluate lab-mini@0": "Missing option '--target'. xnli, xcopa<siqa,copa",
    "evaluate lab-mini --target lab-inference": "needs a seed: lab-mini@0",
    "evaluate 0123456789ab --target lab-inference": "looks like a key of the store; write that checkpoint to a folder",
    "evaluate 'lab-tiny@0<lab-nli' --target lab-inference": "'<' is for a target, such as xcopa<siqa,copa",
    "evaluate lab-mini@0 --target lab-inference:asis": "target 'lab-inference:asis': ':asis' is not a valid mark",
    "evaluate lab-mini@0 --target lab-inference,lab-copa": "write lab-inference; name each by itself",
    "translate lab-nli@en --to de --engine lab-marian": "no benchmark 'lab-nli@en': write lab-nli",
    f"{_EVALUATE} --split train": "'--split': 'train' is not one of 'test', 'dev'",
    f"{_EVALUATE} --set languages=[de]": "--set languages=[de]: use --language instead",
    f"{_EVALUATE} --set encoder=x": "use the argument CHECKPOINT instead",
    f"{_EVALUATE} --language cn": "did you mean 'zh' (Chinese)?",
    f"{_EVALUATE} --language es": "has none of the languages es (it has en, de,",
    f"{_EVALUATE} --set recipe.epoch=3": "recipe: epoch: no such field; did you mean 'epochs'?",
    "translate lab-nli --engine lab-marian": "Missing option '--to'. Languages, separated by commas: de,tr",
    "translate lab-nli --to cn --engine lab-marian": "error: lab-nli to cn: no language 'cn'; did you mean 'zh'",
    "translate lab-nli --to sw --engine lab-marian": "error: lab-nli to sw: lab-marian translates to de, tr, not to sw",
    "translate lab-nli --to de --engine google": "no translation engine 'google'",
    "translate nosuch --to de --engine lab-marian": "error: nosuch to de: no benchmark 'nosuch'",
    "translate ocnli --to de --engine opus-mt": "error: ocnli to de: the English rows of ocnli are those of mnli",
    "translate lab-retrieval --to de --engine lab-marian": "lab-retrieval to de: lab-retrieval has no training rows",
    "serve --port 99999": "'--port': must be less than or equal to 65535, got '99999'",
    "serve --host localhost:4200": "give the port apart, --host localhost --port 4200",
    "serve --port web": "'--port': must be a whole number, got 'web'",
    "serve --host 0.0.0.0": "--host 0.0.0.0: whoever reaches the server could run programs as you; set a password",
    "serve --password-file nofile": "password file nofile cannot be read",
    "report numbers": "Missing option '--out'. Folder to write to.",
    "report nubers --out report": "no study 'nubers'; did you mean 'numbers'?",
    "report numbers --out no/such": "--out no/such: no folder",
    "report numbers --out taken": "taken: the report cannot be written",
    "export numbers --to export": "No such option: --to (Possible options:",
    "export numbers --out no/such": "--out no/such: no folder",
    "export nubers --out export": "did you mean 'numbers'?",
    "export numbers --out export --layout xtreem": "did you mean 'xtreme'?",
    "export-model abcdef12": "Missing option '--to'. New folder for the model, or a repository.",
    "export-model abcdef12 --to hub:colours --yes": "hub:colours: write hub:OWNER/NAME",
    "export-model abcdef12 --to hub:me/colours": "asks before it uploads, which needs a terminal: use --yes",
    "export-model abcdef12 --to model --force": "--public, --force and --yes are for --to hub:OWNER/NAME",
    "export-model abcdef12 --to model": "no folder, and no key in the store",
    "export-model . --to model": "has no config.json",
    "export-model . --to no/such": "--to no/such: no folder",
    "watch": "name a watch file, or give --source PATTERN and either --target or --study",
    "watch nofile.yaml": "nofile.yaml: cannot be read",
    "watch --source /runs/* --target lab-inferense": "did you mean 'lab-inference'?",
    f"{_WATCH} --study lab": "--target and --study: give only one of them",
    f"{_WATCH} --since yesterday": "'--since': must be a date such as 2026-11-29, or a time such as 2026-11-29T08:30",
    f"{_WATCH} --every 60 --cron daily": "--every, --cron and --off: give only one of them",
    "data check --study lba": "did you mean 'lab'?",
    "data check --benchmark xnly": "did you mean 'xnli'?",
    "data check --small": "--small and --set apply to a study: name one with --study",
    "data check xnli": "unexpected extra argument",
    "data mirror --study lab": "Missing option '--to'. The mirror's folder",
    "data mirror --to mirror": "name what to mirror: --study STUDY, --benchmark NAME, or both",
    "data mirror --to no/such --study lab": "--to no/such: no folder",
    "store rm": "No such command 'rm'",
    "store du lab": "unexpected extra argument",
    "store verify abc": "unexpected extra argument",
    "store gc": "needs a terminal: use --yes to remove without asking, or --dry-run to list",
    "store gc --min-age week": "'--min-age': must be a number, got 'week'",
    "store gc --also nofile.db --dry-run": "--also nofile.db: no file",
    f"results scores {_STUDY} --language cn": "no language 'cn' (known: de, en, sw)",  # not: did you mean 'en'?
    f"results scores {_STUDY} --language german": "no language 'german'; did you mean 'de'?",
    f"results scores {_STUDY} --metric f1": "no metric 'f1' (known: accuracy)",
    f"results scores {_STUDY} --seed zero": "'--seed': must be a whole number, got 'zero'",
    f"results scores {_STUDY} --format tabel": "'tabel' is not one of 'table', 'csv'",
    "results gains": "Missing option '--study'. Name of a study that was run.",
    f"results gains {_STUDY} --by seed": "'seed' is not one of 'language', 'family', 'script', 'mean'",
    f"results gains {_STUDY} --intermediate nli@dd": "did you mean 'nli@de'?",
    f"results contrast nli@de {_STUDY}": "Missing argument 'SECOND'. The intermediate to compare it with",
    f"results contrast nli@de nli@de {_STUDY}": "a contrast needs two intermediates",
    f"results ranking {_STUDY} --caption best": "--caption and --label are for --format latex, not table",
    f"results scores {_STUDY} --seed 10": "no seed '10' (known: 0, 1, 2)",
    f"results power {_STUDY} --seed 9": "no seed '9' (known: 0, 1, 2)",
    f"results model {_STUDY} --language de": "No such option: --language",
    "results aggregate --version 2": "(known: xtreme, xtreme-r)",
    "results runs numbers": "unexpected extra argument",
    f"results runs {_STUDY} --target xnly": "did you mean 'xnli'?",
    "results measures --study nubers": "did you mean 'numbers'?",
    "results diff numbers": "Missing argument 'B'.",
    "results diff 7a numbers": "run '7a': type at least 4 characters of the cell",
    "results diff numbers/tiny/direct/xnli/9 numbers": "the nearest are: numbers/tiny/direct/xnli/",
    "results compare": "Missing option '--paper'. Paper, for example xtreme_r",
    "results compare --paper xtreme --model xlm-r": "did you mean 'XLM-R Large'?",
    "results sql": "Missing argument 'QUERY'. One SELECT",
    'results sql "SELECT lang FROM score"': "no such column: lang; did you mean 'language'? (score has cell, language,",
    'results sql "SELECT * FROM scores"': "no such table: scores; did you mean 'score'? (tables and views: benchmark,",
    "results sql .tables": "syntax error; write one SELECT (tables and views: benchmark,",
    'results sql "SHOW TABLES"': "syntax error; write one SELECT (tables and views: benchmark,",
    'results sql "DELETE FROM score"': "only one SELECT is allowed here",
    'results sql "SELECT 1" --rows 0': "'--rows': must be greater than or equal to 1, got '0'",
    "results export --to out.csv": "out.csv: the name must end in .parquet",
    "results export --to no/such/out.parquet": "no folder no/such; create it first",
    "results import nofile.parquet": "nofile.parquet: no such file",
    "results import nofile.parquet --prefer mine": "'mine' is not one of 'ours', 'theirs'",
    "results forget nubers --yes": "did you mean 'numbers'?",
    "results forget numbers": "needs a terminal: use --yes to remove without asking, or --dry-run to count",
}


@pytest.fixture
def folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with some files; the home has the study `numbers`."""
    made = make(home)
    with open_database(current().database_url) as db:
        record_all(db, made)
    work = tmp_path / "work"
    work.mkdir()
    for name, text in _FILES.items():
        (work / name).write_text(text)
    monkeypatch.chdir(work)
    monkeypatch.setenv("COLUMNS", "400")
    return work


def _said(line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What the program says on standard error as it ends with status 2."""
    monkeypatch.setattr("sys.argv", ["xtransfer", *shlex.split(line)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = " ".join(capsys.readouterr().err.split())
    assert ended.value.code == 2, said
    return said


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_is_named(
    line: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = _said(line, monkeypatch, capsys)
    assert MISTAKES[line] in said
    assert not [word for word in _OF_LIBRARIES if word in said], said
    assert {one.name for one in folder.iterdir()} == set(_FILES)


def test_options_that_a_running_server_cannot_take_on_are_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "prefect").mkdir(parents=True)
    url = "http://127.0.0.1:4205/api"
    write_json(home / "prefect" / SERVED, {"url": url, "since": "today", "pid": 1, "deployments": ["a"]})
    write_json(home / "prefect" / ADDRESS, {"url": "another", "password_file": "/a/file"})
    with lease(home / "prefect" / "serve.lock", None):
        options = "--host 0.0.0.0 --port 4300 --password-file other --workers 2"
        said = _said(f"serve {options}", monkeypatch, capsys)
        assert "--port, --host, --password-file, --workers: read only when serve starts; stop the running one" in said
        monkeypatch.setattr("sys.argv", ["xtransfer", "serve", "--port", "4205"])
        with pytest.raises(SystemExit, match=r"^0$"):
            cli.main()
    assert "http://127.0.0.1:4205; not answering at the moment" in capsys.readouterr().out
