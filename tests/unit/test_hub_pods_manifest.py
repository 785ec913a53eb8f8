"""A learner's pod as the real KubeSpawner makes it from our values and our hook. No cluster is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from qinlian.core.files import letterbox_name
from qinlian.errors import HubError
from qinlian.roster.store import RosterStore
from tests.roster_room import NOW, entry, gradebook
from tests.unit.kubernetes_rooms import FOLDER, REPOSITORY, manifests, name_of, of_kind, values
from tests.unit.kubespawner_room import TOKEN, TRAITS, chart_config, pod_of

# KubeSpawner takes seconds to import.
pytestmark = pytest.mark.slow

VERSION = "1.32"
"""The oldest Kubernetes we name in README.md."""
SECRET = bytes(range(32))
PASSWORDS = {"PGPASSWORD": "the-hubs-password", "QINLIAN_DATABASE_PASSWORD": "the-rosters-password"}
LEARNERS = ("ql1001", "ql1-", "ql3")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The pods of three learners by account, made in a process that holds all that the Hub's holds; "who" asks."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "secret.txt").write_text(SECRET.hex())
    url = gradebook(folder)
    people = [entry("1001", track="年轻干部"), entry("1-"), entry("3", "{username} 王", track="$(HOME){userid}")]
    RosterStore(url).apply([*people, entry("4", role="教师")], NOW)
    given = {"QINLIAN_DATABASE_URL": url, "QINLIAN_COURSE_SECRET": str(folder), "QINLIAN_COURSE_ID": "qinlian"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (given | PASSWORDS).items():
            patch.setenv(name, value)
        config = chart_config()
        yield {account: pod_of(config, account) for account in LEARNERS} | {"config": config, "url": url}


@pytest.fixture(scope="module")
def pod(made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = made["ql1001"]
    return found


def server(pod: dict[str, Any]) -> dict[str, Any]:
    (found,) = pod["spec"]["containers"]
    return dict(found)


def told(pod: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in server(pod)["env"]}


def mounts(pod: dict[str, Any], volume: str) -> dict[str, dict[str, Any]]:
    return {m["mountPath"]: m for m in server(pod)["volumeMounts"] if m["name"] == volume}


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod["spec"]["initContainers"], *pod["spec"]["containers"]]


def leaves(node: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, child in node.items():
        here = f"{path}.{name}" if path else name
        if isinstance(child, dict) and here not in TRAITS.values():
            yield from leaves(child, here)
        else:
            yield here


class TestHowItIsMade:
    def test_every_value_of_a_learners_pod_is_in_it(self) -> None:
        elsewhere = {"image.name", "image.tag", "storage.type", "storage.homeMountPath"}
        apart = {
            path for path in leaves(values()["singleuser"]) if path.startswith(("networkPolicy.", "cloudMetadata."))
        }
        assert set(leaves(values()["singleuser"])) == set(TRAITS.values()) | elsewhere | apart

    @pytest.mark.parametrize("account", LEARNERS)
    def test_kubernetes_knows_every_field(self, made: dict[str, Any], account: str) -> None:
        kubernetes_validate.validate(made[account], VERSION, strict=True)

    def test_the_image_of_learners_is_run_as_on_one_machine(self, pod: dict[str, Any]) -> None:
        assert server(pod)["image"] == "registry.example.cn/qinlian/learner:0.1.0"
        assert server(pod)["args"] == values()["singleuser"]["cmd"]
        assert "command" not in server(pod), "the image has no entrypoint, so these are the whole command"
        assert told(pod)["JUPYTERHUB_DEFAULT_URL"] == "/qinlian/"

    def test_each_learner_has_a_pod_of_their_own_whatever_their_number_ends_in(self, made: dict[str, Any]) -> None:
        names = {made[account]["metadata"]["name"] for account in LEARNERS}
        assert len(names) == 3

    def test_its_labels_are_those_that_network_policies_know_it_by(self, pod: dict[str, Any]) -> None:
        labels = pod["metadata"]["labels"]
        assert (labels["app"], labels["component"]) == ("jupyterhub", "singleuser-server")


class TestWhoseNumber:
    def test_everything_runs_under_the_number_of_the_roster(self, made: dict[str, Any]) -> None:
        for number, account in enumerate(LEARNERS, 20_001):
            whole = made[account]["spec"]["securityContext"]
            assert (whole["runAsUser"], whole["runAsGroup"], whole["runAsNonRoot"]) == (number, number, True)
            for container in containers(made[account]):
                own = whole | container["securityContext"]
                assert (own["runAsUser"], own["runAsGroup"]) == (number, number)

    def test_no_group_reaches_for_the_shared_volumes(self, pod: dict[str, Any]) -> None:
        assert not {"fsGroup", "supplementalGroups", "fsGroupChangePolicy"} & pod["spec"]["securityContext"].keys()

    def test_who_is_no_learner_gets_no_pod(self, made: dict[str, Any]) -> None:
        for account, reason in (("ql4", "教师工作台"), ("ql9", "名单里没有")):
            with pytest.raises(HubError, match=reason):
                pod_of(made["config"], account)


class TestWhatItMayDo:
    def test_it_fits_the_strictest_pod_security_standard(self, pod: dict[str, Any]) -> None:
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod["spec"].keys()
        for container in containers(pod):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["readOnlyRootFilesystem"] is True
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert "privileged" not in own

    def test_it_holds_no_key_to_the_cluster(self, pod: dict[str, Any]) -> None:
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert "serviceAccountName" not in pod["spec"]
        assert pod["spec"]["enableServiceLinks"] is False

    def test_it_asks_for_what_the_values_say_and_may_take_no_more_than_they_say(self, pod: dict[str, Any]) -> None:
        resources, mega = server(pod)["resources"], 1024**2
        assert resources["requests"] == {"cpu": 0.05, "memory": 128 * mega, "ephemeral-storage": "16Mi"}
        assert resources["limits"] == {"cpu": 1, "memory": 384 * mega, "ephemeral-storage": "256Mi"}
        (first,) = pod["spec"]["initContainers"]
        assert (
            first["resources"]["requests"].keys() == first["resources"]["limits"].keys() == resources["limits"].keys()
        )

    def test_the_namespace_asks_for_that_standard(self) -> None:
        (namespace,) = of_kind("Namespace")
        assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


class TestWhatItSees:
    def test_volumes_are_homes_exchange_and_a_small_tmp(self, pod: dict[str, Any]) -> None:
        claimed = [v["persistentVolumeClaim"]["claimName"] for v in pod["spec"]["volumes"] if "emptyDir" not in v]
        assert claimed == ["qinlian-homes", "qinlian-exchange"]
        assert set(claimed) <= {name_of(m) for m in manifests()}
        (tmp,) = [v for v in pod["spec"]["volumes"] if "emptyDir" in v]
        assert tmp["emptyDir"] == {"sizeLimit": "64Mi"}

    @pytest.mark.parametrize("account", LEARNERS)
    def test_the_home_is_the_learners_own_and_nobody_elses(self, made: dict[str, Any], account: str) -> None:
        (home,) = mounts(made[account], "homes").values()
        assert (home["mountPath"], home["subPath"]) == ("/srv/qinlian/home", f"people/{account}")
        (first,) = made[account]["spec"]["initContainers"]
        assert first["command"] == ["mkdir", "-p", "-m", "0700", f"/homes/{account}"]

    def test_of_the_exchange_three_folders_of_the_course_and_one_of_them_to_write_to(self, pod: dict[str, Any]) -> None:
        seen = mounts(pod, "exchange")
        assert {path: mount["readOnly"] for path, mount in seen.items()} == {
            "/srv/qinlian/exchange/qinlian/outbound": True,
            "/srv/qinlian/exchange/qinlian/inbound": False,
            "/srv/qinlian/exchange/qinlian/feedback": True,
        }
        assert all(path.endswith(f"/{mount['subPath']}") for path, mount in seen.items())

    def test_no_shared_volume_is_mounted_whole(self, made: dict[str, Any]) -> None:
        for account in LEARNERS:
            for container in containers(made[account]):
                assert [m["name"] for m in container["volumeMounts"] if not m.get("subPath")] in ([], ["tmp"])


class TestWhatItIsTold:
    def test_besides_what_a_hub_tells_every_server_it_is_what_a_learner_is_told_on_one_machine(
        self, pod: dict[str, Any]
    ) -> None:
        ours = {
            n: v for n, v in told(pod).items() if not n.startswith(("JUPYTERHUB_", "CPU_", "MEM_", "JUPYTER_IMAGE"))
        }
        assert ours == {
            "HOME": "/srv/qinlian/home",
            "JPY_API_TOKEN": TOKEN,
            "JUPYTERLAB_SETTINGS_DIR": "/srv/qinlian/home/.qinlian/jupyter",
            "JUPYTER_CONFIG_DIR": "/opt/qinlian/learner/etc",
            "JUPYTER_PATH": "/opt/qinlian/learner/share",
            "MALLOC_ARENA_MAX": "1",
            "NBFORMAT_VALIDATOR": "jsonschema",
            "PYTHONNOUSERSITE": "1",
            "PYTHONUTF8": "1",
            "QINLIAN_COURSE_ID": "qinlian",
            "QINLIAN_EXCHANGE": "/srv/qinlian/exchange",
            "QINLIAN_LETTERBOX": letterbox_name(SECRET, "ql1001"),
            "QINLIAN_NAME": "周晓岚",
            "QINLIAN_TRACK": "年轻干部",
            "USER": "ql1001",
        }

    def test_the_only_secret_is_the_learners_own_token(self, made: dict[str, Any], pod: dict[str, Any]) -> None:
        assert {name for name, value in told(pod).items() if value == TOKEN} == {
            "JUPYTERHUB_API_TOKEN",
            "JPY_API_TOKEN",
        }
        for account in LEARNERS:
            said = yaml.safe_dump(made[account], allow_unicode=True)
            for secret in (SECRET.hex(), made["url"], *PASSWORDS.values(), "secretKeyRef", "DATABASE", "envFrom"):
                assert secret not in said

    def test_a_name_is_text_and_neither_kubespawner_nor_kubernetes_puts_anything_into_it(
        self, made: dict[str, Any]
    ) -> None:
        assert told(made["ql3"])["QINLIAN_NAME"] == "{username} 王"
        assert told(made["ql3"])["QINLIAN_TRACK"] == "$$(HOME){userid}", "Kubernetes makes one sign of two"


def test_the_image_of_the_hub_has_the_kubespawner_that_is_tested_here(pod: dict[str, Any]) -> None:
    version = pod["metadata"]["annotations"]["hub.jupyter.org/kubespawner-version"]
    assert f"\njupyterhub-kubespawner=={version} " in (REPOSITORY / "requirements-k8s.lock").read_text("utf-8")
    for name in ("values.yaml", "README.md"):
        assert f"KubeSpawner {version}" in (FOLDER / name).read_text("utf-8")
