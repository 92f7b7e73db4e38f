"""Terraform's resources of SQS: made, found as they were written, changed, and destroyed, by `cumulo terraform init`.

Terraform brings AWS's provider itself, from its registry, or from the folder that TF_CLI_ARGS_init names, as in
`TF_CLI_ARGS_init=-plugin-dir=/opt/plugins`. Where neither can be had the test says so and is skipped. The provider
asks again for half a minute whether what it made stays, as SQS forgets at first.
"""

import shutil
import sys
from pathlib import Path

import pytest

from tests.compat.client_programs import run

CONFIGURATION = Path(__file__).parent / "terraform" / "queues.tf"
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture
def terraform(aws, server, tmp_path):
    """Run Terraform in a folder with the configuration and the provider's file for this server."""
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("terraform is not on PATH")
    cumulo = str(Path(sys.executable).with_name("cumulo"))
    provider = run(cumulo, "terraform", "init", environment=server.environment(), cwd=tmp_path)
    (tmp_path / "provider.tf").write_text(provider)
    shutil.copy(CONFIGURATION, tmp_path)

    def call(*words):
        run(program, *words, "-no-color", "-input=false", environment=aws | {"CHECKPOINT_DISABLE": "1"}, cwd=tmp_path)

    try:
        call("init")
    except AssertionError as error:
        pytest.skip(f"terraform cannot get AWS's provider: {error}")
    return call


def test_terraform_makes_finds_changes_and_destroys_queues(terraform, sqs):
    terraform("apply", "-auto-approve", "-var=delay_seconds=5")
    terraform("plan", "-detailed-exitcode", "-var=delay_seconds=5")  # exits with 2 where something is to be changed
    terraform("apply", "-auto-approve", "-var=delay_seconds=7")
    terraform("plan", "-detailed-exitcode", "-var=delay_seconds=7")
    url = sqs.get_queue_url(QueueName="terraform-jobs")["QueueUrl"]
    changed = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    tags = sqs.list_queue_tags(QueueUrl=url)["Tags"]
    terraform("destroy", "-auto-approve", "-var=delay_seconds=7")

    assert (changed["DelaySeconds"], changed["SqsManagedSseEnabled"], tags) == ("7", "true", {"delay": "7"})
    assert sqs.list_queues(QueueNamePrefix="terraform").get("QueueUrls", []) == []
