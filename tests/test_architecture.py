"""The plan of the house, enforced: layers, no step imports a step, one home for each library."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BOT = ROOT / "bot"

FLOWS = {
    "bot.indexing.flow",
    "bot.indexing.building",
    "bot.indexing.places",
    "bot.indexing.sharing",
    "bot.indexing.watching",
    "bot.indexing.archive",
    "bot.indexing.importing",
    "bot.indexing.checking",
    "bot.indexing.linking",
    "bot.answering.flow",
    "bot.answering.begun",
    "bot.answering.opened",
    "bot.answering.finding",
    "bot.answering.screening",
}
EDGES = (
    "bot.web",
    "bot.chains",
    "bot.cli",
    "bot.cli_index",
    "bot.cli_output",
    "bot.cli_staff",
    "bot.doctor",
    "bot.__main__",
    "bot.review",
)
HOMES = {
    "chromadb": {
        "bot.indexing.store",
        "bot.indexing.server.connection",
        "bot.indexing.server.board",
        "bot.indexing.server.files",
    },
    "langchain_chroma": {"bot.indexing.store"},
    "sentence_transformers": {"bot.indexing.embedding", "bot.indexing.cross_encoder"},
    "sqlite3": {"bot.indexing.lexical", "bot.indexing.cache"},
    "markdown_it": {"bot.indexing.loading.markdown"},
    "lxml": {"bot.indexing.loading.html", "bot.indexing.loading.html_metadata"},
    "docx": {"bot.indexing.loading.docx"},
    "pypdf": {
        "bot.indexing.loading.pdf",
        "bot.indexing.loading.pdf_drawing",
        "bot.indexing.loading.pdf_fonts",
    },
    "sentencex": {"bot.text"},
    "rapidfuzz": {"bot.answering.rewriting"},
    "yaml": {"bot.front_matter"},
    "pydantic_settings": {"bot.settings"},
    "typer": {"bot.cli", "bot.cli_index", "bot.cli_staff"},
    "httpx": {"bot.indexing.fetching.web", "bot.indexing.server.connection"},
    "watchfiles": {"bot.indexing.watching"},
}
FORBIDDEN = {"langchain_community", "langchain_classic", "fitz", "pymupdf", "requests", "nltk"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(p): p for p in sorted(BOT.rglob("*.py"))}


def layer(name: str) -> int:
    """0 nouns and pure helpers, 1 steps, 2 flows, 3 edges."""
    if name == "bot" or name.startswith("bot.rules"):
        return 0
    if any(name == e or name.startswith(e + ".") for e in EDGES):
        return 3
    if name in FLOWS:
        return 2
    if name.startswith(("bot.indexing.", "bot.answering.")):
        return 1
    return 0


def step(name: str) -> str:
    """The step that a module is part of; a step may be a package of several files."""
    return ".".join(name.split(".")[:3])


def imports(path: Path) -> set[str]:
    """Every module that a file imports, at the top or inside a function."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_imports_only_to_the_left(name: str) -> None:
    for target in imports(MODULES[name]) & set(MODULES):
        if target in ("bot", "bot.indexing", "bot.answering"):
            continue
        if layer(name) == layer(target) == 1 and step(name) != step(target):
            pytest.fail(f"the step {name} imports the step {target}")
        assert layer(target) <= layer(name), f"{name} imports {target} to its right"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_each_library_has_one_home(name: str) -> None:
    used = {target.split(".")[0] for target in imports(MODULES[name])}
    assert not used & FORBIDDEN
    for library, homes in HOMES.items():
        if library in used:
            assert name in homes, f"{library} lives in {homes}, not in {name}"
    if "gradio" in used:
        assert name.startswith("bot.web")


@pytest.mark.parametrize("name", sorted(MODULES))
def test_files_stay_small_and_say_their_rule(name: str) -> None:
    source = MODULES[name].read_text("utf-8")
    assert len(source.splitlines()) <= 380
    if source.strip() and not name.endswith((".indexing", ".answering")):
        assert ast.get_docstring(ast.parse(source)), f"{name} has no docstring"


def test_what_serves_never_fetches() -> None:
    """R31: the chat makes no network calls; only the ingest command knows how to fetch."""
    users = {
        name
        for name, path in MODULES.items()
        if not name.startswith("bot.indexing.fetching")
        and any(target.startswith("bot.indexing.fetching") for target in imports(path))
    }
    assert users == {"bot.cli_index", "bot.cli_output"}


@pytest.mark.parametrize("name", sorted(n for n in MODULES if n.startswith("bot.review")))
def test_what_staff_do_knows_no_page_and_no_command(name: str) -> None:
    used = imports(MODULES[name])
    assert not {t.split(".")[0] for t in used} & {"fastapi", "starlette", "jinja2", "gradio"}
    assert not [t for t in used if t.startswith(("bot.web", "bot.cli"))]


def test_no_drawer_for_everything() -> None:
    assert not [
        n for n in MODULES if n.rsplit(".", 1)[-1] in ("utils", "helpers", "misc", "common")
    ]


def test_only_settings_reads_the_environment() -> None:
    for name, path in MODULES.items():
        source = path.read_text("utf-8")
        if "os.environ.get" in source or "os.getenv" in source or "environ[" in source:
            # Setting a library's switch before import is not reading our settings.
            reads = [
                node
                for node in ast.walk(ast.parse(source))
                if isinstance(node, ast.Call)
                and ast.unparse(node.func) in ("os.getenv", "os.environ.get")
            ]
            assert name == "bot.settings" or not reads, f"{name} reads the environment"


def test_no_registry_is_named() -> None:
    hosts = (
        "py" + "pi.org",
        "python" + "hosted.org",
        "registry.npm" + "js.org",
        "deb.deb" + "ian.org",
    )
    for path in ROOT.rglob("*"):
        ours = path.is_file() and not set(path.parts) & {".git", ".venv", "var", "__pycache__"}
        if ours and path.stat().st_size < 3_000_000:
            text = path.read_bytes()
            assert not [h for h in hosts if h.encode() in text], path
