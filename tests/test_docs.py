"""What README, docs and deploy/ promise, held against the code."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer.main

from bot.cli import app
from bot.doctor import _last_days
from bot.indexing.loading import load
from bot.settings import ROOT, known_names, load_settings
from bot.targets import parse_target
from bot.text import sentence_spans
from evals import run as evaluation
from evals.question_sets import SPLITS

README = (ROOT / "README.md").read_text("utf-8")
DEPLOY = ROOT / "deploy"
SERVICE = (DEPLOY / "transplant-answers.service").read_text("utf-8")


def test_readme_shows_a_whole_sentence_of_todays_guide() -> None:
    (target,) = re.findall(r"python -m bot show (\S+)", README)
    source_id, span = parse_target(target, {path.name for path in (ROOT / "knowledge").iterdir()})
    text = load(source_id, (ROOT / "knowledge" / source_id).read_bytes()).text
    assert span in sentence_spans(text)


def test_help_of_eval_names_every_split_and_no_other() -> None:
    command = typer.main.get_command(app).commands["eval"]  # type: ignore[attr-defined]
    (split,) = (option.help for option in command.params if option.name == "split")
    of = {name: set(found.split(", ")) for name, found in re.findall(r"(\w+): ([\w, ]+)\.", split)}
    assert of["ablation"] == set(SPLITS)
    assert of["safety"] == set(evaluation._SAFETY)
    assert of["all"] == set(SPLITS) & set(evaluation._SAFETY)


def test_pages_of_docs_are_all_listed_in_readme() -> None:
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert pages - set(re.findall(r"\(docs/([\w-]+\.md)\)", README)) == set()


@pytest.mark.parametrize(
    "page", sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")]), ids=lambda p: p.name
)
def test_links_lead_somewhere(page: Path) -> None:
    for target, place in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text("utf-8")):
        found = page.parent / target if target else page
        assert found.exists(), target
        if place:
            titles = re.findall(r"^#+ (.*)$", found.read_text("utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}
            assert place in anchors, (target, place)


def test_first_day_on_which_rules_and_guides_stop_is_told() -> None:
    ends = [
        re.search(r"^review_by: (\S+)", path.read_text("utf-8"), re.MULTILINE)
        for path in (ROOT / "knowledge").glob("*.md")
    ]
    said = (ROOT / "docs" / "operations.md").read_text("utf-8")
    (day,) = re.findall(r"both run out on (\d{4}-\d\d-\d\d)\.", said)
    assert day == min(found[1] for found in ends if found)
    assert day == str(min(_last_days().values()))


def test_sample_of_settings_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = (DEPLOY / "answers.env").read_text("utf-8")
    set_, offered = (
        dict(re.findall(rf"^{mark}(BOT_\w+)=(.*)$", sample, re.MULTILINE)) for mark in ("", "#")
    )
    assert not (set_.keys() | offered.keys()) - set(known_names())
    for name, value in {**set_, **offered}.items():
        monkeypatch.setenv(name, value.strip('"'))
    settings = load_settings()
    assert settings.web.production
    assert settings.contact.phone
    assert f"StateDirectory={settings.paths.var.name}\n" in SERVICE
    assert f"ReadWritePaths={settings.paths.var}\n" in SERVICE


def test_unit_is_understood_by_systemd(tmp_path: Path) -> None:
    folder = re.findall(r"^WorkingDirectory=(.*)$", SERVICE, re.MULTILINE)[0]
    assert f"ExecStart={folder}/.venv/bin/python app.py\n" in SERVICE
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd on this machine")
    unit = tmp_path / "transplant-answers.service"
    # It looks for the program and the page; here they lie elsewhere.
    unit.write_text(SERVICE.replace(folder, str(ROOT)), "utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
