"""Amazon Simple Storage Service, API version 2006-03-01: structures, operations and errors.

Made by `make gen` from AWS's service description in botocore. Do not edit.
"""

from __future__ import annotations

from typing import Annotated

from cumulo.gateway import aws_model as m


class AbacStatus(m.Structure, frozen=True, kw_only=True):
    Status: str | None = None


class AbortIncompleteMultipartUpload(m.Structure, frozen=True, kw_only=True):
    DaysAfterInitiation: m.Integer | None = None


class AbortMultipartUploadOutput(m.Structure, frozen=True, kw_only=True):
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None


class AbortMultipartUploadRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    UploadId: Annotated[str, m.Query("uploadId")]
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    IfMatchInitiatedTime: Annotated[m.TimestampRfc822, m.Header("x-amz-if-match-initiated-time")] | None = None


class AccelerateConfiguration(m.Structure, frozen=True, kw_only=True):
    Status: str | None = None


class AccessControlPolicy(m.Structure, frozen=True, kw_only=True):
    Grants: Annotated[list[Grant], m.Xml(name="AccessControlList", item="Grant")] | None = None
    Owner: _Owner | None = None


class AccessControlTranslation(m.Structure, frozen=True, kw_only=True):
    Owner: str


class AnalyticsAndOperator(m.Structure, frozen=True, kw_only=True):
    Prefix: str | None = None
    Tags: Annotated[list[Tag], m.Xml(name="Tag", flat=True)] | None = None


class AnalyticsConfiguration(m.Structure, frozen=True, kw_only=True):
    Id: str
    Filter: AnalyticsFilter | None = None
    StorageClassAnalysis: _StorageClassAnalysis


class AnalyticsExportDestination(m.Structure, frozen=True, kw_only=True):
    S3BucketDestination: AnalyticsS3BucketDestination


class AnalyticsFilter(m.Structure, frozen=True, kw_only=True):
    Prefix: str | None = None
    Tag: _Tag | None = None
    And: AnalyticsAndOperator | None = None


class AnalyticsS3BucketDestination(m.Structure, frozen=True, kw_only=True):
    Format: str
    BucketAccountId: str | None = None
    Bucket: str
    Prefix: str | None = None


class AnnotationEntry(m.Structure, frozen=True, kw_only=True):
    AnnotationName: str
    LastModified: m.Timestamp
    ETag: str | None = None
    ChecksumAlgorithm: Annotated[list[str], m.Xml(flat=True)] | None = None
    Size: m.Long
    ReplicationStatus: str | None = None


class AnnotationTableConfiguration(m.Structure, frozen=True, kw_only=True):
    ConfigurationState: str
    EncryptionConfiguration: MetadataTableEncryptionConfiguration | None = None
    Role: str | None = None


class AnnotationTableConfigurationResult(m.Structure, frozen=True, kw_only=True):
    ConfigurationState: str
    TableStatus: str | None = None
    Error: ErrorDetails | None = None
    TableName: str | None = None
    TableArn: str | None = None
    Role: str | None = None


class AnnotationTableConfigurationUpdates(m.Structure, frozen=True, kw_only=True):
    ConfigurationState: str
    EncryptionConfiguration: MetadataTableEncryptionConfiguration | None = None
    Role: str | None = None


class BlockedEncryptionTypes(m.Structure, frozen=True, kw_only=True):
    EncryptionType: Annotated[list[str], m.Xml(flat=True)] | None = None


class Bucket(m.Structure, frozen=True, kw_only=True):
    Name: str | None = None
    CreationDate: m.Timestamp | None = None
    BucketRegion: str | None = None
    BucketArn: str | None = None


class BucketInfo(m.Structure, frozen=True, kw_only=True):
    DataRedundancy: str | None = None
    Type: str | None = None


class BucketLifecycleConfiguration(m.Structure, frozen=True, kw_only=True):
    Rules: Annotated[list[LifecycleRule], m.Xml(name="Rule", flat=True)]


class BucketLoggingStatus(m.Structure, frozen=True, kw_only=True):
    LoggingEnabled: _LoggingEnabled | None = None


class CORSConfiguration(m.Structure, frozen=True, kw_only=True):
    CORSRules: Annotated[list[CORSRule], m.Xml(name="CORSRule", flat=True)]


class CORSRule(m.Structure, frozen=True, kw_only=True):
    ID: str | None = None
    AllowedHeaders: Annotated[list[str], m.Xml(name="AllowedHeader", flat=True)] | None = None
    AllowedMethods: Annotated[list[str], m.Xml(name="AllowedMethod", flat=True)]
    AllowedOrigins: Annotated[list[str], m.Xml(name="AllowedOrigin", flat=True)]
    ExposeHeaders: Annotated[list[str], m.Xml(name="ExposeHeader", flat=True)] | None = None
    MaxAgeSeconds: m.Integer | None = None


class CSVInput(m.Structure, frozen=True, kw_only=True):
    FileHeaderInfo: str | None = None
    Comments: str | None = None
    QuoteEscapeCharacter: str | None = None
    RecordDelimiter: str | None = None
    FieldDelimiter: str | None = None
    QuoteCharacter: str | None = None
    AllowQuotedRecordDelimiter: bool | None = None


class CSVOutput(m.Structure, frozen=True, kw_only=True):
    QuoteFields: str | None = None
    QuoteEscapeCharacter: str | None = None
    RecordDelimiter: str | None = None
    FieldDelimiter: str | None = None
    QuoteCharacter: str | None = None


class Checksum(m.Structure, frozen=True, kw_only=True):
    ChecksumCRC32: str | None = None
    ChecksumCRC32C: str | None = None
    ChecksumCRC64NVME: str | None = None
    ChecksumSHA1: str | None = None
    ChecksumSHA256: str | None = None
    ChecksumSHA512: str | None = None
    ChecksumMD5: str | None = None
    ChecksumXXHASH64: str | None = None
    ChecksumXXHASH3: str | None = None
    ChecksumXXHASH128: str | None = None
    ChecksumType: str | None = None


class CloudFunctionConfiguration(m.Structure, frozen=True, kw_only=True):
    Id: str | None = None
    Event: str | None = None
    Events: Annotated[list[str], m.Xml(name="Event", flat=True)] | None = None
    CloudFunction: str | None = None
    InvocationRole: str | None = None


class CommonPrefix(m.Structure, frozen=True, kw_only=True):
    Prefix: str | None = None


