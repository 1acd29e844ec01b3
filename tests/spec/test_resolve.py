"""Secrets get their values late, once, and show them to nobody."""

import json
import sys
from pathlib import Path

import pytest

from reconciler.errors import SecretError
from reconciler.spec.resolve import SECRET_BYTES_MAX, Resolver
from reconciler.spec.secrets import Form, Secret, SecretValue

KEY = b"k" * 32


def exec_of(program: str, folder: Path, **more: str) -> Secret:
    return Secret("exec", (sys.executable, "-c", program), str(folder), **more)  # type: ignore[arg-type]  # tests say what they mean


def test_an_environment_variable_yields_its_value() -> None:
    assert Resolver({"KEY": "v"}).resolve(Secret("env", "KEY")).reveal() == "v"


@pytest.mark.parametrize(("environ", "state"), [({}, "not set"), ({"KEY": ""}, "empty")])
def test_a_missing_variable_is_named_with_what_to_do(environ: dict[str, str], state: str) -> None:
    with pytest.raises(SecretError, match=f"`KEY` is {state}") as refused:
        Resolver(environ).resolve(Secret("env", "KEY"))
    assert refused.value.hint == "set it where this runs: export KEY=..."


@pytest.mark.parametrize(
    ("content", "value"),
    [("v\n", "v"), ("v\r\n", "v"), ("v\n\n", "v\n"), ("v", "v"), (" v ", " v ")],
)
def test_a_file_is_read_beside_its_spec_without_one_trailing_newline(
    tmp_path: Path, content: str, value: str
) -> None:
    (tmp_path / "key").write_bytes(content.encode())
    assert Resolver({}).resolve(Secret("file", "key", str(tmp_path))).reveal() == value


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "nothing"), (b"\xff", "no UTF-8"), (b"x" * (SECRET_BYTES_MAX + 1), "no secret")],
)
def test_a_file_that_holds_no_secret_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(SecretError, match=said):
        Resolver({}).resolve(Secret("file", "key", str(tmp_path)))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match=r"nowhere.*cannot be read"):
        Resolver({}).resolve(Secret("file", "nowhere", str(tmp_path)))


def test_a_program_is_not_run_unless_that_was_allowed(tmp_path: Path) -> None:
    touch = exec_of("open('ran', 'w')", tmp_path)
    with pytest.raises(SecretError, match="nobody allowed") as refused:
        Resolver({}).resolve(touch)
    assert "--allow-exec" in str(refused.value.hint)
    assert not (tmp_path / "ran").exists()


def test_a_program_runs_in_its_specs_folder_without_a_shell(tmp_path: Path) -> None:
    secret = exec_of("import os, sys; print(os.getcwd(), '$HOME;*')", tmp_path)
    value = Resolver({}, allow_exec=True).resolve(secret).reveal()
    assert value == f"{tmp_path.resolve()} $HOME;*"


def test_a_program_that_fails_says_neither_its_output_nor_its_arguments(tmp_path: Path) -> None:
    secret = exec_of("import sys; print('leak-out'); sys.exit('leak-err')", tmp_path)
    with pytest.raises(SecretError, match="exit code 1") as refused:
        Resolver({}, allow_exec=True).resolve(secret)
    assert "leak" not in str(refused.value) + str(refused.value.hint)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="`no-such-program` cannot be run"):
        Resolver({}, allow_exec=True).resolve(Secret("exec", ("no-such-program",), str(tmp_path)))


CREDENTIALS = {
    "Version": 1,
    "AccessKeyId": "id",
    "SecretAccessKey": "secret",
    "SessionToken": "session",
    "Expiration": "2026-12-01T09:00:00+01:00",
}


def parts(secret: Secret) -> dict[str, Secret]:
    def part(name: str) -> Secret:
        reads = "time" if name == "Expiration" else "text"
        return Secret(secret.form, secret.source, secret.folder, name, reads)  # type: ignore[arg-type]  # one of two words

    return {
        "accessKey": part("AccessKeyId"),
        "secretKey": part("SecretAccessKey"),
        "stsToken": part("SessionToken"),
        "stsExpiration": part("Expiration"),
    }


def test_credentials_are_asked_for_once_and_yield_all_their_parts(tmp_path: Path) -> None:
    program = f"open('calls', 'a').write('x'); print({json.dumps(json.dumps(CREDENTIALS))})"
    body = Resolver({}, allow_exec=True).body({"s": parts(exec_of(program, tmp_path))})
    assert body == {
        "s": {
            "accessKey": "id",
            "secretKey": "secret",
            "stsToken": "session",
            "stsExpiration": 1796112000,
        }
    }
    assert (tmp_path / "calls").read_text() == "x"


def test_credentials_that_do_not_end_have_no_end_in_the_body(tmp_path: Path) -> None:
    lasting = {key: CREDENTIALS[key] for key in ("AccessKeyId", "SecretAccessKey")}
    (tmp_path / "keys.json").write_text(json.dumps(lasting))
    body = Resolver({}).body(parts(Secret("file", "keys.json", str(tmp_path))))
    assert body == {"accessKey": "id", "secretKey": "secret"}


@pytest.mark.parametrize("content", ["[]", "nonsense secret-text", '{"AccessKeyId": 1}'])
def test_credentials_of_another_shape_are_refused_without_being_shown(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "keys.json").write_text(content)
    with pytest.raises(SecretError) as refused:
        Resolver({}).body(parts(Secret("file", "keys.json", str(tmp_path))))
    assert "secret-text" not in str(refused.value) + str(refused.value.hint)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1796112000", 1796112000), ("2026-12-01T08:00:00Z", 1796112000)],
)
def test_an_expiration_is_sent_as_unix_seconds(text: str, number: int) -> None:
    secret = Secret("env", "END", reads="time")
    assert Resolver({"END": text}).body({"e": secret}) == {"e": number}


@pytest.mark.parametrize("text", ["soon", "2026-12-01T08:00:00"])
def test_an_expiration_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(SecretError, match="is no time"):
        Resolver({"END": text}).body(Secret("env", "END", reads="time"))


@pytest.mark.parametrize("form", ["literal", "env", "file", "exec"])
def test_no_form_of_a_secret_prints_a_value(form: Form) -> None:
    secret = Secret(form, ("s3cr3t",) if form == "exec" else "s3cr3t")
    shown = f"{secret} {secret!r} {[secret]}"
    assert ("s3cr3t" in shown) == (form != "literal")  # where it is may be told, what it is not
    assert str(secret) == "***"


def test_a_value_prints_as_stars_and_compares_by_keyed_hash() -> None:
    value = SecretValue("s3cr3t")
    assert (
        "s3cr3t"
        not in f"{value} {value!r} {[value]} {value.__dict__ if hasattr(value, '__dict__') else ''}"
    )
    assert value.fingerprint(KEY) == SecretValue("s3cr3t").fingerprint(KEY)
    assert value.fingerprint(KEY) != SecretValue("s3cr3T").fingerprint(KEY)
    assert value.fingerprint(KEY) != value.fingerprint(b"other")
