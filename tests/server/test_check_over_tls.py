"""`cumulo check` of a folder whose server speaks TLS, and with settings that cannot be used."""

from cumulo.testing import Server
from tests.client.test_tls import write_certificate


def test_check_reaches_a_server_with_tls_by_the_authority_of_its_certificate(cumulo, tmp_path):
    chain, key = write_certificate(tmp_path)

    with Server(tmp_path / "data", settings={"tls_cert": chain, "tls_key": key}):
        checked = cumulo("check", "--data", str(tmp_path / "data"), CUMULO_TLS_CA=str(chain))
        without = cumulo("check", "--data", str(tmp_path / "data"))

    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.startswith("ok: ")
    assert without.returncode == 1
    assert "CUMULO_TLS_CA" in without.stderr


def test_check_refuses_a_mistyped_setting_with_a_suggestion(cumulo):
    done = cumulo("check", CUMULO_DTA="somewhere")

    assert done.returncode == 2
    assert done.stderr == "cumulo: unknown setting CUMULO_DTA; did you mean CUMULO_DATA?\n"
