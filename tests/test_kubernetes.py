"""Kubernetes files: what the schemas of two versions say of them and of jobs made of them, and what they allow."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from prefect.utilities.templating import apply_values

from tests.running import ROOT

FOLDER = ROOT / "deployments" / "kubernetes"
VERSIONS = ("1.30", "1.37")
TEMPLATE: dict[str, Any] = json.loads((FOLDER / "base-job-template.json").read_text(encoding="utf-8"))
VARIABLES: dict[str, Any] = TEMPLATE["variables"]["properties"]
MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all((FOLDER / "xtransfer.yaml").read_text(encoding="utf-8")))
JOBS = {
    "as it is": {},
    "on the CPU": {"gpus": 0, "image": "xtransfer-worker:cpu", "cpu": "500m", "backoff_limit": 0},
    "labelled": {"labels": {"team": "nlp"}, "annotations": {"note": "a b"}, "name": "study"},
}


def only(kind: str) -> dict[str, Any]:
    """The one manifest of a kind."""
    (found,) = (one for one in MANIFESTS if one["kind"] == kind)
    return found


def job(**values: Any) -> dict[str, Any]:
    """The Job that Prefect's worker makes of the template; it adds environment, command, a name and its labels."""
    defaults = {name: one["default"] for name, one in VARIABLES.items() if one.get("default") is not None}
    manifest: dict[str, Any] = apply_values(
        TEMPLATE["job_configuration"]["job_manifest"], {"name": "brave-owl", **defaults, **values}
    )
    container = manifest["spec"]["template"]["spec"]["containers"][0]
    container |= {"args": ["prefect", "flow-run", "execute"], "env": [{"name": "PREFECT__FLOW_RUN_ID", "value": "1"}]}
    return manifest


def pods() -> list[dict[str, Any]]:
    """The specifications of all pods: of the worker and of studies."""
    return [one["spec"]["template"]["spec"] for one in (only("Deployment"), *(job(**more) for more in JOBS.values()))]


@pytest.mark.parametrize("version", VERSIONS)
def test_manifests_are_of_the_schema(version: str) -> None:
    for manifest in MANIFESTS:
        assert kubernetes_validate.validate(manifest, version, strict=True) == version


@pytest.mark.parametrize(("version", "values"), list(product(VERSIONS, JOBS.values())), ids=str)
def test_jobs_are_of_the_schema(version: str, values: dict[str, Any]) -> None:
    made = job(**values)
    assert "{{" not in json.dumps(made)
    assert kubernetes_validate.validate(made, version, strict=True) == version
    made["spec"]["template"]["spec"]["containers"][0]["securityContext"]["readOnlyFilesystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError, match="readOnlyFilesystem"):
        kubernetes_validate.validate(made, version, strict=True)


def test_a_study_is_one_job_with_one_pod() -> None:
    spec = job()["spec"]
    assert spec["parallelism"] == spec["completions"] == 1
    pod = spec["template"]["spec"]
    assert pod["restartPolicy"] == "Never" and len(pod["containers"]) == 1
    assert not pod["automountServiceAccountToken"]


def test_containers_have_no_rights_and_no_place_to_write_but_volumes() -> None:
    for pod in pods():
        context = pod["securityContext"]
        assert context["runAsNonRoot"] and context["runAsUser"] >= 1000
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
            assert "/tmp" in mounts and set(mounts.values()) == volumes
            assert set(container["resources"]) == {"requests", "limits"}
            assert all({"cpu", "memory"} <= set(amounts) for amounts in container["resources"].values())
    homes = re.findall(r"--home-dir (\S+)", (ROOT / "docker" / "worker-cuda.Dockerfile").read_text(encoding="utf-8"))
    mounted = job()["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert set(homes) <= {mount["mountPath"] for mount in mounted} and homes


def test_the_worker_is_probed_where_it_answers() -> None:
    container = only("Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert "--with-healthcheck" in container["command"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/health", "port": 8080}
        assert container[probe]["timeoutSeconds"] > 1  # which a busy core may take


def test_the_worker_knows_the_server_s_password_alone_and_writes_it_into_no_job() -> None:
    container = only("Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert "envFrom" not in container
    given = {one["name"]: one for one in container["env"]}
    secrets = {name: one["valueFrom"]["secretKeyRef"] for name, one in given.items() if "secretKeyRef" in str(one)}
    assert secrets == {"PREFECT_API_AUTH_STRING": {"name": "xtransfer", "key": "PREFECT_API_AUTH_STRING"}}
    prefix = "PREFECT_INTEGRATIONS_KUBERNETES_WORKER_API_AUTH_STRING_SECRET"
    assert secrets["PREFECT_API_AUTH_STRING"] == {
        "name": given[f"{prefix}_NAME"]["value"],
        "key": given[f"{prefix}_KEY"]["value"],
    }
    assert given["PREFECT_API_URL"]["valueFrom"]["configMapKeyRef"]["key"] in only("ConfigMap")["data"]


def test_the_worker_watches_where_its_role_may() -> None:
    container = only("Deployment")["spec"]["template"]["spec"]["containers"][0]
    (watched,) = (one["value"] for one in container["env"] if one["name"].endswith("_OBSERVER_NAMESPACES"))
    assert watched == only("Role")["metadata"]["namespace"] == VARIABLES["namespace"]["default"]


def test_the_job_template_is_filled_from_its_variables() -> None:
    variables = TEMPLATE["variables"]
    jsonschema.Draft202012Validator.check_schema(variables)
    used = set(re.findall(r"{{ (\w+) }}", json.dumps(TEMPLATE["job_configuration"])))
    assert used == set(VARIABLES)
    defaults = {name: one["default"] for name, one in VARIABLES.items() if "default" in one}
    jsonschema.validate(defaults, variables)
    assert all(one.get("description") for one in VARIABLES.values())


def test_jobs_and_manifests_fit_together() -> None:
    names = {(one["kind"], one["metadata"]["name"]) for one in MANIFESTS}
    assert all(one["metadata"].get("namespace", "xtransfer") == "xtransfer" for one in MANIFESTS)
    defaults = {name: one.get("default") for name, one in VARIABLES.items()}
    assert ("Namespace", defaults["namespace"]) in names and ("ConfigMap", defaults["config"]) in names
    compose = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8"))
    assert defaults["image"] in {service["image"] for service in compose["services"].values()}
    worker = only("Deployment")["spec"]["template"]["spec"]
    assert ("ServiceAccount", worker["serviceAccountName"]) in names
    version = next(line for line in (ROOT / "constraints.txt").read_text().splitlines() if line.startswith("prefect=="))
    assert f":{version.partition('==')[2]}-" in worker["containers"][0]["image"]
