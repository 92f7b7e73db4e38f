"""The exchange of names and unique ids in a resource policy's text, at write and when it is shown.

Promises that stored text names users and roles by unique id only, and that all else of the document keeps its meaning
(the text is written back in its shortest form). Does not know who exists: it asks the callbacks that it is given.
"""

from collections.abc import Callable

from cumulo.identity.policy.malformed import MalformedPolicy
from cumulo.identity.policy.principals import is_unique_id, is_user_or_role_arn
from cumulo.identity.policy.strict_json import Members, Node, describe, parse_json, render_json

Exchange = Callable[[str, str], str]
"""Takes a member of `AWS` and its JSON path, returns what is to stand there."""


def store_principals(text: str, unique_id_of: Callable[[str], str | None], arn_of: Callable[[str], str | None]) -> str:
    """Return the policy with the ARNs of users and roles replaced by unique ids, to be stored.

    `unique_id_of` takes the ARN of a user or a role, `arn_of` a unique id; both answer None for what does not exist.
    Raises `MalformedPolicy` for a name or an id that nobody bears. Call it with text that `parse_policy` accepted.
    """

    def exchange(name: str, path: str) -> str:
        found = name
        if is_user_or_role_arn(name):
            found = unique_id_of(name) or ""
        elif is_unique_id(name):
            found = name if arn_of(name) is not None else ""
        if not found:
            raise MalformedPolicy(f"Invalid principal in policy: {describe(name)} does not exist.", path)
        return found

    return render_json(_map_document(parse_json(text), exchange))


def show_principals(text: str, arn_of: Callable[[str], str | None]) -> str:
    """Return a stored policy with unique ids replaced by today's ARNs; an id whose bearer is gone stays an id."""

    def exchange(name: str, _path: str) -> str:
        return (arn_of(name) if is_unique_id(name) else None) or name

    return render_json(_map_document(parse_json(text), exchange))


def _map_document(node: Node, exchange: Exchange) -> Node:
    return _map_members(node, "$", lambda name, value, path: _map_statements(name, value, path, exchange))


def _map_statements(name: str, node: Node, path: str, exchange: Exchange) -> Node:
    if name != "Statement":
        return node
    if isinstance(node, list):
        return [_map_statement(statement, f"{path}[{index}]", exchange) for index, statement in enumerate(node)]
    return _map_statement(node, path, exchange)


def _map_statement(node: Node, path: str, exchange: Exchange) -> Node:
    def map_element(name: str, value: Node, path: str) -> Node:
        return _map_members(value, path, map_type) if name in {"Principal", "NotPrincipal"} else value

    def map_type(name: str, value: Node, path: str) -> Node:
        if name != "AWS":
            return value
        if isinstance(value, list):
            return [
                exchange(member, f"{path}[{index}]") if isinstance(member, str) else member
                for index, member in enumerate(value)
            ]
        return exchange(value, path) if isinstance(value, str) else value

    return _map_members(node, path, map_element)


def _map_members(node: Node, path: str, change: Callable[[str, Node, str], Node]) -> Node:
    if not isinstance(node, Members):
        return node
    return Members(tuple((name, change(name, value, f"{path}.{name}")) for name, value in node.pairs))
