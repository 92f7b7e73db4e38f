"""`cumulo terraform`: the AWS provider of Terraform and OpenTofu, led to this server."""

import json

import click
import rich_click

from cumulo.cli.found_server import aws_variables
from cumulo.cli.leaf import Session, leaf
from cumulo.cli.output import show_item

SERVICES = ("iam", "s3", "sns", "sqs", "sts")
PROVIDER = """\
# Made by `cumulo terraform init`. The key is not in this file: eval "$(cumulo env)" sets it.
terraform {{
  required_providers {{
    aws = {{
      source = "hashicorp/aws"
    }}
  }}
}}

provider "aws" {{
  region = {region}
{authority}
  s3_use_path_style           = true
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true

  endpoints {{
{endpoints}
  }}
}}
"""


@rich_click.group("terraform")
def terraform_group() -> None:
    """Terraform on this server."""


@terraform_group.command("init")
@click.option("--endpoint", metavar="URL", default=None, help="The HTTP endpoint (CUMULO_URL).")
@click.option("--data", metavar="DIR", default=None, help="The data folder of a server on this machine.")
@leaf
def init(session: Session, endpoint: str | None, data: str | None) -> None:
    """Print a provider.tf for this server: cumulo terraform init > provider.tf."""
    found = aws_variables(session, data, endpoint)
    url, region, authority = found["AWS_ENDPOINT_URL"], found["AWS_REGION"], found.get("AWS_CA_BUNDLE", "")
    text = PROVIDER.format(
        region=json.dumps(region),
        authority=f"  custom_ca_bundle = {json.dumps(authority)}\n" if authority else "",
        endpoints="\n".join(f"    {name:3} = {json.dumps(url)}" for name in SERVICES),
    )
    if session.output == "table":
        click.echo(text, nl=False)
    else:
        show_item({"provider_tf": text}, session.output)
