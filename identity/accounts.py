"""Accounts: the owners of everything, each with a root that may do all in it.

Pure functions of a transaction. Promises that account numbers and e-mail addresses are never taken twice and that an
account is born with its root's access key, in one commit.
"""

from cumulo.identity import access_keys, directory, keys, owners
from cumulo.identity.account_model import (
    Account,
    AccountSummary,
    CreateAccount,
    CreatedAccount,
    GetAccountSummary,
    ListAccounts,
)
from cumulo.identity.errors import ENTITY_ALREADY_EXISTS
from cumulo.identity.keys import AccountRecord
from cumulo.identity.model import Listed, Stamped
from cumulo.storage import tuples
from cumulo.storage.engine import ReadTxn, Txn


def create(txn: Txn, stamped: Stamped[CreateAccount]) -> CreatedAccount:
    """Make the account `new_id` and its root's key; raises `EntityAlreadyExists`."""
    number, request = stamped.new_id, stamped.request
    if directory.account(txn, number) is not None:
        raise ENTITY_ALREADY_EXISTS.error(what="Account", name=number)
    directory.put_account(
        txn,
        number,
        AccountRecord(display_name=request.display_name, create_ms=stamped.now_ms, email=request.email),
    )
    owners.add(txn, number, request.email)
    assert stamped.new_key is not None
    made = access_keys.add_root_key(txn, number, stamped.new_key, stamped.now_ms)
    directory.changed(txn)
    return CreatedAccount(Account(number, request.display_name, stamped.now_ms, request.email), made)


def summary(txn: ReadTxn, stamped: Stamped[GetAccountSummary]) -> AccountSummary:
    """Return how much an account has; raises `NoSuchEntity`."""
    record = directory.require_account(txn, stamped.account)
    return AccountSummary(record.users, record.groups, record.policies, len(record.access_keys))


def list_accounts(txn: ReadTxn, stamped: Stamped[ListAccounts]) -> Listed[Account]:
    """Return a page of accounts in order of their numbers."""
    page = stamped.the_page
    after = keys.row(keys.ACCOUNTS, page.after) if page.after else b""
    rows = directory.rows_after(txn, keys.ACCOUNTS, after, page.size + 1)
    found = []
    for key, value in rows[: page.size]:
        record = keys.accounts.decode(value)
        number = str(tuples.decode(key[len(keys.ACCOUNTS) :])[0])
        found.append(Account(number, record.display_name, record.create_ms, record.email))
    return Listed(tuple(found), found[-1].account if len(rows) > page.size else "")
