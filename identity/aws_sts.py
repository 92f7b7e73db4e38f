"""AWS Security Token Service, API version 2011-06-15: structures, operations and errors.

Made by `make gen` from AWS's service description in botocore. Do not edit.
"""

from __future__ import annotations

from typing import Annotated

from cumulo.gateway import aws_model as m


class AssumeRoleRequest(m.Structure, frozen=True, kw_only=True):
    RoleArn: str
    RoleSessionName: str
    PolicyArns: list[PolicyDescriptorType] | None = None
    Policy: str | None = None
    DurationSeconds: m.Integer | None = None
    Tags: list[Tag] | None = None
    TransitiveTagKeys: list[str] | None = None
    ExternalId: str | None = None
    SerialNumber: str | None = None
    TokenCode: str | None = None
    SourceIdentity: str | None = None
    ProvidedContexts: list[ProvidedContext] | None = None
    MinimumSessionTokenSize: m.Integer | None = None


class AssumeRoleResponse(m.Structure, frozen=True, kw_only=True):
    Credentials: _Credentials | None = None
    AssumedRoleUser: _AssumedRoleUser | None = None
    PackedPolicySize: m.Integer | None = None
    SourceIdentity: str | None = None
    SessionTokenUtilization: m.Integer | None = None
    SessionTokenSize: m.Integer | None = None


class AssumeRoleWithSAMLRequest(m.Structure, frozen=True, kw_only=True):
    RoleArn: str
    PrincipalArn: str
    SAMLAssertion: str
    PolicyArns: list[PolicyDescriptorType] | None = None
    Policy: str | None = None
    DurationSeconds: m.Integer | None = None
    MinimumSessionTokenSize: m.Integer | None = None


class AssumeRoleWithSAMLResponse(m.Structure, frozen=True, kw_only=True):
    Credentials: _Credentials | None = None
    AssumedRoleUser: _AssumedRoleUser | None = None
    PackedPolicySize: m.Integer | None = None
    Subject: str | None = None
    SubjectType: str | None = None
    Issuer: str | None = None
    Audience: str | None = None
    NameQualifier: str | None = None
    SourceIdentity: str | None = None
    SessionTokenUtilization: m.Integer | None = None
    SessionTokenSize: m.Integer | None = None
    TrustedIdentityPropagationContext: _TrustedIdentityPropagationContext | None = None


class AssumeRoleWithWebIdentityRequest(m.Structure, frozen=True, kw_only=True):
    RoleArn: str
    RoleSessionName: str
    WebIdentityToken: str
    ProviderId: str | None = None
    PolicyArns: list[PolicyDescriptorType] | None = None
    Policy: str | None = None
    DurationSeconds: m.Integer | None = None
    MinimumSessionTokenSize: m.Integer | None = None


class AssumeRoleWithWebIdentityResponse(m.Structure, frozen=True, kw_only=True):
    Credentials: _Credentials | None = None
    SubjectFromWebIdentityToken: str | None = None
    AssumedRoleUser: _AssumedRoleUser | None = None
    PackedPolicySize: m.Integer | None = None
    Provider: str | None = None
    Audience: str | None = None
    SourceIdentity: str | None = None
    SessionTokenUtilization: m.Integer | None = None
    SessionTokenSize: m.Integer | None = None
    TrustedIdentityPropagationContext: _TrustedIdentityPropagationContext | None = None


class AssumeRootRequest(m.Structure, frozen=True, kw_only=True):
    TargetPrincipal: str
    TaskPolicyArn: PolicyDescriptorType
    DurationSeconds: m.Integer | None = None
    MinimumSessionTokenSize: m.Integer | None = None


class AssumeRootResponse(m.Structure, frozen=True, kw_only=True):
    Credentials: _Credentials | None = None
    SourceIdentity: str | None = None
    SessionTokenUtilization: m.Integer | None = None
    SessionTokenSize: m.Integer | None = None


class AssumedRoleUser(m.Structure, frozen=True, kw_only=True):
    AssumedRoleId: str
    Arn: str


class Credentials(m.Structure, frozen=True, kw_only=True):
    AccessKeyId: str
    SecretAccessKey: str
    SessionToken: str
    Expiration: m.Timestamp


class DecodeAuthorizationMessageRequest(m.Structure, frozen=True, kw_only=True):
    EncodedMessage: str


class DecodeAuthorizationMessageResponse(m.Structure, frozen=True, kw_only=True):
    DecodedMessage: str | None = None


class FederatedUser(m.Structure, frozen=True, kw_only=True):
    FederatedUserId: str
    Arn: str


class GetAccessKeyInfoRequest(m.Structure, frozen=True, kw_only=True):
    AccessKeyId: str