class CompleteMultipartUploadOutput(m.Structure, frozen=True, kw_only=True):
    Location: str | None = None
    Bucket: str | None = None
    Key: str | None = None
    Expiration: Annotated[str, m.Header("x-amz-expiration")] | None = None
    ETag: str | None = None
    ChecksumCRC32: str | None = None
    ChecksumCRC32C: str | None = None
    ChecksumCRC64NVME: str | None = None
    ChecksumSHA1: str | None = None
    ChecksumSHA256: str | None = None
    ChecksumSHA512: str | None = None
    ChecksumMD5: str | None = None
    ChecksumXXHASH64: str | None = None
    ChecksumXXHASH3: str | None = None
    ChecksumXXHASH128: str | None = None
    ChecksumType: str | None = None
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None
    SSEKMSKeyId: Annotated[str, m.Header("x-amz-server-side-encryption-aws-kms-key-id")] | None = None
    BucketKeyEnabled: Annotated[bool, m.Header("x-amz-server-side-encryption-bucket-key-enabled")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class CompleteMultipartUploadRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    MultipartUpload: Annotated[CompletedMultipartUpload, m.Payload(), m.Xml(name="CompleteMultipartUpload", namespace="http://s3.amazonaws.com/doc/2006-03-01/")] | None = None
    UploadId: Annotated[str, m.Query("uploadId")]
    ChecksumCRC32: Annotated[str, m.Header("x-amz-checksum-crc32")] | None = None
    ChecksumCRC32C: Annotated[str, m.Header("x-amz-checksum-crc32c")] | None = None
    ChecksumCRC64NVME: Annotated[str, m.Header("x-amz-checksum-crc64nvme")] | None = None
    ChecksumSHA1: Annotated[str, m.Header("x-amz-checksum-sha1")] | None = None
    ChecksumSHA256: Annotated[str, m.Header("x-amz-checksum-sha256")] | None = None
    ChecksumSHA512: Annotated[str, m.Header("x-amz-checksum-sha512")] | None = None
    ChecksumMD5: Annotated[str, m.Header("x-amz-checksum-md5")] | None = None
    ChecksumXXHASH64: Annotated[str, m.Header("x-amz-checksum-xxhash64")] | None = None
    ChecksumXXHASH3: Annotated[str, m.Header("x-amz-checksum-xxhash3")] | None = None
    ChecksumXXHASH128: Annotated[str, m.Header("x-amz-checksum-xxhash128")] | None = None
    ChecksumType: Annotated[str, m.Header("x-amz-checksum-type")] | None = None
    MpuObjectSize: Annotated[m.Long, m.Header("x-amz-mp-object-size")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    IfMatch: Annotated[str, m.Header("If-Match")] | None = None
    IfNoneMatch: Annotated[str, m.Header("If-None-Match")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKey: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None


class CompletedMultipartUpload(m.Structure, frozen=True, kw_only=True):
    Parts: Annotated[list[CompletedPart], m.Xml(name="Part", flat=True)] | None = None


class CompletedPart(m.Structure, frozen=True, kw_only=True):
    ETag: str | None = None
    ChecksumCRC32: str | None = None
    ChecksumCRC32C: str | None = None
    ChecksumCRC64NVME: str | None = None
    ChecksumSHA1: str | None = None
    ChecksumSHA256: str | None = None
    ChecksumSHA512: str | None = None
    ChecksumMD5: str | None = None
    ChecksumXXHASH64: str | None = None
    ChecksumXXHASH3: str | None = None
    ChecksumXXHASH128: str | None = None
    PartNumber: m.Integer | None = None


class Condition(m.Structure, frozen=True, kw_only=True):
    HttpErrorCodeReturnedEquals: str | None = None
    KeyPrefixEquals: str | None = None


class CopyObjectOutput(m.Structure, frozen=True, kw_only=True):
    CopyObjectResult: Annotated[_CopyObjectResult, m.Payload()] | None = None
    Expiration: Annotated[str, m.Header("x-amz-expiration")] | None = None
    CopySourceVersionId: Annotated[str, m.Header("x-amz-copy-source-version-id")] | None = None
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    SSEKMSKeyId: Annotated[str, m.Header("x-amz-server-side-encryption-aws-kms-key-id")] | None = None
    SSEKMSEncryptionContext: Annotated[str, m.Header("x-amz-server-side-encryption-context")] | None = None
    BucketKeyEnabled: Annotated[bool, m.Header("x-amz-server-side-encryption-bucket-key-enabled")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class CopyObjectRequest(m.Structure, frozen=True, kw_only=True):
    ACL: Annotated[str, m.Header("x-amz-acl")] | None = None
    Bucket: Annotated[str, m.Label("Bucket")]
    CacheControl: Annotated[str, m.Header("Cache-Control")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-checksum-algorithm")] | None = None
    ContentDisposition: Annotated[str, m.Header("Content-Disposition")] | None = None
    ContentEncoding: Annotated[str, m.Header("Content-Encoding")] | None = None
    ContentLanguage: Annotated[str, m.Header("Content-Language")] | None = None
    ContentType: Annotated[str, m.Header("Content-Type")] | None = None
    CopySource: Annotated[str, m.Header("x-amz-copy-source")]
    CopySourceIfMatch: Annotated[str, m.Header("x-amz-copy-source-if-match")] | None = None
    CopySourceIfModifiedSince: Annotated[m.Timestamp, m.Header("x-amz-copy-source-if-modified-since")] | None = None
    CopySourceIfNoneMatch: Annotated[str, m.Header("x-amz-copy-source-if-none-match")] | None = None
    CopySourceIfUnmodifiedSince: Annotated[m.Timestamp, m.Header("x-amz-copy-source-if-unmodified-since")] | None = None
    Expires: Annotated[m.Timestamp, m.Header("Expires")] | None = None
    GrantFullControl: Annotated[str, m.Header("x-amz-grant-full-control")] | None = None
    GrantRead: Annotated[str, m.Header("x-amz-grant-read")] | None = None
    GrantReadACP: Annotated[str, m.Header("x-amz-grant-read-acp")] | None = None
    GrantWriteACP: Annotated[str, m.Header("x-amz-grant-write-acp")] | None = None
    IfMatch: Annotated[str, m.Header("If-Match")] | None = None
    IfNoneMatch: Annotated[str, m.Header("If-None-Match")] | None = None
    Key: Annotated[str, m.Label("Key")]
    Metadata: Annotated[dict[str, str], m.PrefixedHeaders("x-amz-meta-")] | None = None
    MetadataDirective: Annotated[str, m.Header("x-amz-metadata-directive")] | None = None
    TaggingDirective: Annotated[str, m.Header("x-amz-tagging-directive")] | None = None
    AnnotationDirective: Annotated[str, m.Header("x-amz-object-annotation-directive")] | None = None
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    StorageClass: Annotated[str, m.Header("x-amz-storage-class")] | None = None
    WebsiteRedirectLocation: Annotated[str, m.Header("x-amz-website-redirect-location")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKey: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    SSEKMSKeyId: Annotated[str, m.Header("x-amz-server-side-encryption-aws-kms-key-id")] | None = None
    SSEKMSEncryptionContext: Annotated[str, m.Header("x-amz-server-side-encryption-context")] | None = None
    BucketKeyEnabled: Annotated[bool, m.Header("x-amz-server-side-encryption-bucket-key-enabled")] | None = None
    CopySourceSSECustomerAlgorithm: Annotated[str, m.Header("x-amz-copy-source-server-side-encryption-customer-algorithm")] | None = None
    CopySourceSSECustomerKey: Annotated[str, m.Header("x-amz-copy-source-server-side-encryption-customer-key")] | None = None
    CopySourceSSECustomerKeyMD5: Annotated[str, m.Header("x-amz-copy-source-server-side-encryption-customer-key-MD5")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    Tagging: Annotated[str, m.Header("x-amz-tagging")] | None = None
    ObjectLockMode: Annotated[str, m.Header("x-amz-object-lock-mode")] | None = None
    ObjectLockRetainUntilDate: Annotated[m.TimestampIso8601, m.Header("x-amz-object-lock-retain-until-date")] | None = None
    ObjectLockLegalHoldStatus: Annotated[str, m.Header("x-amz-object-lock-legal-hold")] | None = None
    ObjectLockEventHold: Annotated[str, m.Header("x-amz-object-lock-event-hold")] | None = None
    ObjectLockEventHoldDurationDays: Annotated[m.Integer, m.Header("x-amz-object-lock-event-hold-duration-days")] | None = None
    ObjectLockEventHoldDurationYears: Annotated[m.Integer, m.Header("x-amz-object-lock-event-hold-duration-years")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    ExpectedSourceBucketOwner: Annotated[str, m.Header("x-amz-source-expected-bucket-owner")] | None = None


class CopyObjectResult(m.Structure, frozen=True, kw_only=True):
    ETag: str | None = None
    LastModified: m.Timestamp | None = None
    ChecksumType: str | None = None
    ChecksumCRC32: str | None = None
    ChecksumCRC32C: str | None = None
    ChecksumCRC64NVME: str | None = None
    ChecksumSHA1: str | None = None
    ChecksumSHA256: str | None = None
    ChecksumSHA512: str | None = None
    ChecksumMD5: str | None = None
    ChecksumXXHASH64: str | None = None
    ChecksumXXHASH3: str | None = None
    ChecksumXXHASH128: str | None = None


class CopyPartResult(m.Structure, frozen=True, kw_only=True):
    ETag: str | None = None
    LastModified: m.Timestamp | None = None
    ChecksumCRC32: str | None = None
    ChecksumCRC32C: str | None = None
    ChecksumCRC64NVME: str | None = None
    ChecksumSHA1: str | None = None
    ChecksumSHA256: str | None = None
    ChecksumSHA512: str | None = None
    ChecksumMD5: str | None = None
    ChecksumXXHASH64: str | None = None
    ChecksumXXHASH3: str | None = None
    ChecksumXXHASH128: str | None = None


class CreateBucketConfiguration(m.Structure, frozen=True, kw_only=True):
    LocationConstraint: str | None = None
    Location: LocationInfo | None = None
    Bucket: BucketInfo | None = None
    Tags: Annotated[list[Tag], m.Xml(item="Tag")] | None = None


class CreateBucketMetadataConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    MetadataConfiguration: Annotated[_MetadataConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class CreateBucketMetadataTableConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    MetadataTableConfiguration: Annotated[_MetadataTableConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class CreateBucketOutput(m.Structure, frozen=True, kw_only=True):
    Location: Annotated[str, m.Header("Location")] | None = None
    BucketArn: Annotated[str, m.Header("x-amz-bucket-arn")] | None = None


class CreateBucketRequest(m.Structure, frozen=True, kw_only=True):
    ACL: Annotated[str, m.Header("x-amz-acl")] | None = None
    Bucket: Annotated[str, m.Label("Bucket")]
    CreateBucketConfiguration: Annotated[_CreateBucketConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")] | None = None
    GrantFullControl: Annotated[str, m.Header("x-amz-grant-full-control")] | None = None
    GrantRead: Annotated[str, m.Header("x-amz-grant-read")] | None = None
    GrantReadACP: Annotated[str, m.Header("x-amz-grant-read-acp")] | None = None
    GrantWrite: Annotated[str, m.Header("x-amz-grant-write")] | None = None
    GrantWriteACP: Annotated[str, m.Header("x-amz-grant-write-acp")] | None = None
    ObjectLockEnabledForBucket: Annotated[bool, m.Header("x-amz-bucket-object-lock-enabled")] | None = None
    ObjectOwnership: Annotated[str, m.Header("x-amz-object-ownership")] | None = None
    BucketNamespace: Annotated[str, m.Header("x-amz-bucket-namespace")] | None = None


class CreateMultipartUploadOutput(m.Structure, frozen=True, kw_only=True):
    AbortDate: Annotated[m.Timestamp, m.Header("x-amz-abort-date")] | None = None
    AbortRuleId: Annotated[str, m.Header("x-amz-abort-rule-id")] | None = None
    Bucket: str | None = None
    Key: str | None = None
    UploadId: str | None = None
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    SSEKMSKeyId: Annotated[str, m.Header("x-amz-server-side-encryption-aws-kms-key-id")] | None = None
    SSEKMSEncryptionContext: Annotated[str, m.Header("x-amz-server-side-encryption-context")] | None = None
    BucketKeyEnabled: Annotated[bool, m.Header("x-amz-server-side-encryption-bucket-key-enabled")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-checksum-algorithm")] | None = None
    ChecksumType: Annotated[str, m.Header("x-amz-checksum-type")] | None = None
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None


class CreateMultipartUploadRequest(m.Structure, frozen=True, kw_only=True):
    ACL: Annotated[str, m.Header("x-amz-acl")] | None = None
    Bucket: Annotated[str, m.Label("Bucket")]
    CacheControl: Annotated[str, m.Header("Cache-Control")] | None = None
    ContentDisposition: Annotated[str, m.Header("Content-Disposition")] | None = None
    ContentEncoding: Annotated[str, m.Header("Content-Encoding")] | None = None
    ContentLanguage: Annotated[str, m.Header("Content-Language")] | None = None
    ContentType: Annotated[str, m.Header("Content-Type")] | None = None
    Expires: Annotated[m.Timestamp, m.Header("Expires")] | None = None
    GrantFullControl: Annotated[str, m.Header("x-amz-grant-full-control")] | None = None
    GrantRead: Annotated[str, m.Header("x-amz-grant-read")] | None = None
    GrantReadACP: Annotated[str, m.Header("x-amz-grant-read-acp")] | None = None
    GrantWriteACP: Annotated[str, m.Header("x-amz-grant-write-acp")] | None = None
    Key: Annotated[str, m.Label("Key")]
    Metadata: Annotated[dict[str, str], m.PrefixedHeaders("x-amz-meta-")] | None = None
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    StorageClass: Annotated[str, m.Header("x-amz-storage-class")] | None = None
    WebsiteRedirectLocation: Annotated[str, m.Header("x-amz-website-redirect-location")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKey: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    SSEKMSKeyId: Annotated[str, m.Header("x-amz-server-side-encryption-aws-kms-key-id")] | None = None
    SSEKMSEncryptionContext: Annotated[str, m.Header("x-amz-server-side-encryption-context")] | None = None
    BucketKeyEnabled: Annotated[bool, m.Header("x-amz-server-side-encryption-bucket-key-enabled")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    Tagging: Annotated[str, m.Header("x-amz-tagging")] | None = None
    ObjectLockMode: Annotated[str, m.Header("x-amz-object-lock-mode")] | None = None
    ObjectLockRetainUntilDate: Annotated[m.TimestampIso8601, m.Header("x-amz-object-lock-retain-until-date")] | None = None
    ObjectLockLegalHoldStatus: Annotated[str, m.Header("x-amz-object-lock-legal-hold")] | None = None
    ObjectLockEventHold: Annotated[str, m.Header("x-amz-object-lock-event-hold")] | None = None
    ObjectLockEventHoldDurationDays: Annotated[m.Integer, m.Header("x-amz-object-lock-event-hold-duration-days")] | None = None
    ObjectLockEventHoldDurationYears: Annotated[m.Integer, m.Header("x-amz-object-lock-event-hold-duration-years")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-checksum-algorithm")] | None = None
    ChecksumType: Annotated[str, m.Header("x-amz-checksum-type")] | None = None


class CreateSessionOutput(m.Structure, frozen=True, kw_only=True):
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    SSEKMSKeyId: Annotated[str, m.Header("x-amz-server-side-encryption-aws-kms-key-id")] | None = None
    SSEKMSEncryptionContext: Annotated[str, m.Header("x-amz-server-side-encryption-context")] | None = None
    BucketKeyEnabled: Annotated[bool, m.Header("x-amz-server-side-encryption-bucket-key-enabled")] | None = None
    Credentials: SessionCredentials


class CreateSessionRequest(m.Structure, frozen=True, kw_only=True):
    SessionMode: Annotated[str, m.Header("x-amz-create-session-mode")] | None = None
    Bucket: Annotated[str, m.Label("Bucket")]
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    SSEKMSKeyId: Annotated[str, m.Header("x-amz-server-side-encryption-aws-kms-key-id")] | None = None
    SSEKMSEncryptionContext: Annotated[str, m.Header("x-amz-server-side-encryption-context")] | None = None
    BucketKeyEnabled: Annotated[bool, m.Header("x-amz-server-side-encryption-bucket-key-enabled")] | None = None


class DefaultRetention(m.Structure, frozen=True, kw_only=True):
    Mode: str | None = None
    Days: m.Integer | None = None
    Years: m.Integer | None = None
    DefaultEventHold: EventHoldDuration | None = None


class Delete(m.Structure, frozen=True, kw_only=True):
    Objects: Annotated[list[ObjectIdentifier], m.Xml(name="Object", flat=True)]
    Quiet: bool | None = None


class DeleteBucketAnalyticsConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Id: Annotated[str, m.Query("id")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteBucketCorsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteBucketEncryptionRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteBucketIntelligentTieringConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Id: Annotated[str, m.Query("id")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteBucketInventoryConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Id: Annotated[str, m.Query("id")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteBucketLifecycleRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteBucketMetadataConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteBucketMetadataTableConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteBucketMetricsConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Id: Annotated[str, m.Query("id")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteBucketOwnershipControlsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteBucketPolicyRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteBucketReplicationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteBucketRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteBucketTaggingRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteBucketWebsiteRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteMarkerEntry(m.Structure, frozen=True, kw_only=True):
    Owner: _Owner | None = None
    Key: str | None = None
    VersionId: str | None = None
    IsLatest: bool | None = None
    LastModified: m.Timestamp | None = None


class DeleteMarkerReplication(m.Structure, frozen=True, kw_only=True):
    Status: str | None = None


class DeleteObjectAnnotationOutput(m.Structure, frozen=True, kw_only=True):
    ObjectVersionId: Annotated[str, m.Header("x-amz-object-version-id")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class DeleteObjectAnnotationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    AnnotationName: Annotated[str, m.Query("annotationName")]
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    ObjectIfMatch: Annotated[str, m.Header("x-amz-object-if-match")] | None = None


class DeleteObjectOutput(m.Structure, frozen=True, kw_only=True):
    DeleteMarker: Annotated[bool, m.Header("x-amz-delete-marker")] | None = None
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class DeleteObjectRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    MFA: Annotated[str, m.Header("x-amz-mfa")] | None = None
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    BypassGovernanceRetention: Annotated[bool, m.Header("x-amz-bypass-governance-retention")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    IfMatch: Annotated[str, m.Header("If-Match")] | None = None
    IfMatchLastModifiedTime: Annotated[m.TimestampRfc822, m.Header("x-amz-if-match-last-modified-time")] | None = None
    IfMatchSize: Annotated[m.Long, m.Header("x-amz-if-match-size")] | None = None


class DeleteObjectTaggingOutput(m.Structure, frozen=True, kw_only=True):
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None


class DeleteObjectTaggingRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeleteObjectsOutput(m.Structure, frozen=True, kw_only=True):
    Deleted: Annotated[list[DeletedObject], m.Xml(flat=True)] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None
    Errors: Annotated[list[Error], m.Xml(name="Error", flat=True)] | None = None


class DeleteObjectsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Delete: Annotated[_Delete, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    MFA: Annotated[str, m.Header("x-amz-mfa")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    BypassGovernanceRetention: Annotated[bool, m.Header("x-amz-bypass-governance-retention")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None


class DeletePublicAccessBlockRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class DeletedObject(m.Structure, frozen=True, kw_only=True):
    Key: str | None = None
    VersionId: str | None = None
    DeleteMarker: bool | None = None
    DeleteMarkerVersionId: str | None = None


class Destination(m.Structure, frozen=True, kw_only=True):
    Bucket: str
    Account: str | None = None
    StorageClass: str | None = None
    AccessControlTranslation: _AccessControlTranslation | None = None
    EncryptionConfiguration: _EncryptionConfiguration | None = None
    ReplicationTime: _ReplicationTime | None = None
    Metrics: _Metrics | None = None


class DestinationResult(m.Structure, frozen=True, kw_only=True):
    TableBucketType: str | None = None
    TableBucketArn: str | None = None
    TableNamespace: str | None = None


class Encryption(m.Structure, frozen=True, kw_only=True):
    EncryptionType: str
    KMSKeyId: str | None = None
    KMSContext: str | None = None


class EncryptionConfiguration(m.Structure, frozen=True, kw_only=True):
    ReplicaKmsKeyID: str | None = None
    UseSourceMultiRegionKey: _UseSourceMultiRegionKey | None = None


class Error(m.Structure, frozen=True, kw_only=True):
    Key: str | None = None
    VersionId: str | None = None
    Code: str | None = None
    Message: str | None = None


class ErrorDetails(m.Structure, frozen=True, kw_only=True):
    ErrorCode: str | None = None
    ErrorMessage: str | None = None


class ErrorDocument(m.Structure, frozen=True, kw_only=True):
    Key: str


class EventBridgeConfiguration(m.Structure, frozen=True, kw_only=True):
    pass


class EventHoldDuration(m.Structure, frozen=True, kw_only=True):
    Days: m.Integer | None = None
    Years: m.Integer | None = None


class ExistingObjectReplication(m.Structure, frozen=True, kw_only=True):
    Status: str


class FilterRule(m.Structure, frozen=True, kw_only=True):
    Name: str | None = None
    Value: str | None = None


class GetBucketAbacOutput(m.Structure, frozen=True, kw_only=True):
    AbacStatus: Annotated[_AbacStatus, m.Payload()] | None = None


class GetBucketAbacRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketAccelerateConfigurationOutput(m.Structure, frozen=True, kw_only=True):
    Status: str | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class GetBucketAccelerateConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None


class GetBucketAclOutput(m.Structure, frozen=True, kw_only=True):
    Owner: _Owner | None = None
    Grants: Annotated[list[Grant], m.Xml(name="AccessControlList", item="Grant")] | None = None


class GetBucketAclRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketAnalyticsConfigurationOutput(m.Structure, frozen=True, kw_only=True):
    AnalyticsConfiguration: Annotated[_AnalyticsConfiguration, m.Payload()] | None = None


class GetBucketAnalyticsConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Id: Annotated[str, m.Query("id")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketCorsOutput(m.Structure, frozen=True, kw_only=True):
    CORSRules: Annotated[list[CORSRule], m.Xml(name="CORSRule", flat=True)] | None = None


class GetBucketCorsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketEncryptionOutput(m.Structure, frozen=True, kw_only=True):
    ServerSideEncryptionConfiguration: Annotated[_ServerSideEncryptionConfiguration, m.Payload()] | None = None


class GetBucketEncryptionRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketIntelligentTieringConfigurationOutput(m.Structure, frozen=True, kw_only=True):
    IntelligentTieringConfiguration: Annotated[_IntelligentTieringConfiguration, m.Payload()] | None = None


class GetBucketIntelligentTieringConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Id: Annotated[str, m.Query("id")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketInventoryConfigurationOutput(m.Structure, frozen=True, kw_only=True):
    InventoryConfiguration: Annotated[_InventoryConfiguration, m.Payload()] | None = None


class GetBucketInventoryConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Id: Annotated[str, m.Query("id")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketLifecycleConfigurationOutput(m.Structure, frozen=True, kw_only=True):
    Rules: Annotated[list[LifecycleRule], m.Xml(name="Rule", flat=True)] | None = None
    TransitionDefaultMinimumObjectSize: Annotated[str, m.Header("x-amz-transition-default-minimum-object-size")] | None = None


class GetBucketLifecycleConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketLifecycleOutput(m.Structure, frozen=True, kw_only=True):
    Rules: Annotated[list[Rule], m.Xml(name="Rule", flat=True)] | None = None


class GetBucketLifecycleRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketLocationOutput(m.Structure, frozen=True, kw_only=True):
    LocationConstraint: str | None = None


class GetBucketLocationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketLoggingOutput(m.Structure, frozen=True, kw_only=True):
    LoggingEnabled: _LoggingEnabled | None = None


class GetBucketLoggingRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketMetadataConfigurationOutput(m.Structure, frozen=True, kw_only=True):
    GetBucketMetadataConfigurationResult: Annotated[_GetBucketMetadataConfigurationResult, m.Payload()] | None = None


class GetBucketMetadataConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketMetadataConfigurationResult(m.Structure, frozen=True, kw_only=True):
    MetadataConfigurationResult: _MetadataConfigurationResult


class GetBucketMetadataTableConfigurationOutput(m.Structure, frozen=True, kw_only=True):
    GetBucketMetadataTableConfigurationResult: Annotated[_GetBucketMetadataTableConfigurationResult, m.Payload()] | None = None


class GetBucketMetadataTableConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketMetadataTableConfigurationResult(m.Structure, frozen=True, kw_only=True):
    MetadataTableConfigurationResult: _MetadataTableConfigurationResult
    Status: str
    Error: ErrorDetails | None = None


class GetBucketMetricsConfigurationOutput(m.Structure, frozen=True, kw_only=True):
    MetricsConfiguration: Annotated[_MetricsConfiguration, m.Payload()] | None = None


class GetBucketMetricsConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Id: Annotated[str, m.Query("id")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketNotificationConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketOwnershipControlsOutput(m.Structure, frozen=True, kw_only=True):
    OwnershipControls: Annotated[_OwnershipControls, m.Payload()] | None = None


class GetBucketOwnershipControlsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketPolicyOutput(m.Structure, frozen=True, kw_only=True):
    Policy: Annotated[str, m.Payload()] | None = None


class GetBucketPolicyRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketPolicyStatusOutput(m.Structure, frozen=True, kw_only=True):
    PolicyStatus: Annotated[_PolicyStatus, m.Payload()] | None = None


class GetBucketPolicyStatusRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketReplicationOutput(m.Structure, frozen=True, kw_only=True):
    ReplicationConfiguration: Annotated[_ReplicationConfiguration, m.Payload()] | None = None


class GetBucketReplicationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketRequestPaymentOutput(m.Structure, frozen=True, kw_only=True):
    Payer: str | None = None


class GetBucketRequestPaymentRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketTaggingOutput(m.Structure, frozen=True, kw_only=True):
    TagSet: Annotated[list[Tag], m.Xml(item="Tag")]


class GetBucketTaggingRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketVersioningOutput(m.Structure, frozen=True, kw_only=True):
    Status: str | None = None
    MFADelete: Annotated[str, m.Xml(name="MfaDelete")] | None = None


class GetBucketVersioningRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetBucketWebsiteOutput(m.Structure, frozen=True, kw_only=True):
    RedirectAllRequestsTo: _RedirectAllRequestsTo | None = None
    IndexDocument: _IndexDocument | None = None
    ErrorDocument: _ErrorDocument | None = None
    RoutingRules: Annotated[list[RoutingRule], m.Xml(item="RoutingRule")] | None = None


class GetBucketWebsiteRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetObjectAclOutput(m.Structure, frozen=True, kw_only=True):
    Owner: _Owner | None = None
    Grants: Annotated[list[Grant], m.Xml(name="AccessControlList", item="Grant")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class GetObjectAclRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetObjectAnnotationOutput(m.Structure, frozen=True, kw_only=True):
    ObjectVersionId: Annotated[str, m.Header("x-amz-object-version-id")] | None = None
    LastModified: Annotated[m.Timestamp, m.Header("Last-Modified")] | None = None
    ContentLength: Annotated[m.Long, m.Header("Content-Length")] | None = None
    ETag: Annotated[str, m.Header("ETag")] | None = None
    ChecksumCRC32: Annotated[str, m.Header("x-amz-checksum-crc32")] | None = None
    ChecksumCRC32C: Annotated[str, m.Header("x-amz-checksum-crc32c")] | None = None
    ChecksumCRC64NVME: Annotated[str, m.Header("x-amz-checksum-crc64nvme")] | None = None
    ChecksumSHA1: Annotated[str, m.Header("x-amz-checksum-sha1")] | None = None
    ChecksumSHA256: Annotated[str, m.Header("x-amz-checksum-sha256")] | None = None
    ChecksumSHA512: Annotated[str, m.Header("x-amz-checksum-sha512")] | None = None
    ChecksumMD5: Annotated[str, m.Header("x-amz-checksum-md5")] | None = None
    ChecksumXXHASH64: Annotated[str, m.Header("x-amz-checksum-xxhash64")] | None = None
    ChecksumXXHASH3: Annotated[str, m.Header("x-amz-checksum-xxhash3")] | None = None
    ChecksumXXHASH128: Annotated[str, m.Header("x-amz-checksum-xxhash128")] | None = None
    ChecksumType: Annotated[str, m.Header("x-amz-checksum-type")] | None = None
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None
    ReplicationStatus: Annotated[str, m.Header("x-amz-replication-status")] | None = None


class GetObjectAnnotationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    AnnotationName: Annotated[str, m.Query("annotationName")]
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    ChecksumMode: Annotated[str, m.Header("x-amz-checksum-mode")] | None = None


class GetObjectAttributesOutput(m.Structure, frozen=True, kw_only=True):
    DeleteMarker: Annotated[bool, m.Header("x-amz-delete-marker")] | None = None
    LastModified: Annotated[m.Timestamp, m.Header("Last-Modified")] | None = None
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None
    ETag: str | None = None
    Checksum: _Checksum | None = None
    ObjectParts: GetObjectAttributesParts | None = None
    StorageClass: str | None = None
    ObjectSize: m.Long | None = None


class GetObjectAttributesParts(m.Structure, frozen=True, kw_only=True):
    TotalPartsCount: Annotated[m.Integer, m.Xml(name="PartsCount")] | None = None
    PartNumberMarker: m.Integer | None = None
    NextPartNumberMarker: m.Integer | None = None
    MaxParts: m.Integer | None = None
    IsTruncated: bool | None = None
    Parts: Annotated[list[ObjectPart], m.Xml(name="Part", flat=True)] | None = None


class GetObjectAttributesRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    MaxParts: Annotated[m.Integer, m.Header("x-amz-max-parts")] | None = None
    PartNumberMarker: Annotated[m.Integer, m.Header("x-amz-part-number-marker")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKey: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    ObjectAttributes: Annotated[list[str], m.Header("x-amz-object-attributes")] | None = None


class GetObjectLegalHoldOutput(m.Structure, frozen=True, kw_only=True):
    LegalHold: Annotated[ObjectLockLegalHold, m.Payload()] | None = None


class GetObjectLegalHoldRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetObjectLockConfigurationOutput(m.Structure, frozen=True, kw_only=True):
    ObjectLockConfiguration: Annotated[_ObjectLockConfiguration, m.Payload()] | None = None


class GetObjectLockConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetObjectOutput(m.Structure, frozen=True, kw_only=True):
    DeleteMarker: Annotated[bool, m.Header("x-amz-delete-marker")] | None = None
    AcceptRanges: Annotated[str, m.Header("accept-ranges")] | None = None
    Expiration: Annotated[str, m.Header("x-amz-expiration")] | None = None
    Restore: Annotated[str, m.Header("x-amz-restore")] | None = None
    LastModified: Annotated[m.Timestamp, m.Header("Last-Modified")] | None = None
    ContentLength: Annotated[m.Long, m.Header("Content-Length")] | None = None
    ETag: Annotated[str, m.Header("ETag")] | None = None
    ChecksumCRC32: Annotated[str, m.Header("x-amz-checksum-crc32")] | None = None
    ChecksumCRC32C: Annotated[str, m.Header("x-amz-checksum-crc32c")] | None = None
    ChecksumCRC64NVME: Annotated[str, m.Header("x-amz-checksum-crc64nvme")] | None = None
    ChecksumSHA1: Annotated[str, m.Header("x-amz-checksum-sha1")] | None = None
    ChecksumSHA256: Annotated[str, m.Header("x-amz-checksum-sha256")] | None = None
    ChecksumSHA512: Annotated[str, m.Header("x-amz-checksum-sha512")] | None = None
    ChecksumMD5: Annotated[str, m.Header("x-amz-checksum-md5")] | None = None
    ChecksumXXHASH64: Annotated[str, m.Header("x-amz-checksum-xxhash64")] | None = None
    ChecksumXXHASH3: Annotated[str, m.Header("x-amz-checksum-xxhash3")] | None = None
    ChecksumXXHASH128: Annotated[str, m.Header("x-amz-checksum-xxhash128")] | None = None
    ChecksumType: Annotated[str, m.Header("x-amz-checksum-type")] | None = None
    MissingMeta: Annotated[m.Integer, m.Header("x-amz-missing-meta")] | None = None
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None
    CacheControl: Annotated[str, m.Header("Cache-Control")] | None = None
    ContentDisposition: Annotated[str, m.Header("Content-Disposition")] | None = None
    ContentEncoding: Annotated[str, m.Header("Content-Encoding")] | None = None
    ContentLanguage: Annotated[str, m.Header("Content-Language")] | None = None
    ContentRange: Annotated[str, m.Header("Content-Range")] | None = None
    ContentType: Annotated[str, m.Header("Content-Type")] | None = None
    Expires: Annotated[m.Timestamp, m.Header("Expires")] | None = None
    WebsiteRedirectLocation: Annotated[str, m.Header("x-amz-website-redirect-location")] | None = None
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    Metadata: Annotated[dict[str, str], m.PrefixedHeaders("x-amz-meta-")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    SSEKMSKeyId: Annotated[str, m.Header("x-amz-server-side-encryption-aws-kms-key-id")] | None = None
    BucketKeyEnabled: Annotated[bool, m.Header("x-amz-server-side-encryption-bucket-key-enabled")] | None = None
    StorageClass: Annotated[str, m.Header("x-amz-storage-class")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None
    ReplicationStatus: Annotated[str, m.Header("x-amz-replication-status")] | None = None
    PartsCount: Annotated[m.Integer, m.Header("x-amz-mp-parts-count")] | None = None
    TagCount: Annotated[m.Integer, m.Header("x-amz-tagging-count")] | None = None
    ObjectLockMode: Annotated[str, m.Header("x-amz-object-lock-mode")] | None = None
    ObjectLockRetainUntilDate: Annotated[m.TimestampIso8601, m.Header("x-amz-object-lock-retain-until-date")] | None = None
    ObjectLockLegalHoldStatus: Annotated[str, m.Header("x-amz-object-lock-legal-hold")] | None = None
    ObjectLockEventHold: Annotated[str, m.Header("x-amz-object-lock-event-hold")] | None = None
    ObjectLockEventHoldDurationDays: Annotated[m.Integer, m.Header("x-amz-object-lock-event-hold-duration-days")] | None = None
    ObjectLockEventHoldDurationYears: Annotated[m.Integer, m.Header("x-amz-object-lock-event-hold-duration-years")] | None = None


class GetObjectRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    IfMatch: Annotated[str, m.Header("If-Match")] | None = None
    IfModifiedSince: Annotated[m.Timestamp, m.Header("If-Modified-Since")] | None = None
    IfNoneMatch: Annotated[str, m.Header("If-None-Match")] | None = None
    IfUnmodifiedSince: Annotated[m.Timestamp, m.Header("If-Unmodified-Since")] | None = None
    Key: Annotated[str, m.Label("Key")]
    Range: Annotated[str, m.Header("Range")] | None = None
    ResponseCacheControl: Annotated[str, m.Query("response-cache-control")] | None = None
    ResponseContentDisposition: Annotated[str, m.Query("response-content-disposition")] | None = None
    ResponseContentEncoding: Annotated[str, m.Query("response-content-encoding")] | None = None
    ResponseContentLanguage: Annotated[str, m.Query("response-content-language")] | None = None
    ResponseContentType: Annotated[str, m.Query("response-content-type")] | None = None
    ResponseExpires: Annotated[m.TimestampRfc822, m.Query("response-expires")] | None = None
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKey: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    PartNumber: Annotated[m.Integer, m.Query("partNumber")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    ChecksumMode: Annotated[str, m.Header("x-amz-checksum-mode")] | None = None


class GetObjectRetentionOutput(m.Structure, frozen=True, kw_only=True):
    Retention: Annotated[ObjectLockRetention, m.Payload()] | None = None


class GetObjectRetentionRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetObjectTaggingOutput(m.Structure, frozen=True, kw_only=True):
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None
    TagSet: Annotated[list[Tag], m.Xml(item="Tag")]


class GetObjectTaggingRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None


class GetObjectTorrentOutput(m.Structure, frozen=True, kw_only=True):
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class GetObjectTorrentRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GetPublicAccessBlockOutput(m.Structure, frozen=True, kw_only=True):
    PublicAccessBlockConfiguration: Annotated[_PublicAccessBlockConfiguration, m.Payload()] | None = None


class GetPublicAccessBlockRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class GlacierJobParameters(m.Structure, frozen=True, kw_only=True):
    Tier: str


class Grant(m.Structure, frozen=True, kw_only=True):
    Grantee: Annotated[_Grantee, m.Xml(namespace="http://www.w3.org/2001/XMLSchema-instance", prefix="xsi")] | None = None
    Permission: str | None = None


class Grantee(m.Structure, frozen=True, kw_only=True):
    DisplayName: str | None = None
    EmailAddress: str | None = None
    ID: str | None = None
    Type: Annotated[str, m.Xml(name="xsi:type", attribute=True)]
    URI: str | None = None


class HeadBucketOutput(m.Structure, frozen=True, kw_only=True):
    BucketArn: Annotated[str, m.Header("x-amz-bucket-arn")] | None = None
    BucketLocationType: Annotated[str, m.Header("x-amz-bucket-location-type")] | None = None
    BucketLocationName: Annotated[str, m.Header("x-amz-bucket-location-name")] | None = None
    BucketRegion: Annotated[str, m.Header("x-amz-bucket-region")] | None = None
    AccessPointAlias: Annotated[bool, m.Header("x-amz-access-point-alias")] | None = None


class HeadBucketRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class HeadObjectOutput(m.Structure, frozen=True, kw_only=True):
    DeleteMarker: Annotated[bool, m.Header("x-amz-delete-marker")] | None = None
    AcceptRanges: Annotated[str, m.Header("accept-ranges")] | None = None
    Expiration: Annotated[str, m.Header("x-amz-expiration")] | None = None
    Restore: Annotated[str, m.Header("x-amz-restore")] | None = None
    ArchiveStatus: Annotated[str, m.Header("x-amz-archive-status")] | None = None
    LastModified: Annotated[m.Timestamp, m.Header("Last-Modified")] | None = None
    ContentLength: Annotated[m.Long, m.Header("Content-Length")] | None = None
    ChecksumCRC32: Annotated[str, m.Header("x-amz-checksum-crc32")] | None = None
    ChecksumCRC32C: Annotated[str, m.Header("x-amz-checksum-crc32c")] | None = None
    ChecksumCRC64NVME: Annotated[str, m.Header("x-amz-checksum-crc64nvme")] | None = None
    ChecksumSHA1: Annotated[str, m.Header("x-amz-checksum-sha1")] | None = None
    ChecksumSHA256: Annotated[str, m.Header("x-amz-checksum-sha256")] | None = None
    ChecksumSHA512: Annotated[str, m.Header("x-amz-checksum-sha512")] | None = None
    ChecksumMD5: Annotated[str, m.Header("x-amz-checksum-md5")] | None = None
    ChecksumXXHASH64: Annotated[str, m.Header("x-amz-checksum-xxhash64")] | None = None
    ChecksumXXHASH3: Annotated[str, m.Header("x-amz-checksum-xxhash3")] | None = None
    ChecksumXXHASH128: Annotated[str, m.Header("x-amz-checksum-xxhash128")] | None = None
    ChecksumType: Annotated[str, m.Header("x-amz-checksum-type")] | None = None
    ETag: Annotated[str, m.Header("ETag")] | None = None
    MissingMeta: Annotated[m.Integer, m.Header("x-amz-missing-meta")] | None = None
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None
    CacheControl: Annotated[str, m.Header("Cache-Control")] | None = None
    ContentDisposition: Annotated[str, m.Header("Content-Disposition")] | None = None
    ContentEncoding: Annotated[str, m.Header("Content-Encoding")] | None = None
    ContentLanguage: Annotated[str, m.Header("Content-Language")] | None = None
    ContentType: Annotated[str, m.Header("Content-Type")] | None = None
    ContentRange: Annotated[str, m.Header("Content-Range")] | None = None
    Expires: Annotated[m.Timestamp, m.Header("Expires")] | None = None
    WebsiteRedirectLocation: Annotated[str, m.Header("x-amz-website-redirect-location")] | None = None
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    Metadata: Annotated[dict[str, str], m.PrefixedHeaders("x-amz-meta-")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    SSEKMSKeyId: Annotated[str, m.Header("x-amz-server-side-encryption-aws-kms-key-id")] | None = None
    BucketKeyEnabled: Annotated[bool, m.Header("x-amz-server-side-encryption-bucket-key-enabled")] | None = None
    StorageClass: Annotated[str, m.Header("x-amz-storage-class")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None
    ReplicationStatus: Annotated[str, m.Header("x-amz-replication-status")] | None = None
    PartsCount: Annotated[m.Integer, m.Header("x-amz-mp-parts-count")] | None = None
    TagCount: Annotated[m.Integer, m.Header("x-amz-tagging-count")] | None = None
    ObjectLockMode: Annotated[str, m.Header("x-amz-object-lock-mode")] | None = None
    ObjectLockRetainUntilDate: Annotated[m.TimestampIso8601, m.Header("x-amz-object-lock-retain-until-date")] | None = None
    ObjectLockLegalHoldStatus: Annotated[str, m.Header("x-amz-object-lock-legal-hold")] | None = None
    ObjectLockEventHold: Annotated[str, m.Header("x-amz-object-lock-event-hold")] | None = None
    ObjectLockEventHoldDurationDays: Annotated[m.Integer, m.Header("x-amz-object-lock-event-hold-duration-days")] | None = None
    ObjectLockEventHoldDurationYears: Annotated[m.Integer, m.Header("x-amz-object-lock-event-hold-duration-years")] | None = None


class HeadObjectRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    IfMatch: Annotated[str, m.Header("If-Match")] | None = None
    IfModifiedSince: Annotated[m.Timestamp, m.Header("If-Modified-Since")] | None = None
    IfNoneMatch: Annotated[str, m.Header("If-None-Match")] | None = None
    IfUnmodifiedSince: Annotated[m.Timestamp, m.Header("If-Unmodified-Since")] | None = None
    Key: Annotated[str, m.Label("Key")]
    Range: Annotated[str, m.Header("Range")] | None = None
    ResponseCacheControl: Annotated[str, m.Query("response-cache-control")] | None = None
    ResponseContentDisposition: Annotated[str, m.Query("response-content-disposition")] | None = None
    ResponseContentEncoding: Annotated[str, m.Query("response-content-encoding")] | None = None
    ResponseContentLanguage: Annotated[str, m.Query("response-content-language")] | None = None
    ResponseContentType: Annotated[str, m.Query("response-content-type")] | None = None
    ResponseExpires: Annotated[m.TimestampRfc822, m.Query("response-expires")] | None = None
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKey: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    PartNumber: Annotated[m.Integer, m.Query("partNumber")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    ChecksumMode: Annotated[str, m.Header("x-amz-checksum-mode")] | None = None


class IndexDocument(m.Structure, frozen=True, kw_only=True):
    Suffix: str


class Initiator(m.Structure, frozen=True, kw_only=True):
    ID: str | None = None
    DisplayName: str | None = None


class InputSerialization(m.Structure, frozen=True, kw_only=True):
    CSV: CSVInput | None = None
    CompressionType: str | None = None
    JSON: JSONInput | None = None
    Parquet: ParquetInput | None = None


class IntelligentTieringAndOperator(m.Structure, frozen=True, kw_only=True):
    Prefix: str | None = None
    Tags: Annotated[list[Tag], m.Xml(name="Tag", flat=True)] | None = None


class IntelligentTieringConfiguration(m.Structure, frozen=True, kw_only=True):
    Id: str
    Filter: IntelligentTieringFilter | None = None
    Status: str
    Tierings: Annotated[list[Tiering], m.Xml(name="Tiering", flat=True)]


class IntelligentTieringFilter(m.Structure, frozen=True, kw_only=True):
    Prefix: str | None = None
    Tag: _Tag | None = None
    And: IntelligentTieringAndOperator | None = None


class InventoryConfiguration(m.Structure, frozen=True, kw_only=True):
    Destination: InventoryDestination
    IsEnabled: bool
    Filter: InventoryFilter | None = None
    Id: str
    IncludedObjectVersions: str
    OptionalFields: Annotated[list[str], m.Xml(item="Field")] | None = None
    Schedule: InventorySchedule


class InventoryDestination(m.Structure, frozen=True, kw_only=True):
    S3BucketDestination: InventoryS3BucketDestination


class InventoryEncryption(m.Structure, frozen=True, kw_only=True):
    SSES3: Annotated[_SSES3, m.Xml(name="SSE-S3")] | None = None
    SSEKMS: Annotated[_SSEKMS, m.Xml(name="SSE-KMS")] | None = None


class InventoryFilter(m.Structure, frozen=True, kw_only=True):
    Prefix: str


class InventoryS3BucketDestination(m.Structure, frozen=True, kw_only=True):
    AccountId: str | None = None
    Bucket: str
    Format: str
    Prefix: str | None = None
    Encryption: InventoryEncryption | None = None


class InventorySchedule(m.Structure, frozen=True, kw_only=True):
    Frequency: str


class InventoryTableConfiguration(m.Structure, frozen=True, kw_only=True):
    ConfigurationState: str
    EncryptionConfiguration: MetadataTableEncryptionConfiguration | None = None


class InventoryTableConfigurationResult(m.Structure, frozen=True, kw_only=True):
    ConfigurationState: str
    TableStatus: str | None = None
    Error: ErrorDetails | None = None
    TableName: str | None = None
    TableArn: str | None = None


class InventoryTableConfigurationUpdates(m.Structure, frozen=True, kw_only=True):
    ConfigurationState: str
    EncryptionConfiguration: MetadataTableEncryptionConfiguration | None = None


class JSONInput(m.Structure, frozen=True, kw_only=True):
    Type: str | None = None


class JSONOutput(m.Structure, frozen=True, kw_only=True):
    RecordDelimiter: str | None = None


class JournalTableConfiguration(m.Structure, frozen=True, kw_only=True):
    RecordExpiration: _RecordExpiration
    EncryptionConfiguration: MetadataTableEncryptionConfiguration | None = None


class JournalTableConfigurationResult(m.Structure, frozen=True, kw_only=True):
    TableStatus: str
    Error: ErrorDetails | None = None
    TableName: str
    TableArn: str | None = None
    RecordExpiration: _RecordExpiration


class JournalTableConfigurationUpdates(m.Structure, frozen=True, kw_only=True):
    RecordExpiration: _RecordExpiration


class LambdaFunctionConfiguration(m.Structure, frozen=True, kw_only=True):
    Id: str | None = None
    LambdaFunctionArn: Annotated[str, m.Xml(name="CloudFunction")]
    Events: Annotated[list[str], m.Xml(name="Event", flat=True)]
    Filter: NotificationConfigurationFilter | None = None


class LifecycleConfiguration(m.Structure, frozen=True, kw_only=True):
    Rules: Annotated[list[Rule], m.Xml(name="Rule", flat=True)]


class LifecycleExpiration(m.Structure, frozen=True, kw_only=True):
    Date: m.TimestampIso8601 | None = None
    Days: m.Integer | None = None
    ExpiredObjectDeleteMarker: bool | None = None


class LifecycleRule(m.Structure, frozen=True, kw_only=True):
    Expiration: LifecycleExpiration | None = None
    ID: str | None = None
    Prefix: str | None = None
    Filter: LifecycleRuleFilter | None = None
    Status: str
    Transitions: Annotated[list[Transition], m.Xml(name="Transition", flat=True)] | None = None
    NoncurrentVersionTransitions: Annotated[list[NoncurrentVersionTransition], m.Xml(name="NoncurrentVersionTransition", flat=True)] | None = None
    NoncurrentVersionExpiration: _NoncurrentVersionExpiration | None = None
    AbortIncompleteMultipartUpload: _AbortIncompleteMultipartUpload | None = None


class LifecycleRuleAndOperator(m.Structure, frozen=True, kw_only=True):
    Prefix: str | None = None
    Tags: Annotated[list[Tag], m.Xml(name="Tag", flat=True)] | None = None
    ObjectSizeGreaterThan: m.Long | None = None
    ObjectSizeLessThan: m.Long | None = None


class LifecycleRuleFilter(m.Structure, frozen=True, kw_only=True):
    Prefix: str | None = None
    Tag: _Tag | None = None
    ObjectSizeGreaterThan: m.Long | None = None
    ObjectSizeLessThan: m.Long | None = None
    And: LifecycleRuleAndOperator | None = None


class ListBucketAnalyticsConfigurationsOutput(m.Structure, frozen=True, kw_only=True):
    IsTruncated: bool | None = None
    ContinuationToken: str | None = None
    NextContinuationToken: str | None = None
    AnalyticsConfigurationList: Annotated[list[AnalyticsConfiguration], m.Xml(name="AnalyticsConfiguration", flat=True)] | None = None


class ListBucketAnalyticsConfigurationsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContinuationToken: Annotated[str, m.Query("continuation-token")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class ListBucketIntelligentTieringConfigurationsOutput(m.Structure, frozen=True, kw_only=True):
    IsTruncated: bool | None = None
    ContinuationToken: str | None = None
    NextContinuationToken: str | None = None
    IntelligentTieringConfigurationList: Annotated[list[IntelligentTieringConfiguration], m.Xml(name="IntelligentTieringConfiguration", flat=True)] | None = None


class ListBucketIntelligentTieringConfigurationsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContinuationToken: Annotated[str, m.Query("continuation-token")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class ListBucketInventoryConfigurationsOutput(m.Structure, frozen=True, kw_only=True):
    ContinuationToken: str | None = None
    InventoryConfigurationList: Annotated[list[InventoryConfiguration], m.Xml(name="InventoryConfiguration", flat=True)] | None = None
    IsTruncated: bool | None = None
    NextContinuationToken: str | None = None


class ListBucketInventoryConfigurationsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContinuationToken: Annotated[str, m.Query("continuation-token")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class ListBucketMetricsConfigurationsOutput(m.Structure, frozen=True, kw_only=True):
    IsTruncated: bool | None = None
    ContinuationToken: str | None = None
    NextContinuationToken: str | None = None
    MetricsConfigurationList: Annotated[list[MetricsConfiguration], m.Xml(name="MetricsConfiguration", flat=True)] | None = None


class ListBucketMetricsConfigurationsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContinuationToken: Annotated[str, m.Query("continuation-token")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class ListBucketsOutput(m.Structure, frozen=True, kw_only=True):
    Buckets: Annotated[list[Bucket], m.Xml(item="Bucket")] | None = None
    Owner: _Owner | None = None
    ContinuationToken: str | None = None
    Prefix: str | None = None


class ListBucketsRequest(m.Structure, frozen=True, kw_only=True):
    MaxBuckets: Annotated[m.Integer, m.Query("max-buckets")] | None = None
    ContinuationToken: Annotated[str, m.Query("continuation-token")] | None = None
    Prefix: Annotated[str, m.Query("prefix")] | None = None
    BucketRegion: Annotated[str, m.Query("bucket-region")] | None = None


class ListDirectoryBucketsOutput(m.Structure, frozen=True, kw_only=True):
    Buckets: Annotated[list[Bucket], m.Xml(item="Bucket")] | None = None
    ContinuationToken: str | None = None


class ListDirectoryBucketsRequest(m.Structure, frozen=True, kw_only=True):
    ContinuationToken: Annotated[str, m.Query("continuation-token")] | None = None
    MaxDirectoryBuckets: Annotated[m.Integer, m.Query("max-directory-buckets")] | None = None


class ListMultipartUploadsOutput(m.Structure, frozen=True, kw_only=True):
    Bucket: str | None = None
    KeyMarker: str | None = None
    UploadIdMarker: str | None = None
    NextKeyMarker: str | None = None
    Prefix: str | None = None
    Delimiter: str | None = None
    NextUploadIdMarker: str | None = None
    MaxUploads: m.Integer | None = None
    IsTruncated: bool | None = None
    Uploads: Annotated[list[MultipartUpload], m.Xml(name="Upload", flat=True)] | None = None
    CommonPrefixes: Annotated[list[CommonPrefix], m.Xml(flat=True)] | None = None
    EncodingType: str | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class ListMultipartUploadsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Delimiter: Annotated[str, m.Query("delimiter")] | None = None
    EncodingType: Annotated[str, m.Query("encoding-type")] | None = None
    KeyMarker: Annotated[str, m.Query("key-marker")] | None = None
    MaxUploads: Annotated[m.Integer, m.Query("max-uploads")] | None = None
    Prefix: Annotated[str, m.Query("prefix")] | None = None
    UploadIdMarker: Annotated[str, m.Query("upload-id-marker")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None


class ListObjectAnnotationsOutput(m.Structure, frozen=True, kw_only=True):
    Annotations: Annotated[list[AnnotationEntry], m.Xml(item="AnnotationEntry")] | None = None
    Bucket: str | None = None
    Key: str | None = None
    ObjectVersionId: Annotated[str, m.Header("x-amz-object-version-id")] | None = None
    AnnotationPrefix: str | None = None
    MaxAnnotationResults: m.Integer | None = None
    AnnotationCount: m.Integer | None = None
    ContinuationToken: str | None = None
    NextContinuationToken: str | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class ListObjectAnnotationsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    MaxAnnotationResults: Annotated[m.Integer, m.Query("max-annotation-results")] | None = None
    AnnotationPrefix: Annotated[str, m.Query("annotation-prefix")] | None = None
    ContinuationToken: Annotated[str, m.Query("continuation-token")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class ListObjectVersionsOutput(m.Structure, frozen=True, kw_only=True):
    IsTruncated: bool | None = None
    KeyMarker: str | None = None
    VersionIdMarker: str | None = None
    NextKeyMarker: str | None = None
    NextVersionIdMarker: str | None = None
    Versions: Annotated[list[ObjectVersion], m.Xml(name="Version", flat=True)] | None = None
    DeleteMarkers: Annotated[list[DeleteMarkerEntry], m.Xml(name="DeleteMarker", flat=True)] | None = None
    Name: str | None = None
    Prefix: str | None = None
    Delimiter: str | None = None
    MaxKeys: m.Integer | None = None
    CommonPrefixes: Annotated[list[CommonPrefix], m.Xml(flat=True)] | None = None
    EncodingType: str | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class ListObjectVersionsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Delimiter: Annotated[str, m.Query("delimiter")] | None = None
    EncodingType: Annotated[str, m.Query("encoding-type")] | None = None
    KeyMarker: Annotated[str, m.Query("key-marker")] | None = None
    MaxKeys: Annotated[m.Integer, m.Query("max-keys")] | None = None
    Prefix: Annotated[str, m.Query("prefix")] | None = None
    VersionIdMarker: Annotated[str, m.Query("version-id-marker")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    OptionalObjectAttributes: Annotated[list[str], m.Header("x-amz-optional-object-attributes")] | None = None


class ListObjectsOutput(m.Structure, frozen=True, kw_only=True):
    IsTruncated: bool | None = None
    Marker: str | None = None
    NextMarker: str | None = None
    Contents: Annotated[list[Object], m.Xml(flat=True)] | None = None
    Name: str | None = None
    Prefix: str | None = None
    Delimiter: str | None = None
    MaxKeys: m.Integer | None = None
    CommonPrefixes: Annotated[list[CommonPrefix], m.Xml(flat=True)] | None = None
    EncodingType: str | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class ListObjectsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Delimiter: Annotated[str, m.Query("delimiter")] | None = None
    EncodingType: Annotated[str, m.Query("encoding-type")] | None = None
    Marker: Annotated[str, m.Query("marker")] | None = None
    MaxKeys: Annotated[m.Integer, m.Query("max-keys")] | None = None
    Prefix: Annotated[str, m.Query("prefix")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    OptionalObjectAttributes: Annotated[list[str], m.Header("x-amz-optional-object-attributes")] | None = None


class ListObjectsV2Output(m.Structure, frozen=True, kw_only=True):
    IsTruncated: bool | None = None
    Contents: Annotated[list[Object], m.Xml(flat=True)] | None = None
    Name: str | None = None
    Prefix: str | None = None
    Delimiter: str | None = None
    MaxKeys: m.Integer | None = None
    CommonPrefixes: Annotated[list[CommonPrefix], m.Xml(flat=True)] | None = None
    EncodingType: str | None = None
    KeyCount: m.Integer | None = None
    ContinuationToken: str | None = None
    NextContinuationToken: str | None = None
    StartAfter: str | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class ListObjectsV2Request(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Delimiter: Annotated[str, m.Query("delimiter")] | None = None
    EncodingType: Annotated[str, m.Query("encoding-type")] | None = None
    MaxKeys: Annotated[m.Integer, m.Query("max-keys")] | None = None
    Prefix: Annotated[str, m.Query("prefix")] | None = None
    ContinuationToken: Annotated[str, m.Query("continuation-token")] | None = None
    FetchOwner: Annotated[bool, m.Query("fetch-owner")] | None = None
    StartAfter: Annotated[str, m.Query("start-after")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    OptionalObjectAttributes: Annotated[list[str], m.Header("x-amz-optional-object-attributes")] | None = None


class ListPartsOutput(m.Structure, frozen=True, kw_only=True):
    AbortDate: Annotated[m.Timestamp, m.Header("x-amz-abort-date")] | None = None
    AbortRuleId: Annotated[str, m.Header("x-amz-abort-rule-id")] | None = None
    Bucket: str | None = None
    Key: str | None = None
    UploadId: str | None = None
    PartNumberMarker: m.Integer | None = None
    NextPartNumberMarker: m.Integer | None = None
    MaxParts: m.Integer | None = None
    IsTruncated: bool | None = None
    Parts: Annotated[list[Part], m.Xml(name="Part", flat=True)] | None = None
    Initiator: _Initiator | None = None
    Owner: _Owner | None = None
    StorageClass: str | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None
    ChecksumAlgorithm: str | None = None
    ChecksumType: str | None = None
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None


class ListPartsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    MaxParts: Annotated[m.Integer, m.Query("max-parts")] | None = None
    PartNumberMarker: Annotated[m.Integer, m.Query("part-number-marker")] | None = None
    UploadId: Annotated[str, m.Query("uploadId")]
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKey: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None


class LocationInfo(m.Structure, frozen=True, kw_only=True):
    Type: str | None = None
    Name: str | None = None


class LoggingEnabled(m.Structure, frozen=True, kw_only=True):
    TargetBucket: str
    TargetGrants: Annotated[list[TargetGrant], m.Xml(item="Grant")] | None = None
    TargetPrefix: str
    TargetObjectKeyFormat: _TargetObjectKeyFormat | None = None


class MetadataConfiguration(m.Structure, frozen=True, kw_only=True):
    JournalTableConfiguration: _JournalTableConfiguration
    InventoryTableConfiguration: _InventoryTableConfiguration | None = None
    AnnotationTableConfiguration: _AnnotationTableConfiguration | None = None


class MetadataConfigurationResult(m.Structure, frozen=True, kw_only=True):
    DestinationResult: _DestinationResult
    JournalTableConfigurationResult: _JournalTableConfigurationResult | None = None
    InventoryTableConfigurationResult: _InventoryTableConfigurationResult | None = None
    AnnotationTableConfigurationResult: _AnnotationTableConfigurationResult | None = None


class MetadataEntry(m.Structure, frozen=True, kw_only=True):
    Name: str | None = None
    Value: str | None = None


class MetadataTableConfiguration(m.Structure, frozen=True, kw_only=True):
    S3TablesDestination: _S3TablesDestination


class MetadataTableConfigurationResult(m.Structure, frozen=True, kw_only=True):
    S3TablesDestinationResult: _S3TablesDestinationResult


class MetadataTableEncryptionConfiguration(m.Structure, frozen=True, kw_only=True):
    SseAlgorithm: str
    KmsKeyArn: str | None = None


class Metrics(m.Structure, frozen=True, kw_only=True):
    Status: str
    EventThreshold: ReplicationTimeValue | None = None


class MetricsAndOperator(m.Structure, frozen=True, kw_only=True):
    Prefix: str | None = None
    Tags: Annotated[list[Tag], m.Xml(name="Tag", flat=True)] | None = None
    AccessPointArn: str | None = None


class MetricsConfiguration(m.Structure, frozen=True, kw_only=True):
    Id: str
    Filter: MetricsFilter | None = None


class MetricsFilter(m.Structure, frozen=True, kw_only=True):
    Prefix: str | None = None
    Tag: _Tag | None = None
    AccessPointArn: str | None = None
    And: MetricsAndOperator | None = None


class MultipartUpload(m.Structure, frozen=True, kw_only=True):
    UploadId: str | None = None
    Key: str | None = None
    Initiated: m.Timestamp | None = None
    StorageClass: str | None = None
    Owner: _Owner | None = None
    Initiator: _Initiator | None = None
    ChecksumAlgorithm: str | None = None
    ChecksumType: str | None = None
    VersionId: str | None = None


class NoncurrentVersionExpiration(m.Structure, frozen=True, kw_only=True):
    NoncurrentDays: m.Integer | None = None
    NewerNoncurrentVersions: m.Integer | None = None


class NoncurrentVersionTransition(m.Structure, frozen=True, kw_only=True):
    NoncurrentDays: m.Integer | None = None
    StorageClass: str | None = None
    NewerNoncurrentVersions: m.Integer | None = None


class NotificationConfiguration(m.Structure, frozen=True, kw_only=True):
    TopicConfigurations: Annotated[list[TopicConfiguration], m.Xml(name="TopicConfiguration", flat=True)] | None = None
    QueueConfigurations: Annotated[list[QueueConfiguration], m.Xml(name="QueueConfiguration", flat=True)] | None = None
    LambdaFunctionConfigurations: Annotated[list[LambdaFunctionConfiguration], m.Xml(name="CloudFunctionConfiguration", flat=True)] | None = None
    EventBridgeConfiguration: _EventBridgeConfiguration | None = None


class NotificationConfigurationDeprecated(m.Structure, frozen=True, kw_only=True):
    TopicConfiguration: TopicConfigurationDeprecated | None = None
    QueueConfiguration: QueueConfigurationDeprecated | None = None
    CloudFunctionConfiguration: _CloudFunctionConfiguration | None = None


class NotificationConfigurationFilter(m.Structure, frozen=True, kw_only=True):
    Key: Annotated[S3KeyFilter, m.Xml(name="S3Key")] | None = None


class Object(m.Structure, frozen=True, kw_only=True):
    Key: str | None = None
    LastModified: m.Timestamp | None = None
    ETag: str | None = None
    ChecksumAlgorithm: Annotated[list[str], m.Xml(flat=True)] | None = None
    ChecksumType: str | None = None
    Size: m.Long | None = None
    StorageClass: str | None = None
    Owner: _Owner | None = None
    RestoreStatus: _RestoreStatus | None = None


class ObjectEncryption(m.Structure, frozen=True, kw_only=True):
    SSEKMS: Annotated[SSEKMSEncryption, m.Xml(name="SSE-KMS")] | None = None


class ObjectIdentifier(m.Structure, frozen=True, kw_only=True):
    Key: str
    VersionId: str | None = None
    ETag: str | None = None
    LastModifiedTime: m.TimestampRfc822 | None = None
    Size: m.Long | None = None


class ObjectLockConfiguration(m.Structure, frozen=True, kw_only=True):
    ObjectLockEnabled: str | None = None
    Rule: ObjectLockRule | None = None


class ObjectLockLegalHold(m.Structure, frozen=True, kw_only=True):
    Status: str | None = None


class ObjectLockRetention(m.Structure, frozen=True, kw_only=True):
    Mode: str | None = None
    RetainUntilDate: m.TimestampIso8601 | None = None
    EventHold: str | None = None
    EventHoldDuration: _EventHoldDuration | None = None


class ObjectLockRule(m.Structure, frozen=True, kw_only=True):
    DefaultRetention: _DefaultRetention | None = None


class ObjectPart(m.Structure, frozen=True, kw_only=True):
    PartNumber: m.Integer | None = None
    Size: m.Long | None = None
    ChecksumCRC32: str | None = None
    ChecksumCRC32C: str | None = None
    ChecksumCRC64NVME: str | None = None
    ChecksumSHA1: str | None = None
    ChecksumSHA256: str | None = None
    ChecksumSHA512: str | None = None
    ChecksumMD5: str | None = None
    ChecksumXXHASH64: str | None = None
    ChecksumXXHASH3: str | None = None
    ChecksumXXHASH128: str | None = None


class ObjectVersion(m.Structure, frozen=True, kw_only=True):
    ETag: str | None = None
    ChecksumAlgorithm: Annotated[list[str], m.Xml(flat=True)] | None = None
    ChecksumType: str | None = None
    Size: m.Long | None = None
    StorageClass: str | None = None
    Key: str | None = None
    VersionId: str | None = None
    IsLatest: bool | None = None
    LastModified: m.Timestamp | None = None
    Owner: _Owner | None = None
    RestoreStatus: _RestoreStatus | None = None


class OutputLocation(m.Structure, frozen=True, kw_only=True):
    S3: S3Location | None = None


class OutputSerialization(m.Structure, frozen=True, kw_only=True):
    CSV: CSVOutput | None = None
    JSON: JSONOutput | None = None


class Owner(m.Structure, frozen=True, kw_only=True):
    DisplayName: str | None = None
    ID: str | None = None


class OwnershipControls(m.Structure, frozen=True, kw_only=True):
    Rules: Annotated[list[OwnershipControlsRule], m.Xml(name="Rule", flat=True)]


class OwnershipControlsRule(m.Structure, frozen=True, kw_only=True):
    ObjectOwnership: str


class ParquetInput(m.Structure, frozen=True, kw_only=True):
    pass


class Part(m.Structure, frozen=True, kw_only=True):
    PartNumber: m.Integer | None = None
    LastModified: m.Timestamp | None = None
    ETag: str | None = None
    Size: m.Long | None = None
    ChecksumCRC32: str | None = None
    ChecksumCRC32C: str | None = None
    ChecksumCRC64NVME: str | None = None
    ChecksumSHA1: str | None = None
    ChecksumSHA256: str | None = None
    ChecksumSHA512: str | None = None
    ChecksumMD5: str | None = None
    ChecksumXXHASH64: str | None = None
    ChecksumXXHASH3: str | None = None
    ChecksumXXHASH128: str | None = None


class PartitionedPrefix(m.Structure, frozen=True, kw_only=True):
    PartitionDateSource: str | None = None


class PolicyStatus(m.Structure, frozen=True, kw_only=True):
    IsPublic: bool | None = None


class PublicAccessBlockConfiguration(m.Structure, frozen=True, kw_only=True):
    BlockPublicAcls: bool | None = None
    IgnorePublicAcls: bool | None = None
    BlockPublicPolicy: bool | None = None
    RestrictPublicBuckets: bool | None = None


class PutBucketAbacRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    AbacStatus: Annotated[_AbacStatus, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]


class PutBucketAccelerateConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    AccelerateConfiguration: Annotated[_AccelerateConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None


class PutBucketAclRequest(m.Structure, frozen=True, kw_only=True):
    ACL: Annotated[str, m.Header("x-amz-acl")] | None = None
    AccessControlPolicy: Annotated[_AccessControlPolicy, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")] | None = None
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    GrantFullControl: Annotated[str, m.Header("x-amz-grant-full-control")] | None = None
    GrantRead: Annotated[str, m.Header("x-amz-grant-read")] | None = None
    GrantReadACP: Annotated[str, m.Header("x-amz-grant-read-acp")] | None = None
    GrantWrite: Annotated[str, m.Header("x-amz-grant-write")] | None = None
    GrantWriteACP: Annotated[str, m.Header("x-amz-grant-write-acp")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutBucketAnalyticsConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Id: Annotated[str, m.Query("id")]
    AnalyticsConfiguration: Annotated[_AnalyticsConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutBucketCorsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    CORSConfiguration: Annotated[_CORSConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutBucketEncryptionRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    ServerSideEncryptionConfiguration: Annotated[_ServerSideEncryptionConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutBucketIntelligentTieringConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Id: Annotated[str, m.Query("id")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    IntelligentTieringConfiguration: Annotated[_IntelligentTieringConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]


class PutBucketInventoryConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Id: Annotated[str, m.Query("id")]
    InventoryConfiguration: Annotated[_InventoryConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutBucketLifecycleConfigurationOutput(m.Structure, frozen=True, kw_only=True):
    TransitionDefaultMinimumObjectSize: Annotated[str, m.Header("x-amz-transition-default-minimum-object-size")] | None = None


class PutBucketLifecycleConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    LifecycleConfiguration: Annotated[BucketLifecycleConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    TransitionDefaultMinimumObjectSize: Annotated[str, m.Header("x-amz-transition-default-minimum-object-size")] | None = None


class PutBucketLifecycleRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    LifecycleConfiguration: Annotated[_LifecycleConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutBucketLoggingRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    BucketLoggingStatus: Annotated[_BucketLoggingStatus, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutBucketMetricsConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Id: Annotated[str, m.Query("id")]
    MetricsConfiguration: Annotated[_MetricsConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutBucketNotificationConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    NotificationConfiguration: Annotated[_NotificationConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    SkipDestinationValidation: Annotated[bool, m.Header("x-amz-skip-destination-validation")] | None = None


class PutBucketNotificationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    NotificationConfiguration: Annotated[NotificationConfigurationDeprecated, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutBucketOwnershipControlsRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    OwnershipControls: Annotated[_OwnershipControls, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None


class PutBucketPolicyRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    ConfirmRemoveSelfBucketAccess: Annotated[bool, m.Header("x-amz-confirm-remove-self-bucket-access")] | None = None
    Policy: Annotated[str, m.Payload()] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutBucketReplicationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    ReplicationConfiguration: Annotated[_ReplicationConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    Token: Annotated[str, m.Header("x-amz-bucket-object-lock-token")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutBucketRequestPaymentRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    RequestPaymentConfiguration: Annotated[_RequestPaymentConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutBucketTaggingRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    Tagging: Annotated[_Tagging, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutBucketVersioningRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    MFA: Annotated[str, m.Header("x-amz-mfa")] | None = None
    VersioningConfiguration: Annotated[_VersioningConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutBucketWebsiteRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    WebsiteConfiguration: Annotated[_WebsiteConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutObjectAclOutput(m.Structure, frozen=True, kw_only=True):
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class PutObjectAclRequest(m.Structure, frozen=True, kw_only=True):
    ACL: Annotated[str, m.Header("x-amz-acl")] | None = None
    AccessControlPolicy: Annotated[_AccessControlPolicy, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")] | None = None
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    GrantFullControl: Annotated[str, m.Header("x-amz-grant-full-control")] | None = None
    GrantRead: Annotated[str, m.Header("x-amz-grant-read")] | None = None
    GrantReadACP: Annotated[str, m.Header("x-amz-grant-read-acp")] | None = None
    GrantWrite: Annotated[str, m.Header("x-amz-grant-write")] | None = None
    GrantWriteACP: Annotated[str, m.Header("x-amz-grant-write-acp")] | None = None
    Key: Annotated[str, m.Label("Key")]
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutObjectAnnotationOutput(m.Structure, frozen=True, kw_only=True):
    Key: str | None = None
    AnnotationName: str | None = None
    ObjectVersionId: Annotated[str, m.Header("x-amz-object-version-id")] | None = None
    ETag: Annotated[str, m.Header("ETag")] | None = None
    ChecksumCRC32: Annotated[str, m.Header("x-amz-checksum-crc32")] | None = None
    ChecksumCRC32C: Annotated[str, m.Header("x-amz-checksum-crc32c")] | None = None
    ChecksumCRC64NVME: Annotated[str, m.Header("x-amz-checksum-crc64nvme")] | None = None
    ChecksumSHA1: Annotated[str, m.Header("x-amz-checksum-sha1")] | None = None
    ChecksumSHA256: Annotated[str, m.Header("x-amz-checksum-sha256")] | None = None
    ChecksumSHA512: Annotated[str, m.Header("x-amz-checksum-sha512")] | None = None
    ChecksumMD5: Annotated[str, m.Header("x-amz-checksum-md5")] | None = None
    ChecksumXXHASH64: Annotated[str, m.Header("x-amz-checksum-xxhash64")] | None = None
    ChecksumXXHASH3: Annotated[str, m.Header("x-amz-checksum-xxhash3")] | None = None
    ChecksumXXHASH128: Annotated[str, m.Header("x-amz-checksum-xxhash128")] | None = None
    ChecksumType: Annotated[str, m.Header("x-amz-checksum-type")] | None = None
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class PutObjectAnnotationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    AnnotationName: Annotated[str, m.Query("annotationName")]
    ObjectIfMatch: Annotated[str, m.Header("x-amz-object-if-match")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    ChecksumCRC32: Annotated[str, m.Header("x-amz-checksum-crc32")] | None = None
    ChecksumCRC32C: Annotated[str, m.Header("x-amz-checksum-crc32c")] | None = None
    ChecksumCRC64NVME: Annotated[str, m.Header("x-amz-checksum-crc64nvme")] | None = None
    ChecksumSHA1: Annotated[str, m.Header("x-amz-checksum-sha1")] | None = None
    ChecksumSHA256: Annotated[str, m.Header("x-amz-checksum-sha256")] | None = None
    ChecksumSHA512: Annotated[str, m.Header("x-amz-checksum-sha512")] | None = None
    ChecksumMD5: Annotated[str, m.Header("x-amz-checksum-md5")] | None = None
    ChecksumXXHASH64: Annotated[str, m.Header("x-amz-checksum-xxhash64")] | None = None
    ChecksumXXHASH3: Annotated[str, m.Header("x-amz-checksum-xxhash3")] | None = None
    ChecksumXXHASH128: Annotated[str, m.Header("x-amz-checksum-xxhash128")] | None = None
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutObjectLegalHoldOutput(m.Structure, frozen=True, kw_only=True):
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class PutObjectLegalHoldRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    LegalHold: Annotated[ObjectLockLegalHold, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutObjectLockConfigurationOutput(m.Structure, frozen=True, kw_only=True):
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class PutObjectLockConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ObjectLockConfiguration: Annotated[_ObjectLockConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    Token: Annotated[str, m.Header("x-amz-bucket-object-lock-token")] | None = None
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutObjectOutput(m.Structure, frozen=True, kw_only=True):
    Expiration: Annotated[str, m.Header("x-amz-expiration")] | None = None
    ETag: Annotated[str, m.Header("ETag")] | None = None
    ChecksumCRC32: Annotated[str, m.Header("x-amz-checksum-crc32")] | None = None
    ChecksumCRC32C: Annotated[str, m.Header("x-amz-checksum-crc32c")] | None = None
    ChecksumCRC64NVME: Annotated[str, m.Header("x-amz-checksum-crc64nvme")] | None = None
    ChecksumSHA1: Annotated[str, m.Header("x-amz-checksum-sha1")] | None = None
    ChecksumSHA256: Annotated[str, m.Header("x-amz-checksum-sha256")] | None = None
    ChecksumSHA512: Annotated[str, m.Header("x-amz-checksum-sha512")] | None = None
    ChecksumMD5: Annotated[str, m.Header("x-amz-checksum-md5")] | None = None
    ChecksumXXHASH64: Annotated[str, m.Header("x-amz-checksum-xxhash64")] | None = None
    ChecksumXXHASH3: Annotated[str, m.Header("x-amz-checksum-xxhash3")] | None = None
    ChecksumXXHASH128: Annotated[str, m.Header("x-amz-checksum-xxhash128")] | None = None
    ChecksumType: Annotated[str, m.Header("x-amz-checksum-type")] | None = None
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    SSEKMSKeyId: Annotated[str, m.Header("x-amz-server-side-encryption-aws-kms-key-id")] | None = None
    SSEKMSEncryptionContext: Annotated[str, m.Header("x-amz-server-side-encryption-context")] | None = None
    BucketKeyEnabled: Annotated[bool, m.Header("x-amz-server-side-encryption-bucket-key-enabled")] | None = None
    Size: Annotated[m.Long, m.Header("x-amz-object-size")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class PutObjectRequest(m.Structure, frozen=True, kw_only=True):
    ACL: Annotated[str, m.Header("x-amz-acl")] | None = None
    Bucket: Annotated[str, m.Label("Bucket")]
    CacheControl: Annotated[str, m.Header("Cache-Control")] | None = None
    ContentDisposition: Annotated[str, m.Header("Content-Disposition")] | None = None
    ContentEncoding: Annotated[str, m.Header("Content-Encoding")] | None = None
    ContentLanguage: Annotated[str, m.Header("Content-Language")] | None = None
    ContentLength: Annotated[m.Long, m.Header("Content-Length")] | None = None
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ContentType: Annotated[str, m.Header("Content-Type")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    ChecksumCRC32: Annotated[str, m.Header("x-amz-checksum-crc32")] | None = None
    ChecksumCRC32C: Annotated[str, m.Header("x-amz-checksum-crc32c")] | None = None
    ChecksumCRC64NVME: Annotated[str, m.Header("x-amz-checksum-crc64nvme")] | None = None
    ChecksumSHA1: Annotated[str, m.Header("x-amz-checksum-sha1")] | None = None
    ChecksumSHA256: Annotated[str, m.Header("x-amz-checksum-sha256")] | None = None
    ChecksumSHA512: Annotated[str, m.Header("x-amz-checksum-sha512")] | None = None
    ChecksumMD5: Annotated[str, m.Header("x-amz-checksum-md5")] | None = None
    ChecksumXXHASH64: Annotated[str, m.Header("x-amz-checksum-xxhash64")] | None = None
    ChecksumXXHASH3: Annotated[str, m.Header("x-amz-checksum-xxhash3")] | None = None
    ChecksumXXHASH128: Annotated[str, m.Header("x-amz-checksum-xxhash128")] | None = None
    Expires: Annotated[m.Timestamp, m.Header("Expires")] | None = None
    IfMatch: Annotated[str, m.Header("If-Match")] | None = None
    IfNoneMatch: Annotated[str, m.Header("If-None-Match")] | None = None
    GrantFullControl: Annotated[str, m.Header("x-amz-grant-full-control")] | None = None
    GrantRead: Annotated[str, m.Header("x-amz-grant-read")] | None = None
    GrantReadACP: Annotated[str, m.Header("x-amz-grant-read-acp")] | None = None
    GrantWriteACP: Annotated[str, m.Header("x-amz-grant-write-acp")] | None = None
    Key: Annotated[str, m.Label("Key")]
    WriteOffsetBytes: Annotated[m.Long, m.Header("x-amz-write-offset-bytes")] | None = None
    Metadata: Annotated[dict[str, str], m.PrefixedHeaders("x-amz-meta-")] | None = None
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    StorageClass: Annotated[str, m.Header("x-amz-storage-class")] | None = None
    WebsiteRedirectLocation: Annotated[str, m.Header("x-amz-website-redirect-location")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKey: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    SSEKMSKeyId: Annotated[str, m.Header("x-amz-server-side-encryption-aws-kms-key-id")] | None = None
    SSEKMSEncryptionContext: Annotated[str, m.Header("x-amz-server-side-encryption-context")] | None = None
    BucketKeyEnabled: Annotated[bool, m.Header("x-amz-server-side-encryption-bucket-key-enabled")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    Tagging: Annotated[str, m.Header("x-amz-tagging")] | None = None
    ObjectLockMode: Annotated[str, m.Header("x-amz-object-lock-mode")] | None = None
    ObjectLockRetainUntilDate: Annotated[m.TimestampIso8601, m.Header("x-amz-object-lock-retain-until-date")] | None = None
    ObjectLockLegalHoldStatus: Annotated[str, m.Header("x-amz-object-lock-legal-hold")] | None = None
    ObjectLockEventHold: Annotated[str, m.Header("x-amz-object-lock-event-hold")] | None = None
    ObjectLockEventHoldDurationDays: Annotated[m.Integer, m.Header("x-amz-object-lock-event-hold-duration-days")] | None = None
    ObjectLockEventHoldDurationYears: Annotated[m.Integer, m.Header("x-amz-object-lock-event-hold-duration-years")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutObjectRetentionOutput(m.Structure, frozen=True, kw_only=True):
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class PutObjectRetentionRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    Retention: Annotated[ObjectLockRetention, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    BypassGovernanceRetention: Annotated[bool, m.Header("x-amz-bypass-governance-retention")] | None = None
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class PutObjectTaggingOutput(m.Structure, frozen=True, kw_only=True):
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None


class PutObjectTaggingRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    Tagging: Annotated[_Tagging, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None


class PutPublicAccessBlockRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    PublicAccessBlockConfiguration: Annotated[_PublicAccessBlockConfiguration, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class QueueConfiguration(m.Structure, frozen=True, kw_only=True):
    Id: str | None = None
    QueueArn: Annotated[str, m.Xml(name="Queue")]
    Events: Annotated[list[str], m.Xml(name="Event", flat=True)]
    Filter: NotificationConfigurationFilter | None = None


class QueueConfigurationDeprecated(m.Structure, frozen=True, kw_only=True):
    Id: str | None = None
    Event: str | None = None
    Events: Annotated[list[str], m.Xml(name="Event", flat=True)] | None = None
    Queue: str | None = None


class RecordExpiration(m.Structure, frozen=True, kw_only=True):
    Expiration: str
    Days: m.Integer | None = None


class Redirect(m.Structure, frozen=True, kw_only=True):
    HostName: str | None = None
    HttpRedirectCode: str | None = None
    Protocol: str | None = None
    ReplaceKeyPrefixWith: str | None = None
    ReplaceKeyWith: str | None = None


class RedirectAllRequestsTo(m.Structure, frozen=True, kw_only=True):
    HostName: str
    Protocol: str | None = None


class RenameObjectOutput(m.Structure, frozen=True, kw_only=True):
    pass


class RenameObjectRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    RenameSource: Annotated[str, m.Header("x-amz-rename-source")]
    DestinationIfMatch: Annotated[str, m.Header("If-Match")] | None = None
    DestinationIfNoneMatch: Annotated[str, m.Header("If-None-Match")] | None = None
    DestinationIfModifiedSince: Annotated[m.Timestamp, m.Header("If-Modified-Since")] | None = None
    DestinationIfUnmodifiedSince: Annotated[m.Timestamp, m.Header("If-Unmodified-Since")] | None = None
    SourceIfMatch: Annotated[str, m.Header("x-amz-rename-source-if-match")] | None = None
    SourceIfNoneMatch: Annotated[str, m.Header("x-amz-rename-source-if-none-match")] | None = None
    SourceIfModifiedSince: Annotated[m.TimestampRfc822, m.Header("x-amz-rename-source-if-modified-since")] | None = None
    SourceIfUnmodifiedSince: Annotated[m.TimestampRfc822, m.Header("x-amz-rename-source-if-unmodified-since")] | None = None
    ClientToken: Annotated[str, m.Header("x-amz-client-token")] | None = None


class ReplicaModifications(m.Structure, frozen=True, kw_only=True):
    Status: str


class ReplicationConfiguration(m.Structure, frozen=True, kw_only=True):
    Role: str
    Rules: Annotated[list[ReplicationRule], m.Xml(name="Rule", flat=True)]


class ReplicationRule(m.Structure, frozen=True, kw_only=True):
    ID: str | None = None
    Priority: m.Integer | None = None
    Prefix: str | None = None
    Filter: ReplicationRuleFilter | None = None
    Status: str
    SourceSelectionCriteria: _SourceSelectionCriteria | None = None
    ExistingObjectReplication: _ExistingObjectReplication | None = None
    Destination: _Destination
    DeleteMarkerReplication: _DeleteMarkerReplication | None = None


class ReplicationRuleAndOperator(m.Structure, frozen=True, kw_only=True):
    Prefix: str | None = None
    Tags: Annotated[list[Tag], m.Xml(name="Tag", flat=True)] | None = None
    Not: ReplicationRuleNotOperator | None = None


class ReplicationRuleFilter(m.Structure, frozen=True, kw_only=True):
    Prefix: str | None = None
    Tag: _Tag | None = None
    And: ReplicationRuleAndOperator | None = None
    Not: ReplicationRuleNotOperator | None = None


class ReplicationRuleNotOperator(m.Structure, frozen=True, kw_only=True):
    Prefix: str | None = None
    Tag: _Tag | None = None
    Or: ReplicationRuleOrOperator | None = None


class ReplicationRuleOrOperator(m.Structure, frozen=True, kw_only=True):
    Prefixes: Annotated[list[str], m.Xml(name="Prefix", flat=True)] | None = None
    Tags: Annotated[list[Tag], m.Xml(name="Tag", flat=True)] | None = None


class ReplicationTime(m.Structure, frozen=True, kw_only=True):
    Status: str
    Time: ReplicationTimeValue


class ReplicationTimeValue(m.Structure, frozen=True, kw_only=True):
    Minutes: m.Integer | None = None


class RequestPaymentConfiguration(m.Structure, frozen=True, kw_only=True):
    Payer: str


class RequestProgress(m.Structure, frozen=True, kw_only=True):
    Enabled: bool | None = None


class RestoreObjectOutput(m.Structure, frozen=True, kw_only=True):
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None
    RestoreOutputPath: Annotated[str, m.Header("x-amz-restore-output-path")] | None = None


class RestoreObjectRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    RestoreRequest: Annotated[_RestoreRequest, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class RestoreRequest(m.Structure, frozen=True, kw_only=True):
    Days: m.Integer | None = None
    GlacierJobParameters: _GlacierJobParameters | None = None
    Type: str | None = None
    Tier: str | None = None
    Description: str | None = None
    SelectParameters: _SelectParameters | None = None
    OutputLocation: _OutputLocation | None = None


class RestoreStatus(m.Structure, frozen=True, kw_only=True):
    IsRestoreInProgress: bool | None = None
    RestoreExpiryDate: m.Timestamp | None = None


class RoutingRule(m.Structure, frozen=True, kw_only=True):
    Condition: _Condition | None = None
    Redirect: _Redirect


class Rule(m.Structure, frozen=True, kw_only=True):
    Expiration: LifecycleExpiration | None = None
    ID: str | None = None
    Prefix: str
    Status: str
    Transition: _Transition | None = None
    NoncurrentVersionTransition: _NoncurrentVersionTransition | None = None
    NoncurrentVersionExpiration: _NoncurrentVersionExpiration | None = None
    AbortIncompleteMultipartUpload: _AbortIncompleteMultipartUpload | None = None


class S3KeyFilter(m.Structure, frozen=True, kw_only=True):
    FilterRules: Annotated[list[FilterRule], m.Xml(name="FilterRule", flat=True)] | None = None


class S3Location(m.Structure, frozen=True, kw_only=True):
    BucketName: str
    Prefix: str
    Encryption: _Encryption | None = None
    CannedACL: str | None = None
    AccessControlList: Annotated[list[Grant], m.Xml(item="Grant")] | None = None
    Tagging: _Tagging | None = None
    UserMetadata: Annotated[list[MetadataEntry], m.Xml(item="MetadataEntry")] | None = None
    StorageClass: str | None = None


class S3TablesDestination(m.Structure, frozen=True, kw_only=True):
    TableBucketArn: str
    TableName: str


class S3TablesDestinationResult(m.Structure, frozen=True, kw_only=True):
    TableBucketArn: str
    TableName: str
    TableArn: str
    TableNamespace: str


class SSEKMS(m.Structure, frozen=True, kw_only=True):
    KeyId: str


class SSEKMSEncryption(m.Structure, frozen=True, kw_only=True):
    KMSKeyArn: str
    BucketKeyEnabled: bool | None = None


class SSES3(m.Structure, frozen=True, kw_only=True):
    pass


class ScanRange(m.Structure, frozen=True, kw_only=True):
    Start: m.Long | None = None
    End: m.Long | None = None


class SelectObjectContentOutput(m.Structure, frozen=True, kw_only=True):
    pass


class SelectObjectContentRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKey: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    Expression: str
    ExpressionType: str
    RequestProgress: _RequestProgress | None = None
    InputSerialization: _InputSerialization
    OutputSerialization: _OutputSerialization
    ScanRange: _ScanRange | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class SelectParameters(m.Structure, frozen=True, kw_only=True):
    InputSerialization: _InputSerialization
    ExpressionType: str
    Expression: str
    OutputSerialization: _OutputSerialization


class ServerSideEncryptionByDefault(m.Structure, frozen=True, kw_only=True):
    SSEAlgorithm: str
    KMSMasterKeyID: str | None = None


class ServerSideEncryptionConfiguration(m.Structure, frozen=True, kw_only=True):
    Rules: Annotated[list[ServerSideEncryptionRule], m.Xml(name="Rule", flat=True)]


class ServerSideEncryptionRule(m.Structure, frozen=True, kw_only=True):
    ApplyServerSideEncryptionByDefault: ServerSideEncryptionByDefault | None = None
    BucketKeyEnabled: bool | None = None
    BlockedEncryptionTypes: _BlockedEncryptionTypes | None = None


class SessionCredentials(m.Structure, frozen=True, kw_only=True):
    AccessKeyId: str
    SecretAccessKey: str
    SessionToken: str
    Expiration: m.Timestamp


class SimplePrefix(m.Structure, frozen=True, kw_only=True):
    pass


class SourceSelectionCriteria(m.Structure, frozen=True, kw_only=True):
    SseKmsEncryptedObjects: _SseKmsEncryptedObjects | None = None
    ReplicaModifications: _ReplicaModifications | None = None


class SseKmsEncryptedObjects(m.Structure, frozen=True, kw_only=True):
    Status: str


class StorageClassAnalysis(m.Structure, frozen=True, kw_only=True):
    DataExport: StorageClassAnalysisDataExport | None = None


class StorageClassAnalysisDataExport(m.Structure, frozen=True, kw_only=True):
    OutputSchemaVersion: str
    Destination: AnalyticsExportDestination


class Tag(m.Structure, frozen=True, kw_only=True):
    Key: str
    Value: str


class Tagging(m.Structure, frozen=True, kw_only=True):
    TagSet: Annotated[list[Tag], m.Xml(item="Tag")] | None = None


class TargetGrant(m.Structure, frozen=True, kw_only=True):
    Grantee: Annotated[_Grantee, m.Xml(namespace="http://www.w3.org/2001/XMLSchema-instance", prefix="xsi")] | None = None
    Permission: str | None = None


class TargetObjectKeyFormat(m.Structure, frozen=True, kw_only=True):
    SimplePrefix: _SimplePrefix | None = None
    PartitionedPrefix: _PartitionedPrefix | None = None


class Tiering(m.Structure, frozen=True, kw_only=True):
    Days: m.Integer
    AccessTier: str


class TopicConfiguration(m.Structure, frozen=True, kw_only=True):
    Id: str | None = None
    TopicArn: Annotated[str, m.Xml(name="Topic")]
    Events: Annotated[list[str], m.Xml(name="Event", flat=True)]
    Filter: NotificationConfigurationFilter | None = None


class TopicConfigurationDeprecated(m.Structure, frozen=True, kw_only=True):
    Id: str | None = None
    Events: Annotated[list[str], m.Xml(name="Event", flat=True)] | None = None
    Event: str | None = None
    Topic: str | None = None


class Transition(m.Structure, frozen=True, kw_only=True):
    Date: m.TimestampIso8601 | None = None
    Days: m.Integer | None = None
    StorageClass: str | None = None


class UpdateBucketMetadataAnnotationTableConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    AnnotationTableConfiguration: Annotated[AnnotationTableConfigurationUpdates, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class UpdateBucketMetadataInventoryTableConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    InventoryTableConfiguration: Annotated[InventoryTableConfigurationUpdates, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class UpdateBucketMetadataJournalTableConfigurationRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    JournalTableConfiguration: Annotated[JournalTableConfigurationUpdates, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class UpdateObjectEncryptionRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    Key: Annotated[str, m.Label("Key")]
    VersionId: Annotated[str, m.Query("versionId")] | None = None
    ObjectEncryption: Annotated[_ObjectEncryption, m.Payload(), m.Xml(namespace="http://s3.amazonaws.com/doc/2006-03-01/")]
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None


class UpdateObjectEncryptionResponse(m.Structure, frozen=True, kw_only=True):
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None


class UploadPartCopyOutput(m.Structure, frozen=True, kw_only=True):
    CopySourceVersionId: Annotated[str, m.Header("x-amz-copy-source-version-id")] | None = None
    CopyPartResult: Annotated[_CopyPartResult, m.Payload()] | None = None
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    SSEKMSKeyId: Annotated[str, m.Header("x-amz-server-side-encryption-aws-kms-key-id")] | None = None
    BucketKeyEnabled: Annotated[bool, m.Header("x-amz-server-side-encryption-bucket-key-enabled")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None


class UploadPartCopyRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    CopySource: Annotated[str, m.Header("x-amz-copy-source")]
    CopySourceIfMatch: Annotated[str, m.Header("x-amz-copy-source-if-match")] | None = None
    CopySourceIfModifiedSince: Annotated[m.Timestamp, m.Header("x-amz-copy-source-if-modified-since")] | None = None
    CopySourceIfNoneMatch: Annotated[str, m.Header("x-amz-copy-source-if-none-match")] | None = None
    CopySourceIfUnmodifiedSince: Annotated[m.Timestamp, m.Header("x-amz-copy-source-if-unmodified-since")] | None = None
    CopySourceRange: Annotated[str, m.Header("x-amz-copy-source-range")] | None = None
    Key: Annotated[str, m.Label("Key")]
    PartNumber: Annotated[m.Integer, m.Query("partNumber")]
    UploadId: Annotated[str, m.Query("uploadId")]
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKey: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    CopySourceSSECustomerAlgorithm: Annotated[str, m.Header("x-amz-copy-source-server-side-encryption-customer-algorithm")] | None = None
    CopySourceSSECustomerKey: Annotated[str, m.Header("x-amz-copy-source-server-side-encryption-customer-key")] | None = None
    CopySourceSSECustomerKeyMD5: Annotated[str, m.Header("x-amz-copy-source-server-side-encryption-customer-key-MD5")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None
    ExpectedSourceBucketOwner: Annotated[str, m.Header("x-amz-source-expected-bucket-owner")] | None = None


class UploadPartOutput(m.Structure, frozen=True, kw_only=True):
    ServerSideEncryption: Annotated[str, m.Header("x-amz-server-side-encryption")] | None = None
    ETag: Annotated[str, m.Header("ETag")] | None = None
    ChecksumCRC32: Annotated[str, m.Header("x-amz-checksum-crc32")] | None = None
    ChecksumCRC32C: Annotated[str, m.Header("x-amz-checksum-crc32c")] | None = None
    ChecksumCRC64NVME: Annotated[str, m.Header("x-amz-checksum-crc64nvme")] | None = None
    ChecksumSHA1: Annotated[str, m.Header("x-amz-checksum-sha1")] | None = None
    ChecksumSHA256: Annotated[str, m.Header("x-amz-checksum-sha256")] | None = None
    ChecksumSHA512: Annotated[str, m.Header("x-amz-checksum-sha512")] | None = None
    ChecksumMD5: Annotated[str, m.Header("x-amz-checksum-md5")] | None = None
    ChecksumXXHASH64: Annotated[str, m.Header("x-amz-checksum-xxhash64")] | None = None
    ChecksumXXHASH3: Annotated[str, m.Header("x-amz-checksum-xxhash3")] | None = None
    ChecksumXXHASH128: Annotated[str, m.Header("x-amz-checksum-xxhash128")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    SSEKMSKeyId: Annotated[str, m.Header("x-amz-server-side-encryption-aws-kms-key-id")] | None = None
    BucketKeyEnabled: Annotated[bool, m.Header("x-amz-server-side-encryption-bucket-key-enabled")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-request-charged")] | None = None
    VersionId: Annotated[str, m.Header("x-amz-version-id")] | None = None


class UploadPartRequest(m.Structure, frozen=True, kw_only=True):
    Bucket: Annotated[str, m.Label("Bucket")]
    ContentLength: Annotated[m.Long, m.Header("Content-Length")] | None = None
    ContentMD5: Annotated[str, m.Header("Content-MD5")] | None = None
    ChecksumAlgorithm: Annotated[str, m.Header("x-amz-sdk-checksum-algorithm")] | None = None
    ChecksumCRC32: Annotated[str, m.Header("x-amz-checksum-crc32")] | None = None
    ChecksumCRC32C: Annotated[str, m.Header("x-amz-checksum-crc32c")] | None = None
    ChecksumCRC64NVME: Annotated[str, m.Header("x-amz-checksum-crc64nvme")] | None = None
    ChecksumSHA1: Annotated[str, m.Header("x-amz-checksum-sha1")] | None = None
    ChecksumSHA256: Annotated[str, m.Header("x-amz-checksum-sha256")] | None = None
    ChecksumSHA512: Annotated[str, m.Header("x-amz-checksum-sha512")] | None = None
    ChecksumMD5: Annotated[str, m.Header("x-amz-checksum-md5")] | None = None
    ChecksumXXHASH64: Annotated[str, m.Header("x-amz-checksum-xxhash64")] | None = None
    ChecksumXXHASH3: Annotated[str, m.Header("x-amz-checksum-xxhash3")] | None = None
    ChecksumXXHASH128: Annotated[str, m.Header("x-amz-checksum-xxhash128")] | None = None
    Key: Annotated[str, m.Label("Key")]
    PartNumber: Annotated[m.Integer, m.Query("partNumber")]
    UploadId: Annotated[str, m.Query("uploadId")]
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSECustomerKey: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-server-side-encryption-customer-key-MD5")] | None = None
    RequestPayer: Annotated[str, m.Header("x-amz-request-payer")] | None = None
    ExpectedBucketOwner: Annotated[str, m.Header("x-amz-expected-bucket-owner")] | None = None


class UseSourceMultiRegionKey(m.Structure, frozen=True, kw_only=True):
    Status: str


class VersioningConfiguration(m.Structure, frozen=True, kw_only=True):
    MFADelete: Annotated[str, m.Xml(name="MfaDelete")] | None = None
    Status: str | None = None


class WebsiteConfiguration(m.Structure, frozen=True, kw_only=True):
    ErrorDocument: _ErrorDocument | None = None
    IndexDocument: _IndexDocument | None = None
    RedirectAllRequestsTo: _RedirectAllRequestsTo | None = None
    RoutingRules: Annotated[list[RoutingRule], m.Xml(item="RoutingRule")] | None = None


class WriteGetObjectResponseRequest(m.Structure, frozen=True, kw_only=True):
    RequestRoute: Annotated[str, m.Header("x-amz-request-route")]
    RequestToken: Annotated[str, m.Header("x-amz-request-token")]
    StatusCode: Annotated[m.Integer, m.Header("x-amz-fwd-status")] | None = None
    ErrorCode: Annotated[str, m.Header("x-amz-fwd-error-code")] | None = None
    ErrorMessage: Annotated[str, m.Header("x-amz-fwd-error-message")] | None = None
    AcceptRanges: Annotated[str, m.Header("x-amz-fwd-header-accept-ranges")] | None = None
    CacheControl: Annotated[str, m.Header("x-amz-fwd-header-Cache-Control")] | None = None
    ContentDisposition: Annotated[str, m.Header("x-amz-fwd-header-Content-Disposition")] | None = None
    ContentEncoding: Annotated[str, m.Header("x-amz-fwd-header-Content-Encoding")] | None = None
    ContentLanguage: Annotated[str, m.Header("x-amz-fwd-header-Content-Language")] | None = None
    ContentLength: Annotated[m.Long, m.Header("Content-Length")] | None = None
    ContentRange: Annotated[str, m.Header("x-amz-fwd-header-Content-Range")] | None = None
    ContentType: Annotated[str, m.Header("x-amz-fwd-header-Content-Type")] | None = None
    ChecksumCRC32: Annotated[str, m.Header("x-amz-fwd-header-x-amz-checksum-crc32")] | None = None
    ChecksumCRC32C: Annotated[str, m.Header("x-amz-fwd-header-x-amz-checksum-crc32c")] | None = None
    ChecksumCRC64NVME: Annotated[str, m.Header("x-amz-fwd-header-x-amz-checksum-crc64nvme")] | None = None
    ChecksumSHA1: Annotated[str, m.Header("x-amz-fwd-header-x-amz-checksum-sha1")] | None = None
    ChecksumSHA256: Annotated[str, m.Header("x-amz-fwd-header-x-amz-checksum-sha256")] | None = None
    ChecksumSHA512: Annotated[str, m.Header("x-amz-fwd-header-x-amz-checksum-sha512")] | None = None
    ChecksumMD5: Annotated[str, m.Header("x-amz-fwd-header-x-amz-checksum-md5")] | None = None
    ChecksumXXHASH64: Annotated[str, m.Header("x-amz-fwd-header-x-amz-checksum-xxhash64")] | None = None
    ChecksumXXHASH3: Annotated[str, m.Header("x-amz-fwd-header-x-amz-checksum-xxhash3")] | None = None
    ChecksumXXHASH128: Annotated[str, m.Header("x-amz-fwd-header-x-amz-checksum-xxhash128")] | None = None
    DeleteMarker: Annotated[bool, m.Header("x-amz-fwd-header-x-amz-delete-marker")] | None = None
    ETag: Annotated[str, m.Header("x-amz-fwd-header-ETag")] | None = None
    Expires: Annotated[m.Timestamp, m.Header("x-amz-fwd-header-Expires")] | None = None
    Expiration: Annotated[str, m.Header("x-amz-fwd-header-x-amz-expiration")] | None = None
    LastModified: Annotated[m.Timestamp, m.Header("x-amz-fwd-header-Last-Modified")] | None = None
    MissingMeta: Annotated[m.Integer, m.Header("x-amz-fwd-header-x-amz-missing-meta")] | None = None
    Metadata: Annotated[dict[str, str], m.PrefixedHeaders("x-amz-meta-")] | None = None
    ObjectLockMode: Annotated[str, m.Header("x-amz-fwd-header-x-amz-object-lock-mode")] | None = None
    ObjectLockLegalHoldStatus: Annotated[str, m.Header("x-amz-fwd-header-x-amz-object-lock-legal-hold")] | None = None
    ObjectLockRetainUntilDate: Annotated[m.TimestampIso8601, m.Header("x-amz-fwd-header-x-amz-object-lock-retain-until-date")] | None = None
    PartsCount: Annotated[m.Integer, m.Header("x-amz-fwd-header-x-amz-mp-parts-count")] | None = None
    ReplicationStatus: Annotated[str, m.Header("x-amz-fwd-header-x-amz-replication-status")] | None = None
    RequestCharged: Annotated[str, m.Header("x-amz-fwd-header-x-amz-request-charged")] | None = None
    Restore: Annotated[str, m.Header("x-amz-fwd-header-x-amz-restore")] | None = None
    ServerSideEncryption: Annotated[str, m.Header("x-amz-fwd-header-x-amz-server-side-encryption")] | None = None
    SSECustomerAlgorithm: Annotated[str, m.Header("x-amz-fwd-header-x-amz-server-side-encryption-customer-algorithm")] | None = None
    SSEKMSKeyId: Annotated[str, m.Header("x-amz-fwd-header-x-amz-server-side-encryption-aws-kms-key-id")] | None = None
    SSECustomerKeyMD5: Annotated[str, m.Header("x-amz-fwd-header-x-amz-server-side-encryption-customer-key-MD5")] | None = None
    StorageClass: Annotated[str, m.Header("x-amz-fwd-header-x-amz-storage-class")] | None = None
    TagCount: Annotated[m.Integer, m.Header("x-amz-fwd-header-x-amz-tagging-count")] | None = None
    VersionId: Annotated[str, m.Header("x-amz-fwd-header-x-amz-version-id")] | None = None
    BucketKeyEnabled: Annotated[bool, m.Header("x-amz-fwd-header-x-amz-server-side-encryption-bucket-key-enabled")] | None = None



# Members of the same name hide these from a type checker.
_AbacStatus = AbacStatus
_AbortIncompleteMultipartUpload = AbortIncompleteMultipartUpload
_AccelerateConfiguration = AccelerateConfiguration
_AccessControlPolicy = AccessControlPolicy
_AccessControlTranslation = AccessControlTranslation
_AnalyticsConfiguration = AnalyticsConfiguration
_AnnotationTableConfiguration = AnnotationTableConfiguration
_AnnotationTableConfigurationResult = AnnotationTableConfigurationResult
_BlockedEncryptionTypes = BlockedEncryptionTypes
_BucketLoggingStatus = BucketLoggingStatus
_CORSConfiguration = CORSConfiguration
_Checksum = Checksum
_CloudFunctionConfiguration = CloudFunctionConfiguration
_Condition = Condition
_CopyObjectResult = CopyObjectResult
_CopyPartResult = CopyPartResult
_CreateBucketConfiguration = CreateBucketConfiguration
_DefaultRetention = DefaultRetention
_Delete = Delete
_DeleteMarkerReplication = DeleteMarkerReplication
_Destination = Destination
_DestinationResult = DestinationResult
_Encryption = Encryption
_EncryptionConfiguration = EncryptionConfiguration
_ErrorDocument = ErrorDocument
_EventBridgeConfiguration = EventBridgeConfiguration
_EventHoldDuration = EventHoldDuration
_ExistingObjectReplication = ExistingObjectReplication
_GetBucketMetadataConfigurationResult = GetBucketMetadataConfigurationResult
_GetBucketMetadataTableConfigurationResult = GetBucketMetadataTableConfigurationResult
_GlacierJobParameters = GlacierJobParameters
_Grantee = Grantee
_IndexDocument = IndexDocument
_Initiator = Initiator
_InputSerialization = InputSerialization
_IntelligentTieringConfiguration = IntelligentTieringConfiguration
_InventoryConfiguration = InventoryConfiguration
_InventoryTableConfiguration = InventoryTableConfiguration
_InventoryTableConfigurationResult = InventoryTableConfigurationResult
_JournalTableConfiguration = JournalTableConfiguration
_JournalTableConfigurationResult = JournalTableConfigurationResult
_LifecycleConfiguration = LifecycleConfiguration
_LoggingEnabled = LoggingEnabled
_MetadataConfiguration = MetadataConfiguration
_MetadataConfigurationResult = MetadataConfigurationResult
_MetadataTableConfiguration = MetadataTableConfiguration
_MetadataTableConfigurationResult = MetadataTableConfigurationResult
_Metrics = Metrics
_MetricsConfiguration = MetricsConfiguration
_NoncurrentVersionExpiration = NoncurrentVersionExpiration
_NoncurrentVersionTransition = NoncurrentVersionTransition
_NotificationConfiguration = NotificationConfiguration
_ObjectEncryption = ObjectEncryption
_ObjectLockConfiguration = ObjectLockConfiguration
_OutputLocation = OutputLocation
_OutputSerialization = OutputSerialization
_Owner = Owner
_OwnershipControls = OwnershipControls
_PartitionedPrefix = PartitionedPrefix
_PolicyStatus = PolicyStatus
_PublicAccessBlockConfiguration = PublicAccessBlockConfiguration
_RecordExpiration = RecordExpiration
_Redirect = Redirect
_RedirectAllRequestsTo = RedirectAllRequestsTo
_ReplicaModifications = ReplicaModifications
_ReplicationConfiguration = ReplicationConfiguration
_ReplicationTime = ReplicationTime
_RequestPaymentConfiguration = RequestPaymentConfiguration
_RequestProgress = RequestProgress
_RestoreRequest = RestoreRequest
_RestoreStatus = RestoreStatus
_S3TablesDestination = S3TablesDestination
_S3TablesDestinationResult = S3TablesDestinationResult
_SSEKMS = SSEKMS
_SSES3 = SSES3
_ScanRange = ScanRange
_SelectParameters = SelectParameters
_ServerSideEncryptionConfiguration = ServerSideEncryptionConfiguration
_SimplePrefix = SimplePrefix
_SourceSelectionCriteria = SourceSelectionCriteria
_SseKmsEncryptedObjects = SseKmsEncryptedObjects
_StorageClassAnalysis = StorageClassAnalysis
_Tag = Tag
_Tagging = Tagging
_TargetObjectKeyFormat = TargetObjectKeyFormat
_Transition = Transition
_UseSourceMultiRegionKey = UseSourceMultiRegionKey
_VersioningConfiguration = VersioningConfiguration
_WebsiteConfiguration = WebsiteConfiguration

OPERATIONS = {
    "AbortMultipartUpload": m.OperationModel(name="AbortMultipartUpload", input=AbortMultipartUploadRequest, output=AbortMultipartUploadOutput, method="DELETE", uri="/{Bucket}/{Key+}", status=204, required_query=("uploadId",)),
    "CompleteMultipartUpload": m.OperationModel(name="CompleteMultipartUpload", input=CompleteMultipartUploadRequest, output=CompleteMultipartUploadOutput, uri="/{Bucket}/{Key+}", output_root="CompleteMultipartUploadResult", required_query=("uploadId",)),
    "CopyObject": m.OperationModel(name="CopyObject", input=CopyObjectRequest, output=CopyObjectOutput, method="PUT", uri="/{Bucket}/{Key+}", required_headers=("x-amz-copy-source",)),
    "CreateBucket": m.OperationModel(name="CreateBucket", input=CreateBucketRequest, output=CreateBucketOutput, method="PUT", uri="/{Bucket}"),
    "CreateBucketMetadataConfiguration": m.OperationModel(name="CreateBucketMetadataConfiguration", input=CreateBucketMetadataConfigurationRequest, uri="/{Bucket}?metadataConfiguration", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "CreateBucketMetadataTableConfiguration": m.OperationModel(name="CreateBucketMetadataTableConfiguration", input=CreateBucketMetadataTableConfigurationRequest, uri="/{Bucket}?metadataTable", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "CreateMultipartUpload": m.OperationModel(name="CreateMultipartUpload", input=CreateMultipartUploadRequest, output=CreateMultipartUploadOutput, uri="/{Bucket}/{Key+}?uploads", output_root="InitiateMultipartUploadResult"),
    "CreateSession": m.OperationModel(name="CreateSession", input=CreateSessionRequest, output=CreateSessionOutput, method="GET", uri="/{Bucket}?session", output_root="CreateSessionResult"),
    "DeleteBucket": m.OperationModel(name="DeleteBucket", input=DeleteBucketRequest, method="DELETE", uri="/{Bucket}", status=204),
    "DeleteBucketAnalyticsConfiguration": m.OperationModel(name="DeleteBucketAnalyticsConfiguration", input=DeleteBucketAnalyticsConfigurationRequest, method="DELETE", uri="/{Bucket}?analytics", status=204, required_query=("id",)),
    "DeleteBucketCors": m.OperationModel(name="DeleteBucketCors", input=DeleteBucketCorsRequest, method="DELETE", uri="/{Bucket}?cors", status=204),
    "DeleteBucketEncryption": m.OperationModel(name="DeleteBucketEncryption", input=DeleteBucketEncryptionRequest, method="DELETE", uri="/{Bucket}?encryption", status=204),
    "DeleteBucketIntelligentTieringConfiguration": m.OperationModel(name="DeleteBucketIntelligentTieringConfiguration", input=DeleteBucketIntelligentTieringConfigurationRequest, method="DELETE", uri="/{Bucket}?intelligent-tiering", status=204, required_query=("id",)),
    "DeleteBucketInventoryConfiguration": m.OperationModel(name="DeleteBucketInventoryConfiguration", input=DeleteBucketInventoryConfigurationRequest, method="DELETE", uri="/{Bucket}?inventory", status=204, required_query=("id",)),
    "DeleteBucketLifecycle": m.OperationModel(name="DeleteBucketLifecycle", input=DeleteBucketLifecycleRequest, method="DELETE", uri="/{Bucket}?lifecycle", status=204),
    "DeleteBucketMetadataConfiguration": m.OperationModel(name="DeleteBucketMetadataConfiguration", input=DeleteBucketMetadataConfigurationRequest, method="DELETE", uri="/{Bucket}?metadataConfiguration", status=204),
    "DeleteBucketMetadataTableConfiguration": m.OperationModel(name="DeleteBucketMetadataTableConfiguration", input=DeleteBucketMetadataTableConfigurationRequest, method="DELETE", uri="/{Bucket}?metadataTable", status=204),
    "DeleteBucketMetricsConfiguration": m.OperationModel(name="DeleteBucketMetricsConfiguration", input=DeleteBucketMetricsConfigurationRequest, method="DELETE", uri="/{Bucket}?metrics", status=204, required_query=("id",)),
    "DeleteBucketOwnershipControls": m.OperationModel(name="DeleteBucketOwnershipControls", input=DeleteBucketOwnershipControlsRequest, method="DELETE", uri="/{Bucket}?ownershipControls", status=204),
    "DeleteBucketPolicy": m.OperationModel(name="DeleteBucketPolicy", input=DeleteBucketPolicyRequest, method="DELETE", uri="/{Bucket}?policy", status=204),
    "DeleteBucketReplication": m.OperationModel(name="DeleteBucketReplication", input=DeleteBucketReplicationRequest, method="DELETE", uri="/{Bucket}?replication", status=204),
    "DeleteBucketTagging": m.OperationModel(name="DeleteBucketTagging", input=DeleteBucketTaggingRequest, method="DELETE", uri="/{Bucket}?tagging", status=204),
    "DeleteBucketWebsite": m.OperationModel(name="DeleteBucketWebsite", input=DeleteBucketWebsiteRequest, method="DELETE", uri="/{Bucket}?website", status=204),
    "DeleteObject": m.OperationModel(name="DeleteObject", input=DeleteObjectRequest, output=DeleteObjectOutput, method="DELETE", uri="/{Bucket}/{Key+}", status=204),
    "DeleteObjectAnnotation": m.OperationModel(name="DeleteObjectAnnotation", input=DeleteObjectAnnotationRequest, output=DeleteObjectAnnotationOutput, method="DELETE", uri="/{Bucket}/{Key+}?annotation", status=204, required_query=("annotationName",)),
    "DeleteObjectTagging": m.OperationModel(name="DeleteObjectTagging", input=DeleteObjectTaggingRequest, output=DeleteObjectTaggingOutput, method="DELETE", uri="/{Bucket}/{Key+}?tagging", status=204),
    "DeleteObjects": m.OperationModel(name="DeleteObjects", input=DeleteObjectsRequest, output=DeleteObjectsOutput, uri="/{Bucket}?delete", output_root="DeleteResult", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "DeletePublicAccessBlock": m.OperationModel(name="DeletePublicAccessBlock", input=DeletePublicAccessBlockRequest, method="DELETE", uri="/{Bucket}?publicAccessBlock", status=204),
    "GetBucketAbac": m.OperationModel(name="GetBucketAbac", input=GetBucketAbacRequest, output=GetBucketAbacOutput, method="GET", uri="/{Bucket}?abac"),
    "GetBucketAccelerateConfiguration": m.OperationModel(name="GetBucketAccelerateConfiguration", input=GetBucketAccelerateConfigurationRequest, output=GetBucketAccelerateConfigurationOutput, method="GET", uri="/{Bucket}?accelerate", output_root="AccelerateConfiguration"),
    "GetBucketAcl": m.OperationModel(name="GetBucketAcl", input=GetBucketAclRequest, output=GetBucketAclOutput, method="GET", uri="/{Bucket}?acl", output_root="AccessControlPolicy"),
    "GetBucketAnalyticsConfiguration": m.OperationModel(name="GetBucketAnalyticsConfiguration", input=GetBucketAnalyticsConfigurationRequest, output=GetBucketAnalyticsConfigurationOutput, method="GET", uri="/{Bucket}?analytics", required_query=("id",)),
    "GetBucketCors": m.OperationModel(name="GetBucketCors", input=GetBucketCorsRequest, output=GetBucketCorsOutput, method="GET", uri="/{Bucket}?cors", output_root="CORSConfiguration"),
    "GetBucketEncryption": m.OperationModel(name="GetBucketEncryption", input=GetBucketEncryptionRequest, output=GetBucketEncryptionOutput, method="GET", uri="/{Bucket}?encryption"),
    "GetBucketIntelligentTieringConfiguration": m.OperationModel(name="GetBucketIntelligentTieringConfiguration", input=GetBucketIntelligentTieringConfigurationRequest, output=GetBucketIntelligentTieringConfigurationOutput, method="GET", uri="/{Bucket}?intelligent-tiering", required_query=("id",)),
    "GetBucketInventoryConfiguration": m.OperationModel(name="GetBucketInventoryConfiguration", input=GetBucketInventoryConfigurationRequest, output=GetBucketInventoryConfigurationOutput, method="GET", uri="/{Bucket}?inventory", required_query=("id",)),
    "GetBucketLifecycle": m.OperationModel(name="GetBucketLifecycle", input=GetBucketLifecycleRequest, output=GetBucketLifecycleOutput, method="GET", uri="/{Bucket}?lifecycle", output_root="LifecycleConfiguration", deprecated=True),
    "GetBucketLifecycleConfiguration": m.OperationModel(name="GetBucketLifecycleConfiguration", input=GetBucketLifecycleConfigurationRequest, output=GetBucketLifecycleConfigurationOutput, method="GET", uri="/{Bucket}?lifecycle", output_root="LifecycleConfiguration"),
    "GetBucketLocation": m.OperationModel(name="GetBucketLocation", input=GetBucketLocationRequest, output=GetBucketLocationOutput, method="GET", uri="/{Bucket}?location", output_root="LocationConstraint", unwrapped=True),
    "GetBucketLogging": m.OperationModel(name="GetBucketLogging", input=GetBucketLoggingRequest, output=GetBucketLoggingOutput, method="GET", uri="/{Bucket}?logging", output_root="BucketLoggingStatus"),
    "GetBucketMetadataConfiguration": m.OperationModel(name="GetBucketMetadataConfiguration", input=GetBucketMetadataConfigurationRequest, output=GetBucketMetadataConfigurationOutput, method="GET", uri="/{Bucket}?metadataConfiguration"),
    "GetBucketMetadataTableConfiguration": m.OperationModel(name="GetBucketMetadataTableConfiguration", input=GetBucketMetadataTableConfigurationRequest, output=GetBucketMetadataTableConfigurationOutput, method="GET", uri="/{Bucket}?metadataTable"),
    "GetBucketMetricsConfiguration": m.OperationModel(name="GetBucketMetricsConfiguration", input=GetBucketMetricsConfigurationRequest, output=GetBucketMetricsConfigurationOutput, method="GET", uri="/{Bucket}?metrics", required_query=("id",)),
    "GetBucketNotification": m.OperationModel(name="GetBucketNotification", input=GetBucketNotificationConfigurationRequest, output=NotificationConfigurationDeprecated, method="GET", uri="/{Bucket}?notification", output_root="NotificationConfiguration", deprecated=True),
    "GetBucketNotificationConfiguration": m.OperationModel(name="GetBucketNotificationConfiguration", input=GetBucketNotificationConfigurationRequest, output=NotificationConfiguration, method="GET", uri="/{Bucket}?notification", output_root="NotificationConfiguration"),
    "GetBucketOwnershipControls": m.OperationModel(name="GetBucketOwnershipControls", input=GetBucketOwnershipControlsRequest, output=GetBucketOwnershipControlsOutput, method="GET", uri="/{Bucket}?ownershipControls"),
    "GetBucketPolicy": m.OperationModel(name="GetBucketPolicy", input=GetBucketPolicyRequest, output=GetBucketPolicyOutput, method="GET", uri="/{Bucket}?policy"),
    "GetBucketPolicyStatus": m.OperationModel(name="GetBucketPolicyStatus", input=GetBucketPolicyStatusRequest, output=GetBucketPolicyStatusOutput, method="GET", uri="/{Bucket}?policyStatus"),
    "GetBucketReplication": m.OperationModel(name="GetBucketReplication", input=GetBucketReplicationRequest, output=GetBucketReplicationOutput, method="GET", uri="/{Bucket}?replication"),
    "GetBucketRequestPayment": m.OperationModel(name="GetBucketRequestPayment", input=GetBucketRequestPaymentRequest, output=GetBucketRequestPaymentOutput, method="GET", uri="/{Bucket}?requestPayment", output_root="RequestPaymentConfiguration"),
    "GetBucketTagging": m.OperationModel(name="GetBucketTagging", input=GetBucketTaggingRequest, output=GetBucketTaggingOutput, method="GET", uri="/{Bucket}?tagging", output_root="Tagging"),
    "GetBucketVersioning": m.OperationModel(name="GetBucketVersioning", input=GetBucketVersioningRequest, output=GetBucketVersioningOutput, method="GET", uri="/{Bucket}?versioning", output_root="VersioningConfiguration"),
    "GetBucketWebsite": m.OperationModel(name="GetBucketWebsite", input=GetBucketWebsiteRequest, output=GetBucketWebsiteOutput, method="GET", uri="/{Bucket}?website", output_root="WebsiteConfiguration"),
    "GetObject": m.OperationModel(name="GetObject", input=GetObjectRequest, output=GetObjectOutput, method="GET", uri="/{Bucket}/{Key+}", output_stream="Body", checksums=m.Checksums(mode_member="ChecksumMode", answers=("CRC64NVME", "CRC32", "CRC32C", "SHA256", "SHA1", "SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128"))),
    "GetObjectAcl": m.OperationModel(name="GetObjectAcl", input=GetObjectAclRequest, output=GetObjectAclOutput, method="GET", uri="/{Bucket}/{Key+}?acl", output_root="AccessControlPolicy"),
    "GetObjectAnnotation": m.OperationModel(name="GetObjectAnnotation", input=GetObjectAnnotationRequest, output=GetObjectAnnotationOutput, method="GET", uri="/{Bucket}/{Key+}?annotation", output_stream="AnnotationPayload", required_query=("annotationName",), checksums=m.Checksums(mode_member="ChecksumMode", answers=("CRC64NVME", "CRC32", "CRC32C", "SHA256", "SHA1", "SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128"))),
    "GetObjectAttributes": m.OperationModel(name="GetObjectAttributes", input=GetObjectAttributesRequest, output=GetObjectAttributesOutput, method="GET", uri="/{Bucket}/{Key+}?attributes", output_root="GetObjectAttributesResponse", required_headers=("x-amz-object-attributes",)),
    "GetObjectLegalHold": m.OperationModel(name="GetObjectLegalHold", input=GetObjectLegalHoldRequest, output=GetObjectLegalHoldOutput, method="GET", uri="/{Bucket}/{Key+}?legal-hold"),
    "GetObjectLockConfiguration": m.OperationModel(name="GetObjectLockConfiguration", input=GetObjectLockConfigurationRequest, output=GetObjectLockConfigurationOutput, method="GET", uri="/{Bucket}?object-lock"),
    "GetObjectRetention": m.OperationModel(name="GetObjectRetention", input=GetObjectRetentionRequest, output=GetObjectRetentionOutput, method="GET", uri="/{Bucket}/{Key+}?retention"),
    "GetObjectTagging": m.OperationModel(name="GetObjectTagging", input=GetObjectTaggingRequest, output=GetObjectTaggingOutput, method="GET", uri="/{Bucket}/{Key+}?tagging", output_root="Tagging"),
    "GetObjectTorrent": m.OperationModel(name="GetObjectTorrent", input=GetObjectTorrentRequest, output=GetObjectTorrentOutput, method="GET", uri="/{Bucket}/{Key+}?torrent", output_stream="Body"),
    "GetPublicAccessBlock": m.OperationModel(name="GetPublicAccessBlock", input=GetPublicAccessBlockRequest, output=GetPublicAccessBlockOutput, method="GET", uri="/{Bucket}?publicAccessBlock"),
    "HeadBucket": m.OperationModel(name="HeadBucket", input=HeadBucketRequest, output=HeadBucketOutput, method="HEAD", uri="/{Bucket}"),
    "HeadObject": m.OperationModel(name="HeadObject", input=HeadObjectRequest, output=HeadObjectOutput, method="HEAD", uri="/{Bucket}/{Key+}"),
    "ListBucketAnalyticsConfigurations": m.OperationModel(name="ListBucketAnalyticsConfigurations", input=ListBucketAnalyticsConfigurationsRequest, output=ListBucketAnalyticsConfigurationsOutput, method="GET", uri="/{Bucket}?analytics", output_root="ListBucketAnalyticsConfigurationResult"),
    "ListBucketIntelligentTieringConfigurations": m.OperationModel(name="ListBucketIntelligentTieringConfigurations", input=ListBucketIntelligentTieringConfigurationsRequest, output=ListBucketIntelligentTieringConfigurationsOutput, method="GET", uri="/{Bucket}?intelligent-tiering", output_root="ListBucketIntelligentTieringConfigurationsOutput"),
    "ListBucketInventoryConfigurations": m.OperationModel(name="ListBucketInventoryConfigurations", input=ListBucketInventoryConfigurationsRequest, output=ListBucketInventoryConfigurationsOutput, method="GET", uri="/{Bucket}?inventory", output_root="ListInventoryConfigurationsResult"),
    "ListBucketMetricsConfigurations": m.OperationModel(name="ListBucketMetricsConfigurations", input=ListBucketMetricsConfigurationsRequest, output=ListBucketMetricsConfigurationsOutput, method="GET", uri="/{Bucket}?metrics", output_root="ListMetricsConfigurationsResult"),
    "ListBuckets": m.OperationModel(name="ListBuckets", input=ListBucketsRequest, output=ListBucketsOutput, method="GET", output_root="ListAllMyBucketsResult"),
    "ListDirectoryBuckets": m.OperationModel(name="ListDirectoryBuckets", input=ListDirectoryBucketsRequest, output=ListDirectoryBucketsOutput, method="GET", output_root="ListAllMyDirectoryBucketsResult"),
    "ListMultipartUploads": m.OperationModel(name="ListMultipartUploads", input=ListMultipartUploadsRequest, output=ListMultipartUploadsOutput, method="GET", uri="/{Bucket}?uploads", output_root="ListMultipartUploadsResult"),
    "ListObjectAnnotations": m.OperationModel(name="ListObjectAnnotations", input=ListObjectAnnotationsRequest, output=ListObjectAnnotationsOutput, method="GET", uri="/{Bucket}/{Key+}?annotation", output_root="ListObjectAnnotationsResult"),
    "ListObjectVersions": m.OperationModel(name="ListObjectVersions", input=ListObjectVersionsRequest, output=ListObjectVersionsOutput, method="GET", uri="/{Bucket}?versions", output_root="ListVersionsResult"),
    "ListObjects": m.OperationModel(name="ListObjects", input=ListObjectsRequest, output=ListObjectsOutput, method="GET", uri="/{Bucket}", output_root="ListBucketResult"),
    "ListObjectsV2": m.OperationModel(name="ListObjectsV2", input=ListObjectsV2Request, output=ListObjectsV2Output, method="GET", uri="/{Bucket}?list-type=2", output_root="ListBucketResult"),
    "ListParts": m.OperationModel(name="ListParts", input=ListPartsRequest, output=ListPartsOutput, method="GET", uri="/{Bucket}/{Key+}", output_root="ListPartsResult", required_query=("uploadId",)),
    "PutBucketAbac": m.OperationModel(name="PutBucketAbac", input=PutBucketAbacRequest, method="PUT", uri="/{Bucket}?abac", checksums=m.Checksums(member="ChecksumAlgorithm")),
    "PutBucketAccelerateConfiguration": m.OperationModel(name="PutBucketAccelerateConfiguration", input=PutBucketAccelerateConfigurationRequest, method="PUT", uri="/{Bucket}?accelerate", checksums=m.Checksums(member="ChecksumAlgorithm")),
    "PutBucketAcl": m.OperationModel(name="PutBucketAcl", input=PutBucketAclRequest, method="PUT", uri="/{Bucket}?acl", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutBucketAnalyticsConfiguration": m.OperationModel(name="PutBucketAnalyticsConfiguration", input=PutBucketAnalyticsConfigurationRequest, method="PUT", uri="/{Bucket}?analytics", required_query=("id",)),
    "PutBucketCors": m.OperationModel(name="PutBucketCors", input=PutBucketCorsRequest, method="PUT", uri="/{Bucket}?cors", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutBucketEncryption": m.OperationModel(name="PutBucketEncryption", input=PutBucketEncryptionRequest, method="PUT", uri="/{Bucket}?encryption", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutBucketIntelligentTieringConfiguration": m.OperationModel(name="PutBucketIntelligentTieringConfiguration", input=PutBucketIntelligentTieringConfigurationRequest, method="PUT", uri="/{Bucket}?intelligent-tiering", required_query=("id",)),
    "PutBucketInventoryConfiguration": m.OperationModel(name="PutBucketInventoryConfiguration", input=PutBucketInventoryConfigurationRequest, method="PUT", uri="/{Bucket}?inventory", required_query=("id",)),
    "PutBucketLifecycle": m.OperationModel(name="PutBucketLifecycle", input=PutBucketLifecycleRequest, method="PUT", uri="/{Bucket}?lifecycle", checksums=m.Checksums(required=True, member="ChecksumAlgorithm"), deprecated=True),
    "PutBucketLifecycleConfiguration": m.OperationModel(name="PutBucketLifecycleConfiguration", input=PutBucketLifecycleConfigurationRequest, output=PutBucketLifecycleConfigurationOutput, method="PUT", uri="/{Bucket}?lifecycle", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutBucketLogging": m.OperationModel(name="PutBucketLogging", input=PutBucketLoggingRequest, method="PUT", uri="/{Bucket}?logging", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutBucketMetricsConfiguration": m.OperationModel(name="PutBucketMetricsConfiguration", input=PutBucketMetricsConfigurationRequest, method="PUT", uri="/{Bucket}?metrics", required_query=("id",)),
    "PutBucketNotification": m.OperationModel(name="PutBucketNotification", input=PutBucketNotificationRequest, method="PUT", uri="/{Bucket}?notification", checksums=m.Checksums(required=True, member="ChecksumAlgorithm"), deprecated=True),
    "PutBucketNotificationConfiguration": m.OperationModel(name="PutBucketNotificationConfiguration", input=PutBucketNotificationConfigurationRequest, method="PUT", uri="/{Bucket}?notification"),
    "PutBucketOwnershipControls": m.OperationModel(name="PutBucketOwnershipControls", input=PutBucketOwnershipControlsRequest, method="PUT", uri="/{Bucket}?ownershipControls", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutBucketPolicy": m.OperationModel(name="PutBucketPolicy", input=PutBucketPolicyRequest, method="PUT", uri="/{Bucket}?policy", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutBucketReplication": m.OperationModel(name="PutBucketReplication", input=PutBucketReplicationRequest, method="PUT", uri="/{Bucket}?replication", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutBucketRequestPayment": m.OperationModel(name="PutBucketRequestPayment", input=PutBucketRequestPaymentRequest, method="PUT", uri="/{Bucket}?requestPayment", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutBucketTagging": m.OperationModel(name="PutBucketTagging", input=PutBucketTaggingRequest, method="PUT", uri="/{Bucket}?tagging", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutBucketVersioning": m.OperationModel(name="PutBucketVersioning", input=PutBucketVersioningRequest, method="PUT", uri="/{Bucket}?versioning", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutBucketWebsite": m.OperationModel(name="PutBucketWebsite", input=PutBucketWebsiteRequest, method="PUT", uri="/{Bucket}?website", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutObject": m.OperationModel(name="PutObject", input=PutObjectRequest, output=PutObjectOutput, method="PUT", uri="/{Bucket}/{Key+}", input_stream="Body", checksums=m.Checksums(member="ChecksumAlgorithm")),
    "PutObjectAcl": m.OperationModel(name="PutObjectAcl", input=PutObjectAclRequest, output=PutObjectAclOutput, method="PUT", uri="/{Bucket}/{Key+}?acl", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutObjectAnnotation": m.OperationModel(name="PutObjectAnnotation", input=PutObjectAnnotationRequest, output=PutObjectAnnotationOutput, method="PUT", uri="/{Bucket}/{Key+}?annotation", input_stream="AnnotationPayload", output_root="PutObjectAnnotationOutput", required_query=("annotationName",), checksums=m.Checksums(member="ChecksumAlgorithm")),
    "PutObjectLegalHold": m.OperationModel(name="PutObjectLegalHold", input=PutObjectLegalHoldRequest, output=PutObjectLegalHoldOutput, method="PUT", uri="/{Bucket}/{Key+}?legal-hold", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutObjectLockConfiguration": m.OperationModel(name="PutObjectLockConfiguration", input=PutObjectLockConfigurationRequest, output=PutObjectLockConfigurationOutput, method="PUT", uri="/{Bucket}?object-lock", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutObjectRetention": m.OperationModel(name="PutObjectRetention", input=PutObjectRetentionRequest, output=PutObjectRetentionOutput, method="PUT", uri="/{Bucket}/{Key+}?retention", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutObjectTagging": m.OperationModel(name="PutObjectTagging", input=PutObjectTaggingRequest, output=PutObjectTaggingOutput, method="PUT", uri="/{Bucket}/{Key+}?tagging", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "PutPublicAccessBlock": m.OperationModel(name="PutPublicAccessBlock", input=PutPublicAccessBlockRequest, method="PUT", uri="/{Bucket}?publicAccessBlock", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "RenameObject": m.OperationModel(name="RenameObject", input=RenameObjectRequest, output=RenameObjectOutput, method="PUT", uri="/{Bucket}/{Key+}?renameObject", required_headers=("x-amz-rename-source",)),
    "RestoreObject": m.OperationModel(name="RestoreObject", input=RestoreObjectRequest, output=RestoreObjectOutput, uri="/{Bucket}/{Key+}?restore", checksums=m.Checksums(member="ChecksumAlgorithm")),
    "SelectObjectContent": m.OperationModel(name="SelectObjectContent", input=SelectObjectContentRequest, output=SelectObjectContentOutput, uri="/{Bucket}/{Key+}?select&select-type=2", output_stream="Payload", input_root="SelectObjectContentRequest"),
    "UpdateBucketMetadataAnnotationTableConfiguration": m.OperationModel(name="UpdateBucketMetadataAnnotationTableConfiguration", input=UpdateBucketMetadataAnnotationTableConfigurationRequest, method="PUT", uri="/{Bucket}?metadataAnnotationTable", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "UpdateBucketMetadataInventoryTableConfiguration": m.OperationModel(name="UpdateBucketMetadataInventoryTableConfiguration", input=UpdateBucketMetadataInventoryTableConfigurationRequest, method="PUT", uri="/{Bucket}?metadataInventoryTable", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "UpdateBucketMetadataJournalTableConfiguration": m.OperationModel(name="UpdateBucketMetadataJournalTableConfiguration", input=UpdateBucketMetadataJournalTableConfigurationRequest, method="PUT", uri="/{Bucket}?metadataJournalTable", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "UpdateObjectEncryption": m.OperationModel(name="UpdateObjectEncryption", input=UpdateObjectEncryptionRequest, output=UpdateObjectEncryptionResponse, method="PUT", uri="/{Bucket}/{Key+}?encryption", checksums=m.Checksums(required=True, member="ChecksumAlgorithm")),
    "UploadPart": m.OperationModel(name="UploadPart", input=UploadPartRequest, output=UploadPartOutput, method="PUT", uri="/{Bucket}/{Key+}", input_stream="Body", required_query=("partNumber", "uploadId"), checksums=m.Checksums(member="ChecksumAlgorithm")),
    "UploadPartCopy": m.OperationModel(name="UploadPartCopy", input=UploadPartCopyRequest, output=UploadPartCopyOutput, method="PUT", uri="/{Bucket}/{Key+}", required_query=("partNumber", "uploadId"), required_headers=("x-amz-copy-source",)),
    "WriteGetObjectResponse": m.OperationModel(name="WriteGetObjectResponse", input=WriteGetObjectResponseRequest, uri="/WriteGetObjectResponse", input_stream="Body", required_headers=("x-amz-request-route", "x-amz-request-token")),
}

ERRORS = {
    "AccessDenied": m.ErrorModel("AccessDenied", "AccessDenied", 403),
    "AnnotationLimitExceeded": m.ErrorModel("AnnotationLimitExceeded", "AnnotationLimitExceeded", 400),
    "AnnotationNameTooLong": m.ErrorModel("AnnotationNameTooLong", "AnnotationNameTooLong", 400),
    "BucketAlreadyExists": m.ErrorModel("BucketAlreadyExists", "BucketAlreadyExists", 409),
    "BucketAlreadyOwnedByYou": m.ErrorModel("BucketAlreadyOwnedByYou", "BucketAlreadyOwnedByYou", 409),
    "EncryptionTypeMismatch": m.ErrorModel("EncryptionTypeMismatch", "EncryptionTypeMismatch", 400),
    "IdempotencyParameterMismatch": m.ErrorModel("IdempotencyParameterMismatch", "IdempotencyParameterMismatch", 400),
    "InvalidAnnotationName": m.ErrorModel("InvalidAnnotationName", "InvalidAnnotationName", 400),
    "InvalidObjectState": m.ErrorModel("InvalidObjectState", "InvalidObjectState", 403, members=("StorageClass", "AccessTier")),
    "InvalidPrefix": m.ErrorModel("InvalidPrefix", "InvalidPrefix", 400),
    "InvalidRequest": m.ErrorModel("InvalidRequest", "InvalidRequest", 400),
    "InvalidWriteOffset": m.ErrorModel("InvalidWriteOffset", "InvalidWriteOffset", 400),
    "NoSuchAnnotation": m.ErrorModel("NoSuchAnnotation", "NoSuchAnnotation", 404),
    "NoSuchBucket": m.ErrorModel("NoSuchBucket", "NoSuchBucket", 404),
    "NoSuchKey": m.ErrorModel("NoSuchKey", "NoSuchKey", 404),
    "NoSuchUpload": m.ErrorModel("NoSuchUpload", "NoSuchUpload", 404),
    "ObjectAlreadyInActiveTierError": m.ErrorModel("ObjectAlreadyInActiveTierError", "ObjectAlreadyInActiveTierError", 403),
    "ObjectNotInActiveTierError": m.ErrorModel("ObjectNotInActiveTierError", "ObjectNotInActiveTierError", 403),
    "TooManyParts": m.ErrorModel("TooManyParts", "TooManyParts", 400),
    "UnsupportedMediaType": m.ErrorModel("UnsupportedMediaType", "UnsupportedMediaType", 415),
}

SERVICE = m.ServiceModel(
    name="s3",
    api_version="2006-03-01",
    endpoint_prefix="s3",
    protocols=("rest-xml",),
    operations=OPERATIONS,
    errors=ERRORS,
    xml_namespace="http://s3.amazonaws.com/doc/2006-03-01/",
)
