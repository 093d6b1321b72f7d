"""A question as a caller sends it, checked: untrusted JSON in, a `Question` out."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import QuestionError
from bot.records import About, Question, TransplantKind, TransplantStage, Turn


class TurnBody(BaseModel):
    """One turn of the history as a caller sends it."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["user", "bot"]
    text: str = Field(max_length=20_000)


class AboutBody(BaseModel):
    """What the reader said of the transplant: own cells or a donor's, and how far along it is. It
    decides between passages that fit the question almost equally well, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    kind: TransplantKind | None = None
    stage: TransplantStage | None = None


class QuestionBody(BaseModel):
    """A question in the user's own words, as a batch line or the API's body. `locale` is a BCP 47
    tag; `id` is given back as it is."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(max_length=100_000, examples=["What is graft-versus-host disease?"])
    id: str | None = Field(default=None, max_length=200)
    history: list[TurnBody] = Field(default_factory=list, max_length=20)
    locale: str | None = Field(
        default=None, max_length=35, pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$"
    )
    about: AboutBody | None = None

    def record(self) -> Question:
        return Question(
            text=self.question,
            history=tuple(Turn(role=t.role, text=t.text) for t in self.history),
            locale=self.locale,
            about=About(kind=self.about.kind, stage=self.about.stage) if self.about else None,
        )


class LineError(QuestionError):
    """A line of a batch file that cannot be used. `request_id` is its id where it has one."""

    hint = 'Each line is an object such as {"id": "1", "question": "What is engraftment?"}.'

    def __init__(self, message: str, request_id: str | None) -> None:
        super().__init__(message)
        self.request_id = request_id


def lines_of(text: str) -> list[str]:
    """The lines of a JSON Lines file. They end with a line feed and with nothing else: what
    `str.splitlines` also splits at may stand in a question as it is."""
    return [line.removesuffix("\r") for line in text.split("\n")]


def question_of(line: str, number: int) -> tuple[str | None, Question]:
    """The id and the question of line `number`. Raises `LineError`."""
    try:
        body = QuestionBody.model_validate_json(line)
    except ValidationError as error:
        problems = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
        first = problems[0]
        place = ".".join(str(p) for p in first["loc"]) or "the line"
        raise LineError(f"line {number}: {place}: {first['msg']}", _id_of(line)) from None
    return body.id, body.record()


def _id_of(line: str) -> str | None:
    class OnlyId(BaseModel):
        id: str | None = None

    try:
        return OnlyId.model_validate_json(line).id
    except ValidationError:
        return None
