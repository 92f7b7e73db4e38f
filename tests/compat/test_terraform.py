"""Terraform's resources of SQS, SNS and S3: made, found as they were written, changed, and destroyed.

The provider's file is that of `cumulo terraform init`. Terraform brings AWS's provider itself, from its registry, or
from the folder that TF_CLI_ARGS_init names, as in `TF_CLI_ARGS_init=-plugin-dir=/opt/plugins`. Where neither can be had
the test says so and is skipped. The provider asks again for half a minute whether what it made stays, as AWS forgets at
first.
"""

import shutil
import sys
from pathlib import Path

import pytest

from tests.compat.client_programs import run

CONFIGURATIONS = Path(__file__).parent / "terraform"
pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture
def terraform(request, aws, server, tmp_path):
    """Run Terraform in a folder with the test's configuration and the provider's file for this server."""
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("terraform is not on PATH")
    cumulo = str(Path(sys.executable).with_name("cumulo"))
    provider = run(cumulo, "terraform", "init", environment=server.environment(), cwd=tmp_path)
    (tmp_path / "provider.tf").write_text(provider)
    shutil.copy(CONFIGURATIONS / request.param, tmp_path)

    def call(*words):
        run(program, *words, "-no-color", "-input=false", environment=aws | {"CHECKPOINT_DISABLE": "1"}, cwd=tmp_path)

    try:
        call("init")
    except AssertionError as error:
        pytest.skip(f"terraform cannot get AWS's provider: {error}")
    return call


@pytest.mark.parametrize("terraform", ["queues.tf"], indirect=True)
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


@pytest.mark.parametrize("terraform", ["topics.tf"], indirect=True)
def test_terraform_makes_finds_changes_and_destroys_topics_and_subscriptions(terraform, sns):
    terraform("apply", "-auto-approve", "-var=days=30")
    terraform("plan", "-detailed-exitcode", "-var=days=30")
    (moves,) = (it["TopicArn"] for it in sns.list_topics()["Topics"] if "terraform-moves" in it["TopicArn"])
    made = sns.get_topic_attributes(TopicArn=moves)["Attributes"]
    terraform("apply", "-auto-approve", "-var=days=")  # SNS deletes no topic that has an archive policy
    terraform("plan", "-detailed-exitcode", "-var=days=")
    news = moves.replace("moves.fifo", "news")
    tags = sns.list_tags_for_resource(ResourceArn=news)["Tags"]
    subscribed = {it["Protocol"] for it in sns.list_subscriptions_by_topic(TopicArn=news)["Subscriptions"]}
    terraform("destroy", "-auto-approve", "-var=days=")

    assert (made["ArchivePolicy"], tags) == ('{"MessageRetentionPeriod":"30"}', [{"Key": "days", "Value": ""}])
    assert subscribed == {"sqs", "sms"}
    assert [it for it in sns.list_topics()["Topics"] if "terraform" in it["TopicArn"]] == []


@pytest.mark.parametrize("terraform", ["buckets.tf"], indirect=True)
def test_terraform_makes_finds_changes_and_destroys_a_bucket_with_all_its_sub_resources(terraform, s3):
    terraform("apply", "-auto-approve", "-var=max_age_seconds=60")
    terraform("plan", "-detailed-exitcode", "-var=max_age_seconds=60")
    terraform("apply", "-auto-approve", "-var=max_age_seconds=600")
    terraform("plan", "-detailed-exitcode", "-var=max_age_seconds=600")
    rules = s3.get_bucket_cors(Bucket="terraform-site")["CORSRules"]
    s3.delete_object(Bucket="terraform-site", Key="old.html")  # leaves a version and a marker, which go, too
    held = s3.head_object(Bucket="terraform-archive", Key="ledger")
    terraform("destroy", "-auto-approve", "-var=max_age_seconds=600")

    assert sorted(rule.get("MaxAgeSeconds", 0) for rule in rules) == [0, 600]
    assert (held["ObjectLockMode"], held["ObjectLockLegalHoldStatus"]) == ("GOVERNANCE", "ON")
    assert [one["Name"] for one in s3.list_buckets()["Buckets"] if one["Name"].startswith("terraform-")] == []
