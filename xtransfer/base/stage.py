"""A stage: one cached unit of work. Its key names its result before it is computed.

Each kind of stage has settings of its own type (`StageSettings`). A `Stage` is what the store, the scheduler and the
database see of any kind: settings as JSON, and the keys of the artifacts that they name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from xtransfer.base.declared import Value
from xtransfer.base.digest import canonical, digest

NOT_IDENTITY = "not identity"  # marks a field that changes no result: `source: Annotated[str, NOT_IDENTITY]`


Facts: TypeAlias = Mapping[str, Any]  # what a stage reports of itself, as JSON: losses, counts, scores


class Progress(Protocol):
    """Told how far a stage is: what it does, steps done, steps in all, numbers worth showing."""

    def __call__(self, message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None: ...


def no_progress(message: str, done: int, total: int, metrics: Mapping[str, float] | None = None) -> None:
    """No-op progress callback."""


class Made(Value):
    """An artifact of the store, by the key of the stage that makes it."""

    key: str


class HubModel(Value):
    """A model of the hub."""

    id: str
    revision: str  # commit


class FolderModel(Value):
    """A model in a folder, by the digest of its files; `Stage.places` knows where it lies."""

    digest: str


ModelSource = HubModel | FolderModel | Made


@dataclass(frozen=True)
class Work:
    """What a running stage is given beside its settings."""

    out: Path  # an empty folder; what is in it when the stage returns becomes the artifact
    state: Path  # a folder that outlives a kill: the next try finds what this one left there
    progress: Progress = no_progress
    device: str = "cpu"
    devices: tuple[str, ...] = ()  # all that a training run may divide its batches over; none: `device` alone
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
    """Something that a stage reads from outside the store, and what it was when the stage was planned."""

    what: str  # the subject of an error that says that it changed
    how: str  # what may have changed it
    pin: str
    now: Callable[[], str]  # what the pin would be now


class _Described(Protocol):
    """A stage, its manifest, or its row in the database."""

    @property
    def kind(self) -> str: ...
    @property
    def settings(self) -> Mapping[str, Any]: ...  # Any: JSON values


class StageSettings(Value):
    """Everything that changes the result of a stage of one kind, and nothing else.

    Raise `version` when the result of equal settings changes.
    """

    kind: ClassVar[str]
    version: ClassVar[int] = 1
    role: ClassVar[str]  # what the stage is in a cell (the table `cell_stage`)

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)  # type: ignore[arg-type]  # pydantic takes its settings there
        SETTINGS[cls.kind] = cls

    @classmethod
    def parsed(cls, settings: Mapping[str, Any]) -> Self | None:
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
        made = {path: one.key for path, one in within(self, Made)}
        used = {one.digest for _, one in within(self, FolderModel)}
        found = {digest: folder for digest, folder in (places or {}).items() if digest in used}
        return Stage(self.kind, self.version, name, identity(self), made, found)


SETTINGS: dict[str, type[StageSettings]] = {}  # kind → its settings


def identity(value: Any, *, with_defaults: bool = False) -> Any:
    """Returns what a value is for a key, as JSON: without fields at their default, so that a new field keeps the keys
    of older results, and without those marked `NOT_IDENTITY`. A default that changes needs a new `version`."""
    again = partial(identity, with_defaults=with_defaults)
    if isinstance(value, BaseModel):
        return {
            name: again(own)
            for name, info in type(value).model_fields.items()
            if NOT_IDENTITY not in info.metadata
            and ((own := getattr(value, name)) != info.get_default(call_default_factory=True) or with_defaults)
        }
    if isinstance(value, Mapping):
        return {name: again(own) for name, own in value.items()}
    return [again(own) for own in value] if isinstance(value, (list, tuple)) else value


def spelt_out(stage: _Described) -> Mapping[str, Any]:
    """Returns the settings of a recorded stage with every default; as they are where this version cannot read them."""
    settings = SETTINGS[stage.kind].of(stage) if stage.kind in SETTINGS else None
    return identity(settings, with_defaults=True) if settings is not None else stage.settings


_T = TypeVar("_T", bound=BaseModel)


def within(value: object, kind: type[_T], path: str = "") -> Iterator[tuple[str, _T]]:
    """Yields the values of a type within settings, each with its path, such as `parts.0.translation`."""
    if isinstance(value, kind):
        yield path, value
        return
    if isinstance(value, BaseModel):
        inner: Iterable[tuple[object, object]] = ((name, getattr(value, name)) for name in type(value).model_fields)
    elif isinstance(value, Mapping):
        inner = value.items()
    else:
        inner = enumerate(value) if isinstance(value, (list, tuple)) else ()
    for name, own in inner:
        yield from within(own, kind, f"{path}.{name}" if path else str(name))


S = TypeVar("S", bound=StageSettings)


def nothing(settings: StageSettings) -> Iterable[Outside]:
    """What a kind of stage reads whose stages read models and artifacts alone."""
    return ()


@dataclass(frozen=True)
class StageKind(Generic[S]):
    """How stages of one kind run."""

    settings: type[S]
    run: Callable[[S, Work], Facts]
    reads: Callable[[S], Iterable[Outside]]  # rows and corpora that `run` reads; they are checked around it
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
    settings: Mapping[str, Any]  # Any: JSON values
    inputs: Mapping[str, str] = field(default_factory=dict)  # path in the settings → key of the stage that makes it
    places: Mapping[str, str] = field(default_factory=dict)  # digest of a model → its folder; no identity

    @cached_property
    def key(self) -> str:
        """Digest of kind, version, settings and the inputs' keys."""
        return digest(self.kind, self.version, dict(self.settings), dict(self.inputs))

    def to_json(self) -> str:
        return canonical(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> Stage:
        return cls(**json.loads(text))
