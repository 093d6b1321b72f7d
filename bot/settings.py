"""The only reader of the environment. Names start with `BOT_`, groups are joined with `__`.

A name that starts with `BOT_` and is not understood is an error: a misspelt safety setting must
never be taken for its default in silence.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.errors import SettingsError

ROOT = Path(__file__).resolve().parent.parent


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Paths(_Group):
    """Where things lie. `var` holds all state: index generations, locks, pointers."""

    knowledge: Path = ROOT / "knowledge"
    var: Path = ROOT / "var"


class Embedding(_Group):
    """`model` is `default` (the pinned all-MiniLM-L6-v2) or a folder with a sentence-transformers
    model; `sha256` of its `model.safetensors` is checked when given. `adapter` lays the matrix
    trained on our own ways of asking over the default model, and has questions matched by the model
    tuned for it (docs/decisions/0003, 0010)."""

    model: str = "default"
    sha256: str | None = None
    batch_size: int = Field(default=32, ge=1, le=512)
    query_prefix: str = ""
    passage_prefix: str = ""
    adapter: bool = True


class Chunking(_Group):
    """Passages are whole sentences of one section up to `max_tokens` of the model's tokens
    (including heading), never more than the model's window. The other three bound what one file
    may cost: its bytes, the pages of a PDF, and what its compressed parts unpack to."""

    max_tokens: int = Field(default=250, ge=32, le=8192)
    max_document_bytes: int = Field(default=20_000_000, ge=1_000)
    max_document_pages: int = Field(default=500, ge=1, le=100_000)
    max_unpacked_bytes: int = Field(default=60_000_000, ge=100_000)


class Retrieval(_Group):
    """How many neighbours each search brings and what each similarity weighs in a passage's score.
    The weights were chosen on the development questions (docs/decisions/0001). `reranker` reads the
    first `rerank_top` hits once more: `words` word by word with the embedding model, `none` not, or
    a folder with a cross-encoder; `rerank_weight` is what its likeness counts. Behind `words` comes
    the learned last order (docs/decisions/0021), which is made for these weights."""

    candidates: int = Field(default=40, ge=5, le=200)
    keep: int = Field(default=10, ge=1, le=50)
    passage_weight: float = Field(default=0.7, ge=0)
    asked_weight: float = Field(default=0.3, ge=0)
    asked_mean_weight: float = Field(default=0.8, ge=0)
    heading_weight: float = Field(default=0.1, ge=0)
    lexical_weight: float = Field(default=0.15, ge=0)
    reranker: str = "words"
    rerank_top: int = Field(default=5, ge=1, le=50)
    rerank_weight: float = Field(default=0.15, ge=0)


class Answering(_Group):
    """Limits of a question and an answer. `nearby` is how much lower a second passage may score to
    be shown beside the first (on the development questions 0.04 took wrong answers among the
    answered from .177 to .139 and lost no complete one). `overdue_sources` says what happens with a
    source past its review date: `notice` answers with a visible notice, `refuse` never cites it
    (R09)."""

    max_question_chars: int = Field(default=2000, ge=50, le=20_000)
    max_statements: int = Field(default=5, ge=1, le=8)
    nearby: float = Field(default=0.04, ge=0, le=1)
    overdue_sources: Literal["notice", "refuse"] = "refuse"
    contact_card_only: bool = False


class LocaleSettings(_Group):
    """The clinic's country decides emergency numbers; `unknown` never guesses one."""

    region: Literal["US", "GB", "IE", "CA", "AU", "NZ", "EU", "unknown"] = "unknown"
    fever_celsius: float = Field(default=38.0, ge=37.5, le=38.3)


class ContactSettings(_Group):
    """How a patient reaches a person (R02). Production refuses to start while `phone` is empty.
    `name_es` and `hours_es` are for readers of Spanish."""

    name: str = "your transplant team"
    phone: str | None = None
    hours: str | None = None
    after_hours_phone: str | None = None
    name_es: str | None = None
    hours_es: str | None = None


