"""A stand-in for the hub that can be written to: repositories are made, files uploaded, and commits made of them.

Small files come with the commit. Large ones (weights) go to an address of their own first, as in git LFS, and the
commit names them by digest. `private` names the repositories that only their owner sees.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.standin.hub import Answer, Hub, Repository, as_json

_LARGE = "/large/"


class WritableHub(Hub):
    """`refuse` maps a part of a path to the status that a change there gets."""

    def __init__(self) -> None:
        super().__init__()
        self.private: set[str] = set()
        self.large: dict[str, bytes] = {}  # digest → uploaded file
        self.refuse: dict[str, int] = {}
        self.messages: list[str] = []  # of commits

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        path = unquote(urlsplit(target).path)
        if method in ("POST", "PUT"):
            for part, status in self.refuse.items():
                if part in path:
                    return Answer(status, b"refused", {"X-Error-Message": f"refused {target}"})
        if method == "PUT":
            self.large[hashlib.sha256(body).hexdigest()] = body
            return Answer(200)
        if method == "POST" and path == "/api/repos/create":
            return self._create(json.loads(body))
        if method == "POST" and path == "/api/validate-yaml":
            return as_json({"errors": [], "warnings": []})
        if method == "POST" and path.endswith(".git/info/lfs/objects/batch"):
            return self._places(json.loads(body)["objects"])
        if method == "POST" and "/preupload/" in path:
            return as_json({"files": [_mode(one["path"]) for one in json.loads(body)["files"]]})
        if method == "POST" and "/commit/" in path:
            return self._commit("/".join(path.split("/")[3:5]), [json.loads(line) for line in body.splitlines()])
        found = super().answer(method, target, body)
        name = path.removeprefix("/api/models/")
        if found.status == 200 and ("models", name) in self.repositories:
            return as_json({**json.loads(found.body), "private": name in self.private})
        return found

    def _create(self, asked: dict[str, Any]) -> Answer:
        name = f"{asked['organization']}/{asked['name']}"
        if ("models", name) in self.repositories:
            return Answer(409, b"exists", {"X-Error-Message": "you already created this model repo"})
        self.add("models", name, {".gitattributes": b""})
        if asked["visibility"] == "private":
            self.private.add(name)
        return as_json({"url": f"{self.url}/{name}"})

    def _places(self, objects: list[dict[str, Any]]) -> Answer:
        """Where to put each large file; nowhere if it is there already."""
        places = [
            one
            if one["oid"] in self.large
            else {**one, "actions": {"upload": {"href": f"{self.url}{_LARGE}{one['oid']}?signature=secret"}}}
            for one in objects
        ]
        return as_json({"transfer": "basic", "objects": places})

    def _commit(self, name: str, lines: list[dict[str, Any]]) -> Answer:
        before: Repository = self.repositories["models", name]
        header, files = lines[0]["value"], dict(before.files)
        if header.get("parentCommit") not in (None, before.commit):
            return Answer(412, b"behind", {"X-Error-Message": "a commit has happened since"})
        for line in lines[1:]:
            own = line["value"]
            if line["key"] == "file":
                files[own["path"]] = base64.b64decode(own["content"])
            elif line["key"] == "lfsFile":
                files[own["path"]] = self.large[own["oid"]]
            else:
                assert line["key"] == "deletedFile"
                del files[own["path"]]
        commit = self.add("models", name, files)
        self.repositories["models", name] = replace(self.repositories["models", name], earlier=(before,))
        self.messages.append(header["summary"])
        return as_json({"success": True, "commitUrl": f"{self.url}/{name}/commit/{commit}", "commitOid": commit})


def _mode(path: str) -> dict[str, Any]:
    mode = "lfs" if path.endswith((".safetensors", ".model")) else "regular"
    return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": None}
