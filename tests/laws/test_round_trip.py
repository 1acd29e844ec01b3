"""A desired recording survives every way of writing it down."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.diagnostics import Severity
from reconciler.spec.convert import manifest_of
from reconciler.spec.desired import Desired, thaw
from reconciler.spec.emit import to_yaml
from tests.laws.worlds import Spec, recordings
from tests.spec.support import APP, read, setting, write

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
WITH_CERTIFICATE = f"{APP}  certificate: {{env: CERTIFICATE}}\n"


def desired_of(folder: Path, text: str) -> Desired:
    """Read one Recording beside an App, and insist that nothing is wrong with it."""
    write(folder, {"app.yaml": WITH_CERTIFICATE, "spec.yaml": text})
    catalog = read(folder, setting())
    errors = [found for found in catalog.diagnostics if found.severity is Severity.ERROR]
    assert errors == []
    return catalog.entries[0].desired()


@FEW
@given(manifest=recordings())
def test_desired_to_manifest_to_yaml_to_desired_is_the_identity(
    tmp_path: Path, manifest: Spec
) -> None:
    first = desired_of(tmp_path, to_yaml([manifest]))
    second = desired_of(tmp_path, to_yaml([manifest_of(first)]))
    assert second == first
    assert second.digest() == first.digest()


@FEW
@given(manifest=recordings())
def test_a_frozen_desired_thaws_to_itself(tmp_path: Path, manifest: Spec) -> None:
    desired = desired_of(tmp_path, to_yaml([manifest]))
    assert thaw(desired.freeze().body) == desired


@FEW
@given(manifest=recordings(), data=st.data())
def test_the_order_of_keys_means_nothing(
    tmp_path: Path, manifest: Spec, data: st.DataObject
) -> None:
    shuffled = {key: manifest[key] for key in data.draw(st.permutations(list(manifest)))}
    keys = data.draw(st.permutations(list(manifest["spec"])))
    shuffled["spec"] = {key: manifest["spec"][key] for key in keys}
    first = desired_of(tmp_path, to_yaml([manifest]))
    second = desired_of(tmp_path, to_yaml([shuffled]))
    assert second == first
    assert second.digest() == first.digest()


@FEW
@given(manifest=recordings())
def test_no_literal_secret_stands_in_what_a_digest_is_made_of(
    tmp_path: Path, manifest: Spec
) -> None:
    manifest["spec"]["storage"]["secretKey"] = "first-literal"
    first = desired_of(tmp_path, to_yaml([manifest]))
    manifest["spec"]["storage"]["secretKey"] = "other-literal"
    second = desired_of(tmp_path, to_yaml([manifest]))
    assert first != second
    assert first.digest() == second.digest()
    assert "literal" not in repr(first)
