"""Restores of archived objects over S3's REST API. Selecting from an archive is refused by name.

Source: S3 API reference, RestoreObject, and `x-amz-restore` of HeadObject.
"""

from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler
from cumulo.object_store import object_model
from cumulo.object_store.edge_aws_errors import CONFIGURATION_NOT_IMPLEMENTED, MALFORMED_XML
from cumulo.object_store.edge_aws_headers import asked_version, check_headers, http_date
from cumulo.object_store.service import Service


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handlers of restores."""

    async def restore_object(call: AwsCall) -> AwsAnswer:
        request = call.request
        await check_headers(service, call, request.Bucket)
        said = request.RestoreRequest
        if said is None:
            raise MALFORMED_XML.error()
        if said.Type is not None or said.SelectParameters is not None or said.OutputLocation is not None:
            raise CONFIGURATION_NOT_IMPLEMENTED.error(what="Selecting from archived objects is")
        if said.Days is None:
            raise MALFORMED_XML.error()
        job = said.GlacierJobParameters
        tier = said.Tier or ("Standard" if job is None else job.Tier)
        asked = object_model.RestoreObject(
            bucket=request.Bucket,
            key=request.Key,
            days=said.Days,
            tier=tier,
            version_id=asked_version(request.VersionId),
        )
        was_there = (await service.call(call.ctx, "RestoreObject", asked)).value
        return AwsAnswer(status=200 if was_there else 202)

    return {"RestoreObject": restore_object}


def restore_header(status: object_model.RestoreStatus) -> tuple[str, str]:
    """Return the header that tells of an archived object's copy."""
    if not status.expires_ms:
        return ("x-amz-restore", 'ongoing-request="true"')
    date = http_date(status.expires_ms // 1000)
    return ("x-amz-restore", f'ongoing-request="false", expiry-date="{date}"')
