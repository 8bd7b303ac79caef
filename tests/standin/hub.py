"""A stand-in for the hub on this machine: the part of its protocol that data sets and models need.

    with Hub() as hub:
        commit = hub.add("datasets", "someone/things", {"data/train-00000-of-00001.parquet": b"..."})
        subprocess.run([...], env={**os.environ, **hub.environment(cache)})

`hub.faults` maps a part of a path to what goes wrong there, always, or as a list one request after the other:
a status code; "gated"; "truncate": it breaks off; "short": it ends early and says that this was all; a number
of seconds (a float) before it answers; None: nothing.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

Fault = int | float | str | None


@dataclass(frozen=True)
class Repository:
    """Files at one commit; branches name that commit. `earlier` are the commits before it, the last one first;
    `pulls` are its open pull requests."""

    kind: str  # "datasets" or "models"
    name: str
    files: dict[str, bytes]
    commit: str
    branches: tuple[str, ...] = ("main",)
    title: str = "first"
    earlier: tuple[Repository, ...] = ()
    pulls: tuple[Repository, ...] = ()
    author: str = "someone"

    def at(self, revision: str) -> Repository | None:
        """The repository as it was at a commit, or is at a branch or in a pull request."""
        known = (self, *self.pulls, *self.earlier)
        return next((one for one in known if revision in one.branches or revision == one.commit), None)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. `says` is how long the body claims to be, where that is not how long it is."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    says: int | None = None


def git_digest(data: bytes) -> str:
    """What git, and the hub with it, names a file by."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def as_json(value: object) -> Answer:
    return Answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})


def _missing(code: str) -> Answer:
    return Answer(404, b"not found", {"X-Error-Code": code, "X-Error-Message": "not found"})


