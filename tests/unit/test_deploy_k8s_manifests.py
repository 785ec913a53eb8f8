"""deploy/k8s/manifests: what Kubernetes makes of them, and what must hold of every pod. No cluster is asked."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.unit.kubernetes_rooms import (
    FOLDER,
    Manifest,
    claims,
    containers,
    manifests,
    name_of,
    of_kind,
    pod_labels,
    pod_spec,
    secrets,
    selects,
    values,
    workloads,
)

VERSION = "1.32"
"""The oldest Kubernetes we name in README.md."""
GRADERS = {"worker", "formgrader", "staff", "desk"}
HUB = {"app": "jupyterhub", "component": "hub"}
PROXY = {"app": "jupyterhub", "component": "proxy"}
LEARNER = {"app": "jupyterhub", "component": "singleuser-server"}
"""The labels of the chart's own pods; a learner's keeps the chart's, whatever else it is given."""


def each(*found: Manifest) -> Any:
    return pytest.mark.parametrize("manifest", found, ids=lambda m: f"{m['kind']}-{name_of(m)}")


@each(*manifests())
def test_kubernetes_knows_every_field(manifest: Manifest) -> None:
    kubernetes_validate.validate(manifest, VERSION, strict=True)


@each(*manifests())
def test_everything_is_in_our_namespace(manifest: Manifest) -> None:
    assert manifest["kind"] == "Namespace" or manifest["metadata"]["namespace"] == "qinlian"


def test_the_kustomization_names_every_manifest_there_is() -> None:
    named = set(yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))["resources"])
    assert named == {f"manifests/{path.name}" for path in (FOLDER / "manifests").glob("*.yaml")}


@each(*workloads())
class TestEveryPod:
    def test_its_images_are_pinned(self, manifest: Manifest) -> None:
        named = {i["name"]: i for i in yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))["images"]}
        for container in containers(manifest):
            image = container["image"]
            tag = str(named[image]["newTag"]) if image in named else image.rpartition(":")[2]
            assert re.fullmatch(r"\d+\.\d+(\.\d+)?([.-][\w.-]+)?", tag), f"{image}: {tag}"

    def test_it_says_what_it_needs_and_what_it_may_take_at_most(self, manifest: Manifest) -> None:
        for container in containers(manifest):
            asked, most = container["resources"]["requests"], container["resources"]["limits"]
            assert asked.keys() == most.keys() == {"cpu", "memory", "ephemeral-storage"}

    def test_it_fits_the_strictest_pod_security_standard(self, manifest: Manifest) -> None:
        pod = pod_spec(manifest)["securityContext"]
        assert pod["runAsNonRoot"] is True
        assert pod["runAsUser"] > 0
        assert pod["runAsGroup"] > 0
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod_spec(manifest).keys()
        assert not [v for v in pod_spec(manifest).get("volumes", []) if "hostPath" in v]
        for container in containers(manifest):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["readOnlyRootFilesystem"] is True
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert "privileged" not in own

    def test_it_has_no_key_to_the_cluster(self, manifest: Manifest) -> None:
        assert pod_spec(manifest)["automountServiceAccountToken"] is False

    def test_its_own_selector_finds_it(self, manifest: Manifest) -> None:
        assert selects(manifest["spec"]["selector"], pod_labels(manifest))

    @pytest.mark.parametrize("direction", ["Ingress", "Egress"])
    def test_a_policy_closes_it_both_ways(self, manifest: Manifest, direction: str) -> None:
        closing = [
            policy
            for policy in of_kind("NetworkPolicy")
            if selects(policy["spec"]["podSelector"], pod_labels(manifest))
            and direction in policy["spec"]["policyTypes"]
            and direction.lower() not in policy["spec"]
        ]
        assert closing, "nothing says that what is not allowed is forbidden"

    def test_what_it_mounts_is_there(self, manifest: Manifest) -> None:
        spec = pod_spec(manifest)
        known = {name_of(m) for m in of_kind("PersistentVolumeClaim")}
        assert claims(manifest) <= known
        volumes = {v["name"] for v in spec.get("volumes", [])}
        volumes |= {t["metadata"]["name"] for t in manifest["spec"].get("volumeClaimTemplates", [])}
        for container in containers(manifest):
            assert {m["name"] for m in container["volumeMounts"]} <= volumes

    def test_a_variable_that_is_put_into_another_comes_before_it(self, manifest: Manifest) -> None:
        for container in containers(manifest):
            seen: set[str] = set()
            for variable in container.get("env", []):
                assert set(re.findall(r"\$\((\w+)\)", str(variable.get("value", "")))) <= seen
                seen.add(variable["name"])


class TestWhoHoldsWhat:
    def test_course_and_gradebook_are_where_graders_run_and_nowhere_else(self) -> None:
        assert {name_of(w) for w in workloads() if "qinlian-course" in claims(w)} == GRADERS
        assert {name_of(w) for w in workloads() if "qinlian-classroom" in claims(w)} == GRADERS

    def test_the_worker_cannot_change_the_course(self) -> None:
        (worker,) = [w for w in workloads() if name_of(w) == "worker"]
        (course,) = [m for c in containers(worker) for m in c["volumeMounts"] if m["name"] == "course"]
        assert course["readOnly"] is True

    def test_the_databases_password_is_where_graders_run_and_in_postgres(self) -> None:
        assert {name_of(w) for w in workloads() if "qinlian-database" in secrets(w)} == GRADERS | {"postgres"}

    def test_homes_are_out_of_every_graders_sight_but_the_administrators(self) -> None:
        assert {name_of(w) for w in workloads() if "qinlian-homes" in claims(w)} == {"desk"}

    def test_graders_take_the_owner_of_a_submission_from_the_roster(self) -> None:
        for workload in workloads():
            if name_of(workload) in GRADERS:
                for container in containers(workload):
                    assert {"name": "QINLIAN_OWNERS", "value": "roster"} in container["env"]

    def test_no_secret_stands_in_a_file(self) -> None:
        assert not of_kind("Secret")
        for workload in workloads():
            for container in containers(workload):
                for variable in container.get("env", []):
                    if re.search(r"PASSWORD|TOKEN|SECRET", variable["name"]):
                        assert "value" not in variable, variable["name"]
        for path in (*FOLDER.rglob("*.yaml"), *FOLDER.glob("*.md")):
            assert not re.search(r"\b[0-9a-fA-F]{32,}\b|-----BEGIN|://\w+:[^$<\s]+@", path.read_text("utf-8")), path


