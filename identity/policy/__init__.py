"""The policy engine: IAM's policy language, parsed, compiled and decided, without storage.

`parse_policy` accepts or refuses what a caller wants to store; `store_principals` and `show_principals` exchange
names and unique ids; `PolicyCache` compiles stored text; `decide` answers; `explain` and `denial_text` say why.
Everything is a pure function of its arguments.
"""

from cumulo.identity.policy.cache import PolicyCache
from cumulo.identity.policy.compiled import NamedPolicy, PolicySet, StatementRef
from cumulo.identity.policy.context_keys import FoldedKeys, KeyValue, fold_keys
from cumulo.identity.policy.decision import (
    NO_POLICIES,
    NO_RESOURCE_POLICIES,
    CallerPolicies,
    Decision,
    Outcome,
    Request,
    ResourcePolicies,
    decide,
)
from cumulo.identity.policy.document import (
    DocumentKind,
    Effect,
    PolicyDocument,
    PolicyKind,
    Statement,
    counted_size,
    parse_policy,
    read_policy,
)
from cumulo.identity.policy.explanation import Explanation, KindResult, NearMiss, denial_text, explain
from cumulo.identity.policy.malformed import MalformedPolicy, NotJson
from cumulo.identity.policy.principals import ANONYMOUS, Principal, PrincipalKind, principal_keys
from cumulo.identity.policy.stored_principals import show_principals, store_principals

__all__ = [
    "ANONYMOUS",
    "NO_POLICIES",
    "NO_RESOURCE_POLICIES",
    "CallerPolicies",
    "Decision",
    "DocumentKind",
    "Effect",
    "Explanation",
    "FoldedKeys",
    "KeyValue",
    "KindResult",
    "MalformedPolicy",
    "NamedPolicy",
    "NearMiss",
    "NotJson",
    "Outcome",
    "PolicyCache",
    "PolicyDocument",
    "PolicyKind",
    "PolicySet",
    "Principal",
    "PrincipalKind",
    "Request",
    "ResourcePolicies",
    "Statement",
    "StatementRef",
    "counted_size",
    "decide",
    "denial_text",
    "explain",
    "fold_keys",
    "parse_policy",
    "principal_keys",
    "read_policy",
    "show_principals",
    "store_principals",
]
