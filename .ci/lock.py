"""Writes requirements.lock: every package that the project needs, pinned, with the hashes of all
its files, and no address.

Versions are what pip resolves on this machine (Linux, Python 3.11); hashes are those the package
index lists for that version, so that other machines can install other wheels of it, and those of
local wheels that pip was told of. What the lock already pins stays as it is, so that a new
dependency moves nothing else; `--upgrade` resolves everything anew. Run it as: make lock
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from pip._internal.models.index import PyPI
from pip._vendor import requests
from pip._vendor.packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
NEVER = {"pip"}
PIN = re.compile(r"^([\w.-]+==[^\s\\]+)", re.MULTILINE)


def resolved() -> dict[str, tuple[str, str | None]]:
    """Name -> version and, where pip names one, the hash of the file it would install."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["dev"],
        *project["build-system"]["requires"],
    ]
    pins = [] if "--upgrade" in sys.argv[1:] or not LOCK.exists() else PIN.findall(LOCK.read_text())
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(pins))
        constraints.flush()
        out = subprocess.run(
            [*command, "--constraint", constraints.name, "--report", "-", *wanted],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    found = {}
    for item in json.loads(out[out.index("{") :])["install"]:
        name = canonicalize_name(item["metadata"]["name"])
        archive = item["download_info"].get("archive_info", {})
        digest = archive.get("hashes", {}).get("sha256")
        url = item["download_info"]["url"]
        if digest is None and url.startswith("file://"):
            digest = hashlib.sha256(
                Path(url.removeprefix("file://").replace("%2B", "+")).read_bytes()
            )
            digest = digest.hexdigest()
        found[name] = (item["metadata"]["version"], digest)
    return found


def listed_hashes(name: str, version: str) -> set[str]:
    """The hashes that the index lists for the files of this version."""
    page = requests.get(
        f"{PyPI.simple_url}/{name}/",
        headers={"Accept": "application/vnd.pypi.simple.v1+json"},
        timeout=60,
    )
    page.raise_for_status()
    stems = (f"-{version}-", f"-{version}.tar.gz", f"-{version}.zip")
    return {
        file["hashes"]["sha256"]
        for file in page.json()["files"]
        if any(stem in file["filename"] for stem in stems) and not file.get("yanked")
    }


def main() -> None:
    lines = [
        "# Made by .ci/lock.py (make lock); installed with pip --no-deps --require-hashes.",
    ]
    for name, (version, digest) in sorted(resolved().items()):
        if name in NEVER:
            continue
        public = version.split("+")[0]
        hashes = listed_hashes(name, public) | ({digest} if digest else set())
        if not hashes:
            raise SystemExit(f"no hashes for {name} {version}")
        lines.append(f"{name}=={public} \\")
        lines.append(" \\\n".join(f"    --hash=sha256:{h}" for h in sorted(hashes)))
    LOCK.write_text("\n".join(lines) + "\n", "utf-8")
    print(f"{sum('==' in line for line in lines)} packages")


if __name__ == "__main__":
    main()