class Web(_Group):
    """`production` turns the safety checks of a live service on. `frame_ancestors` lists origins
    that may show the page in an iframe, parted by commas; `allowed_origins` those whose scripts
    may call the API. `requests_per_minute` counts what a client address sends (0: no limit); the
    address comes from X-Forwarded-For only behind `trusted_proxies`."""

    host: str = "127.0.0.1"
    port: int = Field(default=7860, ge=0, le=65535)
    production: bool = False
    frame_ancestors: Annotated[tuple[str, ...], NoDecode] = ()
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    max_body_bytes: int = Field(default=65_536, ge=1_024)
    requests_per_minute: int = Field(default=60, ge=0, le=100_000)
    answer_seconds: float = Field(default=20.0, gt=0, le=600)
    answers_at_once: int = Field(default=4, ge=1, le=64)
    answers_waiting: int = Field(default=64, ge=0, le=10_000)
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("frame_ancestors", "allowed_origins", "trusted_proxies", mode="before")
    @classmethod
    def _parted_by_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("frame_ancestors", "allowed_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            scheme, _, rest = origin.partition("://")
            bare = rest and not set(rest) & set("/;,'\"* \t\r\n")
            if scheme not in ("http", "https") or not bare:
                raise ValueError(
                    f"{origin!r} is not an origin; write it like https://portal.clinic.example"
                )
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            try:
                ipaddress.ip_network(address)
            except ValueError:
                raise ValueError(
                    f"{address!r} is not an address or network; write it like 10.0.0.0/8"
                ) from None
        return value


class Privacy(_Group):
    """`feedback` is kept below `paths.var`, without any words of the reader unless they tick that
    the care team may read them; at most `feedback_max_bytes` in all."""

    feedback: Literal["on", "off"] = "on"
    feedback_max_bytes: int = Field(default=10_000_000, ge=10_000)


class Review(_Group):
    """The file with the accounts of the staff pages; None is `staff.json` below `paths.var`.
    Several machines may mount the same one."""

    accounts_file: Path | None = None


class Store(_Group):
    """How many finished generations of the index are kept, the serving one included, how large an
    imported one may be, and the Chroma server that the index lies on (without one it lies below
    `paths.var`). `chroma_name` begins the names of its collections; `chroma_seconds` is how long a
    question waits for it; `lease_seconds` how long a lock or a reader's claim outlives a process
    that died."""

    keep_generations: int = Field(default=2, ge=1, le=20)
    import_max_bytes: int = Field(default=20_000_000_000, ge=1_000)
    chroma_url: str | None = None
    chroma_name: str = Field(default="transplant-answers", pattern=r"^[a-z0-9][a-z0-9-]{1,40}$")
    chroma_header: Literal["Authorization", "X-Chroma-Token"] = "Authorization"
    chroma_token: SecretStr | None = None
    chroma_ca: Path | None = None
    chroma_seconds: float = Field(default=5.0, gt=0, le=120)
    lease_seconds: float = Field(default=60.0, ge=3, le=3600)

    @field_validator("chroma_url")
    @classmethod
    def _server(cls, value: str | None) -> str | None:
        if not value:
            return None
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.query
        if not good or parts.username or parts.password or parts.fragment:
            raise ValueError(
                "write it like https://chroma.clinic.example:8000; a token goes into "
                "BOT_STORE__CHROMA_TOKEN"
            )
        return value.rstrip("/")


class Settings(BaseSettings):
    """All settings. Read with `load_settings()`; never construct from the environment elsewhere."""

    model_config = SettingsConfigDict(
        env_prefix="BOT_", env_nested_delimiter="__", extra="forbid", frozen=True, env_file=None
    )

    paths: Paths = Paths()
    embedding: Embedding = Embedding()
    chunking: Chunking = Chunking()
    retrieval: Retrieval = Retrieval()
    answering: Answering = Answering()
    locale: LocaleSettings = LocaleSettings()
    contact: ContactSettings = ContactSettings()
    web: Web = Web()
    privacy: Privacy = Privacy()
    review: Review = Review()
    store: Store = Store()


def known_names() -> tuple[str, ...]:
    """Every environment name that is understood, sorted."""
    names = []
    for group, field in Settings.model_fields.items():
        model = field.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            names += [f"BOT_{group}__{leaf}".upper() for leaf in model.model_fields]
    return tuple(sorted(names))


def tracing_names() -> tuple[str, ...]:
    """The set environment names that would make LangChain send texts to an outside service."""
    names = (
        "LANGSMITH_TRACING",
        "LANGSMITH_TRACING_V2",
        "LANGCHAIN_TRACING_V2",
        "LANGCHAIN_TRACING",
    )
    off = ("", "0", "false", "no", "off")
    return tuple(n for n in names if os.environ.get(n, "").strip().lower() not in off)


def load_settings() -> Settings:
    """Settings from the environment. Raises `SettingsError` naming each wrong setting."""
    known = known_names()
    for name in sorted(os.environ):
        if name.upper().startswith("BOT_") and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1)
            guess = f" Did you mean {near[0]}?" if near else ""
            raise SettingsError(f"The setting {name} is not known.{guess}")
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"BOT_{'__'.join(str(p) for p in e['loc']).upper()}: {e['msg']}" for e in error.errors()
        ]
        raise SettingsError("These settings cannot be used:\n  " + "\n  ".join(lines)) from None
    except Exception as error:  # pydantic-settings raises its own error for unreadable JSON
        raise SettingsError(f"The settings cannot be read: {error}") from None
