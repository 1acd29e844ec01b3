"""The manifests: they fit each other, ask for little, and hold no value of a secret."""

import re
import shutil
import subprocess
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from reconciler.daemon.daemon import UNAVAILABLE
from reconciler.daemon.mailbox import ELSEWHERE
from tests.examples.setups import EXAMPLES, document, named_by_specs, parsed, variables

KUBERNETES = EXAMPLES / "kubernetes"
FILES = ("ssh/key", "ssh/known_hosts")


def manifest(name: str) -> Any:
    return document(KUBERNETES / f"{name}.yaml")


def pod() -> dict[str, Any]:
    found: dict[str, Any] = manifest("deployment")["spec"]["template"]["spec"]
    return found


def container() -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = pod()["containers"]
    return found


def port(reference: dict[str, Any]) -> int:
    """Return the number of a port of the container, given by number or by name."""
    names = {each["name"]: each["containerPort"] for each in container()["ports"]}
    wanted = reference.get("port") or reference["targetPort"]
    return int(names.get(wanted, wanted))


def test_the_daemon_takes_its_arguments_and_stands_by() -> None:
    args = parsed(container()["args"])
    assert args.standby
    assert (args.branch, args.path) == ("main", ["specs"])
    assert ip_address(args.listen.host).is_unspecified
    assert args.listen.port == 8710
    assert manifest("deployment")["spec"]["replicas"] >= 2


def test_selectors_find_the_pods() -> None:
    labels = manifest("deployment")["spec"]["template"]["metadata"]["labels"]
    deployment = manifest("deployment")["spec"]["selector"]["matchLabels"]
    spread = pod()["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]
    budget = manifest("poddisruptionbudget")["spec"]["selector"]["matchLabels"]
    policy = manifest("networkpolicy")["spec"]["podSelector"]["matchLabels"]
    service = manifest("service")["spec"]["selector"]
    for selector in (deployment, spread, budget, policy, service):
        assert selector == labels


def test_every_way_leads_to_the_port_that_it_listens_on() -> None:
    listens = parsed(container()["args"]).listen.port
    (through,) = manifest("service")["spec"]["ports"]
    assert port({"targetPort": through["targetPort"]}) == listens
    (let_in,) = manifest("networkpolicy")["spec"]["ingress"]
    assert [port(each) for each in let_in["ports"]] == [listens]
    (way,) = manifest("ingress")["spec"]["rules"][0]["http"]["paths"]
    target = way["backend"]["service"]
    assert (target["name"], target["port"]["name"]) == ("reconciler", through["name"])
    assert way["path"] == "/notifications/"


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe", "readinessProbe"])
def test_a_probe_is_a_program_that_has_the_token(probe: str) -> None:
    listens = parsed(container()["args"]).listen.port
    command = container()[probe]["exec"]["command"]
    assert command == ["probe", f"http://127.0.0.1:{listens}/healthz"]
    recipe = (EXAMPLES / "container/Containerfile").read_text(encoding="utf-8")
    assert f"/usr/local/bin/{command[0]}\n" in recipe


def test_a_notification_that_reaches_the_one_that_stands_by_goes_to_the_other() -> None:
    (told,) = manifest("ingress")["metadata"]["annotations"].values()
    assert {f"http_{ELSEWHERE}", f"http_{UNAVAILABLE}", "non_idempotent"} <= set(told.split())


def test_a_pod_may_do_nothing_that_it_need_not() -> None:
    whole, inside = pod()["securityContext"], container()["securityContext"]
    assert (whole["runAsNonRoot"], whole["runAsUser"]) == (True, 10001)
    assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
    assert inside == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod()["automountServiceAccountToken"] is False
    assert manifest("serviceaccount")["automountServiceAccountToken"] is False
    assert pod()["serviceAccountName"] == manifest("serviceaccount")["metadata"]["name"]
    assert {"cpu", "memory"} <= set(container()["resources"]["requests"])


def test_what_is_mounted_is_there() -> None:
    volumes = {each["name"]: each for each in pod()["volumes"]}
    assert {each["name"] for each in container()["volumeMounts"]} == set(volumes)
    paths = {each["name"]: each["mountPath"] for each in container()["volumeMounts"]}
    (command,) = (each["value"] for each in container()["env"] if each["name"] == "GIT_SSH_COMMAND")
    read = set(re.findall(rf"{paths['git']}/(\w+)", command))
    assert read == {name.partition("/")[2] for name in FILES}


def test_secrets_are_made_of_files_that_git_ignores() -> None:
    made = {each["name"]: each for each in manifest("kustomization")["secretGenerator"]}
    git = next(each["secret"] for each in pod()["volumes"] if "secret" in each)
    (environment,) = (each["secretRef"]["name"] for each in container()["envFrom"])
    assert set(made) == {environment, git["secretName"]}
    assert made[environment]["envs"] == ["secret.env"]
    assert made[git["secretName"]]["files"] == list(FILES)
    ignored = (KUBERNETES / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"/secret.env", "/ssh/"} <= set(ignored)


def test_the_secret_names_what_the_daemon_and_the_specs_ask_for_and_has_no_value() -> None:
    given = variables(KUBERNETES / "secret.env.example")
    own = {"RECONCILER_STATE", "RECONCILER_STATE_KEY", "RECONCILER_TOKEN", "PGPASSWORD"}
    assert set(given) == own | named_by_specs(EXAMPLES / "gitops/specs")
    assert [name for name, value in given.items() if value] == ["RECONCILER_STATE"]
    assert re.fullmatch(r"postgresql://\w+@[\w.]+/\w+", given["RECONCILER_STATE"])


def test_everything_beside_the_way_in_is_put_together() -> None:
    listed = manifest("kustomization")["resources"]
    there = {path.name for path in KUBERNETES.glob("*.yaml")}
    assert there - set(listed) == {"kustomization.yaml", "ingress.yaml"}
    assert set(listed) <= there


def test_kustomize_puts_it_together(tmp_path: Path) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    copy = tmp_path / "kubernetes"
    shutil.copytree(KUBERNETES, copy)
    shutil.copy(copy / "secret.env.example", copy / "secret.env")
    for name in FILES:
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text("any")
    command = ["kubectl", "kustomize", str(copy)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (0, "")
    found = list(YAML(typ="safe").load_all(made.stdout))
    spaces = {each["metadata"].get("namespace") for each in found if each["kind"] != "Namespace"}
    assert spaces == {"reconciler"}
    (deployment,) = (each for each in found if each["kind"] == "Deployment")
    names = {each["metadata"]["name"] for each in found if each["kind"] == "Secret"}
    inside = deployment["spec"]["template"]["spec"]
    used = {each["secret"]["secretName"] for each in inside["volumes"] if "secret" in each}
    used |= {each["secretRef"]["name"] for each in inside["containers"][0]["envFrom"]}
    assert used == names
    assert inside["containers"][0]["image"] == "registry.example.com/reconciler:1"
