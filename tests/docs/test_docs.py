"""Every command and example in the README and the docs is executed as a reader would type it; what is not says why."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import copy, copytree
from time import monotonic, sleep
from typing import Any

import pytest
import typer

from flows.cli import app
from tests.running import MINUTES, ROOT, Ran, copied, environment, give_stages, trained, xtransfer
from tests.warm import programs

pytestmark = pytest.mark.slow

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OTHERS = sorted({*ROOT.glob("*.md")} - {PAGES[0]})  # for who works on xtransfer: their links alone are followed
LONG = {  # minutes of training, or data of a hub: executed as far as their plan
    "xtransfer run lab",
    "xtransfer run lab-dual",
    "xtransfer run lab-mixture",
    "xtransfer run captions --small",
    "xtransfer run natural-nli",
    "xtransfer run natural-nli --small",
}
NOT_HERE = {
    "make demo": "sets up an environment of its own and trains for minutes",
    "make test": "runs this test",
    "make test-all": "runs this test",
    "xtransfer data mirror --study natural-nli --to mirror": "needs a hub; tests/data/test_mirror.py has a stand-in",
}
_TRAINS_A_TRANSLATOR = re.compile(
    r"xtransfer translate .*--engine lab-marian"
)  # a minute; test_make_artifacts: less of it
_ON_A_SERVER = re.compile(r"xtransfer (run|evaluate|translate|watch)\b")
_FENCE = r"^```{}\n(.*?)^```"
_LINKS = re.compile(r"\]\((?!https?:)([^)#]+)#?([^)]*)\)")  # of a page or picture, and a heading in it


def _blocks(page: Path, heading: str) -> list[str]:
    return re.findall(_FENCE.format(heading), page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _files(page: Path) -> list[tuple[str, str]]:
    """Name and text of the files that a page shows: blocks that begin with ```python file=NAME."""
    return re.findall(_FENCE.format(r"\w+ file=(\S+)"), page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def _marked() -> Iterator[Any]:
    for page, command in _commands():
        marks = [pytest.mark.storm] if _TRAINS_A_TRANSLATOR.search(command) else []
        yield pytest.param(page, command, marks=marks)


def _commands() -> Iterator[tuple[str, str]]:
    """Page and command; what a page exports stands before each of its later commands. `xtransfer run` alone, in a
    sentence, is a name and no command."""
    for page in PAGES:
        exported = ""
        for line in "".join(_blocks(page, "console")).splitlines():
            command = line.removeprefix("$ ")
            if command.startswith("export "):
                exported += f"{command}; "
            elif command != line:
                yield _name(page), exported + command
        for inline in re.findall(r"`(xtransfer [a-z]+ [^`]+)`", page.read_text(encoding="utf-8")):
            yield _name(page), " ".join(inline.split())


@pytest.fixture(scope="module")
def ran(small_lab: Ran, learnt_lab: Ran, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home in which `lab --small` was run, a checkpoint of it watched, and `xtransfer serve` runs."""
    home = tmp_path_factory.mktemp("docs") / "home"
    copied(small_lab.home, home)  # with the smaller encoder of the docs' own studies
    give_stages(learnt_lab.home, home)
    assert xtransfer(home, "results", "forget", "quick", "--yes").returncode == 0
    small = xtransfer(home, "run", "lab", "--small")
    assert small.returncode == 0, small.stderr
    sent = xtransfer(home, "results", "export", "--to", str(home / "theirs.parquet"))
    assert sent.returncode == 0, sent.stderr
    with _served(home):
        _watch(home)
        yield home


@contextmanager
def _served(home: Path) -> Iterator[None]:
    command = [str(programs() / "xtransfer"), "serve", "--port", "0"]
    state, until = home / "prefect" / "serve.json", monotonic() + 5 * MINUTES
    with subprocess.Popen(command, cwd=ROOT, env=environment(home, {}), stdout=subprocess.DEVNULL) as process:
        try:
            while not state.exists():
                assert process.poll() is None and monotonic() < until
                sleep(0.5)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=3 * MINUTES)


def _api(home: Path) -> str:
    """The address of the server that runs for a home."""
    url: str = json.loads((home / "prefect" / "serve.json").read_text())["url"]
    return url


def _key(home: Path) -> str:
    """What lets clients in to the server that runs for a home."""
    return (home / "prefect" / "server.key").read_text(encoding="utf-8").strip()


def _watch(home: Path) -> None:
    """Run what docs/how-to/watch-checkpoints.md calls `nightly` for a checkpoint that lies in two places."""
    place = home.parent / "runs"
    for step in (100, 200):
        copytree(trained(home), place / f"checkpoint-{step}")
    what = ("--target", "lab-inference", "--set", "languages=[de]", "--name", "nightly", "--steady", "0")
    done = xtransfer(
        home, "watch", "--source", f"{place}/*", *what, PREFECT_API_URL=_api(home), PREFECT_API_AUTH_STRING=_key(home)
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def folder(tmp_path: Path, ran: Path) -> Path:
    """A working folder with the studies that the docs write as YAML, the files that they show, and sent results."""
    copy(ran / "theirs.parquet", tmp_path)
    for page in PAGES:
        for block in _blocks(page, "yaml"):
            study = re.search(r"^name: (.+)$", block, re.MULTILINE)
            assert study is not None, page
            (tmp_path / f"{study[1]}.yaml").write_text(block)
        for name, text in _files(page):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def _shell(command: str, home: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a line in a shell that finds an `xtransfer` which starts warm, and all else where this Python is."""
    places = environment(home, {"PATH": f"{programs()}:{Path(sys.executable).parent}:{os.environ['PATH']}"})
    if _ON_A_SERVER.search(command):  # as it finds by itself
        places |= {"PREFECT_API_URL": _api(home), "PREFECT_API_AUTH_STRING": _key(home)}
    return subprocess.run(
        ["bash", "-c", command], cwd=cwd, env=places, capture_output=True, text=True, timeout=10 * MINUTES, check=False
    )


@pytest.mark.parametrize(("page", "command"), [*_marked()])
def test_command(page: str, command: str, folder: Path, ran: Path) -> None:
    if command in NOT_HERE:
        pytest.skip(NOT_HERE[command])
    done = _shell(command.replace(" run ", " plan ") if command in LONG else command, ran, folder)
    assert done.returncode == 0, f"{page}: {command}\n{done.stderr}"
    _check_output(done)


def _check_output(done: subprocess.CompletedProcess[str]) -> None:
    assert done.stdout.strip() or "no rows" in done.stderr  # of measures, which few studies have


def test_commands_name_what_there_is() -> None:
    """The long ones too, which are not run or not always."""
    for _, command in _commands():
        program, *words = shlex.split(command.rpartition("; ")[2])
        if program == "xtransfer":
            _parse(words)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_shell_examples_name_what_there_is(page: Path) -> None:
    """They need a cluster, containers or much time: their grammar, programs and options are looked at."""
    for block in _blocks(page, "sh"):
        assert subprocess.run(["bash", "-n"], input=block, text=True, check=False).returncode == 0, block
        for module in re.findall(r"python -m (\S+)", block):
            assert find_spec(module) is not None, module
        for line in re.findall(r"^xtransfer (.*?)(?: *#.*)?$", block, re.MULTILINE):
            _parse(line.split())


def _parse(words: list[str]) -> None:
    """Raises click's UsageError for a subcommand or an option that there is not."""
    command = typer.main.get_command(app)
    while isinstance(command, typer.core.TyperGroup):
        with command.make_context("xtransfer", words[:]) as context:
            _, found, words = command.resolve_command(context, words)
        assert found is not None
        command = found
    command.make_context("xtransfer", words).close()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_python_examples_run(page: Path, ran: Path, tmp_path: Path) -> None:
    for block in _blocks(page, "python"):
        command = [str(programs() / "python"), "-c", block]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(ran, {}), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        _check_output(done)


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=_name)
def test_links_and_pictures_exist(page: Path) -> None:
    for link, heading in _LINKS.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link
        assert not heading or heading in _headings(page.parent / link), f"{link}#{heading}"


def _headings(page: Path) -> list[str]:
    """As links name them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found]


def test_every_page_is_reached_from_the_readme() -> None:
    reached, left = set[Path](), [PAGES[0]]
    while left:
        page = left.pop()
        reached.add(page)
        links = (page.parent / link for link, _ in _LINKS.findall(page.read_text(encoding="utf-8")))
        left += [link for one in links if (link := one.resolve()).suffix == ".md" and link not in reached]
    assert reached == {page.resolve() for page in (*PAGES, *OTHERS)}
