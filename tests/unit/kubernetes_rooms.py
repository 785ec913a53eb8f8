"""What deploy/k8s holds, read once for the tests of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
FOLDER = REPOSITORY / "deploy" / "k8s"
Manifest = dict[str, Any]


@cache
def values() -> dict[str, Any]:
    """values.yaml."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / "values.yaml").read_text("utf-8"))
    return found


@cache
def manifests() -> tuple[Manifest, ...]:
    """Every manifest that kustomization.yaml names."""
    names = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))["resources"]
    return tuple(m for name in names for m in yaml.safe_load_all((FOLDER / name).read_text("utf-8")))


def of_kind(*kinds: str) -> list[Manifest]:
    """The manifests of these kinds."""
    return [m for m in manifests() if m["kind"] in kinds]


def workloads() -> list[Manifest]:
    """What makes pods."""
    return of_kind("Deployment", "StatefulSet", "Job", "DaemonSet", "CronJob")


def name_of(manifest: Manifest) -> str:
    """The manifest's own name."""
    return str(manifest["metadata"]["name"])


def pod_spec(workload: Manifest) -> dict[str, Any]:
    """The specification of its pods."""
    found: dict[str, Any] = workload["spec"]["template"]["spec"]
    return found


def pod_labels(workload: Manifest) -> dict[str, str]:
    """The labels of its pods."""
    found: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return found


def containers(workload: Manifest) -> Iterator[dict[str, Any]]:
    """All containers of its pods, those that run first too."""
    spec = pod_spec(workload)
    yield from spec.get("initContainers", [])
    yield from spec["containers"]


def claims(workload: Manifest) -> set[str]:
    """The volume claims its pods mount."""
    volumes = pod_spec(workload).get("volumes", [])
    return {v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v}


def secrets(workload: Manifest) -> set[str]:
    """The Secrets its pods see, as volumes or as variables."""
    volumes = {v["secret"]["secretName"] for v in pod_spec(workload).get("volumes", []) if "secret" in v}
    variables = {
        e["valueFrom"]["secretKeyRef"]["name"]
        for container in containers(workload)
        for e in container.get("env", [])
        if "secretKeyRef" in e.get("valueFrom", {})
    }
    return volumes | variables


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Does a label selector pick a pod with these labels?"""
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for rule in selector.get("matchExpressions", []):
        if rule["operator"] != "In":
            raise ValueError(f"the tests do not know {rule['operator']}")
        if labels.get(rule["key"]) not in rule["values"]:
            return False
    return True
