"""A stage: one cached unit of work. Its key identifies its result before it is computed.

Each kind of stage has its own settings type (`StageSettings`). The store, the scheduler and the database see a `Stage`
of any kind: settings as JSON, and the keys of the artifacts that they refer to.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from xtransfer.base.declared import JsonObject, Value
from xtransfer.base.digest import canonical, digest

NOT_IDENTITY = "not identity"  # marks a field that does not change the result: `source: Annotated[str, NOT_IDENTITY]`


Facts: TypeAlias = Mapping[str, Any]  # what a stage reports of itself, as JSON: losses, counts, scores


class Progress(Protocol):
    """A callback for a stage's progress: what it does, steps done, total steps, metrics to show."""

    def __call__(self, message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None: ...


def no_progress(message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
    """No-op progress callback."""


class Made(Value):
    """An artifact, by the key of the stage that makes it."""

    key: str


class HubModel(Value):
    """A hub model."""

    id: str
    revision: str  # commit


class FolderModel(Value):
    """A model in a folder, by the digest of its files; `Stage.places` has its location."""

    digest: str


ModelSource = HubModel | FolderModel | Made


@dataclass(frozen=True)
class Work:
    """What a running stage gets besides its settings."""

    out: Path  # an empty folder; its content at the end becomes the artifact
    state: Path  # a folder that survives a kill, to resume from
    progress: Progress = no_progress
    device: str = "cpu"
    devices: tuple[str, ...] = ()  # devices to train on together; empty: only `device`
    folders: Mapping[str, Path] = field(default_factory=dict)  # key of an artifact or digest of a model → folder

    def folder(self, made: Made) -> Path:
        return self.folders[made.key]

    def model(self, source: ModelSource) -> Path | tuple[str, str]:
        """Returns the folder of a model, or its id and revision on the hub."""
        if isinstance(source, HubModel):
            return source.id, source.revision
        return self.folders[source.key if isinstance(source, Made) else source.digest]


@dataclass(frozen=True)
class Outside:
    """Something that a stage reads from outside the store, and its pin from planning."""

    what: str  # subject of the error if it changed
    how: str  # what may have changed it
    pin: str
    now: Callable[[], str]  # returns the current pin


class _Described(Protocol):
    """A stage, its manifest, or its row in the database."""

    @property
    def kind(self) -> str: ...
    @property
    def settings(self) -> Mapping[str, object]: ...  # JSON values


class StageSettings(Value):
    """Everything that changes the result of a stage of one kind, and nothing else.

    Raise `version` when the result of equal settings changes.
    """

    kind: ClassVar[str]
    version: ClassVar[int] = 1
    role: ClassVar[str]  # its role in a cell (the table `cell_stage`)

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)  # type: ignore[arg-type]  # pydantic takes its settings there
        SETTINGS[cls.kind] = cls

    @classmethod
    def parsed(cls, settings: Mapping[str, object]) -> Self | None:
        """Returns recorded settings; None if another version of the program wrote them with other fields."""
        try:
            return cls.model_validate(settings)
        except ValidationError:
            return None

    @classmethod
    def of(cls, stage: _Described) -> Self | None:
        """Returns the settings of a recorded stage; None for a stage of another kind, and as in `parsed`."""
        return cls.parsed(stage.settings) if stage.kind == cls.kind else None

    def stage(self, name: str, places: Mapping[str, str] | None = None) -> Stage:
        """Returns the stage with these settings. `places`: digest of a model → its folder, for `FolderModel`s."""
        made, used = dict[str, str](), set[str]()
        for path, one in within(self, (Made, FolderModel)):
            if isinstance(one, Made):
                made[path] = one.key
            elif isinstance(one, FolderModel):
                used.add(one.digest)
        found = {digest: folder for digest, folder in (places or {}).items() if digest in used}
        return Stage(self.kind, self.version, name, identity(self), made, found)


SETTINGS: dict[str, type[StageSettings]] = {}  # kind → its settings


def identity(value: BaseModel, *, with_defaults: bool = False) -> JsonObject:
    """Returns the fields of a value that identify it, as JSON.

    Leaves out fields at their default, so that a new field keeps the keys of older results, and fields marked
    `NOT_IDENTITY`. If a default changes, `version` must be raised.
    """
    own = value.__dict__
    return {
        name: _plain(own[name], with_defaults)
        for name, default in _identifying(type(value)).items()
        if with_defaults or own[name] != default
    }


@cache
def _identifying(model: type[BaseModel]) -> dict[str, object]:
    """Returns the fields that identify values of a type, with their defaults."""
    return {
        name: info.get_default(call_default_factory=True)
        for name, info in model.model_fields.items()
        if NOT_IDENTITY not in info.metadata
    }


def _plain(value: object, with_defaults: bool) -> object:
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, BaseModel):
        return identity(value, with_defaults=with_defaults)
    if isinstance(value, Mapping):
        return {name: _plain(own, with_defaults) for name, own in value.items()}
    return [_plain(own, with_defaults) for own in value] if isinstance(value, (list, tuple)) else value


def spelt_out(stage: _Described) -> Mapping[str, object]:
    """Returns a recorded stage's settings with all defaults; unchanged if this version cannot read them."""
    settings = SETTINGS[stage.kind].of(stage) if stage.kind in SETTINGS else None
    return identity(settings, with_defaults=True) if settings is not None else stage.settings


_T = TypeVar("_T", bound=BaseModel)


def within(value: object, kinds: tuple[type[_T], ...], path: str = "") -> Iterator[tuple[str, _T]]:
    """Yields the values of some types within settings, each with its path, such as `parts.0.translation`."""
    if value is None or isinstance(value, (str, int, float)):  # most values of a plan of thousands of stages
        return
    if isinstance(value, kinds):
        yield path, value
        return
    if isinstance(value, BaseModel):
        inner: Iterable[tuple[object, object]] = value.__dict__.items()
    elif isinstance(value, (list, tuple)):
        inner = enumerate(value)
    else:
        inner = value.items() if isinstance(value, Mapping) else ()
    for name, own in inner:
        yield from within(own, kinds, f"{path}.{name}" if path else str(name))


S = TypeVar("S", bound=StageSettings)


def nothing(settings: StageSettings) -> Iterable[Outside]:
    """Returns nothing: for stages that read only models and artifacts."""
    return ()


@dataclass(frozen=True)
class StageKind(Generic[S]):
    """How stages of one kind run."""

    settings: type[S]
    run: Callable[[S, Work], Facts]
    reads: Callable[[S], Iterable[Outside]]  # rows and corpora that `run` reads; checked before and after
    seconds: float  # rough cost on two CPU cores at laboratory size, for estimates before anything was timed

    @property
    def name(self) -> str:
        return self.settings.kind

    @property
    def version(self) -> int:
        return self.settings.version


@dataclass(frozen=True)
class Stage:
    """One stage of a plan."""

    kind: str
    version: int
    name: str  # readable, not part of the identity: `train nli@de seed 1`
    settings: Mapping[str, object]  # JSON values
    inputs: Mapping[str, str] = field(default_factory=dict)  # path in the settings → key of the stage that makes it
    places: Mapping[str, str] = field(default_factory=dict)  # digest of a model → its folder; not part of the key

    @cached_property
    def key(self) -> str:
        """Digest of kind, version, settings and the inputs' keys."""
        return digest(self.kind, self.version, dict(self.settings), dict(self.inputs))

    def to_json(self) -> str:
        return canonical(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Stage:
        return cls(**json.loads(text))
