"""What the distribution declares."""

import ast
import importlib.util
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("tenth", "collector", "storage", "ui")
# Only used by whoever has them.
OPTIONAL = {"pandas", "polars", "pytest"}


def imported_modules(package: str) -> set[str]:
    """Top-level names and dotted names that the package's files import."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    names: set[str] = set()
    for file in Path(spec.submodule_search_locations[0]).rglob("*.py"):
        if "frontend" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    return names


def test_every_import_is_a_declared_dependency() -> None:
    """A library that the code imports is named in the metadata, not borrowed from another one."""
    declared = {canonicalize_name(Requirement(line).name) for line in requires("tenth") or []}
    by_package = packages_distributions()
    own = {*PACKAGES, *OPTIONAL, *sys.stdlib_module_names}
    used = {name.partition(".")[0] for package in PACKAGES for name in imported_modules(package)}
    for name in used - own:
        distributions = {canonicalize_name(owner) for owner in by_package.get(name, [])}
        assert declared & distributions, f"{name} is imported but not declared"


def test_locks_name_hashes_and_no_place() -> None:
    """The lock can be installed from any index: it has versions and hashes only."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        assert "://" not in text
        assert not re.search(r"^\s*-(?!-hash=sha256:)", text, re.MULTILINE)
        for requirement in re.split(r"\n(?=\S)", text.strip()):
            assert re.match(r"[\w.-]+==\S+", requirement)
            assert "--hash=sha256:" in requirement


def test_the_lock_has_what_the_project_asks_for() -> None:
    """Every dependency of pyproject.toml stands in the lock with a version that satisfies it."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lock = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8")
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE):
        versions.setdefault(name, []).append(version)
    for line in project["dependencies"]:
        requirement = Requirement(line)
        assert versions[requirement.name]
        for version in versions[requirement.name]:
            assert requirement.specifier.contains(version, prereleases=True)
