"""`python deploy/check.py`: every file an operator applies, against its schema and the code. Part of `make check`.

Kubernetes' own schemas come with kubernetes-validate, compose's with check-jsonschema; what they cannot know (settings,
metrics, files that other files name) is looked up in the code.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

HERE = Path(__file__).parent
ROOT = HERE.parent
K8S_VERSION = "1.33"
PINNED = re.compile(r":v?\d[\w.-]*$")
sys.path.insert(0, str(ROOT))


def problems() -> Iterator[str]:
    """Everything that is wrong, one line each."""
    yield from _kubernetes()
    yield from _kustomization()
    yield from _compose()
    yield from _settings()
    yield from _engines()
    yield from _monitoring()


def _documents(path: Path) -> list[dict[str, Any]]:
    return [found for found in yaml.safe_load_all(path.read_text("utf-8")) if found]


def _kubernetes() -> Iterator[str]:
    for path in sorted((HERE / "k8s").glob("*.yaml")):
        if path.name == "kustomization.yaml":
            continue
        for document in _documents(path):
            name = f"{path.name}: {document.get('kind')} {document.get('metadata', {}).get('name')}"
            try:
                kubernetes_validate.validate(document, K8S_VERSION, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{name}: {'.'.join(str(part) for part in error.path)}: {error.message}"
            if (pod := _pod(document)) and pod.get("enableServiceLinks", True):
                yield f"{name}: enableServiceLinks is not false: a Service's address would become a setting"
            for container in pod.get("containers", []):
                yield from (f"{name}: {one}" for one in _container(container, document["kind"]))


def _pod(document: dict[str, Any]) -> dict[str, Any]:
    """The pods that a document makes; empty for one that makes none."""
    return dict(document.get("spec", {}).get("template", {}).get("spec", {}))


def _container(container: dict[str, Any], kind: str) -> Iterator[str]:
    """What every container of ours has."""
    if not PINNED.search(container["image"]):
        yield f"{container['image']} is not pinned to a version"
    if "memory" not in container.get("resources", {}).get("limits", {}):
        yield f"{container['name']} has no memory limit"
    for probe in ("readinessProbe", "livenessProbe"):
        if probe not in container:
            yield f"{container['name']} of a {kind} has no {probe}"
    if container.get("securityContext", {}).get("allowPrivilegeEscalation") is not False:
        yield f"{container['name']} may gain privileges"


def _kustomization() -> Iterator[str]:
    kustomization = _documents(HERE / "k8s" / "kustomization.yaml")[0]
    listed = set(kustomization["resources"])
    there = {path.name for path in (HERE / "k8s").glob("*.yaml")} - {"kustomization.yaml"}
    if listed != there:
        yield f"kustomization.yaml and its folder differ: {sorted(listed ^ there)}"
    for generator in kustomization["configMapGenerator"]:
        for file in generator["files"]:
            if not (HERE / "k8s" / file.partition("=")[2]).is_file():
                yield f"kustomization.yaml names {file}, which is not there"


def _compose() -> Iterator[str]:
    command = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(HERE / "compose.yaml")]
    tool = Path(sys.executable).with_name(command[0])
    done = subprocess.run([str(tool), *command[1:]], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        yield f"compose.yaml: {done.stdout}{done.stderr}"
    for name, service in yaml.safe_load((HERE / "compose.yaml").read_text("utf-8"))["services"].items():
        if "build" not in service and not PINNED.search(service["image"]):
            yield f"compose.yaml: {name} is not pinned to a version"


def _settings() -> Iterator[str]:
    from app.settings import Settings  # noqa: PLC0415  after the path is set

    for path in [HERE / "compose.yaml", *sorted((HERE / "k8s").glob("*.yaml"))]:
        for name in set(re.findall(r"\bXIAOER_([A-Z_]+)", path.read_text("utf-8"))):
            if name.lower() not in Settings.model_fields:
                yield f"{path.name}: XIAOER_{name} is no setting of the server"


def _engines() -> Iterator[str]:
    needed = {"model", "served-model-name", "enable-prefix-caching", "max-model-len"}
    needed |= {
        "shutdown-timeout",
        "enable-prompt-tokens-details",
    }  # off by default, and missed by nobody until too late
    for path in sorted((HERE / "vllm").glob("*.yaml")):
        engine = _documents(path)[0]
        if missing := needed - set(engine):
            yield f"vllm/{path.name} does not say {', '.join(sorted(missing))}"
        if engine.get("max-model-len", 0) < 2048:
            yield f"vllm/{path.name}: our prompts need 2,048 tokens"


def _monitoring() -> Iterator[str]:
    """Rules and panels ask for metrics that exist, and every alert has a runbook."""
    known = _metrics()
    rules = _documents(HERE / "monitoring" / "alerts.yaml")[0]
    runbooks = (ROOT / "docs" / "runbooks.md").read_text("utf-8")
    for group in rules["groups"]:
        for rule in group["rules"]:
            yield from (f"{rule['alert']} asks for {name}" for name in _asked(rule["expr"]) - known)
            if f"\n## {rule['alert']}\n" not in runbooks:
                yield f"{rule['alert']} has no heading in docs/runbooks.md"
            if not rule["annotations"].get("runbook_url", "").endswith("#" + rule["alert"].lower()):
                yield f"{rule['alert']} does not link to its runbook"
    board = json.loads((HERE / "monitoring" / "dashboard.json").read_text("utf-8"))
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield from (f"panel {panel['title']!r} asks for {name}" for name in _asked(target["expr"]) - known)


def _metrics() -> set[str]:
    """Names that the server exposes, as Prometheus knows them."""
    found: set[str] = set()
    for path in (ROOT / "app").rglob("*.py"):
        text = path.read_text("utf-8")
        found |= {f"xiaoer_{name}" for name in re.findall(r'\.watch\(\s*"(\w+)"', text)}
        for kind, name in re.findall(r'\b(Counter|Gauge|Histogram)\(\s*"(xiaoer_\w+)"', text):
            suffixes = {"Counter": ("_total",), "Gauge": ("",), "Histogram": ("_bucket", "_sum", "_count")}[kind]
            found |= {f"{name.removesuffix('_total')}{suffix}" for suffix in suffixes}
    return found


def _asked(expression: str) -> set[str]:
    return set(re.findall(r"\b(xiaoer_\w+)", expression))


def main() -> int:
    """Print what is wrong; 0 when nothing is."""
    found = list(problems())
    for line in found:
        print(line, file=sys.stderr)
    if not found:
        print("Deploy files: every schema holds, every setting, metric and runbook exists.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
