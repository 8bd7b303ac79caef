"""Every command and example in the README and the docs is executed, the long ones as far as their plan."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT, Ran, trained, xtransfer

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LONG = (
    "xtransfer run lab",
    "xtransfer run lab-full",
    "xtransfer run lab-dual",
    "xtransfer run lab-mixture",
    "xtransfer run natural-nli",
    "make ",
)
NEEDS_A_SERVER = ("--every", "--cron", "--off")  # of `xtransfer serve`: only looked at, by --dry-run
NEEDS_A_HUB = ("xtransfer run natural-nli", "xtransfer data mirror --study natural-nli")


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def _files(page: Path) -> list[tuple[str, str]]:
    """Name and text of the files that a page shows: blocks that begin with ```python file=NAME."""
    found = re.findall(r"^```\w+ file=(\S+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [(name, text) for name, text in found]


def _commands() -> list[tuple[str, str]]:
    """Page and command; what a page exports stands before each of its later commands."""
    found = []
    for page in PAGES:
        exported = ""
        for block in _blocks(page, "console"):
            for line in (line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")):
                if line.startswith("export "):
                    exported += line.removeprefix("export ") + " "
                else:
                    found.append((page.name, exported + line))
        inline = re.findall(r"`(xtransfer [a-z][^`]*)`", page.read_text(encoding="utf-8"))
        found += [(page.name, one) for one in inline]
    return found


@pytest.fixture(scope="module")
def ran(small_lab: Ran, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the home in which `lab --small` was run, and a checkpoint of it watched: the commands add to it."""
    home = tmp_path_factory.mktemp("docs") / "home"
    shutil.copytree(small_lab.home, home)
    sent = xtransfer(home, "results", "export", "--to", str(home / "theirs.parquet"))
    assert sent.returncode == 0, sent.stderr
    _watch(home)
    return home


def _watch(home: Path) -> None:
    """Run what docs/watch.md calls `nightly` for a checkpoint that lies in two places."""
    place = home.parent / "runs"
    for step in (100, 200):
        shutil.copytree(trained(home), place / f"checkpoint-{step}")
    what = ("--target", "lab-inference", "--set", "languages=[de]", "--name", "nightly", "--steady", "0")
    done = xtransfer(home, "watch", "--source", f"{place}/*", *what)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def folder(tmp_path: Path, ran: Path) -> Path:
    """A working folder with the studies that the docs write as YAML, the files that they show, and sent results."""
    shutil.copy(ran / "theirs.parquet", tmp_path)
    for page in PAGES:
        for block in _blocks(page, "yaml"):
            study = re.search(r"^name: (.+)$", block, re.MULTILINE)
            assert study is not None, page
            (tmp_path / f"{study[1]}.yaml").write_text(block)
        for name, text in _files(page):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("page", "command"), _commands())
def test_command(page: str, command: str, folder: Path, ran: Path) -> None:
    if command.startswith("make "):
        dry = ["make", "-n", *command.split()[1:]]
        done = subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return
    words = shlex.split(command.replace("$PWD", str(folder)))
    exported = dict(word.split("=", 1) for word in words[: words.index("xtransfer")])
    arguments = words[len(exported) + 1 :]
    if command in LONG or command.startswith(NEEDS_A_HUB):
        arguments = ["studies"] if command.startswith(NEEDS_A_HUB) else ["plan", *arguments[1:]]
    if set(arguments) & set(NEEDS_A_SERVER):
        arguments.append("--dry-run")
    if arguments in (["run"], ["watch"]):  # the program as such is meant
        arguments.append("--help")
    if arguments[0] == "serve":  # it stays until Ctrl-C; tests/flows/test_serve.py starts it
        arguments.append("--help")
    done = xtransfer(ran, *arguments, cwd=folder, **exported)
    assert done.returncode == 0, f"{page}: {command}\n{done.stderr}"
    assert done.stdout.strip() or "no rows" in done.stderr  # of measures, which few studies have


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples_run(page: Path, ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XTRANSFER_HOME", str(ran))
    for block in _blocks(page, "python"):
        done = subprocess.run([sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() or "no rows" in done.stderr  # of measures, which few studies have


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_exist(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / link).exists(), link
