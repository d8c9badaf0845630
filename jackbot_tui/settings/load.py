"""Builds the effective settings from built-in values, files, environment and flags, in this order of growing weight.

Every layer is checked on its own, so that a wrong value is reported even where a stronger layer hides it, and each
value remembers where it came from. Nothing is started or changed here; the only output is ``Loaded`` or a ConfigError
with one line per problem.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path

from msgspec import Struct
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import EnvSettingsSource, SettingsError

from jackbot_tui.model.errors import ConfigError
from jackbot_tui.settings.fields import FieldFacts, fields_of
from jackbot_tui.settings.model import ENVIRONMENT_PREFIX, Settings
from jackbot_tui.settings.places import Places
from jackbot_tui.settings.redaction import redact_text, redact_value

CONFIG_VARIABLE = "JACKBOT_CONFIG"
BUILT_IN = "built-in"
MAX_FILE_BYTES = 1024 * 1024
SHOWN = 60
"""Characters of a wrong value that are repeated in the error."""


class Layer(Struct, frozen=True):
    """Values from one source. ``label`` is shown in errors and ``config show``; ``kind``: file, environment, flag."""

    label: str
    kind: str
    values: dict[str, object]


class Loaded(Struct, frozen=True):
    """``sources`` maps each dotted key to the label of the layer that decided it."""

    settings: Settings
    sources: dict[str, str]


def config_files(chosen: Sequence[Path], environ: Mapping[str, str], places: Places) -> list[Path]:
    """Files to read, weakest first: those of ``--config``, else ``$JACKBOT_CONFIG``, else the user's own if there."""
    if chosen:
        return list(chosen)
    if named := environ.get(CONFIG_VARIABLE):
        return [Path(named)]
    return [places.config_file] if places.config_file.exists() else []


def load_settings(files: Sequence[Path], environ: Mapping[str, str], flags: Mapping[str, object]) -> Loaded:
    """Effective settings; ConfigError with one line per wrong key or value. ``flags`` maps dotted keys to values."""
    layers = [read_file(path) for path in files]
    layers.append(_environment(environ))
    layers.append(Layer("flags", "flag", _nested(flags)))
    problems = [line for layer in layers for line in _problems(layer)]
    if problems:
        raise ConfigError("\n".join(problems))
    merged: dict[str, object] = {}
    sources = {fact.key: BUILT_IN for fact in fields_of(Settings)}
    for layer in layers:
        _merge(merged, layer.values)
        sources.update((key, layer.label) for key in _leaves(layer.values) if key in sources)
    return Loaded(Settings(**merged), sources)  # type: ignore[arg-type]


def check_file(path: Path) -> list[str]:
    """Problems of one file alone, one line each; empty when it is in order."""
    try:
        layer = read_file(path)
    except ConfigError as error:
        return [str(error)]
    return list(_problems(layer))


