"""Buckets over S3's REST API: made, found, listed, deleted.

Source: S3 API reference, CreateBucket, HeadBucket, GetBucketLocation, ListBuckets, DeleteBucket.
"""

from typing import Final

from cumulo.core.errors import ACCESS_DENIED, ServiceError
from cumulo.core.names import DEFAULT_REGION, is_region
from cumulo.gateway.aws_service import AwsAnswer, AwsCall, Handler
from cumulo.gateway.aws_timestamps import iso8601_of_s3
from cumulo.object_store import bucket_model, listing_model
from cumulo.object_store.acl import from_headers
from cumulo.object_store.configurations import check_ownership
from cumulo.object_store.edge_aws_acl import element_of
from cumulo.object_store.edge_aws_errors import argument_error, header_error
from cumulo.object_store.edge_aws_headers import check_headers
from cumulo.object_store.edge_aws_tagging import tags_of
from cumulo.object_store.edge_aws_xml import document, escape
from cumulo.object_store.service import Service

BUCKETS_MAX: Final = 10_000
"""Of one page of ListBuckets: S3's limit."""


def handlers(service: Service) -> dict[str, Handler]:
    """Return the handlers of buckets."""

    async def create_bucket(call: AwsCall) -> AwsAnswer:
        return await _create_bucket(service, call)

    async def head_bucket(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        try:
            found: bucket_model.Bucket = (
                await service.call(call.ctx, "GetBucket", bucket_model.GetBucket(bucket))
            ).value
        except ServiceError as error:
            if error.row is not ACCESS_DENIED:
                raise
            # SDKs learn a bucket's region from a call that nobody signed (GetBucketRegion of Go's and Java's).
            region = await service.region(bucket)
            return AwsAnswer(status=403, headers=(("x-amz-bucket-region", region),) if region else ())
        return AwsAnswer(
            headers=(
                ("x-amz-bucket-arn", found.arn),
                ("x-amz-bucket-region", found.region),
                ("x-amz-access-point-alias", "false"),
                ("content-type", "application/xml"),
            )
        )

    async def delete_bucket(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        await service.call(call.ctx, "DeleteBucket", bucket_model.DeleteBucket(bucket, ends_uploads=True))
        return AwsAnswer(status=204)

    async def get_bucket_location(call: AwsCall) -> AwsAnswer:
        bucket = call.request.Bucket
        await check_headers(service, call, bucket)
        region = (await service.call(call.ctx, "GetBucketLocation", bucket_model.GetBucketLocation(bucket))).value
        return document("LocationConstraint", "" if region == DEFAULT_REGION else region)

    async def list_buckets(call: AwsCall) -> AwsAnswer:
        return await _list_buckets(service, call)

    return {
        "CreateBucket": create_bucket,
        "HeadBucket": head_bucket,
        "DeleteBucket": delete_bucket,
        "GetBucketLocation": get_bucket_location,
        "ListBuckets": list_buckets,
    }


async def _create_bucket(service: Service, call: AwsCall) -> AwsAnswer:
    request, headers = call.request, call.http.headers
    await check_headers(service, call, request.Bucket)
    if headers.get("x-amz-bucket-namespace", "global") != "global":
        raise header_error("x-amz-bucket-namespace")
    configuration = request.CreateBucketConfiguration
    location, tags = "", {}
    ownership = headers.get("x-amz-object-ownership")
    if ownership is not None:
        check_ownership(ownership)  # the room takes an empty one for none
    if configuration is not None:
        if configuration.Location is not None or configuration.Bucket is not None:
            raise header_error("CreateBucketConfiguration: Location, Bucket")
        location = configuration.LocationConstraint or ""
        tags = tags_of(configuration.Tags or [])
    asked = bucket_model.CreateBucket(
        bucket=request.Bucket,
        location_constraint=location,
        acl=headers.get("x-amz-acl", ""),
        object_ownership=ownership or "",
        tags=tags,
        grants=from_headers(headers.get),
        locks_objects=bool(request.ObjectLockEnabledForBucket),
        keeps_list=call.dialect.keeps_lists,
    )
    await service.call(call.ctx, "CreateBucket", asked)
    arn = bucket_model.bucket_arn(request.Bucket)
    return AwsAnswer(headers=(("location", f"/{request.Bucket}"), ("x-amz-bucket-arn", arn)))


def _arn_element(bucket: bucket_model.Bucket) -> str:
    return f"<BucketArn>{bucket_model.bucket_arn(bucket.name)}</BucketArn>"


async def _list_buckets(service: Service, call: AwsCall) -> AwsAnswer:
    request = call.request
    wanted = BUCKETS_MAX if request.MaxBuckets is None else request.MaxBuckets
    if not 1 <= wanted <= BUCKETS_MAX:
        raise argument_error(
            "max-buckets", str(wanted), f"Argument max-buckets must be an integer between 1 and {BUCKETS_MAX}"
        )
    if request.BucketRegion and not is_region(request.BucketRegion):
        raise argument_error("bucket-region", None, f"Argument value {request.BucketRegion} is not a valid AWS Region")
    prefix, region, token = request.Prefix or "", request.BucketRegion or "", request.ContinuationToken or ""
    buckets: list[bucket_model.Bucket] = []
    while len(buckets) < wanted:
        asked = bucket_model.ListBuckets(
            prefix=prefix, page_size=min(wanted - len(buckets), listing_model.PAGE_MAX), page_token=token, region=region
        )
        page: bucket_model.BucketPage = (await service.call(call.ctx, "ListBuckets", asked)).value
        buckets += page.buckets
        token = page.next_page_token
        if not token:
            break
    # S3 tells regions and ARNs only where a parameter of today's form of the call was sent.
    tells_region = bool(call.http.query)
    rows = "".join(
        f"<Bucket><Name>{one.name}</Name><CreationDate>{iso8601_of_s3(one.create_ms)}</CreationDate>"
        + (f"<BucketRegion>{one.region}</BucketRegion>{_arn_element(one)}" if tells_region else "")
        + "</Bucket>"
        for one in buckets
    )
    return document(
        "ListAllMyBucketsResult",
        f"{element_of(await service.owner(call.ctx.principal.account))}<Buckets>{rows}</Buckets>"
        + (f"<ContinuationToken>{token}</ContinuationToken>" if token else "")
        + (f"<Prefix>{escape(prefix)}</Prefix>" if prefix else ""),
    )
