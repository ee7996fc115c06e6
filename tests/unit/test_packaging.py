"""What the code imports is declared, what is declared is locked, and the deploy files fit the code."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from app.settings import Settings

ROOT = Path(__file__).parent.parent.parent
OURS = {"app", "ingestion", "eval", "tests"}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def declared() -> dict[str, set[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    groups = {"core": project["dependencies"], **project["optional-dependencies"]}
    return {
        group: {plain(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]) for line in lines}
        for group, lines in groups.items()
    }


def imported(folder: str) -> dict[str, set[str]]:
    """Top-level module → the files that import it."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                found.setdefault(name.split(".")[0], set()).add(str(path.relative_to(ROOT)))
    return found


@pytest.mark.parametrize("folder", ["app", "ingestion"])
def test_the_server_and_ingestion_import_only_declared_packages(folder: str) -> None:
    allowed = set().union(*(names for group, names in declared().items() if group != "test"))
    distributions = packages_distributions()
    unknown = {}
    for module, files in imported(folder).items():
        homes = {plain(name) for name in distributions.get(module, [module])}
        if module not in sys.stdlib_module_names and module not in OURS and not homes & allowed:
            unknown[module] = sorted(files)
    assert not unknown, "add to the dependencies in pyproject.toml and run `make lock`"


def locked(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    found = (re.match(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)(.*)", line) for line in lines)
    return {plain(match[1]) + match[3].strip(" \\"): match[2] for match in found if match}


def names(lock: dict[str, str]) -> set[str]:
    return {key.split(";")[0].strip() for key in lock}


def test_every_dependency_is_locked() -> None:
    assert declared()["core"] <= names(locked("requirements.lock")), "run `make lock`"
    wanted = declared()["core"] | declared()["test"] | declared()["postgres"] | declared()["redis"]
    assert wanted <= names(locked("requirements-test.lock")), "run `make lock`"


def test_the_core_has_no_heavy_framework_and_both_locks_agree() -> None:
    core, test = locked("requirements.lock"), locked("requirements-test.lock")
    assert not {"torch", "sentence-transformers", "transformers", "vllm"} & names(core)
    test_versions: dict[str, set[str]] = {}
    for key, version in test.items():
        test_versions.setdefault(key.split(";")[0].strip(), set()).add(version)
    for key, version in core.items():
        assert version in test_versions[key.split(";")[0].strip()], key


def test_every_locked_package_is_pinned_by_hash_and_from_nowhere_special() -> None:
    for name in ("requirements.lock", "requirements-test.lock"):
        text = (ROOT / name).read_text("utf-8")
        assert "://" not in text
        assert "--index" not in text
        for block in re.split(r"\n(?=\S)", text.strip()):
            assert "--hash=sha256:" in block, block[:80]


def test_settings_in_deploy_files_are_settings_of_the_server() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8") + (ROOT / "deploy" / "compose.yaml").read_text("utf-8")
    for name in set(re.findall(r"XIAOER_([A-Z_]+)", text)):
        assert name.lower() in Settings.model_fields, name


def test_no_service_of_a_cluster_speaks_as_a_setting() -> None:
    """Kubernetes would tell pods of the Service `xiaoer` in XIAOER_PORT, as tcp://…, over what the image says."""
    pods = {}
    for path in (ROOT / "deploy" / "k8s").glob("*.yaml"):
        for document in yaml.safe_load_all(path.read_text("utf-8")):
            if pod := (document or {}).get("spec", {}).get("template", {}).get("spec"):
                pods[path.stem] = pod.get("enableServiceLinks", True)
    assert pods == dict.fromkeys(("postgres", "qdrant", "redis", "vllm", "xiaoer"), False)


def test_the_image_holds_every_folder_the_server_reads() -> None:
    copied = set(re.findall(r"^COPY (\w+) \w+$", (ROOT / "Dockerfile").read_text("utf-8"), re.M))
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert {"app", "ingestion", "eval", "prompts", "shops"} <= copied
    assert copied <= kept


def test_compose_pins_its_images_and_starts_the_engine_only_when_asked() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))["services"]
    assert {name for name, service in services.items() if "profiles" not in service} == {"xiaoer", "qdrant"}
    assert services["vllm"]["profiles"] == ["vllm"]
    assert services["redis"]["profiles"] == services["postgres"]["profiles"] == ["cluster"]
    for service in services.values():
        assert "build" in service or re.search(r":v?\d", service["image"])


def test_a_wheel_carries_every_file_that_is_read_at_run_time() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]["app"]
    carried = {path for pattern in patterns for path in (ROOT / "app").glob(pattern)}
    read = [
        ROOT / "app" / folder for folder in ("web/templates", "web/static", "web/built", "chat/data", "chat/fitted")
    ]
    wanted = {path for folder in read for path in folder.rglob("*") if path.is_file()}
    wanted |= set((ROOT / "app").rglob("*.mako"))
    assert {path.name for path in wanted} >= {"demo.html", "widget.js", "intents.jsonl", "selector.json"}
    assert {path for path in wanted if path.suffix != ".partial"} <= carried
