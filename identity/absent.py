"""What users of IAM can have and users here cannot: passwords, MFA devices, certificates and keys of other kinds.

Tools that remove a user (Terraform, Ansible) ask for each of them first and want to hear that there is none. Pure
functions of a snapshot or a transaction.
"""

from typing import Any

from cumulo.identity import directory
from cumulo.identity.errors import NO_SUCH_LOGIN_PROFILE
from cumulo.identity.model import Listed, Stamped
from cumulo.storage.engine import ReadTxn


def none_of_user(txn: ReadTxn, stamped: Stamped[Any]) -> Listed[Any]:
    """Return that a user, or the root, has nothing of the kind; raises `NoSuchEntity` where there is no such user."""
    if not stamped.the_user.is_root:
        directory.require_user(txn, stamped.the_user)
    return Listed(())


def none(_txn: ReadTxn, _stamped: Stamped[Any]) -> Listed[Any]:
    """Return that there is nothing of the kind."""
    return Listed(())


def no_login_profile(txn: ReadTxn, stamped: Stamped[Any]) -> None:
    """Raise `NoSuchEntity`: nobody has a password."""
    if not stamped.the_user.is_root:
        directory.require_user(txn, stamped.the_user)
    raise NO_SUCH_LOGIN_PROFILE.error(user=stamped.the_user.name)
