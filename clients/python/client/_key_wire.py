"""Between the contract of keys and the SDK's values: pure functions, shared by both flavours."""

from typing import Literal

from cumulo.api.keys.v1 import keys_pb2 as pb
from cumulo.client import model
from cumulo.client._wire import time_of, time_or_none

ALIAS = "alias/"
_STATES: dict[int, model.KeyState] = {
    pb.KEY_STATE_ENABLED: "ENABLED",
    pb.KEY_STATE_DISABLED: "DISABLED",
    pb.KEY_STATE_PENDING_DELETION: "PENDING_DELETION",
}
_KINDS: dict[int, Literal["AUTOMATIC", "ON_DEMAND"]] = {
    pb.ROTATION_KIND_AUTOMATIC: "AUTOMATIC",
    pb.ROTATION_KIND_ON_DEMAND: "ON_DEMAND",
}


def key_info(it: pb.Key) -> model.KeyInfo:
    """Return a key; of a listed one only what names it."""
    if not it.state:
        return model.KeyInfo(id=id_of(it.name), full_name=it.name, arn=it.arn)
    return model.KeyInfo(
        id=id_of(it.name),
        full_name=it.name,
        arn=it.arn,
        description=it.description,
        state=_STATES[it.state],
        is_managed=it.is_managed,
        created=time_of(it.create_ms),
        deletion=time_or_none(it.deletion_ms),
        material_id=it.material_id,
    )


def id_of(name: str) -> str:
    """Return the id in a key's full name."""
    return name.rpartition("/")[2]


def alias_info(it: pb.Alias) -> model.AliasInfo:
    """Return an alias."""
    return model.AliasInfo(
        name=ALIAS + it.name.partition("/aliases/")[2],
        full_name=it.name,
        arn=it.arn,
        key_id=id_of(it.key),
        created=time_of(it.create_ms),
        updated=time_of(it.update_ms),
    )


def rotation(it: pb.Rotation) -> model.KeyRotation:
    """Return a material of a key."""
    return model.KeyRotation(
        material_id=it.material_id,
        kind=_KINDS.get(it.kind, "FIRST"),
        is_current=it.is_current,
        rotated=time_or_none(it.rotate_ms),
    )


def plain_bytes(text: str | bytes) -> bytes:
    """Return what is to be encrypted: bytes as they are, text as UTF-8."""
    return text.encode() if isinstance(text, str) else text
