"""The gRPC edge of the room: proto <-> model, one row an RPC.

Owns the names of keys and aliases as the contract spells them, which the room knows as ARNs and ids. Decides nothing;
what a value may be is checked behind it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import grpc
from google.protobuf.message import Message as ProtoMessage

from cumulo.api.keys.v1 import keys_pb2 as pb
from cumulo.core.context import CallContext
from cumulo.core.names import parse_arn, resource_name
from cumulo.gateway.rpc import CallableService, RpcAdaptor, UnaryRow, parser
from cumulo.key_service import model
from cumulo.key_service.entrances import SERVICE_NAME
from cumulo.key_service.errors import WRONG

DATA_KEY_BYTES_DEFAULT: Final = 32
_ALIAS: Final = "alias/"
_FULL_NAME = re.compile(r"accounts/([0-9]{12})/regions/([a-z0-9-]{1,63})/(keys|aliases)/(.+)").fullmatch


def handlers(service: CallableService, rpc: RpcAdaptor) -> grpc.GenericRpcHandler:
    """Return the handlers of KeyService."""
    return grpc.method_handlers_generic_handler(
        SERVICE_NAME,
        {
            name: grpc.unary_unary_rpc_method_handler(
                rpc.unary(service, SERVICE_NAME, operation, decode, encode), parser(request.FromString), _serialize
            )
            for name, (operation, (request, decode, encode)) in ROWS.items()
        },
    )


def _serialize(message: ProtoMessage) -> bytes:
    return message.SerializeToString()


# Names


def key_id_of(name: str) -> str:
    """Return what the room takes for the name of a key or alias; what is no full name is passed on as it is."""
    full = _FULL_NAME(name)
    if full is None:
        return name
    account, region, collection, rest = full.groups()
    if collection == "keys":
        return model.key_arn(account, region, rest)
    return model.alias_arn(account, region, _ALIAS + rest)


def alias_of(name: str, ctx: CallContext) -> str:
    """Return the `alias/…` of an alias that is to be made or changed, which is one of the caller's."""
    full = _FULL_NAME(name)
    if full is None:
        return name
    account, region, collection, rest = full.groups()
    if (account, region, collection) != (ctx.principal.account, ctx.region, "aliases"):
        raise WRONG.error(reason="Invalid identifier: an alias is one of the caller's account and region")
    return _ALIAS + rest


def name_of(arn: str) -> str:
    """Return the full name of the key or alias of an ARN."""
    parsed = parse_arn(arn)
    assert parsed is not None, arn
    kind, _, rest = parsed.resource.partition("/")
    return resource_name(parsed.account, parsed.region, "keys" if kind == "key" else "aliases", rest)


# Answers


def _key(it: model.Key) -> pb.Key:
    state = pb.KEY_STATE_ENABLED if it.is_enabled else pb.KEY_STATE_DISABLED
    return pb.Key(
        name=name_of(it.arn),
        arn=it.arn,
        description=it.description,
        state=pb.KEY_STATE_PENDING_DELETION if it.deletion_ms else state,
        is_managed=it.is_managed,
        create_ms=it.create_ms,
        deletion_ms=it.deletion_ms,
        material_id=it.material_id,
    )


def _keys(page: model.Page) -> pb.ListKeysResponse:
    keys = [pb.Key(name=name_of(it.arn), arn=it.arn) for it in page.items if isinstance(it, model.KeyEntry)]
    return pb.ListKeysResponse(keys=keys, next_page_token=page.next_page_token)


def _aliases(page: model.Page) -> pb.ListAliasesResponse:
    aliases = [_alias(it) for it in page.items if isinstance(it, model.Alias)]
    return pb.ListAliasesResponse(aliases=aliases, next_page_token=page.next_page_token)


def _alias(it: model.Alias) -> pb.Alias:
    name = name_of(it.arn)
    key = name[: name.index("/aliases/")] + f"/keys/{it.key_id}"  # a key and its aliases are of one account and region
    return pb.Alias(name=name, arn=it.arn, key=key, create_ms=it.create_ms, update_ms=it.update_ms)


def _rotations(page: model.Page) -> pb.ListKeyRotationsResponse:
    rotations = [_rotation(it) for it in page.items if isinstance(it, model.Rotation)]
    return pb.ListKeyRotationsResponse(rotations=rotations, next_page_token=page.next_page_token)


def _rotation(it: model.Rotation) -> pb.Rotation:
    asked = pb.ROTATION_KIND_ON_DEMAND if it.on_demand else pb.ROTATION_KIND_AUTOMATIC
    return pb.Rotation(
        material_id=it.material_id,
        kind=asked if it.rotate_ms else pb.ROTATION_KIND_UNSPECIFIED,
        is_current=it.is_current,
        rotate_ms=it.rotate_ms,
    )


def _re_encrypted(it: model.Encrypted) -> pb.ReEncryptResponse:
    return pb.ReEncryptResponse(
        ciphertext=it.ciphertext,
        key=name_of(it.key_arn),
        material_id=it.material_id,
        source_key=name_of(it.source_arn),
        source_material_id=it.source_material_id,
    )


