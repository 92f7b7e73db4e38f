"""The committed modules of AWS's services are what `make gen` writes from the pinned descriptions."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = (
    "cumulo.queue_service.aws_sqs",
    "cumulo.queue_service.aws_sns",
    "cumulo.object_store.aws_s3",
    "cumulo.identity.aws_iam",
    "cumulo.identity.aws_sts",
)


def test_generated_modules_are_what_the_descriptions_say():
    check = [sys.executable, str(ROOT / ".ci" / "aws_models.py"), "--check"]

    result = subprocess.run(check, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", MODULES)
def test_every_operation_bears_its_name_and_its_services_structures(name):
    module = import_module(name)

    for key, operation in module.SERVICE.operations.items():
        assert operation.name == key
        for structure in (operation.input, operation.output):
            assert structure.__module__ in {name, "cumulo.gateway.aws_model"}


def test_generated_modules_do_not_need_botocore():
    script = f"import sys, {', '.join(MODULES)}; sys.exit('botocore' in sys.modules or 'lxml' in sys.modules)"

    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr
