"""The AWS edge of the room: IAM's and STS's operations <-> the model.

Knows AWS's shapes (`aws_iam`, `aws_sts`, generated) and the service's one door, `call`; authorises nothing. What is
left out of the tables (roles, MFA, certificates, identity providers and the rest) the gateway refuses by name.
"""

from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

from cumulo.core.context import CallContext
from cumulo.core.errors import ServiceError
from cumulo.core.lazy import LazyModule
from cumulo.core.operations import Result
from cumulo.gateway.aws_service import AwsCall, AwsService, Handler
from cumulo.identity import edge_aws_input, edge_aws_policies, edge_aws_users, token_model
from cumulo.identity.edge_aws_errors import MFA_FAILED, in_aws_words, input_errors
from cumulo.identity.edge_aws_rows import Row, aws_iam, seconds
from cumulo.identity.names import require_between

IAM_VERSION: Final = "2010-05-08"
STS_VERSION: Final = "2011-06-15"
BODY_BYTES_MAX: Final = 1024 * 1024
"""A document of 131,072 characters, should each be percent-encoded UTF-8 (6 bytes), with room for everything else."""
aws_sts: Any = LazyModule("cumulo.identity.aws_sts")


class IdentityDoor(Protocol):
    """The service, as the edge sees it."""

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation."""
        ...


ROWS: Final = {**edge_aws_users.ROWS, **edge_aws_policies.ROWS}


def edge_iam(service: IdentityDoor) -> AwsService:
    """Return IAM on this room."""
    return AwsService(
        name="iam",
        api_version=IAM_VERSION,
        target_prefix="",
        load=lambda: aws_iam.SERVICE,
        handlers={operation: _handler(service, row) for operation, row in ROWS.items()},
        input_errors=input_errors(),
        version_required=True,
        body_bytes_max=BODY_BYTES_MAX,
    )


def edge_sts(service: IdentityDoor) -> AwsService:
    """Return STS on this room."""

    async def get_caller_identity(call: AwsCall) -> Any:
        me: token_model.CallerIdentity = (
            await service.call(call.ctx, "GetCallerIdentity", token_model.GetCallerIdentity())
        ).value
        return aws_sts.GetCallerIdentityResponse(UserId=me.user_id, Account=me.account, Arn=me.arn)

    async def get_session_token(call: AwsCall) -> Any:
        asked = call.request
        if asked.DurationSeconds is not None:
            require_between(
                asked.DurationSeconds, token_model.SESSION_LIFE_S_MIN, token_model.SESSION_LIFE_S_MAX, "durationSeconds"
            )
        if asked.SerialNumber is not None or asked.TokenCode is not None:
            raise MFA_FAILED.error()  # nobody has a device
        request = token_model.GetSessionToken(duration_s=asked.DurationSeconds or 0)
        made: token_model.SessionCredentials = (await service.call(call.ctx, "GetSessionToken", request)).value
        return aws_sts.GetSessionTokenResponse(
            Credentials=aws_sts.Credentials(
                AccessKeyId=made.access_key_id,
                SecretAccessKey=made.secret,
                SessionToken=made.session_token,
                Expiration=seconds(made.expires_ms),
            )
        )

    return AwsService(
        name="sts",
        api_version=STS_VERSION,
        target_prefix="",
        load=lambda: aws_sts.SERVICE,
        handlers={"GetCallerIdentity": get_caller_identity, "GetSessionToken": get_session_token},
        input_errors=input_errors(),
        version_required=True,
        body_bytes_max=BODY_BYTES_MAX,
    )


def _handler(service: IdentityDoor, row: Row) -> Handler:
    async def handle(call: AwsCall) -> Any:
        edge_aws_input.check(call.request)
        request = row.parse(call)
        try:
            result = await service.call(call.ctx, type(request).__name__, request)
        except ServiceError as error:
            raise in_aws_words(error) from None
        return row.render(call, result.value)

    return handle