class Hub:
    """The server; `requests` is every (method, path) that it was asked."""

    def __init__(self) -> None:
        self.repositories: dict[tuple[str, str], Repository] = {}
        self.faults: dict[str, Fault | list[Fault]] = {}
        self.requests: list[tuple[str, str]] = []
        self.tokens: set[str | None] = set()  # that came with requests
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Hub:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, kind: str, name: str, files: dict[str, bytes], branches: tuple[str, ...] = ("main",)) -> str:
        """A repository; its commit is a digest of the files."""
        whole = b"".join(path.encode() + body for path, body in sorted(files.items()))
        commit = hashlib.sha1(whole).hexdigest()
        self.repositories[kind, name] = Repository(kind, name, files, commit, branches)
        return commit

    def commit(self, kind: str, name: str, title: str, files: dict[str, bytes]) -> str:
        """A commit on top of a repository's last one, of all its files; a new repository where there is none."""
        before = self.repositories.get((kind, name))
        commit = self.add(kind, name, files)
        earlier = (before, *before.earlier) if before else ()
        self.repositories[kind, name] = replace(self.repositories[kind, name], title=title, earlier=earlier)
        return commit

    def pull(self, name: str, number: int, title: str, author: str, files: dict[str, bytes]) -> str:
        """An open pull request of a model: its files at its commit."""
        into = self.repositories["models", name]
        commit = hashlib.sha1(f"{into.commit} {number}".encode()).hexdigest()
        pull = Repository("models", name, files, commit, (f"refs/pr/{number}",), title, author=author)
        self.repositories["models", name] = replace(into, pulls=(*into.pulls, pull))
        return commit

    def add_folder(self, kind: str, name: str, folder: Path) -> str:
        """A repository of all files below a folder."""
        files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return self.add(kind, name, files)

    def environment(self, cache: Path) -> dict[str, str]:
        """What a process needs in its environment to take this server for the hub."""
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(cache),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DOWNLOAD_TIMEOUT": "2",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        """What the hub would answer to a request."""
        path = unquote(urlsplit(target).path)
        fault = self._fault(path) if method != "POST" else None
        if isinstance(fault, float):
            time.sleep(fault)
        if isinstance(fault, int):
            return Answer(fault, b"fault", {})
        if fault == "gated":
            return Answer(403, b"gated", {"X-Error-Code": "GatedRepo", "X-Error-Message": "access is restricted"})
        found = self._route(path.strip("/").split("/"), parse_qs(urlsplit(target).query), body)
        half = found.body[: len(found.body) // 2]
        if fault == "truncate" and method == "GET":
            return replace(found, body=half, says=len(found.body))
        return replace(found, body=half) if fault == "short" and method == "GET" else found

    def _fault(self, path: str) -> Fault:
        fault = next((fault for part, fault in self.faults.items() if part in path), None)
        return (fault.pop(0) if fault else None) if isinstance(fault, list) else fault

    def _route(self, parts: list[str], query: dict[str, list[str]], body: bytes) -> Answer:
        if parts[0] == "api" and len(parts) >= 4:
            return self._api(parts[1], "/".join(parts[2:4]), parts[4:], query, body)
        kind = "datasets" if parts[0] == "datasets" else "models"
        parts = parts[1:] if kind == "datasets" else parts
        if len(parts) < 5 or parts[2] != "resolve":
            return _missing("RepoNotFound")
        path, revision = _split(parts[3:], self.repositories.get((kind, "/".join(parts[:2]))))
        return self._file(kind, "/".join(parts[:2]), revision, path)

    def _api(self, kind: str, name: str, rest: list[str], query: dict[str, list[str]], body: bytes) -> Answer:
        repository = self.repositories.get((kind, name))
        if repository is None:
            return _missing("RepoNotFound")
        verb, rest = (rest[0], rest[1:]) if rest else ("revision", ["main"])
        if verb == "auth-check":
            return as_json({})
        if verb == "discussions":
            return as_json({"count": len(repository.pulls), "start": 0, "discussions": _pulls(repository)})
        path, revision = _split(rest, repository)
        found = repository.at(revision)
        if found is None:
            return _missing("RevisionNotFound")
        repository = found
        if verb == "commits":
            return as_json([_committed(one) for one in (repository, *repository.earlier)])
        if verb == "revision":
            return as_json(_described(repository))
        if verb == "tree":
            return _tree(repository, path, query.get("recursive", ["false"])[0].lower() in ("true", "1"))
        if verb == "paths-info":
            wanted = _paths(body)
            return as_json([_entry(repository, one) for one in wanted if one in repository.files])
        return _missing("EntryNotFound")

    def _file(self, kind: str, name: str, revision: str, path: str) -> Answer:
        repository = self.repositories.get((kind, name))
        if repository is None:
            return _missing("RepoNotFound")
        repository = repository.at(revision)
        if repository is None:
            return _missing("RevisionNotFound")
        if path not in repository.files:
            return _missing("EntryNotFound")
        data = repository.files[path]
        headers = {"X-Repo-Commit": repository.commit, "ETag": f'"{git_digest(data)}"'}
        return Answer(200, data, headers)


def _split(parts: list[str], repository: Repository | None) -> tuple[str, str]:
    """Path and revision; a branch may hold slashes."""
    known = (repository, *repository.pulls) if repository else ()
    for branch in (branch for one in known for branch in one.branches):
        if "/".join(parts).startswith(branch):
            return "/".join(parts)[len(branch) :].strip("/"), branch
    return "/".join(parts[1:]), parts[0] if parts else "main"


def _described(repository: Repository) -> dict[str, object]:
    return {
        "_id": "0",
        "id": repository.name,
        "sha": repository.commit,
        "private": False,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": [],
        "lastModified": "2026-01-01T00:00:00.000Z",
        "siblings": [{"rfilename": path} for path in sorted(repository.files)],
    }


def _committed(repository: Repository) -> dict[str, object]:
    moment = f"2026-01-{len(repository.earlier) + 1:02d}T00:00:00.000Z"  # a day for each commit
    return {"id": repository.commit, "title": repository.title, "message": "", "date": moment, "authors": []}


def _pulls(repository: Repository) -> list[dict[str, object]]:
    common = {"status": "open", "isPullRequest": True, "createdAt": "2026-01-01T00:00:00.000Z"}
    repo = {"name": repository.name, "type": "model"}
    numbered = [(int(one.branches[0].rpartition("/")[2]), one) for one in repository.pulls]
    return [
        {**common, "repo": repo, "num": number, "title": one.title, "author": {"name": one.author}}
        for number, one in numbered
    ]


def _entry(repository: Repository, path: str) -> dict[str, object]:
    """A file of a listing; weights are large files, whose digest the hub knows."""
    data = repository.files[path]
    named = {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
    if not path.endswith(".safetensors"):
        return named
    return {**named, "lfs": {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}}


def _tree(repository: Repository, folder: str, recursive: bool) -> Answer:
    below = [path for path in sorted(repository.files) if not folder or path.startswith(folder + "/")]
    if not below:
        return _missing("EntryNotFound")
    depth = len(folder.split("/")) + 1 if folder else 1
    folders = sorted({"/".join(path.split("/")[:depth]) for path in below if path.count("/") >= depth})
    named = [{"type": "directory", "path": path, "size": 0, "oid": "0" * 40} for path in folders]
    return as_json([*named, *(_entry(repository, path) for path in below if recursive or path.count("/") < depth)])


def _paths(body: bytes) -> list[str]:
    text = body.decode()
    return list(json.loads(text)["paths"]) if text.startswith("{") else parse_qs(text).get("paths", [])


def _part(answer: Answer, wanted: str | None) -> Answer:
    """A part of a body: `bytes=<start>-`, from where a broken download goes on, or `bytes=<start>-<last>`."""
    if wanted is None or answer.status != 200:
        return answer
    whole = len(answer.body)
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    start, end = int(first), min(int(last) + 1, whole) if last else whole
    headers = {**answer.headers, "Content-Range": f"bytes {start}-{end - 1}/{whole}"}
    return replace(answer, status=206, body=answer.body[start:end], headers=headers)


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            hub.requests.append((self.command, self.path))
            hub.tokens.add(self.headers.get("Authorization"))
            answer = _part(hub.answer(self.command, self.path, body), self.headers.get("Range"))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body) if answer.says is None else answer.says))
            with suppress(ConnectionError):  # whoever asked has given up
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer.body)
            if answer.says is not None:
                self.close_connection = True

        do_GET = do_HEAD = do_POST = do_PUT = respond  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Silence: the tests look at `requests`."""

    return Handler
