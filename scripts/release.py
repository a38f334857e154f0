"""A release, from the version to the files that a person uploads.

    pip install '.[release]'
    python scripts/release.py 0.2.0               # everything, into dist/
    python scripts/release.py 0.2.0 --only-check  # whether it could be made from this tree

CHANGELOG.md must have a section of that version. The version goes into w2v/__init__.py, the day into the changelog,
both into a commit; of that commit the wheels and the source archive are built (scripts/build_wheels.py), with
SHA256SUMS and an SBOM (CycloneDX) beside them. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import re
import subprocess
import sys
import uuid
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MACHINES = ("x86_64", "aarch64")
NEXT = """
Built, and not yet given to anybody. Next, by hand:
  python scripts/try_wheels.py dist/*.whl       and the same with --extras, --cpu, --arm64 FOLDER, --sid FOLDER
  git tag -s v{version} && git push origin HEAD v{version}      the workflow "wheels" then builds those of macOS
  python -m twine upload dist/*.whl dist/*.tar.gz               to PyPI; macOS's wheels as well
  SHA256SUMS and w2v-{version}.cdx.json                         to the tag's page, with the changelog's section
"""


class Refused(Exception):
    """Why a release cannot be made from this tree."""


def section(root: Path, version: str) -> tuple[str, str]:
    """(heading, text) of this version in the changelog; Refused where there is none."""
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", version):
        raise Refused(f"{version} is not a version such as 1.2.3 or 1.2.3rc1")
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(rf"^(## {re.escape(version)} \([^)\n]*\))\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise Refused(f"CHANGELOG.md: no section of {version}; write one below a line '## {version} (unreleased)'")
    if not re.search(r"^- \S", found[2], re.MULTILINE):
        raise Refused(f"CHANGELOG.md: the section of {version} is empty; say there what has changed")
    return found[1], found[2].strip()


def write_version(root: Path, version: str, day: str) -> None:
    """The version into the package, the day into the changelog."""
    heading, _ = section(root, version)
    for name, old, new in (
        ("w2v/__init__.py", r'^__version__ = ".*"$', f'__version__ = "{version}"'),
        ("CHANGELOG.md", f"^{re.escape(heading)}$", heading.replace("unreleased", day)),
    ):
        text = (root / name).read_text(encoding="utf-8")
        changed, times = re.subn(old, new, text, flags=re.MULTILINE)
        if times != 1:
            raise Refused(f"{name}: {times} lines look like {old}; one is needed")
        (root / name).write_text(changed, encoding="utf-8")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def requirements(wheel: Path) -> dict[str, tuple[str, list[str]]]:
    """What the wheel needs: name -> (versions, extras it belongs to; none for what is always needed)."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = re.findall(r"^Requires-Dist: (.*)$", archive.read(name).decode(), re.MULTILINE)
    found: dict[str, tuple[str, list[str]]] = {}
    for line in lines:
        need, _, marker = line.partition(";")
        library, versions = re.fullmatch(r"([\w.-]+)(.*)", need.strip()).groups()  # type: ignore[union-attr]
        extra = re.findall(r"extra == .([\w-]+).", marker)
        found[library] = (versions, [*found.get(library, ("", []))[1], *extra])
    return found


def sbom(version: str, files: list[Path], made: str) -> dict[str, Any]:
    """CycloneDX 1.6: the files, what they need when they run, and what they were built with."""
    own = f"pkg:pypi/w2v@{version}"
    components, needed = [], []
    for library, (versions, extras) in requirements(next(f for f in files if f.suffix == ".whl")).items():
        if extras and set(extras) <= {"test", "test-all", "lint"}:
            continue
        tool = set(extras) == {"release"}
        component = {
            "type": "library",
            "bom-ref": f"pkg:pypi/{library.lower()}",
            "name": library,
            "purl": f"pkg:pypi/{library.lower()}" + (f"@{versions[2:]}" if tool else ""),
            "scope": "excluded" if tool else "optional" if extras else "required",
            "description": "a tool of the build" if tool else f"version {versions.strip() or 'any'}",
        }
        components.append(component)
        needed += [] if tool else [component["bom-ref"]]
    hashes = {path.name: sha256(path) for path in files}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(hashes))}",
        "version": 1,
        "metadata": {
            "timestamp": made,
            "component": {
                "type": "library",
                "bom-ref": own,
                "name": "w2v",
                "version": version,
                "purl": own,
                "licenses": [{"license": {"id": "MIT"}}],
                "components": [
                    {"type": "file", "name": name, "hashes": [{"alg": "SHA-256", "content": digest}]}
                    for name, digest in hashes.items()
                ],
            },
        },
        "components": components,
        "dependencies": [{"ref": own, "dependsOn": needed}],
    }


def git(*args: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *args], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def release(version: str, out: Path) -> None:
    day = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    write_version(ROOT, version, day)
    if git("status", "--porcelain"):
        git("commit", "-qam", f"release: {version}")
    out.mkdir(exist_ok=True)
    if any(out.iterdir()):
        raise Refused(f"{out}: not empty; files of another release may be among them")
    command = [
        sys.executable,
        str(ROOT / "scripts/build_wheels.py"),
        "--machine",
        *MACHINES,
        "--out",
        str(out),
        "--twice",
    ]
    subprocess.run(command, check=True)
    files = sorted(out.iterdir())
    made = sbom(version, files, git("log", "-1", "--format=%cI"))
    (out / f"w2v-{version}.cdx.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    sums = "".join(f"{sha256(path)}  {path.name}\n" for path in sorted(out.iterdir()))
    (out / "SHA256SUMS").write_text(sums, encoding="utf-8")
    print(sums, NEXT.format(version=version), sep="", end="")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version")
    parser.add_argument("--only-check", action="store_true", help="change and build nothing")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    chosen = parser.parse_args()
    try:
        heading, _ = section(ROOT, chosen.version)
        if git("status", "--porcelain"):
            raise Refused("there are changes that are not committed; a release is made of a commit")
        if not chosen.only_check:
            release(chosen.version, chosen.out.resolve())
        else:
            print(heading)
    except Refused as error:
        raise SystemExit(f"release: {error}") from None


if __name__ == "__main__":
    main()