class GetAccessKeyInfoResponse(m.Structure, frozen=True, kw_only=True):
    Account: str | None = None


class GetCallerIdentityRequest(m.Structure, frozen=True, kw_only=True):
    pass


class GetCallerIdentityResponse(m.Structure, frozen=True, kw_only=True):
    UserId: str | None = None
    Account: str | None = None
    Arn: str | None = None


class GetDelegatedAccessTokenRequest(m.Structure, frozen=True, kw_only=True):
    TradeInToken: str


class GetDelegatedAccessTokenResponse(m.Structure, frozen=True, kw_only=True):
    Credentials: _Credentials | None = None
    PackedPolicySize: m.Integer | None = None
    AssumedPrincipal: str | None = None


class GetFederationTokenRequest(m.Structure, frozen=True, kw_only=True):
    Name: str
    Policy: str | None = None
    PolicyArns: list[PolicyDescriptorType] | None = None
    DurationSeconds: m.Integer | None = None
    Tags: list[Tag] | None = None
    MinimumSessionTokenSize: m.Integer | None = None


class GetFederationTokenResponse(m.Structure, frozen=True, kw_only=True):
    Credentials: _Credentials | None = None
    FederatedUser: _FederatedUser | None = None
    PackedPolicySize: m.Integer | None = None
    SessionTokenUtilization: m.Integer | None = None
    SessionTokenSize: m.Integer | None = None


class GetScopedCredentialsRequest(m.Structure, frozen=True, kw_only=True):
    Policy: str | None = None
    DurationSeconds: m.Integer | None = None
    MinimumSessionTokenSize: m.Integer | None = None
    ScopedSessionDescription: str | None = None


class GetScopedCredentialsResponse(m.Structure, frozen=True, kw_only=True):
    Credentials: _Credentials | None = None
    SessionInfo: ScopedSession | None = None
    SessionTokenUtilization: m.Integer | None = None
    SessionTokenSize: m.Integer | None = None
    ScopedPoliciesCount: m.Integer | None = None
    SourceIdentity: str | None = None


class GetSessionTokenRequest(m.Structure, frozen=True, kw_only=True):
    DurationSeconds: m.Integer | None = None
    SerialNumber: str | None = None
    TokenCode: str | None = None
    MinimumSessionTokenSize: m.Integer | None = None


class GetSessionTokenResponse(m.Structure, frozen=True, kw_only=True):
    Credentials: _Credentials | None = None
    SessionTokenUtilization: m.Integer | None = None
    SessionTokenSize: m.Integer | None = None


class GetWebIdentityTokenRequest(m.Structure, frozen=True, kw_only=True):
    Audience: list[str]
    DurationSeconds: m.Integer | None = None
    SigningAlgorithm: str
    Scope: str | None = None
    SubjectMode: str | None = None
    Tags: list[Tag] | None = None


class GetWebIdentityTokenResponse(m.Structure, frozen=True, kw_only=True):
    WebIdentityToken: str | None = None
    Expiration: m.Timestamp | None = None


class OriginIdentity(m.Structure, frozen=True, kw_only=True):
    Subject: str | None = None
    SubjectType: str | None = None
    Issuer: str | None = None
    FederatedProviderArn: str | None = None


class PolicyDescriptorType(m.Structure, frozen=True, kw_only=True):
    arn: str | None = None


class ProvidedContext(m.Structure, frozen=True, kw_only=True):
    ProviderArn: str | None = None
    ContextAssertion: str | None = None


class ScopedSession(m.Structure, frozen=True, kw_only=True):
    ScopedSessionId: str
    Arn: str


class Tag(m.Structure, frozen=True, kw_only=True):
    Key: str
    Value: str


class TransactionContext(m.Structure, frozen=True, kw_only=True):
    IdentityProvider: dict[str, str] | None = None


class TrustedIdentityPropagationContext(m.Structure, frozen=True, kw_only=True):
    OriginIdentity: _OriginIdentity | None = None
    TransactionContext: _TransactionContext | None = None



# Members of the same name hide these from a type checker.
_AssumedRoleUser = AssumedRoleUser
_Credentials = Credentials
_FederatedUser = FederatedUser
_OriginIdentity = OriginIdentity
_TransactionContext = TransactionContext
_TrustedIdentityPropagationContext = TrustedIdentityPropagationContext

