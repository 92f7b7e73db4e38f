"""The operation table: the room on one page.

Each row names an operation, what it checks, and the function that does it. Actions are those of KMS ("Actions,
resources, and condition keys for AWS Key Management Service"), as which the operations are called; the checks, which
need the key's ARN, are made by the desk. What has to do with the material of keys is read here and done by the service:
no transaction sees a key.
"""

from collections.abc import Callable
from typing import Any, Final

from cumulo.core.operations import Checks, Kind, Operation, OperationTable
from cumulo.key_service import aliases, materials, model
from cumulo.storage.engine import ReadTxn


def nothing(_txn: ReadTxn, _stamped: Any) -> None:
    """Read nothing: the service draws random bytes."""


def _made_by_the_desk(_request: Any) -> Checks:
    raise AssertionError("the desk makes the checks of this room, which need the key's ARN")


def _row(
    request: type,
    kind: Kind,
    handler: Callable[..., Any],
    summary: str,
    *,
    also: tuple[str, ...] = (),
    result: Any = None,
) -> Operation:
    name = request.__name__
    permissions = also if name == "ReEncrypt" else (f"kms:{name}", *also)
    return Operation(
        name=name,
        kind=kind,
        request=request,
        permissions=permissions,
        checks=_made_by_the_desk,
        handler=handler,
        result=result,
        idempotency_window_ms=model.REQUEST_WINDOW_MS if kind is Kind.WRITE else 0,
        summary=summary,
    )


_R, _W = Kind.READ, Kind.WRITE
TABLE: Final = OperationTable(
    "key_service",
    (
        _row(model.CreateKey, _W, materials.create_key, "Makes a key.", also=("kms:TagResource",), result=model.Key),
        _row(model.DescribeKey, _R, materials.describe_key, "Answers a key."),
        _row(model.ListKeys, _R, materials.list_keys, "Lists the keys of the caller's account and region."),
        _row(model.EnableKey, _W, materials.enable_key, "Lets a key be used again."),
        _row(model.DisableKey, _W, materials.enable_key, "Keeps a key from being used."),
        _row(model.UpdateKeyDescription, _W, materials.update_description, "Describes a key anew."),
        _row(
            model.ScheduleKeyDeletion,
            _W,
            materials.schedule_deletion,
            "Has a key deleted in 7 to 30 days.",
            result=model.ScheduledDeletion,
        ),
        _row(model.CancelKeyDeletion, _W, materials.cancel_deletion, "Keeps a key after all, disabled.", result=str),
        _row(model.GetKeyPolicy, _R, materials.get_policy, "Answers a key's policy."),
        _row(model.PutKeyPolicy, _W, materials.put_policy, "Writes a key's policy."),
        _row(model.ListKeyPolicies, _R, materials.get_policy, "Answers the name of a key's policy."),
        _row(model.CreateAlias, _W, aliases.create_alias, "Gives a key another name."),
        _row(model.UpdateAlias, _W, aliases.update_alias, "Leads an alias to another key."),
        _row(model.DeleteAlias, _W, aliases.delete_alias, "Deletes an alias; its key stays."),
        _row(model.ListAliases, _R, aliases.list_aliases, "Lists aliases, of one key or of all."),
        _row(model.EnableKeyRotation, _W, materials.enable_rotation, "Has a key rotated by itself."),
        _row(model.DisableKeyRotation, _W, materials.disable_rotation, "Rotates a key no more by itself."),
        _row(model.GetKeyRotationStatus, _R, materials.rotation_status, "Says whether and when a key is rotated."),
        _row(model.RotateKeyOnDemand, _W, materials.rotate_on_demand, "Gives a key new material now.", result=str),
        _row(model.ListKeyRotations, _R, materials.list_rotations, "Lists the rotations of a key."),
        _row(model.TagResource, _W, materials.tag_key, "Sets tags of a key."),
        _row(model.UntagResource, _W, materials.untag_key, "Removes tags of a key."),
        _row(model.ListResourceTags, _R, materials.list_tags, "Lists a key's tags."),
        _row(model.Encrypt, _R, materials.open_key, "Encrypts up to 4,096 bytes."),
        _row(model.Decrypt, _R, materials.open_key, "Opens a ciphertext."),
        _row(
            model.ReEncrypt,
            _R,
            materials.open_both,
            "Encrypts anew what a ciphertext holds.",
            also=("kms:ReEncryptTo", "kms:ReEncryptFrom"),
        ),
        _row(model.GenerateDataKey, _R, materials.open_key, "Makes a data key, in clear and encrypted."),
        _row(
            model.GenerateDataKeyWithoutPlaintext,
            _R,
            materials.open_key,
            "Makes a data key that only a later Decrypt shows.",
        ),
        _row(model.GenerateRandom, _R, nothing, "Answers random bytes."),
    ),
)