def allowed(labels: dict[str, str], port: int, source: dict[str, str]) -> bool:
    """May a pod with the labels ``source`` reach this port, by the policies of this folder?"""
    mine = [
        p["spec"]
        for p in of_kind("NetworkPolicy")
        if selects(p["spec"]["podSelector"], labels) and "Ingress" in p["spec"]["policyTypes"]
    ]
    assert mine, "no policy: everybody may"
    return any(
        any(selects(peer["podSelector"], source) for peer in rule["from"] if "namespaceSelector" not in peer)
        and any(p["port"] == port for p in rule["ports"])
        for spec in mine
        for rule in spec.get("ingress", [])
    )


def labels_of(name: str) -> dict[str, str]:
    (found,) = [pod_labels(w) for w in workloads() if name_of(w) == name]
    return found


class TestWhoReachesWhom:
    def test_postgres_is_reached_by_graders_and_hub(self) -> None:
        postgres = labels_of("postgres")
        for source in (*map(labels_of, sorted(GRADERS)), HUB):
            assert allowed(postgres, 5432, source)

    def test_no_learners_pod_reaches_anything_of_ours(self) -> None:
        for workload in workloads():
            for port in (5432, 8080):
                assert not allowed(pod_labels(workload), port, LEARNER), name_of(workload)

    def test_the_pages_are_reached_through_the_proxy(self) -> None:
        for page in ("formgrader", "staff"):
            assert allowed(labels_of(page), 8080, PROXY)
            assert not allowed(labels_of(page), 8080, labels_of("worker"))

    def test_the_worker_listens_to_nobody(self) -> None:
        for source in (HUB, PROXY, LEARNER, labels_of("desk")):
            assert not allowed(labels_of("worker"), 8080, source)

    def test_nothing_of_ours_may_talk_to_the_internet(self) -> None:
        for policy in of_kind("NetworkPolicy"):
            for rule in policy["spec"].get("egress", []):
                assert rule.get("to"), "a rule without a destination allows every one"
                assert not [peer for peer in rule["to"] if "ipBlock" in peer]


class TestHubServices:
    @pytest.mark.parametrize("name", ["formgrader", "staff"])
    def test_a_page_and_its_entry_at_the_hub_say_the_same(self, name: str) -> None:
        (workload,) = [w for w in workloads() if name_of(w) == name]
        (container,) = containers(workload)
        told = {e["name"]: e.get("value") for e in container["env"]}
        assert told["JUPYTERHUB_SERVICE_NAME"] == name
        assert told["JUPYTERHUB_SERVICE_PREFIX"] == f"/services/{name}/"
        assert told["JUPYTERHUB_CLIENT_ID"] == f"service-{name}"
        assert f"access:services!service={name}" in told["JUPYTERHUB_OAUTH_ACCESS_SCOPES"]
        (token,) = [e["valueFrom"]["secretKeyRef"] for e in container["env"] if e["name"] == "JUPYTERHUB_API_TOKEN"]
        assert token == {"name": "hub", "key": f"hub.services.{name}.apiToken"}
        (service,) = [s for s in of_kind("Service") if name_of(s) == name]
        assert values()["hub"]["services"][name]["url"] == f"http://{name}:{service['spec']['ports'][0]['port']}"
        assert selects({"matchLabels": service["spec"]["selector"]}, pod_labels(workload))

    def test_the_modules_that_pods_run_are_in_the_package(self) -> None:
        commands = [c["command"] for w in workloads() for c in containers(w) if "-m" in c.get("command", [])]
        modules = {command[command.index("-m") + 1] for command in commands}
        assert len(modules) == 4
        for module in modules:
            assert importlib.util.find_spec(module), module


class TestAvailability:
    def test_while_a_node_is_emptied_somebody_still_grades(self) -> None:
        (budget,) = of_kind("PodDisruptionBudget")
        (worker,) = [w for w in workloads() if name_of(w) == "worker"]
        assert selects(budget["spec"]["selector"], pod_labels(worker))
        assert worker["spec"]["replicas"] > budget["spec"]["maxUnavailable"]

    def test_what_there_may_be_only_one_of_is_never_there_twice(self) -> None:
        for workload in workloads():
            if workload["kind"] == "Deployment" and name_of(workload) != "worker":
                assert workload["spec"]["replicas"] == 1
                assert workload["spec"]["strategy"]["type"] == "Recreate"

    def test_what_one_pod_may_write_to_several_nodes_may_mount(self) -> None:
        modes = {name_of(m): m["spec"]["accessModes"] for m in of_kind("PersistentVolumeClaim")}
        shared = {claim for w in workloads() for claim in claims(w)} | {"qinlian-homes", "qinlian-exchange"}
        assert {modes[claim][0] for claim in shared} == {"ReadWriteMany"}