OPERATIONS = {
    "AssumeRole": m.OperationModel(name="AssumeRole", input=AssumeRoleRequest, output=AssumeRoleResponse, output_wrapper="AssumeRoleResult"),
    "AssumeRoleWithSAML": m.OperationModel(name="AssumeRoleWithSAML", input=AssumeRoleWithSAMLRequest, output=AssumeRoleWithSAMLResponse, output_wrapper="AssumeRoleWithSAMLResult", unsigned=True),
    "AssumeRoleWithWebIdentity": m.OperationModel(name="AssumeRoleWithWebIdentity", input=AssumeRoleWithWebIdentityRequest, output=AssumeRoleWithWebIdentityResponse, output_wrapper="AssumeRoleWithWebIdentityResult", unsigned=True),
    "AssumeRoot": m.OperationModel(name="AssumeRoot", input=AssumeRootRequest, output=AssumeRootResponse, output_wrapper="AssumeRootResult"),
    "DecodeAuthorizationMessage": m.OperationModel(name="DecodeAuthorizationMessage", input=DecodeAuthorizationMessageRequest, output=DecodeAuthorizationMessageResponse, output_wrapper="DecodeAuthorizationMessageResult"),
    "GetAccessKeyInfo": m.OperationModel(name="GetAccessKeyInfo", input=GetAccessKeyInfoRequest, output=GetAccessKeyInfoResponse, output_wrapper="GetAccessKeyInfoResult"),
    "GetCallerIdentity": m.OperationModel(name="GetCallerIdentity", input=GetCallerIdentityRequest, output=GetCallerIdentityResponse, output_wrapper="GetCallerIdentityResult"),
    "GetDelegatedAccessToken": m.OperationModel(name="GetDelegatedAccessToken", input=GetDelegatedAccessTokenRequest, output=GetDelegatedAccessTokenResponse, output_wrapper="GetDelegatedAccessTokenResult"),
    "GetFederationToken": m.OperationModel(name="GetFederationToken", input=GetFederationTokenRequest, output=GetFederationTokenResponse, output_wrapper="GetFederationTokenResult"),
    "GetScopedCredentials": m.OperationModel(name="GetScopedCredentials", input=GetScopedCredentialsRequest, output=GetScopedCredentialsResponse, output_wrapper="GetScopedCredentialsResult"),
    "GetSessionToken": m.OperationModel(name="GetSessionToken", input=GetSessionTokenRequest, output=GetSessionTokenResponse, output_wrapper="GetSessionTokenResult"),
    "GetWebIdentityToken": m.OperationModel(name="GetWebIdentityToken", input=GetWebIdentityTokenRequest, output=GetWebIdentityTokenResponse, output_wrapper="GetWebIdentityTokenResult"),
}

ERRORS = {
    "ExpiredTokenException": m.ErrorModel("ExpiredTokenException", "ExpiredTokenException", 400),
    "ExpiredTradeInTokenException": m.ErrorModel("ExpiredTradeInTokenException", "ExpiredTradeInTokenException", 400),
    "IDPCommunicationErrorException": m.ErrorModel("IDPCommunicationErrorException", "IDPCommunicationError", 400),
    "IDPRejectedClaimException": m.ErrorModel("IDPRejectedClaimException", "IDPRejectedClaim", 403),
    "InsufficientSessionLifetimeException": m.ErrorModel("InsufficientSessionLifetimeException", "InsufficientSessionLifetime", 400),
    "InvalidAuthorizationMessageException": m.ErrorModel("InvalidAuthorizationMessageException", "InvalidAuthorizationMessageException", 400),
    "InvalidContextAssertionException": m.ErrorModel("InvalidContextAssertionException", "InvalidContextAssertion", 400),
    "InvalidIdentityTokenException": m.ErrorModel("InvalidIdentityTokenException", "InvalidIdentityToken", 400),
    "InvalidSubjectCredentialsException": m.ErrorModel("InvalidSubjectCredentialsException", "InvalidSubjectCredentials", 400),
    "JWTPayloadSizeExceededException": m.ErrorModel("JWTPayloadSizeExceededException", "JWTPayloadSizeExceededException", 400),
    "MalformedPolicyDocumentException": m.ErrorModel("MalformedPolicyDocumentException", "MalformedPolicyDocument", 400),
    "OutboundWebIdentityFederationDisabledException": m.ErrorModel("OutboundWebIdentityFederationDisabledException", "OutboundWebIdentityFederationDisabledException", 403),
    "PackedPolicyTooLargeException": m.ErrorModel("PackedPolicyTooLargeException", "PackedPolicyTooLarge", 400),
    "RegionDisabledException": m.ErrorModel("RegionDisabledException", "RegionDisabledException", 403),
    "SessionDurationEscalationException": m.ErrorModel("SessionDurationEscalationException", "SessionDurationEscalationException", 403),
}

SERVICE = m.ServiceModel(
    name="sts",
    api_version="2011-06-15",
    endpoint_prefix="sts",
    protocols=("query",),
    operations=OPERATIONS,
    errors=ERRORS,
    xml_namespace="https://sts.amazonaws.com/doc/2011-06-15/",
)
