"""The AWS edge of the room: KMS's operations <-> the model.

Knows AWS's shapes (`aws_kms`, generated) and the service's one door, `call`; authorises nothing. What is not in the
table (asymmetric keys, MACs, imported material, key stores, grants) the gateway refuses by name.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from cumulo.core.context import CallContext
from cumulo.core.errors import ACCESS_DENIED, ErrorRow, ServiceError, Status
from cumulo.core.lazy import LazyModule
from cumulo.core.operations import Result
from cumulo.gateway.aws_service import AwsCall, AwsService, Handler, InputErrors
from cumulo.key_service import model
from cumulo.key_service.errors import INVALID_CIPHERTEXT, TAG, UNSUPPORTED, VALIDATION, WRONG
from cumulo.key_service.naming import constraint, shown

BODY_BYTES_MAX: Final = 1024 * 1024
SYMMETRIC: Final = "SYMMETRIC_DEFAULT"
_KEY_SPECS: Final = (
    *("RSA_2048", "ECC_NIST_P384", "ECC_NIST_P256", "ECC_NIST_P521", "HMAC_384", "RSA_3072", "ECC_SECG_P256K1"),
    *("RSA_4096", SYMMETRIC, "HMAC_256", "HMAC_224", "HMAC_512"),
)
_KEY_USAGES: Final = ("ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC")
"""What KMS names to whom asks for anything else, in its order."""
_LATER: Final = frozenset(
    (
        *("ECC_NIST_EDWARDS25519", "ML_DSA_44", "ML_DSA_65", "ML_DSA_87", "ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"),
        *("SM2", "KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE"),
    )
)
"""Values that KMS knows beside these."""
_DATA_KEY_BYTES: Final = {"AES_256": 32, "AES_128": 16}
_aws: Any = LazyModule("cumulo.key_service.aws_kms")
_ACCESS_DENIED = ErrorRow("AccessDeniedException", 400, Status.PERMISSION_DENIED, "{reason}")
_INVALID_CIPHERTEXT = ErrorRow(INVALID_CIPHERTEXT.code, 400, Status.INVALID_ARGUMENT, "")
"""KMS says no word about a ciphertext that does not open."""

INPUT_ERRORS = InputErrors(
    missing=ErrorRow(
        VALIDATION.code,
        400,
        Status.INVALID_ARGUMENT,
        "1 validation error detected: Value null at '{parameter}' failed to satisfy constraint: Member must not be"
        " null",
    ),
    malformed=ErrorRow(
        "SerializationException", 400, Status.INVALID_ARGUMENT, "The parameter {parameter} cannot be read: {allowed}."
    ),
    unknown_operation=ErrorRow(
        "UnknownOperationException", 400, Status.UNIMPLEMENTED, "The operation {operation} is not one of KMS's."
    ),
    too_large=ErrorRow(
        "RequestEntityTooLargeException", 413, Status.INVALID_ARGUMENT, "The request is larger than {allowed} bytes."
    ),
)


class KeyDoor(Protocol):
    """The service, as the edge sees it."""

    async def call(
        self, ctx: CallContext, operation: str, request: Any, body: AsyncIterator[memoryview] | None = None
    ) -> Result:
        """Run one operation."""
        ...


Row = tuple[Callable[[Any], Any], Callable[[Any], Any]]
"""From AWS's input to the room's request, and from the room's answer to AWS's output."""


def edge(service: KeyDoor) -> AwsService:
    """Return KMS on this room."""
    return AwsService(
        name="kms",
        api_version="2014-11-01",
        target_prefix="TrentService",
        load=lambda: _aws.SERVICE,
        handlers={operation: _handler(service, row) for operation, row in _rows().items()},
        input_errors=INPUT_ERRORS,
        body_bytes_max=BODY_BYTES_MAX,
    )


def _handler(service: KeyDoor, row: Row) -> Handler:
    parse, render = row

    async def handle(call: AwsCall) -> Any:
        request = parse(call.request)
        try:
            result = await service.call(call.ctx, type(request).__name__, request)
        except ServiceError as error:
            if error.row is ACCESS_DENIED:
                raise _ACCESS_DENIED.error(**error.values) from None
            if error.row is INVALID_CIPHERTEXT:
                raise _INVALID_CIPHERTEXT.error() from None
            raise
        return render(result.value)

    handler: Callable[[AwsCall], Awaitable[Any]] = handle
    return handler


def _nothing(_value: Any) -> None:
    return None


def _named(kind: type) -> Callable[[Any], Any]:
    """Return what reads a request that only names a key."""
    return lambda asked: kind(asked.KeyId)


def _rows() -> Mapping[str, Row]:
    return {
        "CreateKey": (_create_key, lambda key: _aws.CreateKeyResponse(KeyMetadata=_metadata(key))),
        "DescribeKey": (
            _named(model.DescribeKey),
            lambda key: _aws.DescribeKeyResponse(KeyMetadata=_metadata(key)),
        ),
        "ListKeys": (
            lambda asked: model.ListKeys(**_paging(asked)),
            lambda page: _aws.ListKeysResponse(
                Keys=[_aws.KeyListEntry(KeyId=key.key_id, KeyArn=key.arn) for key in page.items], **_more(page)
            ),
        ),
        "EnableKey": (_named(model.EnableKey), _nothing),
        "DisableKey": (_named(model.DisableKey), _nothing),
        "UpdateKeyDescription": (lambda asked: model.UpdateKeyDescription(asked.KeyId, asked.Description), _nothing),
        "ScheduleKeyDeletion": (_schedule_deletion, _deletion_scheduled),
        "CancelKeyDeletion": (
            _named(model.CancelKeyDeletion),
            lambda arn: _aws.CancelKeyDeletionResponse(KeyId=arn),
        ),
        "GetKeyPolicy": (
            _policy_named(model.GetKeyPolicy),
            lambda text: _aws.GetKeyPolicyResponse(Policy=text, PolicyName=model.POLICY_NAME),
        ),
        "PutKeyPolicy": (_put_policy, _nothing),
        "ListKeyPolicies": (
            _named(model.ListKeyPolicies),
            lambda page: _aws.ListKeyPoliciesResponse(PolicyNames=list(page.items), **_more(page)),
        ),
        "CreateAlias": (lambda asked: model.CreateAlias(asked.AliasName, asked.TargetKeyId), _nothing),
        "UpdateAlias": (lambda asked: model.UpdateAlias(asked.AliasName, asked.TargetKeyId), _nothing),
        "DeleteAlias": (lambda asked: model.DeleteAlias(asked.AliasName), _nothing),
        "ListAliases": (
            lambda asked: model.ListAliases(asked.KeyId or "", **_paging(asked)),
            lambda page: _aws.ListAliasesResponse(Aliases=[_alias(it) for it in page.items], **_more(page)),
        ),
        "EnableKeyRotation": (_enable_rotation, _nothing),
        "DisableKeyRotation": (_named(model.DisableKeyRotation), _nothing),
        "GetKeyRotationStatus": (_named(model.GetKeyRotationStatus), _rotation_status),
        "RotateKeyOnDemand": (
            _named(model.RotateKeyOnDemand),
            lambda arn: _aws.RotateKeyOnDemandResponse(KeyId=arn),
        ),
        "ListKeyRotations": (_list_rotations, _rotations),
        "TagResource": (
            lambda asked: model.TagResource(asked.KeyId, _tags(asked.Tags)),
            _nothing,
        ),
        "UntagResource": (lambda asked: model.UntagResource(asked.KeyId, tuple(asked.TagKeys)), _nothing),
        "ListResourceTags": (
            lambda asked: model.ListResourceTags(asked.KeyId, **_paging(asked)),
            lambda page: _aws.ListResourceTagsResponse(
                Tags=[_aws.Tag(TagKey=name, TagValue=value) for name, value in page.items], **_more(page)
            ),
        ),
        "Encrypt": (
            lambda asked: model.Encrypt(
                asked.KeyId, _only_symmetric(asked).Plaintext, asked.EncryptionContext or {}, bool(asked.DryRun)
            ),
            lambda made: _aws.EncryptResponse(
                CiphertextBlob=made.ciphertext, KeyId=made.key_arn, EncryptionAlgorithm=SYMMETRIC
            ),
        ),
        "Decrypt": (_decrypt, _decrypted),
        "ReEncrypt": (_re_encrypt, _re_encrypted),
        "GenerateDataKey": (
            lambda asked: _data_key_request(asked, model.GenerateDataKey),
            lambda made: _aws.GenerateDataKeyResponse(
                CiphertextBlob=made.ciphertext,
                Plaintext=made.plaintext,
                KeyId=made.key_arn,
                KeyMaterialId=made.material_id,
            ),
        ),
        "GenerateDataKeyWithoutPlaintext": (
            lambda asked: _data_key_request(asked, model.GenerateDataKeyWithoutPlaintext),
            lambda made: _aws.GenerateDataKeyWithoutPlaintextResponse(
                CiphertextBlob=made.ciphertext, KeyId=made.key_arn, KeyMaterialId=made.material_id
            ),
        ),
        "GenerateRandom": (
            _random,
            lambda made: _aws.GenerateRandomResponse(Plaintext=made),
        ),
    }


# Keys


def _create_key(asked: Any) -> model.CreateKey:
    spec = asked.KeySpec or asked.CustomerMasterKeySpec
    _require_known("keyUsage", asked.KeyUsage, _KEY_USAGES)
    _require_known("keySpec", spec, _KEY_SPECS)
    if spec not in (None, SYMMETRIC) and asked.KeyUsage is None:
        raise WRONG.error(
            reason="You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
        )
    usual = (
        ("KeyUsage", asked.KeyUsage, ("ENCRYPT_DECRYPT",)),
        ("KeySpec", spec, (SYMMETRIC,)),
        ("Origin", asked.Origin, ("AWS_KMS",)),
        ("CustomKeyStoreId", asked.CustomKeyStoreId, ()),
        ("XksKeyId", asked.XksKeyId, ()),
        ("MultiRegion", "true" if asked.MultiRegion else None, ()),
    )
    for parameter, value, offered in usual:
        if value is not None and value not in offered:
            allowed = f"only {offered[0]} is offered" if offered else "not offered"
            raise UNSUPPORTED.error(reason=f"{parameter} {value}: {allowed}; see docs/compatibility.md.")
    return model.CreateKey(
        description=asked.Description or "",
        policy=asked.Policy or "",
        tags=_tags(asked.Tags or []),
        may_lock_out=bool(asked.BypassPolicyLockoutSafetyCheck),
    )


def _require_known(parameter: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known and value not in _LATER:
        raise constraint(parameter, shown(value), f"satisfy enum value set: [{', '.join(known)}]")


def _tags(asked: Sequence[Any]) -> dict[str, str]:
    tags = {tag.TagKey: tag.TagValue for tag in asked}
    if len(tags) < len(asked):
        raise TAG.error(reason="Duplicate tag keys")
    return tags


def _metadata(key: model.Key) -> Any:
    state = "PendingDeletion" if key.deletion_ms else "Enabled" if key.is_enabled else "Disabled"
    return _aws.KeyMetadata(
        AWSAccountId=key.account,
        KeyId=key.key_id,
        Arn=key.arn,
        CreationDate=key.create_ms,
        Enabled=key.is_enabled,
        Description=key.description,
        KeyUsage="ENCRYPT_DECRYPT",
        KeyState=state,
        DeletionDate=key.deletion_ms or None,
        Origin="AWS_KMS",
        KeyManager="AWS" if key.is_managed else "CUSTOMER",
        CustomerMasterKeySpec=SYMMETRIC,
        KeySpec=SYMMETRIC,
        EncryptionAlgorithms=[SYMMETRIC],
        MultiRegion=False,
        CurrentKeyMaterialId=key.material_id,
    )


def _schedule_deletion(asked: Any) -> model.ScheduleKeyDeletion:
    days = asked.PendingWindowInDays
    return model.ScheduleKeyDeletion(asked.KeyId, model.DELETION_DAYS_MAX if days is None else days)


def _deletion_scheduled(it: model.ScheduledDeletion) -> Any:
    return _aws.ScheduleKeyDeletionResponse(
        KeyId=it.arn,
        DeletionDate=it.deletion_ms,
        KeyState="PendingDeletion",
        PendingWindowInDays=it.pending_days,
    )


def _policy_named(kind: type) -> Callable[[Any], Any]:
    def parse(asked: Any) -> Any:
        _require_default(asked)
        return kind(asked.KeyId)

    return parse


def _put_policy(asked: Any) -> model.PutKeyPolicy:
    _require_default(asked)
    return model.PutKeyPolicy(asked.KeyId, asked.Policy, may_lock_out=bool(asked.BypassPolicyLockoutSafetyCheck))


def _require_default(asked: Any) -> None:
    if asked.PolicyName not in (None, model.POLICY_NAME):
        raise constraint("policyName", asked.PolicyName[:128], f"be {model.POLICY_NAME}")


def _alias(it: model.Alias) -> Any:
    return _aws.AliasListEntry(
        AliasName=it.name,
        AliasArn=it.arn,
        TargetKeyId=it.key_id,
        CreationDate=it.create_ms,
        LastUpdatedDate=it.update_ms,
    )


# Rotation


def _enable_rotation(asked: Any) -> model.EnableKeyRotation:
    days = asked.RotationPeriodInDays
    return model.EnableKeyRotation(asked.KeyId, model.ROTATION_DAYS_DEFAULT if days is None else days)


def _rotation_status(status: model.RotationStatus) -> Any:
    return _aws.GetKeyRotationStatusResponse(
        KeyRotationEnabled=status.is_enabled,
        KeyId=status.arn,
        RotationPeriodInDays=status.period_days or None,
        NextRotationDate=status.next_ms or None,
    )


def _list_rotations(asked: Any) -> model.ListKeyRotations:
    which = asked.IncludeKeyMaterial
    if which not in (None, "ROTATIONS_ONLY", "ALL_KEY_MATERIAL"):
        raise constraint("includeKeyMaterial", which[:128], "be one of ROTATIONS_ONLY, ALL_KEY_MATERIAL")
    return model.ListKeyRotations(asked.KeyId, which == "ALL_KEY_MATERIAL", **_paging(asked))


def _rotations(page: model.Page) -> Any:
    entries = [
        _aws.RotationsListEntry(
            KeyMaterialId=rotation.material_id,
            KeyMaterialState="CURRENT" if rotation.is_current else "NON_CURRENT",
            RotationDate=rotation.rotate_ms or None,
            RotationType=("ON_DEMAND" if rotation.on_demand else "AUTOMATIC") if rotation.rotate_ms else None,
        )
        for rotation in page.items
        if isinstance(rotation, model.Rotation)
    ]
    return _aws.ListKeyRotationsResponse(Rotations=entries, **_more(page))


# Ciphertexts


def _only_symmetric(asked: Any) -> Any:
    """Refuse what needs another kind of key."""
    _require_algorithm("encryptionAlgorithm", asked.EncryptionAlgorithm)
    return asked


def _require_algorithm(parameter: str, value: str | None) -> None:
    if value not in (None, SYMMETRIC):
        raise constraint(parameter, value[:128], f"be {SYMMETRIC}")


def _refuse_recipient(asked: Any) -> None:
    if asked.Recipient is not None:
        raise UNSUPPORTED.error(reason="Recipient: attested enclaves are not offered; see docs/compatibility.md.")


def _decrypt(asked: Any) -> model.Decrypt:
    _only_symmetric(asked)
    _refuse_recipient(asked)
    if asked.CiphertextBlob is None:
        raise INPUT_ERRORS.missing.error(parameter="ciphertextBlob")
    return model.Decrypt(asked.CiphertextBlob, asked.KeyId or "", asked.EncryptionContext or {}, bool(asked.DryRun))


def _decrypted(made: model.Decrypted) -> Any:
    return _aws.DecryptResponse(
        KeyId=made.key_arn, Plaintext=made.plaintext, EncryptionAlgorithm=SYMMETRIC, KeyMaterialId=made.material_id
    )


def _re_encrypt(asked: Any) -> model.ReEncrypt:
    _require_algorithm("sourceEncryptionAlgorithm", asked.SourceEncryptionAlgorithm)
    _require_algorithm("destinationEncryptionAlgorithm", asked.DestinationEncryptionAlgorithm)
    if asked.CiphertextBlob is None:
        raise INPUT_ERRORS.missing.error(parameter="ciphertextBlob")
    return model.ReEncrypt(
        asked.CiphertextBlob,
        asked.DestinationKeyId,
        asked.DestinationEncryptionContext or {},
        asked.SourceKeyId or "",
        asked.SourceEncryptionContext or {},
        bool(asked.DryRun),
    )


def _re_encrypted(made: model.Encrypted) -> Any:
    return _aws.ReEncryptResponse(
        CiphertextBlob=made.ciphertext,
        SourceKeyId=made.source_arn,
        KeyId=made.key_arn,
        SourceEncryptionAlgorithm=SYMMETRIC,
        DestinationEncryptionAlgorithm=SYMMETRIC,
        SourceKeyMaterialId=made.source_material_id,
        DestinationKeyMaterialId=made.material_id,
    )


def _data_key_request(asked: Any, kind: type) -> Any:
    if kind is model.GenerateDataKey:
        _refuse_recipient(asked)
    if (asked.KeySpec is None) == (asked.NumberOfBytes is None):
        raise WRONG.error(reason="Please specify either number of bytes or key spec.")
    size = asked.NumberOfBytes
    if size is None:
        size = _DATA_KEY_BYTES.get(asked.KeySpec)
        if size is None:
            raise constraint("keySpec", asked.KeySpec[:128], f"be one of {', '.join(_DATA_KEY_BYTES)}")
    return kind(asked.KeyId, size, asked.EncryptionContext or {}, bool(asked.DryRun))


def _random(asked: Any) -> model.GenerateRandom:
    if asked.NumberOfBytes is None:
        raise WRONG.error(reason="NumberOfBytes is required.")
    return model.GenerateRandom(asked.NumberOfBytes)


# Pages


def _paging(asked: Any) -> dict[str, Any]:
    if asked.Limit is not None and asked.Limit < 1:
        raise constraint("limit", asked.Limit, "have value greater than or equal to 1")
    return {"page_size": asked.Limit or 0, "page_token": asked.Marker or ""}


def _more(page: model.Page) -> dict[str, Any]:
    """Return how a page says whether more follow: no marker where none do."""
    if not page.next_page_token:
        return {"Truncated": False}
    return {"Truncated": True, "NextMarker": page.next_page_token}