def read_file(path: Path) -> Layer:
    """One TOML file; ConfigError in one line when it cannot be read as such."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read: {error.strerror or error}; 'jackbot config path' says where"
        ) from None
    if len(content) > MAX_FILE_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_FILE_BYTES // 1024} KiB, so not a configuration of Jackbot")
    try:
        values = tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path}: not UTF-8 text (byte {error.start}); 'jackbot config template' prints a good file"
        ) from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply; 'jackbot config template' prints a good file") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not valid TOML: {_one_line(str(error), 200)}") from None
    return Layer(str(path), "file", values)


def _environment(environ: Mapping[str, str]) -> Layer:
    """``JACKBOT_<SECTION>__<KEY>`` variables, read by pydantic-settings."""
    own = {name: value for name, value in environ.items() if name.upper().startswith(ENVIRONMENT_PREFIX)}
    sections = list(Settings.model_fields)
    for name in own:
        section, separator, _ = name.upper().removeprefix(ENVIRONMENT_PREFIX).partition("__")
        if separator and section.lower() not in sections:
            raise ConfigError(f"environment: {name}: no such section; {_nearest(section.lower(), sections)}")
        merged = next((s for s in sections if section.startswith(f"{s.upper()}_")), None)
        if not separator and merged:
            proper = f"{ENVIRONMENT_PREFIX}{merged.upper()}__{section.removeprefix(merged.upper() + '_')}"
            raise ConfigError(f"environment: {name}: section and key are joined by two underscores: write {proper}")
    source = EnvSettingsSource(Settings, case_sensitive=False)
    source.env_vars = {name.lower(): value for name, value in own.items()}
    try:
        values = source()
    except SettingsError as error:
        raise ConfigError(f"environment: {_one_line(str(error), 200)}: write one variable per key") from None
    return Layer("environment", "environment", values)


def _problems(layer: Layer) -> Iterator[str]:
    try:
        Settings(**layer.values)  # type: ignore[arg-type]
    except ValidationError as error:
        known = fields_of(Settings)
        for detail in error.errors(include_url=False):
            yield _sentence(layer, detail, known)
    except TypeError:
        yield f"{layer.label}: a section has a name that is no word; {_sections()}"


def _sentence(layer: Layer, detail: ErrorDetails, known: Sequence[FieldFacts]) -> str:
    """One line: where, key, value, what is wrong, the nearest that is right."""
    path = [str(part) for part in detail["loc"]]
    facts = next((fact for fact in known if fact.key.split(".") == path[: fact.key.count(".") + 1]), None)
    shown = _shown_key(layer, path)
    if detail["type"] == "extra_forbidden":
        return f"{layer.label}: {shown}: no such key; {_nearest('.'.join(path), _keys(known))}"
    if facts is None:
        return f"{layer.label}: {shown} = {_shown_value(path, detail['input'])}: must be a section, [{'.'.join(path)}]"
    value = _shown_value(path, detail["input"])
    return f"{layer.label}: {shown} = {value}: {_what(detail)}; {_remedy(facts, detail)}"


def _what(detail: ErrorDetails) -> str:
    if detail["type"] == "value_error":
        return _one_line(str(detail["ctx"]["error"]), 200)
    return _one_line(detail["msg"].replace("Input should be", "must be").replace("Input", "value"), 200)


def _remedy(facts: FieldFacts, detail: ErrorDetails) -> str:
    bound = _crossed_bound(detail)
    nearest = f"nearest valid value {bound}, " if bound is not None else ""
    if facts.choices and isinstance(detail["input"], str):
        close = get_close_matches(detail["input"].lower(), facts.choices, 1, 0.5)
        nearest = f"nearest {close[0]}, " if close else ""
    return f"{nearest}valid: {facts.valid}"


def _crossed_bound(detail: ErrorDetails) -> object | None:
    """The limit itself where it belongs to the valid range; with a strict limit there is no single nearest value."""
    context = detail.get("ctx", {})
    match detail["type"]:
        case "greater_than_equal":
            return context.get("ge")
        case "less_than_equal":
            return context.get("le")
        case _:
            return None


def _nearest(word: str, candidates: Sequence[str]) -> str:
    """Near keys: by the whole dotted name, then by the last part alone."""
    close = get_close_matches(word, candidates, 2, 0.7)
    if not close:
        last = {candidate.rpartition(".")[2]: candidate for candidate in candidates}
        close = [last[name] for name in get_close_matches(word.rpartition(".")[2], list(last), 2, 0.6)]
    return f"nearest: {' or '.join(close)}" if close else _sections()


def _keys(known: Sequence[FieldFacts]) -> list[str]:
    """Sections first: a mistyped section is nearer to one of them than to any of its keys."""
    return [*dict.fromkeys(fact.section for fact in known), *(fact.key for fact in known)]


def _sections() -> str:
    return f"sections: {', '.join(Settings.model_fields)}"


def _shown_key(layer: Layer, path: Sequence[str]) -> str:
    match layer.kind:
        case "environment":
            return _one_line(ENVIRONMENT_PREFIX + "__".join(part.upper() for part in path), 100)
        case _:
            return _one_line(".".join(path), 100)


def _shown_value(path: Sequence[str], value: object) -> str:
    safe = redact_value(path[-1], value)
    return _one_line(redact_text(repr(safe)), SHOWN)


def _one_line(text: str, limit: int) -> str:
    """Printable, without line breaks, cut at ``limit`` characters."""
    flat = "".join(character if character.isprintable() else " " for character in " ".join(text.split()))
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def _nested(flags: Mapping[str, object]) -> dict[str, object]:
    nested: dict[str, object] = {}
    for dotted, value in flags.items():
        *sections, key = dotted.split(".")
        target = nested
        for section in sections:
            inner = target.setdefault(section, {})
            assert isinstance(inner, dict)
            target = inner
        target[key] = value
    return nested


def _merge(target: dict[str, object], values: Mapping[str, object]) -> None:
    for key, value in values.items():
        present = target.get(key)
        if isinstance(present, dict) and isinstance(value, dict):
            _merge(present, value)
        elif isinstance(value, dict):
            copy: dict[str, object] = {}
            _merge(copy, value)
            target[key] = copy
        else:
            target[key] = value


def _leaves(values: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    for key, value in values.items():
        dotted = f"{prefix}{key}"
        yield dotted
        if isinstance(value, dict):
            yield from _leaves(value, f"{dotted}.")


def plain(value: object) -> object:
    """A setting's value as text or JSON would show it."""
    match value:
        case Decimal():
            return format(value, "f")
        case Path():
            return str(value)
        case BaseModel():
            return value.model_dump(mode="json")
        case _:
            return value
