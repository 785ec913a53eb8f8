"""deploy/k8s/values.yaml: what the Zero to JupyterHub chart knows, and what must hold of a learner's pod."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from traitlets.config import Config, PyFileConfigLoader

from qinlian.hub.learner_server import learner_command
from qinlian.hub.pods import configure
from qinlian.hub.settings import HubSettings, Ports
from tests.unit.kubernetes_rooms import FOLDER, REPOSITORY, values

# A program beside the values, not a package.
sys.path.insert(0, str(FOLDER))
from outline import outline_of, schema_of

OUTLINE = json.loads((FOLDER / "chart-values.json").read_text("utf-8"))


def problems(given: dict[str, Any]) -> list[str]:
    validator = jsonschema.Draft7Validator(schema_of(OUTLINE))
    return [f"{e.json_path}: {e.message}" for e in validator.iter_errors(given)]


class TestAgainstTheChart:
    def test_the_chart_knows_every_key_and_takes_every_type(self) -> None:
        assert problems(values()) == []

    @pytest.mark.parametrize(
        "wrong",
        [
            {"singleuser": {"memory": {"guarantees": "1M"}}},
            {"singleuser": {"uid": "1000"}},
            {"hub": {"db": {"type": "postgresql"}}},
            {"hub": {"services": [{"name": "staff"}]}},
            {"auth": {}},
        ],
        ids=["a misspelt key", "a text for a number", "an unknown choice", "a list for a mapping", "an old section"],
    )
    def test_a_mistake_would_be_seen(self, wrong: dict[str, Any]) -> None:
        assert len(problems(wrong)) == 1

    def test_it_knows_what_the_readme_tells_an_institution_to_write(self) -> None:
        (example,) = re.findall(r"```yaml\n(.*?)```", (FOLDER / "README.md").read_text("utf-8"), re.DOTALL)
        assert problems(yaml.safe_load(example)) == []

    def test_the_outline_says_of_which_schema_it_is(self) -> None:
        assert (OUTLINE["chart"], OUTLINE["version"]) == ("jupyterhub", "4.1.0")
        assert "图表 **4.1.0** 的结构说明" in (FOLDER / "README.md").read_text("utf-8")

    def test_the_documents_name_one_version_of_the_chart(self) -> None:
        named = {
            version
            for path in (FOLDER / "values.yaml", FOLDER / "README.md")
            for version in re.findall(r"--version (\d[\w.-]*)", path.read_text("utf-8"))
        }
        assert named == {"4.4.0"}


class TestOutline:
    def test_a_schema_is_what_it_allows(self) -> None:
        closed = {"type": "object", "additionalProperties": False, "properties": {"a": {"type": ["string", "null"]}}}
        labels = {"type": "object", "additionalProperties": False, "patternProperties": {".*": {"type": "string"}}}
        choice = {"enum": ["x", None]}
        top = {"b": closed, "l": labels, "c": choice, "o": {"type": "object", "additionalProperties": True}}
        outline = outline_of({"type": "object", "additionalProperties": False, "properties": top})
        assert outline["keys"] == {
            "b": "object",
            "b.a": "string|null",
            "c": ["x", None],
            "l": "object",
            "l.*": "string",
            "o": "anything",
        }
        check = jsonschema.Draft7Validator(schema_of(outline)).is_valid
        assert check({"b": {"a": None}, "l": {"any": "text"}, "c": None, "o": {"any": [1]}})
        assert not check({"b": {"other": "x"}})
        assert not check({"l": {"any": 1}})
        assert not check({"z": 1})

    def test_without_its_two_arguments_it_says_how_it_is_called(self) -> None:
        done = subprocess.run([sys.executable, str(FOLDER / "outline.py")], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "helm pull" in done.stderr


class TestLearnersPods:
    def test_nobody_gets_a_number_that_others_have_too(self) -> None:
        assert values()["singleuser"]["uid"] is None
        assert values()["singleuser"]["fsGid"] is None

    def test_they_mount_neither_course_nor_gradebook_nor_any_secret(self) -> None:
        storage = values()["singleuser"]["storage"]
        claims = [v["persistentVolumeClaim"]["claimName"] for v in storage["extraVolumes"] if "emptyDir" not in v]
        assert claims == ["qinlian-homes", "qinlian-exchange"]
        assert storage["type"] == "none"
        assert not values()["singleuser"].get("extraEnv")

    def test_shared_volumes_are_mounted_by_the_hook_alone_which_mounts_parts_of_them(self) -> None:
        mounts = values()["singleuser"]["storage"]["extraVolumeMounts"]
        assert [m["name"] for m in mounts] == ["tmp"]

    def test_they_may_talk_to_hub_proxy_and_name_service_and_to_nothing_else(self) -> None:
        policy = values()["singleuser"]["networkPolicy"]
        assert policy["enabled"] is True
        assert policy["egress"] == []
        assert [name for name, on in policy["egressAllowRules"].items() if on] == ["dnsPortsKubeSystemNamespace"]
        assert set(policy["egressAllowRules"]) == {
            key.rpartition(".")[2]
            for key in OUTLINE["keys"]
            if key.startswith("singleuser.networkPolicy.egressAllowRules.")
        }, "one that is not named here has the chart's default"

    def test_they_have_bounds(self) -> None:
        single = values()["singleuser"]
        for what in ("memory", "cpu"):
            assert single[what]["guarantee"]
            assert single[what]["limit"]
        assert single["extraResource"]["limits"]["ephemeral-storage"]
        assert all("sizeLimit" in v["emptyDir"] for v in single["storage"]["extraVolumes"] if "emptyDir" in v)

    def test_no_privileged_container_runs_in_them(self) -> None:
        assert values()["singleuser"]["cloudMetadata"]["blockWithIptables"] is False
        assert values()["singleuser"]["allowPrivilegeEscalation"] is False
        assert not values()["singleuser"].get("initContainers")

    def test_they_run_what_a_learner_runs_on_one_machine(self) -> None:
        assert values()["singleuser"]["cmd"] == learner_command(Path("/opt/qinlian/bin"))

    def test_idle_ones_end(self) -> None:
        assert values()["cull"]["enabled"] is True
        assert values()["cull"]["timeout"] <= 3600


class TestHub:
    def test_images_are_pinned(self) -> None:
        for part in (values()["hub"], values()["singleuser"]):
            assert re.fullmatch(r"\d+\.\d+\.\d+", part["image"]["tag"])

    def test_the_testing_authenticator_that_lets_everybody_in_is_not_left_in_place(self) -> None:
        assert values()["hub"]["config"]["JupyterHub"]["authenticator_class"].startswith("qinlian.hub.")

    def test_passwords_are_taken_from_secrets(self) -> None:
        hub = values()["hub"]
        assert "password" not in hub["db"]
        assert "@" in hub["db"]["url"]
        assert ":" not in hub["db"]["url"].partition("://")[2].partition("@")[0]
        for name, value in hub["extraEnv"].items():
            if re.search("PASSWORD|TOKEN", name):
                assert "secretKeyRef" in value["valueFrom"]

    def test_a_variable_that_is_put_into_another_sorts_before_it_as_the_chart_does(self) -> None:
        extra = values()["hub"]["extraEnv"]
        for name, value in extra.items():
            for used in re.findall(r"\$\((\w+)\)", value if isinstance(value, str) else ""):
                assert used in extra
                assert used < name

    def test_it_does_not_mount_the_course(self) -> None:
        volumes = values()["hub"]["extraVolumes"]
        assert {v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v} == {
            "qinlian-hub"
        }

    def test_roles_and_groups_are_those_of_one_machine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = HubSettings(
            state=tmp_path, course_id="qinlian", ports=Ports(proxy_api=1, hub=2, formgrader=3, staff=4)
        )
        settings.save()
        monkeypatch.setenv("QINLIAN_STATE", str(tmp_path))
        config = PyFileConfigLoader("jupyterhub_config.py", str(REPOSITORY / "deploy" / "hub")).load_config()
        (tmp_path / "secret.txt").write_text("ab" * 32)
        environ = {"QINLIAN_DATABASE_URL": "sqlite://", "QINLIAN_COURSE_ID": "qinlian"}
        cluster = Config()
        configure(cluster, environ | {"QINLIAN_COURSE_SECRET": str(tmp_path)})
        assert cluster.JupyterHub.load_groups == config.JupyterHub.load_groups
        here = {role["name"]: role for role in config.JupyterHub.load_roles}
        there = {name: {"name": name, **role} for name, role in values()["hub"]["loadRoles"].items()}
        # The chart has a culler of its own, and the role for it.
        del here["culler"]
        # Who restarts the proxy here has the Hub give it its routes; there the cluster restarts it.
        here["roster"]["scopes"].remove("proxy")
        assert {n: {k: sorted(v) if k != "name" else v for k, v in r.items()} for n, r in there.items()} == {
            n: {k: sorted(v) if k != "name" else v for k, v in r.items()} for n, r in here.items()
        }
