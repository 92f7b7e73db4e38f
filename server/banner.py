"""What a person sees when a server is ready: where it answers, how it keeps data, and three lines to try."""

import shlex
import sys

from cumulo.core.settings import Settings
from cumulo.server.endpoints import Endpoints

AWS_SERVICES = "s3 sqs sns iam sts"


def show_banner(
    endpoints: Endpoints, new_root_secret: str, settings: Settings, seconds: float, fingerprint: str
) -> None:
    """Print the banner to standard output; the root secret only at the first start, and only to a terminal."""
    kept = "in memory, forgotten at exit" if settings["ephemeral"] else "durable"
    named = settings["data"] or settings["ephemeral"]
    environment = f"cumulo env --data {shlex.quote(endpoints.data)}" if named else "cumulo env"
    lines = [
        f"Cumulo {endpoints.version} · data {endpoints.data} ({kept}) · ready in {seconds:.2f} s",
        f"  AWS edge   {endpoints.http}    {AWS_SERVICES}; /_cumulo/health/ready, /_cumulo/metrics",
        f"  gRPC       {endpoints.grpc}           health, reflection on{', TLS' if endpoints.tls else ''}",
        "  IAM        enforced · account 000000000000 · root key in the data folder's secrets/root_credentials.json",
        f'  Try        eval "$({environment})"',
        "             aws s3 mb s3://demo && aws s3 cp README.md s3://demo/ && cumulo object ls s3://demo",
        "             cumulo queue create jobs && cumulo queue send jobs hello && cumulo queue recv jobs",
    ]
    if new_root_secret and sys.stdout.isatty():
        lines.insert(4, f"             first start, shown once: {endpoints.access_key_id} {new_root_secret}")
    if fingerprint:
        lines.insert(3, f"  TLS        {endpoints.tls_ca}    SHA-256 {fingerprint}")
    print("\n".join(lines), flush=True)