# Requests


def _about(kind: Callable[..., Any], **fields: str) -> Callable[[Any, CallContext], Any]:
    """Return the decoder of a request about a key: its `name`, and these fields of the message by the room's names."""

    def decode(it: Any, _: CallContext) -> Any:
        return kind(key_id_of(it.name), **{ours: getattr(it, theirs) for ours, theirs in fields.items()})

    return decode


def _change(kind: Callable[..., Any], **fields: str) -> Callable[[Any, CallContext], Any]:
    return _about(kind, request_id="request_id", **fields)


def _given(it: Any, field: str, default: int) -> int:
    value: int = getattr(it, field)
    return value if it.HasField(field) else default


def _data_key_request(kind: Callable[..., Any]) -> Callable[[Any, CallContext], Any]:
    return lambda it, _: kind(
        key_id_of(it.key), _given(it, "size_bytes", DATA_KEY_BYTES_DEFAULT), context=dict(it.context)
    )


def _nothing(answer: Callable[[], ProtoMessage]) -> Callable[[Any], ProtoMessage]:
    return lambda _: answer()


_KEYS: Mapping[str, tuple[str, UnaryRow]] = {
    "CreateKey": (
        "CreateKey",
        (
            pb.CreateKeyRequest,
            lambda it, _: model.CreateKey(
                description=it.key.description,
                policy=it.policy,
                tags=dict(it.tags),
                may_lock_out=it.may_lock_out,
                request_id=it.request_id,
            ),
            lambda it: pb.CreateKeyResponse(key=_key(it)),
        ),
    ),
    "GetKey": (
        "DescribeKey",
        (pb.GetKeyRequest, _about(model.DescribeKey), lambda it: pb.GetKeyResponse(key=_key(it))),
    ),
    "ListKeys": (
        "ListKeys",
        (pb.ListKeysRequest, lambda it, _: model.ListKeys(it.page_size, it.page_token), _keys),
    ),
    "UpdateKey": (
        "UpdateKeyDescription",
        (
            pb.UpdateKeyRequest,
            lambda it, _: model.UpdateKeyDescription(key_id_of(it.key.name), it.key.description, it.request_id),
            _nothing(pb.UpdateKeyResponse),
        ),
    ),
    "EnableKey": ("EnableKey", (pb.EnableKeyRequest, _change(model.EnableKey), _nothing(pb.EnableKeyResponse))),
    "DisableKey": ("DisableKey", (pb.DisableKeyRequest, _change(model.DisableKey), _nothing(pb.DisableKeyResponse))),
    "ScheduleKeyDeletion": (
        "ScheduleKeyDeletion",
        (
            pb.ScheduleKeyDeletionRequest,
            lambda it, _: model.ScheduleKeyDeletion(
                key_id_of(it.name), _given(it, "pending_days", model.DELETION_DAYS_MAX), it.request_id
            ),
            lambda it: pb.ScheduleKeyDeletionResponse(deletion_ms=it.deletion_ms),
        ),
    ),
    "CancelKeyDeletion": (
        "CancelKeyDeletion",
        (pb.CancelKeyDeletionRequest, _change(model.CancelKeyDeletion), _nothing(pb.CancelKeyDeletionResponse)),
    ),
    "GetKeyPolicy": (
        "GetKeyPolicy",
        (pb.GetKeyPolicyRequest, _about(model.GetKeyPolicy), lambda text: pb.GetKeyPolicyResponse(policy=text)),
    ),
    "PutKeyPolicy": (
        "PutKeyPolicy",
        (
            pb.PutKeyPolicyRequest,
            _change(model.PutKeyPolicy, policy="policy", may_lock_out="may_lock_out"),
            _nothing(pb.PutKeyPolicyResponse),
        ),
    ),
    "TagKey": (
        "TagResource",
        (
            pb.TagKeyRequest,
            lambda it, _: model.TagResource(key_id_of(it.name), dict(it.tags), it.request_id),
            _nothing(pb.TagKeyResponse),
        ),
    ),
    "UntagKey": (
        "UntagResource",
        (
            pb.UntagKeyRequest,
            lambda it, _: model.UntagResource(key_id_of(it.name), tuple(it.tag_keys), it.request_id),
            _nothing(pb.UntagKeyResponse),
        ),
    ),
    "ListKeyTags": (
        "ListResourceTags",
        (
            pb.ListKeyTagsRequest,
            lambda it, _: model.ListResourceTags(key_id_of(it.name), model.TAGS_MAX),
            lambda page: pb.ListKeyTagsResponse(tags=dict(page.items)),
        ),
    ),
}
_ALIASES: Mapping[str, tuple[str, UnaryRow]] = {
    "CreateAlias": (
        "CreateAlias",
        (
            pb.CreateAliasRequest,
            lambda it, ctx: model.CreateAlias(alias_of(it.alias.name, ctx), key_id_of(it.alias.key), it.request_id),
            _nothing(pb.CreateAliasResponse),
        ),
    ),
    "UpdateAlias": (
        "UpdateAlias",
        (
            pb.UpdateAliasRequest,
            lambda it, ctx: model.UpdateAlias(alias_of(it.alias.name, ctx), key_id_of(it.alias.key), it.request_id),
            _nothing(pb.UpdateAliasResponse),
        ),
    ),
    "DeleteAlias": (
        "DeleteAlias",
        (
            pb.DeleteAliasRequest,
            lambda it, ctx: model.DeleteAlias(alias_of(it.name, ctx), it.request_id),
            _nothing(pb.DeleteAliasResponse),
        ),
    ),
    "ListAliases": (
        "ListAliases",
        (
            pb.ListAliasesRequest,
            lambda it, _: model.ListAliases(key_id_of(it.key), it.page_size, it.page_token),
            _aliases,
        ),
    ),
}
_ROTATION: Mapping[str, tuple[str, UnaryRow]] = {
    "EnableKeyRotation": (
        "EnableKeyRotation",
        (
            pb.EnableKeyRotationRequest,
            lambda it, _: model.EnableKeyRotation(
                key_id_of(it.name), _given(it, "every_days", model.ROTATION_DAYS_DEFAULT), it.request_id
            ),
            _nothing(pb.EnableKeyRotationResponse),
        ),
    ),
    "DisableKeyRotation": (
        "DisableKeyRotation",
        (pb.DisableKeyRotationRequest, _change(model.DisableKeyRotation), _nothing(pb.DisableKeyRotationResponse)),
    ),
    "GetKeyRotation": (
        "GetKeyRotationStatus",
        (
            pb.GetKeyRotationRequest,
            _about(model.GetKeyRotationStatus),
            lambda it: pb.GetKeyRotationResponse(
                is_enabled=it.is_enabled, every_days=it.period_days, next_ms=it.next_ms
            ),
        ),
    ),
    "RotateKey": (
        "RotateKeyOnDemand",
        (pb.RotateKeyRequest, _change(model.RotateKeyOnDemand), _nothing(pb.RotateKeyResponse)),
    ),
    "ListKeyRotations": (
        "ListKeyRotations",
        (
            pb.ListKeyRotationsRequest,
            lambda it, _: model.ListKeyRotations(key_id_of(it.name), it.with_first, it.page_size, it.page_token),
            _rotations,
        ),
    ),
}
_USES: Mapping[str, tuple[str, UnaryRow]] = {
    "Encrypt": (
        "Encrypt",
        (
            pb.EncryptRequest,
            lambda it, _: model.Encrypt(key_id_of(it.key), it.plaintext, dict(it.context)),
            lambda it: pb.EncryptResponse(
                ciphertext=it.ciphertext, key=name_of(it.key_arn), material_id=it.material_id
            ),
        ),
    ),
    "Decrypt": (
        "Decrypt",
        (
            pb.DecryptRequest,
            lambda it, _: model.Decrypt(it.ciphertext, key_id_of(it.key), dict(it.context)),
            lambda it: pb.DecryptResponse(plaintext=it.plaintext, key=name_of(it.key_arn), material_id=it.material_id),
        ),
    ),
    "ReEncrypt": (
        "ReEncrypt",
        (
            pb.ReEncryptRequest,
            lambda it, _: model.ReEncrypt(
                it.ciphertext,
                key_id_of(it.key),
                dict(it.context),
                key_id_of(it.source_key),
                dict(it.source_context),
            ),
            _re_encrypted,
        ),
    ),
    "GenerateDataKey": (
        "GenerateDataKey",
        (
            pb.GenerateDataKeyRequest,
            _data_key_request(model.GenerateDataKey),
            lambda it: pb.GenerateDataKeyResponse(
                plaintext=it.plaintext,
                ciphertext=it.ciphertext,
                key=name_of(it.key_arn),
                material_id=it.material_id,
            ),
        ),
    ),
    "GenerateDataKeyWithoutPlaintext": (
        "GenerateDataKeyWithoutPlaintext",
        (
            pb.GenerateDataKeyWithoutPlaintextRequest,
            _data_key_request(model.GenerateDataKeyWithoutPlaintext),
            lambda it: pb.GenerateDataKeyWithoutPlaintextResponse(
                ciphertext=it.ciphertext, key=name_of(it.key_arn), material_id=it.material_id
            ),
        ),
    ),
    "GenerateRandom": (
        "GenerateRandom",
        (
            pb.GenerateRandomRequest,
            lambda it, _: model.GenerateRandom(it.size_bytes),
            lambda made: pb.GenerateRandomResponse(plaintext=made),
        ),
    ),
}
ROWS: Mapping[str, tuple[str, UnaryRow]] = {**_KEYS, **_ALIASES, **_ROTATION, **_USES}
"""The operation of each RPC, its request, and both conversions."""
