"""AWS Identity and Access Management, API version 2010-05-08: structures, operations and errors.

Made by `make gen` from AWS's service description in botocore. Do not edit.
"""

from __future__ import annotations

from typing import Annotated

from cumulo.gateway import aws_model as m


class AcceptDelegationRequestRequest(m.Structure, frozen=True, kw_only=True):
    DelegationRequestId: str


class AccessDetail(m.Structure, frozen=True, kw_only=True):
    ServiceName: str
    ServiceNamespace: str
    Region: str | None = None
    EntityPath: str | None = None
    LastAuthenticatedTime: m.Timestamp | None = None
    TotalAuthenticatedEntities: m.Integer | None = None


class AccessKey(m.Structure, frozen=True, kw_only=True):
    UserName: str
    AccessKeyId: str
    Status: str
    SecretAccessKey: str
    CreateDate: m.Timestamp | None = None


class AccessKeyLastUsed(m.Structure, frozen=True, kw_only=True):
    LastUsedDate: m.Timestamp | None = None
    ServiceName: str
    Region: str


class AccessKeyMetadata(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    AccessKeyId: str | None = None
    Status: str | None = None
    CreateDate: m.Timestamp | None = None


class AcquireRoleRequest(m.Structure, frozen=True, kw_only=True):
    TemplateArn: str
    TemplateMinorVersion: m.Integer | None = None
    ReplacementValues: dict[str, ReplacementValueEntry] | None = None


class AcquireRoleResponse(m.Structure, frozen=True, kw_only=True):
    Role: _Role


class AddClientIDToOpenIDConnectProviderRequest(m.Structure, frozen=True, kw_only=True):
    OpenIDConnectProviderArn: str
    ClientID: str


class AddRoleToInstanceProfileRequest(m.Structure, frozen=True, kw_only=True):
    InstanceProfileName: str
    RoleName: str


class AddUserToGroupRequest(m.Structure, frozen=True, kw_only=True):
    GroupName: str
    UserName: str


class AssociateDelegationRequestRequest(m.Structure, frozen=True, kw_only=True):
    DelegationRequestId: str


class AttachGroupPolicyRequest(m.Structure, frozen=True, kw_only=True):
    GroupName: str
    PolicyArn: str


class AttachRolePolicyRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    PolicyArn: str


class AttachUserPolicyRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    PolicyArn: str


class AttachedPermissionsBoundary(m.Structure, frozen=True, kw_only=True):
    PermissionsBoundaryType: str | None = None
    PermissionsBoundaryArn: str | None = None


class AttachedPolicy(m.Structure, frozen=True, kw_only=True):
    PolicyName: str | None = None
    PolicyArn: str | None = None


class ChangePasswordRequest(m.Structure, frozen=True, kw_only=True):
    OldPassword: str
    NewPassword: str


class ContextEntry(m.Structure, frozen=True, kw_only=True):
    ContextKeyName: str | None = None
    ContextKeyValues: list[str] | None = None
    ContextKeyType: str | None = None


class ContextProvider(m.Structure, frozen=True, kw_only=True):
    KeyDefinitionList: list[ContextProviderKeyDefinition] | None = None
    SubjectSourceKey: str
    SubjectTypeValue: str | None = None
    SubjectTypeSourceKey: str | None = None


class ContextProviderKeyDefinition(m.Structure, frozen=True, kw_only=True):
    SourceKey: str
    TargetKey: str | None = None


class CreateAccessKeyRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None


class CreateAccessKeyResponse(m.Structure, frozen=True, kw_only=True):
    AccessKey: _AccessKey


class CreateAccountAliasRequest(m.Structure, frozen=True, kw_only=True):
    AccountAlias: str


class CreateDelegationRequestRequest(m.Structure, frozen=True, kw_only=True):
    OwnerAccountId: str | None = None
    Description: str
    Permissions: DelegationPermission
    RequestMessage: str | None = None
    RequestorWorkflowId: str
    RedirectUrl: str | None = None
    NotificationChannel: str
    SessionDuration: m.Integer
    OnlySendByOwner: bool | None = None


class CreateDelegationRequestResponse(m.Structure, frozen=True, kw_only=True):
    ConsoleDeepLink: str | None = None
    DelegationRequestId: str | None = None


class CreateGroupRequest(m.Structure, frozen=True, kw_only=True):
    Path: str | None = None
    GroupName: str


class CreateGroupResponse(m.Structure, frozen=True, kw_only=True):
    Group: _Group


class CreateInstanceProfileRequest(m.Structure, frozen=True, kw_only=True):
    InstanceProfileName: str
    Path: str | None = None
    Tags: list[Tag] | None = None


class CreateInstanceProfileResponse(m.Structure, frozen=True, kw_only=True):
    InstanceProfile: _InstanceProfile


class CreateLoginProfileRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    Password: str | None = None
    PasswordResetRequired: bool | None = None
    MaxSigninSessionDuration: m.Integer | None = None


class CreateLoginProfileResponse(m.Structure, frozen=True, kw_only=True):
    LoginProfile: _LoginProfile


class CreateOpenIDConnectProviderRequest(m.Structure, frozen=True, kw_only=True):
    Url: str
    ClientIDList: list[str] | None = None
    ThumbprintList: list[str] | None = None
    Tags: list[Tag] | None = None
    ContextProvider: _ContextProvider | None = None
    IdentityCenterInstanceArn: str | None = None


class CreateOpenIDConnectProviderResponse(m.Structure, frozen=True, kw_only=True):
    OpenIDConnectProviderArn: str | None = None
    Tags: list[Tag] | None = None


class CreatePolicyRequest(m.Structure, frozen=True, kw_only=True):
    PolicyName: str
    Path: str | None = None
    PolicyDocument: str
    Description: str | None = None
    Tags: list[Tag] | None = None


class CreatePolicyResponse(m.Structure, frozen=True, kw_only=True):
    Policy: _Policy | None = None


class CreatePolicyVersionRequest(m.Structure, frozen=True, kw_only=True):
    PolicyArn: str
    PolicyDocument: str
    SetAsDefault: bool | None = None


class CreatePolicyVersionResponse(m.Structure, frozen=True, kw_only=True):
    PolicyVersion: _PolicyVersion | None = None


class CreateRoleRequest(m.Structure, frozen=True, kw_only=True):
    Path: str | None = None
    RoleName: str
    AssumeRolePolicyDocument: str
    Description: str | None = None
    MaxSessionDuration: m.Integer | None = None
    MaxSigninSessionDuration: m.Integer | None = None
    PermissionsBoundary: str | None = None
    Tags: list[Tag] | None = None


class CreateRoleResponse(m.Structure, frozen=True, kw_only=True):
    Role: _Role


class CreateSAMLProviderRequest(m.Structure, frozen=True, kw_only=True):
    SAMLMetadataDocument: str
    Name: str
    Tags: list[Tag] | None = None
    AssertionEncryptionMode: str | None = None
    AddPrivateKey: str | None = None
    ContextProvider: _ContextProvider | None = None
    IdentityCenterInstanceArn: str | None = None


class CreateSAMLProviderResponse(m.Structure, frozen=True, kw_only=True):
    SAMLProviderArn: str | None = None
    Tags: list[Tag] | None = None


class CreateServiceLinkedRoleRequest(m.Structure, frozen=True, kw_only=True):
    AWSServiceName: str
    Description: str | None = None
    CustomSuffix: str | None = None


class CreateServiceLinkedRoleResponse(m.Structure, frozen=True, kw_only=True):
    Role: _Role | None = None


class CreateServiceSpecificCredentialRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    ServiceName: str
    CredentialAgeDays: m.Integer | None = None


class CreateServiceSpecificCredentialResponse(m.Structure, frozen=True, kw_only=True):
    ServiceSpecificCredential: _ServiceSpecificCredential | None = None


class CreateUserRequest(m.Structure, frozen=True, kw_only=True):
    Path: str | None = None
    UserName: str
    PermissionsBoundary: str | None = None
    Tags: list[Tag] | None = None


class CreateUserResponse(m.Structure, frozen=True, kw_only=True):
    User: _User | None = None


class CreateVirtualMFADeviceRequest(m.Structure, frozen=True, kw_only=True):
    Path: str | None = None
    VirtualMFADeviceName: str
    Tags: list[Tag] | None = None


class CreateVirtualMFADeviceResponse(m.Structure, frozen=True, kw_only=True):
    VirtualMFADevice: _VirtualMFADevice


class DeactivateMFADeviceRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    SerialNumber: str


class DelegationPermission(m.Structure, frozen=True, kw_only=True):
    PolicyTemplateArn: str | None = None
    Parameters: list[PolicyParameter] | None = None


class DelegationRequest(m.Structure, frozen=True, kw_only=True):
    DelegationRequestId: str | None = None
    OwnerAccountId: str | None = None
    Description: str | None = None
    RequestMessage: str | None = None
    Permissions: DelegationPermission | None = None
    PermissionPolicy: str | None = None
    RolePermissionRestrictionArns: list[str] | None = None
    OwnerId: str | None = None
    ApproverId: str | None = None
    State: str | None = None
    ExpirationTime: m.Timestamp | None = None
    RequestorId: str | None = None
    RequestorName: str | None = None
    CreateDate: m.Timestamp | None = None
    SessionDuration: m.Integer | None = None
    RedirectUrl: str | None = None
    Notes: str | None = None
    RejectionReason: str | None = None
    OnlySendByOwner: bool | None = None
    UpdatedTime: m.Timestamp | None = None


class DeleteAccessKeyRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    AccessKeyId: str


class DeleteAccountAliasRequest(m.Structure, frozen=True, kw_only=True):
    AccountAlias: str


class DeleteGroupPolicyRequest(m.Structure, frozen=True, kw_only=True):
    GroupName: str
    PolicyName: str


class DeleteGroupRequest(m.Structure, frozen=True, kw_only=True):
    GroupName: str


class DeleteInstanceProfileRequest(m.Structure, frozen=True, kw_only=True):
    InstanceProfileName: str


class DeleteLoginProfileRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None


class DeleteOpenIDConnectProviderRequest(m.Structure, frozen=True, kw_only=True):
    OpenIDConnectProviderArn: str


class DeletePolicyRequest(m.Structure, frozen=True, kw_only=True):
    PolicyArn: str


class DeletePolicyVersionRequest(m.Structure, frozen=True, kw_only=True):
    PolicyArn: str
    VersionId: str


class DeleteRolePermissionsBoundaryRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str


class DeleteRolePolicyRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    PolicyName: str


class DeleteRoleRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str


class DeleteSAMLProviderRequest(m.Structure, frozen=True, kw_only=True):
    SAMLProviderArn: str


class DeleteSSHPublicKeyRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    SSHPublicKeyId: str


class DeleteServerCertificateRequest(m.Structure, frozen=True, kw_only=True):
    ServerCertificateName: str


class DeleteServiceLinkedRoleRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str


class DeleteServiceLinkedRoleResponse(m.Structure, frozen=True, kw_only=True):
    DeletionTaskId: str


class DeleteServiceSpecificCredentialRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    ServiceSpecificCredentialId: str


class DeleteSigningCertificateRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    CertificateId: str


class DeleteUserPermissionsBoundaryRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str


class DeleteUserPolicyRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    PolicyName: str


class DeleteUserRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str


class DeleteVirtualMFADeviceRequest(m.Structure, frozen=True, kw_only=True):
    SerialNumber: str


class DeletionTaskFailureReasonType(m.Structure, frozen=True, kw_only=True):
    Reason: str | None = None
    RoleUsageList: list[RoleUsageType] | None = None


class DetachGroupPolicyRequest(m.Structure, frozen=True, kw_only=True):
    GroupName: str
    PolicyArn: str


class DetachRolePolicyRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    PolicyArn: str


class DetachUserPolicyRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    PolicyArn: str


class DisableOrganizationsRootCredentialsManagementRequest(m.Structure, frozen=True, kw_only=True):
    pass


class DisableOrganizationsRootCredentialsManagementResponse(m.Structure, frozen=True, kw_only=True):
    OrganizationId: str | None = None
    EnabledFeatures: list[str] | None = None


class DisableOrganizationsRootSessionsRequest(m.Structure, frozen=True, kw_only=True):
    pass


class DisableOrganizationsRootSessionsResponse(m.Structure, frozen=True, kw_only=True):
    OrganizationId: str | None = None
    EnabledFeatures: list[str] | None = None


class EnableMFADeviceRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    SerialNumber: str
    AuthenticationCode1: str
    AuthenticationCode2: str


class EnableOrganizationsRootCredentialsManagementRequest(m.Structure, frozen=True, kw_only=True):
    pass


class EnableOrganizationsRootCredentialsManagementResponse(m.Structure, frozen=True, kw_only=True):
    OrganizationId: str | None = None
    EnabledFeatures: list[str] | None = None


class EnableOrganizationsRootSessionsRequest(m.Structure, frozen=True, kw_only=True):
    pass


class EnableOrganizationsRootSessionsResponse(m.Structure, frozen=True, kw_only=True):
    OrganizationId: str | None = None
    EnabledFeatures: list[str] | None = None


class EnableOutboundWebIdentityFederationResponse(m.Structure, frozen=True, kw_only=True):
    IssuerIdentifier: str | None = None


class EntityDetails(m.Structure, frozen=True, kw_only=True):
    EntityInfo: _EntityInfo
    LastAuthenticated: m.Timestamp | None = None


class EntityInfo(m.Structure, frozen=True, kw_only=True):
    Arn: str
    Name: str
    Type: str
    Id: str
    Path: str | None = None


class ErrorDetails(m.Structure, frozen=True, kw_only=True):
    Message: str
    Code: str


class EvaluationResult(m.Structure, frozen=True, kw_only=True):
    EvalActionName: str
    EvalResourceName: str | None = None
    EvalDecision: str
    MatchedStatements: list[Statement] | None = None
    MissingContextValues: list[str] | None = None
    OrganizationsDecisionDetail: _OrganizationsDecisionDetail | None = None
    PermissionsBoundaryDecisionDetail: _PermissionsBoundaryDecisionDetail | None = None
    EvalDecisionDetails: dict[str, str] | None = None
    ResourceSpecificResults: list[ResourceSpecificResult] | None = None


class GenerateCredentialReportResponse(m.Structure, frozen=True, kw_only=True):
    State: str | None = None
    Description: str | None = None


class GenerateOrganizationsAccessReportRequest(m.Structure, frozen=True, kw_only=True):
    EntityPath: str
    OrganizationsPolicyId: str | None = None


class GenerateOrganizationsAccessReportResponse(m.Structure, frozen=True, kw_only=True):
    JobId: str | None = None


class GenerateServiceLastAccessedDetailsRequest(m.Structure, frozen=True, kw_only=True):
    Arn: str
    Granularity: str | None = None


class GenerateServiceLastAccessedDetailsResponse(m.Structure, frozen=True, kw_only=True):
    JobId: str | None = None


class GetAccessKeyLastUsedRequest(m.Structure, frozen=True, kw_only=True):
    AccessKeyId: str


class GetAccessKeyLastUsedResponse(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    AccessKeyLastUsed: _AccessKeyLastUsed | None = None


class GetAccountAuthorizationDetailsRequest(m.Structure, frozen=True, kw_only=True):
    Filter: list[str] | None = None
    MaxItems: m.Integer | None = None
    Marker: str | None = None


class GetAccountAuthorizationDetailsResponse(m.Structure, frozen=True, kw_only=True):
    UserDetailList: list[UserDetail] | None = None
    GroupDetailList: list[GroupDetail] | None = None
    RoleDetailList: list[RoleDetail] | None = None
    Policies: list[ManagedPolicyDetail] | None = None
    IsTruncated: bool | None = None
    Marker: str | None = None


class GetAccountPasswordPolicyResponse(m.Structure, frozen=True, kw_only=True):
    PasswordPolicy: _PasswordPolicy


class GetAccountPropertiesRequest(m.Structure, frozen=True, kw_only=True):
    pass


class GetAccountPropertiesResponse(m.Structure, frozen=True, kw_only=True):
    Properties: dict[str, str] | None = None


class GetAccountSummaryResponse(m.Structure, frozen=True, kw_only=True):
    SummaryMap: dict[str, m.Integer] | None = None


class GetContextKeysForCustomPolicyRequest(m.Structure, frozen=True, kw_only=True):
    PolicyInputList: list[str]


class GetContextKeysForPolicyResponse(m.Structure, frozen=True, kw_only=True):
    ContextKeyNames: list[str] | None = None


class GetContextKeysForPrincipalPolicyRequest(m.Structure, frozen=True, kw_only=True):
    PolicySourceArn: str
    PolicyInputList: list[str] | None = None


class GetCredentialReportResponse(m.Structure, frozen=True, kw_only=True):
    Content: bytes | None = None
    ReportFormat: str | None = None
    GeneratedTime: m.Timestamp | None = None


class GetDelegationRequestRequest(m.Structure, frozen=True, kw_only=True):
    DelegationRequestId: str
    DelegationPermissionCheck: bool | None = None


class GetDelegationRequestResponse(m.Structure, frozen=True, kw_only=True):
    DelegationRequest: _DelegationRequest | None = None
    PermissionCheckStatus: str | None = None
    PermissionCheckResult: str | None = None


class GetGroupPolicyRequest(m.Structure, frozen=True, kw_only=True):
    GroupName: str
    PolicyName: str


class GetGroupPolicyResponse(m.Structure, frozen=True, kw_only=True):
    GroupName: str
    PolicyName: str
    PolicyDocument: str


class GetGroupRequest(m.Structure, frozen=True, kw_only=True):
    GroupName: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class GetGroupResponse(m.Structure, frozen=True, kw_only=True):
    Group: _Group
    Users: list[User]
    IsTruncated: bool | None = None
    Marker: str | None = None


class GetHumanReadableSummaryRequest(m.Structure, frozen=True, kw_only=True):
    EntityArn: str
    Locale: str | None = None


class GetHumanReadableSummaryResponse(m.Structure, frozen=True, kw_only=True):
    SummaryContent: str | None = None
    Locale: str | None = None
    SummaryState: str | None = None


class GetInstanceProfileRequest(m.Structure, frozen=True, kw_only=True):
    InstanceProfileName: str


class GetInstanceProfileResponse(m.Structure, frozen=True, kw_only=True):
    InstanceProfile: _InstanceProfile


class GetLoginProfileRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None


class GetLoginProfileResponse(m.Structure, frozen=True, kw_only=True):
    LoginProfile: _LoginProfile


class GetMFADeviceRequest(m.Structure, frozen=True, kw_only=True):
    SerialNumber: str
    UserName: str | None = None


class GetMFADeviceResponse(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    SerialNumber: str
    EnableDate: m.Timestamp | None = None
    Certifications: dict[str, str] | None = None


class GetOpenIDConnectProviderRequest(m.Structure, frozen=True, kw_only=True):
    OpenIDConnectProviderArn: str


class GetOpenIDConnectProviderResponse(m.Structure, frozen=True, kw_only=True):
    Url: str | None = None
    ClientIDList: list[str] | None = None
    ThumbprintList: list[str] | None = None
    CreateDate: m.Timestamp | None = None
    Tags: list[Tag] | None = None
    ContextProvider: _ContextProvider | None = None
    IdentityCenterInstanceArn: str | None = None
    IdentityStoreArn: str | None = None


class GetOrganizationsAccessReportRequest(m.Structure, frozen=True, kw_only=True):
    JobId: str
    MaxItems: m.Integer | None = None
    Marker: str | None = None
    SortKey: str | None = None


class GetOrganizationsAccessReportResponse(m.Structure, frozen=True, kw_only=True):
    JobStatus: str
    JobCreationDate: m.Timestamp
    JobCompletionDate: m.Timestamp | None = None
    NumberOfServicesAccessible: m.Integer | None = None
    NumberOfServicesNotAccessed: m.Integer | None = None
    AccessDetails: list[AccessDetail] | None = None
    IsTruncated: bool | None = None
    Marker: str | None = None
    ErrorDetails: _ErrorDetails | None = None


class GetOutboundWebIdentityFederationInfoResponse(m.Structure, frozen=True, kw_only=True):
    IssuerIdentifier: str | None = None
    JwtVendingEnabled: bool | None = None


class GetPolicyRequest(m.Structure, frozen=True, kw_only=True):
    PolicyArn: str


class GetPolicyResponse(m.Structure, frozen=True, kw_only=True):
    Policy: _Policy | None = None


class GetPolicyVersionRequest(m.Structure, frozen=True, kw_only=True):
    PolicyArn: str
    VersionId: str


class GetPolicyVersionResponse(m.Structure, frozen=True, kw_only=True):
    PolicyVersion: _PolicyVersion | None = None


class GetRolePolicyRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    PolicyName: str


class GetRolePolicyResponse(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    PolicyName: str
    PolicyDocument: str


class GetRoleRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str


class GetRoleResponse(m.Structure, frozen=True, kw_only=True):
    Role: _Role


class GetRoleTemplateVersionRequest(m.Structure, frozen=True, kw_only=True):
    TemplateArn: str
    MinorVersion: m.Integer | None = None


class GetRoleTemplateVersionResponse(m.Structure, frozen=True, kw_only=True):
    RoleTemplateVersion: _RoleTemplateVersion


class GetSAMLProviderRequest(m.Structure, frozen=True, kw_only=True):
    SAMLProviderArn: str


class GetSAMLProviderResponse(m.Structure, frozen=True, kw_only=True):
    SAMLProviderUUID: str | None = None
    SAMLMetadataDocument: str | None = None
    ContextProvider: _ContextProvider | None = None
    SAMLKeyHashes: list[SAMLKeyHashEntry] | None = None
    CreateDate: m.Timestamp | None = None
    ValidUntil: m.Timestamp | None = None
    Tags: list[Tag] | None = None
    AssertionEncryptionMode: str | None = None
    PrivateKeyList: list[SAMLPrivateKey] | None = None
    IdentityCenterInstanceArn: str | None = None
    IdentityStoreArn: str | None = None


class GetSSHPublicKeyRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    SSHPublicKeyId: str
    Encoding: str


class GetSSHPublicKeyResponse(m.Structure, frozen=True, kw_only=True):
    SSHPublicKey: _SSHPublicKey | None = None


class GetServerCertificateRequest(m.Structure, frozen=True, kw_only=True):
    ServerCertificateName: str


class GetServerCertificateResponse(m.Structure, frozen=True, kw_only=True):
    ServerCertificate: _ServerCertificate


class GetServiceLastAccessedDetailsRequest(m.Structure, frozen=True, kw_only=True):
    JobId: str
    MaxItems: m.Integer | None = None
    Marker: str | None = None


class GetServiceLastAccessedDetailsResponse(m.Structure, frozen=True, kw_only=True):
    JobStatus: str
    JobType: str | None = None
    JobCreationDate: m.Timestamp
    ServicesLastAccessed: list[ServiceLastAccessed]
    JobCompletionDate: m.Timestamp
    IsTruncated: bool | None = None
    Marker: str | None = None
    Error: ErrorDetails | None = None


class GetServiceLastAccessedDetailsWithEntitiesRequest(m.Structure, frozen=True, kw_only=True):
    JobId: str
    ServiceNamespace: str
    MaxItems: m.Integer | None = None
    Marker: str | None = None


class GetServiceLastAccessedDetailsWithEntitiesResponse(m.Structure, frozen=True, kw_only=True):
    JobStatus: str
    JobCreationDate: m.Timestamp
    JobCompletionDate: m.Timestamp
    EntityDetailsList: list[EntityDetails]
    IsTruncated: bool | None = None
    Marker: str | None = None
    Error: ErrorDetails | None = None


class GetServiceLinkedRoleDeletionStatusRequest(m.Structure, frozen=True, kw_only=True):
    DeletionTaskId: str


class GetServiceLinkedRoleDeletionStatusResponse(m.Structure, frozen=True, kw_only=True):
    Status: str
    Reason: DeletionTaskFailureReasonType | None = None


class GetUserPolicyRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    PolicyName: str


class GetUserPolicyResponse(m.Structure, frozen=True, kw_only=True):
    UserName: str
    PolicyName: str
    PolicyDocument: str


class GetUserRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None


class GetUserResponse(m.Structure, frozen=True, kw_only=True):
    User: _User


class Group(m.Structure, frozen=True, kw_only=True):
    Path: str
    GroupName: str
    GroupId: str
    Arn: str
    CreateDate: m.Timestamp


class GroupDetail(m.Structure, frozen=True, kw_only=True):
    Path: str | None = None
    GroupName: str | None = None
    GroupId: str | None = None
    Arn: str | None = None
    CreateDate: m.Timestamp | None = None
    GroupPolicyList: list[PolicyDetail] | None = None
    AttachedManagedPolicies: list[AttachedPolicy] | None = None


class InlinePolicy(m.Structure, frozen=True, kw_only=True):
    PolicyName: str
    PolicyDocument: str


class InlinePolicyIdentifierType(m.Structure, frozen=True, kw_only=True):
    PolicyName: str
    AttachmentType: str
    AttachmentName: str


class InstanceProfile(m.Structure, frozen=True, kw_only=True):
    Path: str
    InstanceProfileName: str
    InstanceProfileId: str
    Arn: str
    CreateDate: m.Timestamp
    Roles: list[Role]
    Tags: list[Tag] | None = None


class ListAccessKeysRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListAccessKeysResponse(m.Structure, frozen=True, kw_only=True):
    AccessKeyMetadata: list[_AccessKeyMetadata]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListAccountAliasesRequest(m.Structure, frozen=True, kw_only=True):
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListAccountAliasesResponse(m.Structure, frozen=True, kw_only=True):
    AccountAliases: list[str]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListAttachedGroupPoliciesRequest(m.Structure, frozen=True, kw_only=True):
    GroupName: str
    PathPrefix: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListAttachedGroupPoliciesResponse(m.Structure, frozen=True, kw_only=True):
    AttachedPolicies: list[AttachedPolicy] | None = None
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListAttachedRolePoliciesRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    PathPrefix: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListAttachedRolePoliciesResponse(m.Structure, frozen=True, kw_only=True):
    AttachedPolicies: list[AttachedPolicy] | None = None
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListAttachedUserPoliciesRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    PathPrefix: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListAttachedUserPoliciesResponse(m.Structure, frozen=True, kw_only=True):
    AttachedPolicies: list[AttachedPolicy] | None = None
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListDelegationRequestsRequest(m.Structure, frozen=True, kw_only=True):
    OwnerId: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListDelegationRequestsResponse(m.Structure, frozen=True, kw_only=True):
    DelegationRequests: list[DelegationRequest] | None = None
    Marker: str | None = None
    isTruncated: bool | None = None


class ListEntitiesForPolicyRequest(m.Structure, frozen=True, kw_only=True):
    PolicyArn: str
    EntityFilter: str | None = None
    PathPrefix: str | None = None
    PolicyUsageFilter: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListEntitiesForPolicyResponse(m.Structure, frozen=True, kw_only=True):
    PolicyGroups: list[PolicyGroup] | None = None
    PolicyUsers: list[PolicyUser] | None = None
    PolicyRoles: list[PolicyRole] | None = None
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListGroupPoliciesRequest(m.Structure, frozen=True, kw_only=True):
    GroupName: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListGroupPoliciesResponse(m.Structure, frozen=True, kw_only=True):
    PolicyNames: list[str]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListGroupsForUserRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListGroupsForUserResponse(m.Structure, frozen=True, kw_only=True):
    Groups: list[Group]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListGroupsRequest(m.Structure, frozen=True, kw_only=True):
    PathPrefix: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListGroupsResponse(m.Structure, frozen=True, kw_only=True):
    Groups: list[Group]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListInstanceProfileTagsRequest(m.Structure, frozen=True, kw_only=True):
    InstanceProfileName: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListInstanceProfileTagsResponse(m.Structure, frozen=True, kw_only=True):
    Tags: list[Tag]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListInstanceProfilesForRoleRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListInstanceProfilesForRoleResponse(m.Structure, frozen=True, kw_only=True):
    InstanceProfiles: list[InstanceProfile]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListInstanceProfilesRequest(m.Structure, frozen=True, kw_only=True):
    PathPrefix: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListInstanceProfilesResponse(m.Structure, frozen=True, kw_only=True):
    InstanceProfiles: list[InstanceProfile]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListMFADeviceTagsRequest(m.Structure, frozen=True, kw_only=True):
    SerialNumber: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListMFADeviceTagsResponse(m.Structure, frozen=True, kw_only=True):
    Tags: list[Tag]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListMFADevicesRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListMFADevicesResponse(m.Structure, frozen=True, kw_only=True):
    MFADevices: list[MFADevice]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListOpenIDConnectProviderTagsRequest(m.Structure, frozen=True, kw_only=True):
    OpenIDConnectProviderArn: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListOpenIDConnectProviderTagsResponse(m.Structure, frozen=True, kw_only=True):
    Tags: list[Tag]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListOpenIDConnectProvidersRequest(m.Structure, frozen=True, kw_only=True):
    pass


class ListOpenIDConnectProvidersResponse(m.Structure, frozen=True, kw_only=True):
    OpenIDConnectProviderList: list[OpenIDConnectProviderListEntry] | None = None


class ListOrganizationsFeaturesRequest(m.Structure, frozen=True, kw_only=True):
    pass


class ListOrganizationsFeaturesResponse(m.Structure, frozen=True, kw_only=True):
    OrganizationId: str | None = None
    EnabledFeatures: list[str] | None = None


class ListPoliciesGrantingServiceAccessEntry(m.Structure, frozen=True, kw_only=True):
    ServiceNamespace: str | None = None
    Policies: list[PolicyGrantingServiceAccess] | None = None


class ListPoliciesGrantingServiceAccessRequest(m.Structure, frozen=True, kw_only=True):
    Marker: str | None = None
    Arn: str
    ServiceNamespaces: list[str]


class ListPoliciesGrantingServiceAccessResponse(m.Structure, frozen=True, kw_only=True):
    PoliciesGrantingServiceAccess: list[ListPoliciesGrantingServiceAccessEntry]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListPoliciesRequest(m.Structure, frozen=True, kw_only=True):
    Scope: str | None = None
    OnlyAttached: bool | None = None
    PathPrefix: str | None = None
    PolicyUsageFilter: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListPoliciesResponse(m.Structure, frozen=True, kw_only=True):
    Policies: list[Policy] | None = None
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListPolicyTagsRequest(m.Structure, frozen=True, kw_only=True):
    PolicyArn: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListPolicyTagsResponse(m.Structure, frozen=True, kw_only=True):
    Tags: list[Tag]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListPolicyVersionsRequest(m.Structure, frozen=True, kw_only=True):
    PolicyArn: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListPolicyVersionsResponse(m.Structure, frozen=True, kw_only=True):
    Versions: list[PolicyVersion] | None = None
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListRolePoliciesRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListRolePoliciesResponse(m.Structure, frozen=True, kw_only=True):
    PolicyNames: list[str]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListRoleTagsRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListRoleTagsResponse(m.Structure, frozen=True, kw_only=True):
    Tags: list[Tag]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListRolesRequest(m.Structure, frozen=True, kw_only=True):
    PathPrefix: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListRolesResponse(m.Structure, frozen=True, kw_only=True):
    Roles: list[Role]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListSAMLProviderTagsRequest(m.Structure, frozen=True, kw_only=True):
    SAMLProviderArn: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListSAMLProviderTagsResponse(m.Structure, frozen=True, kw_only=True):
    Tags: list[Tag]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListSAMLProvidersRequest(m.Structure, frozen=True, kw_only=True):
    pass


class ListSAMLProvidersResponse(m.Structure, frozen=True, kw_only=True):
    SAMLProviderList: list[SAMLProviderListEntry] | None = None


class ListSSHPublicKeysRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListSSHPublicKeysResponse(m.Structure, frozen=True, kw_only=True):
    SSHPublicKeys: list[SSHPublicKeyMetadata] | None = None
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListServerCertificateTagsRequest(m.Structure, frozen=True, kw_only=True):
    ServerCertificateName: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListServerCertificateTagsResponse(m.Structure, frozen=True, kw_only=True):
    Tags: list[Tag]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListServerCertificatesRequest(m.Structure, frozen=True, kw_only=True):
    PathPrefix: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListServerCertificatesResponse(m.Structure, frozen=True, kw_only=True):
    ServerCertificateMetadataList: list[ServerCertificateMetadata]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListServiceSpecificCredentialsRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    ServiceName: str | None = None
    AllUsers: bool | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListServiceSpecificCredentialsResponse(m.Structure, frozen=True, kw_only=True):
    ServiceSpecificCredentials: list[ServiceSpecificCredentialMetadata] | None = None
    Marker: str | None = None
    IsTruncated: bool | None = None


class ListSigningCertificatesRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListSigningCertificatesResponse(m.Structure, frozen=True, kw_only=True):
    Certificates: list[SigningCertificate]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListUserPoliciesRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListUserPoliciesResponse(m.Structure, frozen=True, kw_only=True):
    PolicyNames: list[str]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListUserTagsRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListUserTagsResponse(m.Structure, frozen=True, kw_only=True):
    Tags: list[Tag]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListUsersRequest(m.Structure, frozen=True, kw_only=True):
    PathPrefix: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListUsersResponse(m.Structure, frozen=True, kw_only=True):
    Users: list[User]
    IsTruncated: bool | None = None
    Marker: str | None = None


class ListVirtualMFADevicesRequest(m.Structure, frozen=True, kw_only=True):
    AssignmentStatus: str | None = None
    Marker: str | None = None
    MaxItems: m.Integer | None = None


class ListVirtualMFADevicesResponse(m.Structure, frozen=True, kw_only=True):
    VirtualMFADevices: list[VirtualMFADevice]
    IsTruncated: bool | None = None
    Marker: str | None = None


class LoginProfile(m.Structure, frozen=True, kw_only=True):
    UserName: str
    CreateDate: m.Timestamp
    PasswordResetRequired: bool | None = None
    MaxSigninSessionDuration: m.Integer | None = None


class MFADevice(m.Structure, frozen=True, kw_only=True):
    UserName: str
    SerialNumber: str
    EnableDate: m.Timestamp


class ManagedPolicyDetail(m.Structure, frozen=True, kw_only=True):
    PolicyName: str | None = None
    PolicyId: str | None = None
    Arn: str | None = None
    Path: str | None = None
    DefaultVersionId: str | None = None
    AttachmentCount: m.Integer | None = None
    PermissionsBoundaryUsageCount: m.Integer | None = None
    IsAttachable: bool | None = None
    Description: str | None = None
    CreateDate: m.Timestamp | None = None
    UpdateDate: m.Timestamp | None = None
    PolicyVersionList: list[PolicyVersion] | None = None


class OpenIDConnectProviderListEntry(m.Structure, frozen=True, kw_only=True):
    Arn: str | None = None
    IsTrustedIdentityPropagationEnabled: bool | None = None


class OrderedOrganizationPolicyType(m.Structure, frozen=True, kw_only=True):
    ServiceControlPolicyInputList: list[str] | None = None


class OrganizationsDecisionDetail(m.Structure, frozen=True, kw_only=True):
    AllowedByOrganizations: bool | None = None


class ParameterDefinition(m.Structure, frozen=True, kw_only=True):
    Name: str
    Type: str
    SubType: str | None = None
    Description: str | None = None
    IsRequired: bool | None = None
    DefaultValue: str | None = None
    Immutable: bool | None = None


class PasswordPolicy(m.Structure, frozen=True, kw_only=True):
    MinimumPasswordLength: m.Integer | None = None
    RequireSymbols: bool | None = None
    RequireNumbers: bool | None = None
    RequireUppercaseCharacters: bool | None = None
    RequireLowercaseCharacters: bool | None = None
    AllowUsersToChangePassword: bool | None = None
    ExpirePasswords: bool | None = None
    MaxPasswordAge: m.Integer | None = None
    PasswordReusePrevention: m.Integer | None = None
    HardExpiry: bool | None = None


class PermissionsBoundaryDecisionDetail(m.Structure, frozen=True, kw_only=True):
    AllowedByPermissionsBoundary: bool | None = None


class Policy(m.Structure, frozen=True, kw_only=True):
    PolicyName: str | None = None
    PolicyId: str | None = None
    Arn: str | None = None
    Path: str | None = None
    DefaultVersionId: str | None = None
    AttachmentCount: m.Integer | None = None
    PermissionsBoundaryUsageCount: m.Integer | None = None
    IsAttachable: bool | None = None
    Description: str | None = None
    CreateDate: m.Timestamp | None = None
    UpdateDate: m.Timestamp | None = None
    Tags: list[Tag] | None = None


class PolicyDetail(m.Structure, frozen=True, kw_only=True):
    PolicyName: str | None = None
    PolicyDocument: str | None = None


class PolicyGrantingServiceAccess(m.Structure, frozen=True, kw_only=True):
    PolicyName: str
    PolicyType: str
    PolicyArn: str | None = None
    EntityType: str | None = None
    EntityName: str | None = None


class PolicyGroup(m.Structure, frozen=True, kw_only=True):
    GroupName: str | None = None
    GroupId: str | None = None


class PolicyIdentifier(m.Structure, frozen=True, kw_only=True):
    PolicyType: str | None = None
    PolicyArn: str | None = None
    InlinePolicyIdentifier: InlinePolicyIdentifierType | None = None


class PolicyParameter(m.Structure, frozen=True, kw_only=True):
    Name: str | None = None
    Values: list[str] | None = None
    Type: str | None = None


class PolicyRole(m.Structure, frozen=True, kw_only=True):
    RoleName: str | None = None
    RoleId: str | None = None


class PolicyUser(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    UserId: str | None = None


class PolicyVersion(m.Structure, frozen=True, kw_only=True):
    Document: str | None = None
    VersionId: str | None = None
    IsDefaultVersion: bool | None = None
    CreateDate: m.Timestamp | None = None


class Position(m.Structure, frozen=True, kw_only=True):
    Line: m.Integer | None = None
    Column: m.Integer | None = None


class PutAccountPropertiesRequest(m.Structure, frozen=True, kw_only=True):
    Properties: dict[str, str]


class PutAccountPropertiesResponse(m.Structure, frozen=True, kw_only=True):
    pass


class PutGroupPolicyRequest(m.Structure, frozen=True, kw_only=True):
    GroupName: str
    PolicyName: str
    PolicyDocument: str


class PutRolePermissionsBoundaryRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    PermissionsBoundary: str


class PutRolePolicyRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    PolicyName: str
    PolicyDocument: str


class PutUserPermissionsBoundaryRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    PermissionsBoundary: str


class PutUserPolicyRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    PolicyName: str
    PolicyDocument: str


class RejectDelegationRequestRequest(m.Structure, frozen=True, kw_only=True):
    DelegationRequestId: str
    Notes: str | None = None


class RemoveClientIDFromOpenIDConnectProviderRequest(m.Structure, frozen=True, kw_only=True):
    OpenIDConnectProviderArn: str
    ClientID: str


class RemoveRoleFromInstanceProfileRequest(m.Structure, frozen=True, kw_only=True):
    InstanceProfileName: str
    RoleName: str


class RemoveUserFromGroupRequest(m.Structure, frozen=True, kw_only=True):
    GroupName: str
    UserName: str


class ReplacementValueEntry(m.Structure, frozen=True, kw_only=True):
    Values: list[str]


class ResetServiceSpecificCredentialRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    ServiceSpecificCredentialId: str


class ResetServiceSpecificCredentialResponse(m.Structure, frozen=True, kw_only=True):
    ServiceSpecificCredential: _ServiceSpecificCredential | None = None


class ResourceSpecificResult(m.Structure, frozen=True, kw_only=True):
    EvalResourceName: str
    EvalResourceDecision: str
    MatchedStatements: list[Statement] | None = None
    MissingContextValues: list[str] | None = None
    EvalDecisionDetails: dict[str, str] | None = None
    PermissionsBoundaryDecisionDetail: _PermissionsBoundaryDecisionDetail | None = None


class ResyncMFADeviceRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    SerialNumber: str
    AuthenticationCode1: str
    AuthenticationCode2: str


class Role(m.Structure, frozen=True, kw_only=True):
    Path: str
    RoleName: str
    RoleId: str
    Arn: str
    CreateDate: m.Timestamp
    AssumeRolePolicyDocument: str | None = None
    Description: str | None = None
    MaxSessionDuration: m.Integer | None = None
    MaxSigninSessionDuration: m.Integer | None = None
    PermissionsBoundary: AttachedPermissionsBoundary | None = None
    Tags: list[Tag] | None = None
    RoleLastUsed: _RoleLastUsed | None = None
    SourceRoleTemplate: _SourceRoleTemplate | None = None


class RoleDetail(m.Structure, frozen=True, kw_only=True):
    Path: str | None = None
    RoleName: str | None = None
    RoleId: str | None = None
    Arn: str | None = None
    CreateDate: m.Timestamp | None = None
    AssumeRolePolicyDocument: str | None = None
    InstanceProfileList: list[InstanceProfile] | None = None
    RolePolicyList: list[PolicyDetail] | None = None
    AttachedManagedPolicies: list[AttachedPolicy] | None = None
    PermissionsBoundary: AttachedPermissionsBoundary | None = None
    Tags: list[Tag] | None = None
    RoleLastUsed: _RoleLastUsed | None = None


class RoleLastUsed(m.Structure, frozen=True, kw_only=True):
    LastUsedDate: m.Timestamp | None = None
    Region: str | None = None


class RoleTemplateVersion(m.Structure, frozen=True, kw_only=True):
    TemplateArn: str | None = None
    TemplateName: str | None = None
    TemplateVersionId: str | None = None
    Description: str | None = None
    MajorVersion: m.Integer | None = None
    DefaultMinorVersion: m.Integer | None = None
    ManagedByType: str | None = None
    ManagedByValue: str | None = None
    Enabled: bool | None = None
    MinorVersion: m.Integer | None = None
    RoleNamePattern: str | None = None
    RolePathPattern: str | None = None
    RoleDescriptionPattern: str | None = None
    AssumeRolePolicyDocumentTemplate: str | None = None
    InlinePolicyTemplates: list[InlinePolicy] | None = None
    ManagedPolicyArns: list[str] | None = None
    PermissionBoundaryArn: str | None = None
    ParametersDefinition: list[ParameterDefinition] | None = None
    RoleTagsTemplate: list[TagTemplate] | None = None
    MaxSessionDuration: m.Integer | None = None
    VersionEnabled: bool | None = None
    CreateTimestamp: m.Timestamp | None = None
    UpdateTimestamp: m.Timestamp | None = None


class RoleUsageType(m.Structure, frozen=True, kw_only=True):
    Region: str | None = None
    Resources: list[str] | None = None


class SAMLKeyHashEntry(m.Structure, frozen=True, kw_only=True):
    IssuerURL: str | None = None
    KeyHashes: list[str] | None = None


class SAMLPrivateKey(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    Timestamp: m.Timestamp | None = None


class SAMLProviderListEntry(m.Structure, frozen=True, kw_only=True):
    Arn: str | None = None
    ValidUntil: m.Timestamp | None = None
    CreateDate: m.Timestamp | None = None
    IsTrustedIdentityPropagationEnabled: bool | None = None


class SSHPublicKey(m.Structure, frozen=True, kw_only=True):
    UserName: str
    SSHPublicKeyId: str
    Fingerprint: str
    SSHPublicKeyBody: str
    Status: str
    UploadDate: m.Timestamp | None = None


class SSHPublicKeyMetadata(m.Structure, frozen=True, kw_only=True):
    UserName: str
    SSHPublicKeyId: str
    Status: str
    UploadDate: m.Timestamp


class SendDelegationTokenRequest(m.Structure, frozen=True, kw_only=True):
    DelegationRequestId: str


class ServerCertificate(m.Structure, frozen=True, kw_only=True):
    ServerCertificateMetadata: _ServerCertificateMetadata
    CertificateBody: str
    CertificateChain: str | None = None
    Tags: list[Tag] | None = None


class ServerCertificateMetadata(m.Structure, frozen=True, kw_only=True):
    Path: str
    ServerCertificateName: str
    ServerCertificateId: str
    Arn: str
    UploadDate: m.Timestamp | None = None
    Expiration: m.Timestamp | None = None


class ServiceLastAccessed(m.Structure, frozen=True, kw_only=True):
    ServiceName: str
    LastAuthenticated: m.Timestamp | None = None
    ServiceNamespace: str
    LastAuthenticatedEntity: str | None = None
    LastAuthenticatedRegion: str | None = None
    TotalAuthenticatedEntities: m.Integer | None = None
    TrackedActionsLastAccessed: list[TrackedActionLastAccessed] | None = None


class ServiceSpecificCredential(m.Structure, frozen=True, kw_only=True):
    CreateDate: m.Timestamp
    ExpirationDate: m.Timestamp | None = None
    ServiceName: str
    ServiceUserName: str | None = None
    ServicePassword: str | None = None
    ServiceCredentialAlias: str | None = None
    ServiceCredentialSecret: str | None = None
    ServiceSpecificCredentialId: str
    UserName: str
    Status: str


class ServiceSpecificCredentialMetadata(m.Structure, frozen=True, kw_only=True):
    UserName: str
    Status: str
    ServiceUserName: str | None = None
    ServiceCredentialAlias: str | None = None
    CreateDate: m.Timestamp
    ExpirationDate: m.Timestamp | None = None
    ServiceSpecificCredentialId: str
    ServiceName: str


class SetDefaultPolicyVersionRequest(m.Structure, frozen=True, kw_only=True):
    PolicyArn: str
    VersionId: str


class SetSecurityTokenServicePreferencesRequest(m.Structure, frozen=True, kw_only=True):
    GlobalEndpointTokenVersion: str


class SigningCertificate(m.Structure, frozen=True, kw_only=True):
    UserName: str
    CertificateId: str
    CertificateBody: str
    Status: str
    UploadDate: m.Timestamp | None = None


class SimulateCustomPolicyRequest(m.Structure, frozen=True, kw_only=True):
    PolicyInputList: list[str]
    PermissionsBoundaryPolicyInputList: list[str] | None = None
    OrderedOrganizationPolicyInputList: list[OrderedOrganizationPolicyType] | None = None
    ActionNames: list[str]
    ResourceArns: list[str] | None = None
    ResourcePolicy: str | None = None
    ResourceOwner: str | None = None
    CallerArn: str | None = None
    ContextEntries: list[ContextEntry] | None = None
    ResourceHandlingOption: str | None = None
    MaxItems: m.Integer | None = None
    Marker: str | None = None


class SimulatePolicyResponse(m.Structure, frozen=True, kw_only=True):
    EvaluationResults: list[EvaluationResult] | None = None
    IsTruncated: bool | None = None
    Marker: str | None = None


class SimulatePrincipalPolicyRequest(m.Structure, frozen=True, kw_only=True):
    PolicySourceArn: str
    PolicyInputList: list[str] | None = None
    PermissionsBoundaryPolicyInputList: list[str] | None = None
    PolicyExclusionList: list[PolicyIdentifier] | None = None
    ActionNames: list[str]
    ResourceArns: list[str] | None = None
    ResourcePolicy: str | None = None
    ResourceOwner: str | None = None
    CallerArn: str | None = None
    ContextEntries: list[ContextEntry] | None = None
    ResourceHandlingOption: str | None = None
    MaxItems: m.Integer | None = None
    Marker: str | None = None


class SourceRoleTemplate(m.Structure, frozen=True, kw_only=True):
    TemplateArn: str
    TemplateMinorVersion: m.Integer


class Statement(m.Structure, frozen=True, kw_only=True):
    SourcePolicyId: str | None = None
    SourcePolicyType: str | None = None
    StartPosition: Position | None = None
    EndPosition: Position | None = None


class Tag(m.Structure, frozen=True, kw_only=True):
    Key: str
    Value: str


class TagInstanceProfileRequest(m.Structure, frozen=True, kw_only=True):
    InstanceProfileName: str
    Tags: list[Tag]


class TagMFADeviceRequest(m.Structure, frozen=True, kw_only=True):
    SerialNumber: str
    Tags: list[Tag]


class TagOpenIDConnectProviderRequest(m.Structure, frozen=True, kw_only=True):
    OpenIDConnectProviderArn: str
    Tags: list[Tag]


class TagPolicyRequest(m.Structure, frozen=True, kw_only=True):
    PolicyArn: str
    Tags: list[Tag]


class TagRoleRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    Tags: list[Tag]


class TagSAMLProviderRequest(m.Structure, frozen=True, kw_only=True):
    SAMLProviderArn: str
    Tags: list[Tag]


class TagServerCertificateRequest(m.Structure, frozen=True, kw_only=True):
    ServerCertificateName: str
    Tags: list[Tag]


class TagTemplate(m.Structure, frozen=True, kw_only=True):
    Key: str
    Value: str


class TagUserRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    Tags: list[Tag]


class TrackedActionLastAccessed(m.Structure, frozen=True, kw_only=True):
    ActionName: str | None = None
    LastAccessedEntity: str | None = None
    LastAccessedTime: m.Timestamp | None = None
    LastAccessedRegion: str | None = None


class UntagInstanceProfileRequest(m.Structure, frozen=True, kw_only=True):
    InstanceProfileName: str
    TagKeys: list[str]


class UntagMFADeviceRequest(m.Structure, frozen=True, kw_only=True):
    SerialNumber: str
    TagKeys: list[str]


class UntagOpenIDConnectProviderRequest(m.Structure, frozen=True, kw_only=True):
    OpenIDConnectProviderArn: str
    TagKeys: list[str]


class UntagPolicyRequest(m.Structure, frozen=True, kw_only=True):
    PolicyArn: str
    TagKeys: list[str]


class UntagRoleRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    TagKeys: list[str]


class UntagSAMLProviderRequest(m.Structure, frozen=True, kw_only=True):
    SAMLProviderArn: str
    TagKeys: list[str]


class UntagServerCertificateRequest(m.Structure, frozen=True, kw_only=True):
    ServerCertificateName: str
    TagKeys: list[str]


class UntagUserRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    TagKeys: list[str]


class UpdateAccessKeyRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    AccessKeyId: str
    Status: str


class UpdateAccountPasswordPolicyRequest(m.Structure, frozen=True, kw_only=True):
    MinimumPasswordLength: m.Integer | None = None
    RequireSymbols: bool | None = None
    RequireNumbers: bool | None = None
    RequireUppercaseCharacters: bool | None = None
    RequireLowercaseCharacters: bool | None = None
    AllowUsersToChangePassword: bool | None = None
    MaxPasswordAge: m.Integer | None = None
    PasswordReusePrevention: m.Integer | None = None
    HardExpiry: bool | None = None


class UpdateAssumeRolePolicyRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    PolicyDocument: str


class UpdateDelegationRequestRequest(m.Structure, frozen=True, kw_only=True):
    DelegationRequestId: str
    Notes: str | None = None


class UpdateGroupRequest(m.Structure, frozen=True, kw_only=True):
    GroupName: str
    NewPath: str | None = None
    NewGroupName: str | None = None


class UpdateLoginProfileRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    Password: str | None = None
    PasswordResetRequired: bool | None = None
    MaxSigninSessionDuration: m.Integer | None = None
    ResetMaxSigninSessionDuration: bool | None = None


class UpdateOpenIDConnectProviderRequest(m.Structure, frozen=True, kw_only=True):
    OpenIDConnectProviderArn: str
    ContextProvider: _ContextProvider | None = None
    IdentityCenterInstanceArn: str | None = None
    RemoveContextProvider: bool | None = None
    RemoveIdentityCenterInstance: bool | None = None


class UpdateOpenIDConnectProviderThumbprintRequest(m.Structure, frozen=True, kw_only=True):
    OpenIDConnectProviderArn: str
    ThumbprintList: list[str]


class UpdateRoleDescriptionRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    Description: str


class UpdateRoleDescriptionResponse(m.Structure, frozen=True, kw_only=True):
    Role: _Role | None = None


class UpdateRoleRequest(m.Structure, frozen=True, kw_only=True):
    RoleName: str
    Description: str | None = None
    MaxSessionDuration: m.Integer | None = None
    MaxSigninSessionDuration: m.Integer | None = None
    ResetMaxSigninSessionDuration: bool | None = None


class UpdateRoleResponse(m.Structure, frozen=True, kw_only=True):
    pass


class UpdateSAMLProviderRequest(m.Structure, frozen=True, kw_only=True):
    SAMLMetadataDocument: str | None = None
    SAMLProviderArn: str
    AssertionEncryptionMode: str | None = None
    AddPrivateKey: str | None = None
    RemovePrivateKey: str | None = None
    ContextProvider: _ContextProvider | None = None
    IdentityCenterInstanceArn: str | None = None
    RemoveContextProvider: bool | None = None
    RemoveIdentityCenterInstance: bool | None = None


class UpdateSAMLProviderResponse(m.Structure, frozen=True, kw_only=True):
    SAMLProviderArn: str | None = None


class UpdateSSHPublicKeyRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    SSHPublicKeyId: str
    Status: str


class UpdateServerCertificateRequest(m.Structure, frozen=True, kw_only=True):
    ServerCertificateName: str
    NewPath: str | None = None
    NewServerCertificateName: str | None = None


class UpdateServiceSpecificCredentialRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    ServiceSpecificCredentialId: str
    Status: str


class UpdateSigningCertificateRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    CertificateId: str
    Status: str


class UpdateUserRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    NewPath: str | None = None
    NewUserName: str | None = None


class UploadSSHPublicKeyRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str
    SSHPublicKeyBody: str


class UploadSSHPublicKeyResponse(m.Structure, frozen=True, kw_only=True):
    SSHPublicKey: _SSHPublicKey | None = None


class UploadServerCertificateRequest(m.Structure, frozen=True, kw_only=True):
    Path: str | None = None
    ServerCertificateName: str
    CertificateBody: str
    PrivateKey: str
    CertificateChain: str | None = None
    Tags: list[Tag] | None = None


class UploadServerCertificateResponse(m.Structure, frozen=True, kw_only=True):
    ServerCertificateMetadata: _ServerCertificateMetadata | None = None
    Tags: list[Tag] | None = None


class UploadSigningCertificateRequest(m.Structure, frozen=True, kw_only=True):
    UserName: str | None = None
    CertificateBody: str


class UploadSigningCertificateResponse(m.Structure, frozen=True, kw_only=True):
    Certificate: SigningCertificate


class User(m.Structure, frozen=True, kw_only=True):
    Path: str
    UserName: str
    UserId: str
    Arn: str
    CreateDate: m.Timestamp
    PasswordLastUsed: m.Timestamp | None = None
    PermissionsBoundary: AttachedPermissionsBoundary | None = None
    Tags: list[Tag] | None = None


class UserDetail(m.Structure, frozen=True, kw_only=True):
    Path: str | None = None
    UserName: str | None = None
    UserId: str | None = None
    Arn: str | None = None
    CreateDate: m.Timestamp | None = None
    UserPolicyList: list[PolicyDetail] | None = None
    GroupList: list[str] | None = None
    AttachedManagedPolicies: list[AttachedPolicy] | None = None
    PermissionsBoundary: AttachedPermissionsBoundary | None = None
    Tags: list[Tag] | None = None


class VirtualMFADevice(m.Structure, frozen=True, kw_only=True):
    SerialNumber: str
    Base32StringSeed: bytes | None = None
    QRCodePNG: bytes | None = None
    User: _User | None = None
    EnableDate: m.Timestamp | None = None
    Tags: list[Tag] | None = None



# Members of the same name hide these from a type checker.
_AccessKey = AccessKey
_AccessKeyLastUsed = AccessKeyLastUsed
_AccessKeyMetadata = AccessKeyMetadata
_ContextProvider = ContextProvider
_DelegationRequest = DelegationRequest
_EntityInfo = EntityInfo
_ErrorDetails = ErrorDetails
_Group = Group
_InstanceProfile = InstanceProfile
_LoginProfile = LoginProfile
_OrganizationsDecisionDetail = OrganizationsDecisionDetail
_PasswordPolicy = PasswordPolicy
_PermissionsBoundaryDecisionDetail = PermissionsBoundaryDecisionDetail
_Policy = Policy
_PolicyVersion = PolicyVersion
_Role = Role
_RoleLastUsed = RoleLastUsed
_RoleTemplateVersion = RoleTemplateVersion
_SSHPublicKey = SSHPublicKey
_ServerCertificate = ServerCertificate
_ServerCertificateMetadata = ServerCertificateMetadata
_ServiceSpecificCredential = ServiceSpecificCredential
_SourceRoleTemplate = SourceRoleTemplate
_User = User
_VirtualMFADevice = VirtualMFADevice

OPERATIONS = {
    "AcceptDelegationRequest": m.OperationModel(name="AcceptDelegationRequest", input=AcceptDelegationRequestRequest),
    "AcquireRole": m.OperationModel(name="AcquireRole", input=AcquireRoleRequest, output=AcquireRoleResponse, output_wrapper="AcquireRoleResult"),
    "AddClientIDToOpenIDConnectProvider": m.OperationModel(name="AddClientIDToOpenIDConnectProvider", input=AddClientIDToOpenIDConnectProviderRequest),
    "AddRoleToInstanceProfile": m.OperationModel(name="AddRoleToInstanceProfile", input=AddRoleToInstanceProfileRequest),
    "AddUserToGroup": m.OperationModel(name="AddUserToGroup", input=AddUserToGroupRequest),
    "AssociateDelegationRequest": m.OperationModel(name="AssociateDelegationRequest", input=AssociateDelegationRequestRequest),
    "AttachGroupPolicy": m.OperationModel(name="AttachGroupPolicy", input=AttachGroupPolicyRequest),
    "AttachRolePolicy": m.OperationModel(name="AttachRolePolicy", input=AttachRolePolicyRequest),
    "AttachUserPolicy": m.OperationModel(name="AttachUserPolicy", input=AttachUserPolicyRequest),
    "ChangePassword": m.OperationModel(name="ChangePassword", input=ChangePasswordRequest),
    "CreateAccessKey": m.OperationModel(name="CreateAccessKey", input=CreateAccessKeyRequest, output=CreateAccessKeyResponse, output_wrapper="CreateAccessKeyResult"),
    "CreateAccountAlias": m.OperationModel(name="CreateAccountAlias", input=CreateAccountAliasRequest),
    "CreateDelegationRequest": m.OperationModel(name="CreateDelegationRequest", input=CreateDelegationRequestRequest, output=CreateDelegationRequestResponse, output_wrapper="CreateDelegationRequestResult"),
    "CreateGroup": m.OperationModel(name="CreateGroup", input=CreateGroupRequest, output=CreateGroupResponse, output_wrapper="CreateGroupResult"),
    "CreateInstanceProfile": m.OperationModel(name="CreateInstanceProfile", input=CreateInstanceProfileRequest, output=CreateInstanceProfileResponse, output_wrapper="CreateInstanceProfileResult"),
    "CreateLoginProfile": m.OperationModel(name="CreateLoginProfile", input=CreateLoginProfileRequest, output=CreateLoginProfileResponse, output_wrapper="CreateLoginProfileResult"),
    "CreateOpenIDConnectProvider": m.OperationModel(name="CreateOpenIDConnectProvider", input=CreateOpenIDConnectProviderRequest, output=CreateOpenIDConnectProviderResponse, output_wrapper="CreateOpenIDConnectProviderResult"),
    "CreatePolicy": m.OperationModel(name="CreatePolicy", input=CreatePolicyRequest, output=CreatePolicyResponse, output_wrapper="CreatePolicyResult"),
    "CreatePolicyVersion": m.OperationModel(name="CreatePolicyVersion", input=CreatePolicyVersionRequest, output=CreatePolicyVersionResponse, output_wrapper="CreatePolicyVersionResult"),
    "CreateRole": m.OperationModel(name="CreateRole", input=CreateRoleRequest, output=CreateRoleResponse, output_wrapper="CreateRoleResult"),
    "CreateSAMLProvider": m.OperationModel(name="CreateSAMLProvider", input=CreateSAMLProviderRequest, output=CreateSAMLProviderResponse, output_wrapper="CreateSAMLProviderResult"),
    "CreateServiceLinkedRole": m.OperationModel(name="CreateServiceLinkedRole", input=CreateServiceLinkedRoleRequest, output=CreateServiceLinkedRoleResponse, output_wrapper="CreateServiceLinkedRoleResult"),
    "CreateServiceSpecificCredential": m.OperationModel(name="CreateServiceSpecificCredential", input=CreateServiceSpecificCredentialRequest, output=CreateServiceSpecificCredentialResponse, output_wrapper="CreateServiceSpecificCredentialResult"),
    "CreateUser": m.OperationModel(name="CreateUser", input=CreateUserRequest, output=CreateUserResponse, output_wrapper="CreateUserResult"),
    "CreateVirtualMFADevice": m.OperationModel(name="CreateVirtualMFADevice", input=CreateVirtualMFADeviceRequest, output=CreateVirtualMFADeviceResponse, output_wrapper="CreateVirtualMFADeviceResult"),
    "DeactivateMFADevice": m.OperationModel(name="DeactivateMFADevice", input=DeactivateMFADeviceRequest),
    "DeleteAccessKey": m.OperationModel(name="DeleteAccessKey", input=DeleteAccessKeyRequest),
    "DeleteAccountAlias": m.OperationModel(name="DeleteAccountAlias", input=DeleteAccountAliasRequest),
    "DeleteAccountPasswordPolicy": m.OperationModel(name="DeleteAccountPasswordPolicy"),
    "DeleteGroup": m.OperationModel(name="DeleteGroup", input=DeleteGroupRequest),
    "DeleteGroupPolicy": m.OperationModel(name="DeleteGroupPolicy", input=DeleteGroupPolicyRequest),
    "DeleteInstanceProfile": m.OperationModel(name="DeleteInstanceProfile", input=DeleteInstanceProfileRequest),
    "DeleteLoginProfile": m.OperationModel(name="DeleteLoginProfile", input=DeleteLoginProfileRequest),
    "DeleteOpenIDConnectProvider": m.OperationModel(name="DeleteOpenIDConnectProvider", input=DeleteOpenIDConnectProviderRequest),
    "DeletePolicy": m.OperationModel(name="DeletePolicy", input=DeletePolicyRequest),
    "DeletePolicyVersion": m.OperationModel(name="DeletePolicyVersion", input=DeletePolicyVersionRequest),
    "DeleteRole": m.OperationModel(name="DeleteRole", input=DeleteRoleRequest),
    "DeleteRolePermissionsBoundary": m.OperationModel(name="DeleteRolePermissionsBoundary", input=DeleteRolePermissionsBoundaryRequest),
    "DeleteRolePolicy": m.OperationModel(name="DeleteRolePolicy", input=DeleteRolePolicyRequest),
    "DeleteSAMLProvider": m.OperationModel(name="DeleteSAMLProvider", input=DeleteSAMLProviderRequest),
    "DeleteSSHPublicKey": m.OperationModel(name="DeleteSSHPublicKey", input=DeleteSSHPublicKeyRequest),
    "DeleteServerCertificate": m.OperationModel(name="DeleteServerCertificate", input=DeleteServerCertificateRequest),
    "DeleteServiceLinkedRole": m.OperationModel(name="DeleteServiceLinkedRole", input=DeleteServiceLinkedRoleRequest, output=DeleteServiceLinkedRoleResponse, output_wrapper="DeleteServiceLinkedRoleResult"),
    "DeleteServiceSpecificCredential": m.OperationModel(name="DeleteServiceSpecificCredential", input=DeleteServiceSpecificCredentialRequest),
    "DeleteSigningCertificate": m.OperationModel(name="DeleteSigningCertificate", input=DeleteSigningCertificateRequest),
    "DeleteUser": m.OperationModel(name="DeleteUser", input=DeleteUserRequest),
    "DeleteUserPermissionsBoundary": m.OperationModel(name="DeleteUserPermissionsBoundary", input=DeleteUserPermissionsBoundaryRequest),
    "DeleteUserPolicy": m.OperationModel(name="DeleteUserPolicy", input=DeleteUserPolicyRequest),
    "DeleteVirtualMFADevice": m.OperationModel(name="DeleteVirtualMFADevice", input=DeleteVirtualMFADeviceRequest),
    "DetachGroupPolicy": m.OperationModel(name="DetachGroupPolicy", input=DetachGroupPolicyRequest),
    "DetachRolePolicy": m.OperationModel(name="DetachRolePolicy", input=DetachRolePolicyRequest),
    "DetachUserPolicy": m.OperationModel(name="DetachUserPolicy", input=DetachUserPolicyRequest),
    "DisableOrganizationsRootCredentialsManagement": m.OperationModel(name="DisableOrganizationsRootCredentialsManagement", input=DisableOrganizationsRootCredentialsManagementRequest, output=DisableOrganizationsRootCredentialsManagementResponse, output_wrapper="DisableOrganizationsRootCredentialsManagementResult"),
    "DisableOrganizationsRootSessions": m.OperationModel(name="DisableOrganizationsRootSessions", input=DisableOrganizationsRootSessionsRequest, output=DisableOrganizationsRootSessionsResponse, output_wrapper="DisableOrganizationsRootSessionsResult"),
    "DisableOutboundWebIdentityFederation": m.OperationModel(name="DisableOutboundWebIdentityFederation"),
    "EnableMFADevice": m.OperationModel(name="EnableMFADevice", input=EnableMFADeviceRequest),
    "EnableOrganizationsRootCredentialsManagement": m.OperationModel(name="EnableOrganizationsRootCredentialsManagement", input=EnableOrganizationsRootCredentialsManagementRequest, output=EnableOrganizationsRootCredentialsManagementResponse, output_wrapper="EnableOrganizationsRootCredentialsManagementResult"),
    "EnableOrganizationsRootSessions": m.OperationModel(name="EnableOrganizationsRootSessions", input=EnableOrganizationsRootSessionsRequest, output=EnableOrganizationsRootSessionsResponse, output_wrapper="EnableOrganizationsRootSessionsResult"),
    "EnableOutboundWebIdentityFederation": m.OperationModel(name="EnableOutboundWebIdentityFederation", output=EnableOutboundWebIdentityFederationResponse, output_wrapper="EnableOutboundWebIdentityFederationResult"),
    "GenerateCredentialReport": m.OperationModel(name="GenerateCredentialReport", output=GenerateCredentialReportResponse, output_wrapper="GenerateCredentialReportResult"),
    "GenerateOrganizationsAccessReport": m.OperationModel(name="GenerateOrganizationsAccessReport", input=GenerateOrganizationsAccessReportRequest, output=GenerateOrganizationsAccessReportResponse, output_wrapper="GenerateOrganizationsAccessReportResult"),
    "GenerateServiceLastAccessedDetails": m.OperationModel(name="GenerateServiceLastAccessedDetails", input=GenerateServiceLastAccessedDetailsRequest, output=GenerateServiceLastAccessedDetailsResponse, output_wrapper="GenerateServiceLastAccessedDetailsResult"),
    "GetAccessKeyLastUsed": m.OperationModel(name="GetAccessKeyLastUsed", input=GetAccessKeyLastUsedRequest, output=GetAccessKeyLastUsedResponse, output_wrapper="GetAccessKeyLastUsedResult"),
    "GetAccountAuthorizationDetails": m.OperationModel(name="GetAccountAuthorizationDetails", input=GetAccountAuthorizationDetailsRequest, output=GetAccountAuthorizationDetailsResponse, output_wrapper="GetAccountAuthorizationDetailsResult"),
    "GetAccountPasswordPolicy": m.OperationModel(name="GetAccountPasswordPolicy", output=GetAccountPasswordPolicyResponse, output_wrapper="GetAccountPasswordPolicyResult"),
    "GetAccountProperties": m.OperationModel(name="GetAccountProperties", input=GetAccountPropertiesRequest, output=GetAccountPropertiesResponse, output_wrapper="GetAccountPropertiesResult"),
    "GetAccountSummary": m.OperationModel(name="GetAccountSummary", output=GetAccountSummaryResponse, output_wrapper="GetAccountSummaryResult"),
    "GetContextKeysForCustomPolicy": m.OperationModel(name="GetContextKeysForCustomPolicy", input=GetContextKeysForCustomPolicyRequest, output=GetContextKeysForPolicyResponse, output_wrapper="GetContextKeysForCustomPolicyResult"),
    "GetContextKeysForPrincipalPolicy": m.OperationModel(name="GetContextKeysForPrincipalPolicy", input=GetContextKeysForPrincipalPolicyRequest, output=GetContextKeysForPolicyResponse, output_wrapper="GetContextKeysForPrincipalPolicyResult"),
    "GetCredentialReport": m.OperationModel(name="GetCredentialReport", output=GetCredentialReportResponse, output_wrapper="GetCredentialReportResult"),
    "GetDelegationRequest": m.OperationModel(name="GetDelegationRequest", input=GetDelegationRequestRequest, output=GetDelegationRequestResponse, output_wrapper="GetDelegationRequestResult"),
    "GetGroup": m.OperationModel(name="GetGroup", input=GetGroupRequest, output=GetGroupResponse, output_wrapper="GetGroupResult"),
    "GetGroupPolicy": m.OperationModel(name="GetGroupPolicy", input=GetGroupPolicyRequest, output=GetGroupPolicyResponse, output_wrapper="GetGroupPolicyResult"),
    "GetHumanReadableSummary": m.OperationModel(name="GetHumanReadableSummary", input=GetHumanReadableSummaryRequest, output=GetHumanReadableSummaryResponse, output_wrapper="GetHumanReadableSummaryResult"),
    "GetInstanceProfile": m.OperationModel(name="GetInstanceProfile", input=GetInstanceProfileRequest, output=GetInstanceProfileResponse, output_wrapper="GetInstanceProfileResult"),
    "GetLoginProfile": m.OperationModel(name="GetLoginProfile", input=GetLoginProfileRequest, output=GetLoginProfileResponse, output_wrapper="GetLoginProfileResult"),
    "GetMFADevice": m.OperationModel(name="GetMFADevice", input=GetMFADeviceRequest, output=GetMFADeviceResponse, output_wrapper="GetMFADeviceResult"),
    "GetOpenIDConnectProvider": m.OperationModel(name="GetOpenIDConnectProvider", input=GetOpenIDConnectProviderRequest, output=GetOpenIDConnectProviderResponse, output_wrapper="GetOpenIDConnectProviderResult"),
    "GetOrganizationsAccessReport": m.OperationModel(name="GetOrganizationsAccessReport", input=GetOrganizationsAccessReportRequest, output=GetOrganizationsAccessReportResponse, output_wrapper="GetOrganizationsAccessReportResult"),
    "GetOutboundWebIdentityFederationInfo": m.OperationModel(name="GetOutboundWebIdentityFederationInfo", output=GetOutboundWebIdentityFederationInfoResponse, output_wrapper="GetOutboundWebIdentityFederationInfoResult"),
    "GetPolicy": m.OperationModel(name="GetPolicy", input=GetPolicyRequest, output=GetPolicyResponse, output_wrapper="GetPolicyResult"),
    "GetPolicyVersion": m.OperationModel(name="GetPolicyVersion", input=GetPolicyVersionRequest, output=GetPolicyVersionResponse, output_wrapper="GetPolicyVersionResult"),
    "GetRole": m.OperationModel(name="GetRole", input=GetRoleRequest, output=GetRoleResponse, output_wrapper="GetRoleResult"),
    "GetRolePolicy": m.OperationModel(name="GetRolePolicy", input=GetRolePolicyRequest, output=GetRolePolicyResponse, output_wrapper="GetRolePolicyResult"),
    "GetRoleTemplateVersion": m.OperationModel(name="GetRoleTemplateVersion", input=GetRoleTemplateVersionRequest, output=GetRoleTemplateVersionResponse, output_wrapper="GetRoleTemplateVersionResult"),
    "GetSAMLProvider": m.OperationModel(name="GetSAMLProvider", input=GetSAMLProviderRequest, output=GetSAMLProviderResponse, output_wrapper="GetSAMLProviderResult"),
    "GetSSHPublicKey": m.OperationModel(name="GetSSHPublicKey", input=GetSSHPublicKeyRequest, output=GetSSHPublicKeyResponse, output_wrapper="GetSSHPublicKeyResult"),
    "GetServerCertificate": m.OperationModel(name="GetServerCertificate", input=GetServerCertificateRequest, output=GetServerCertificateResponse, output_wrapper="GetServerCertificateResult"),
    "GetServiceLastAccessedDetails": m.OperationModel(name="GetServiceLastAccessedDetails", input=GetServiceLastAccessedDetailsRequest, output=GetServiceLastAccessedDetailsResponse, output_wrapper="GetServiceLastAccessedDetailsResult"),
    "GetServiceLastAccessedDetailsWithEntities": m.OperationModel(name="GetServiceLastAccessedDetailsWithEntities", input=GetServiceLastAccessedDetailsWithEntitiesRequest, output=GetServiceLastAccessedDetailsWithEntitiesResponse, output_wrapper="GetServiceLastAccessedDetailsWithEntitiesResult"),
    "GetServiceLinkedRoleDeletionStatus": m.OperationModel(name="GetServiceLinkedRoleDeletionStatus", input=GetServiceLinkedRoleDeletionStatusRequest, output=GetServiceLinkedRoleDeletionStatusResponse, output_wrapper="GetServiceLinkedRoleDeletionStatusResult"),
    "GetUser": m.OperationModel(name="GetUser", input=GetUserRequest, output=GetUserResponse, output_wrapper="GetUserResult"),
    "GetUserPolicy": m.OperationModel(name="GetUserPolicy", input=GetUserPolicyRequest, output=GetUserPolicyResponse, output_wrapper="GetUserPolicyResult"),
    "ListAccessKeys": m.OperationModel(name="ListAccessKeys", input=ListAccessKeysRequest, output=ListAccessKeysResponse, output_wrapper="ListAccessKeysResult"),
    "ListAccountAliases": m.OperationModel(name="ListAccountAliases", input=ListAccountAliasesRequest, output=ListAccountAliasesResponse, output_wrapper="ListAccountAliasesResult"),
    "ListAttachedGroupPolicies": m.OperationModel(name="ListAttachedGroupPolicies", input=ListAttachedGroupPoliciesRequest, output=ListAttachedGroupPoliciesResponse, output_wrapper="ListAttachedGroupPoliciesResult"),
    "ListAttachedRolePolicies": m.OperationModel(name="ListAttachedRolePolicies", input=ListAttachedRolePoliciesRequest, output=ListAttachedRolePoliciesResponse, output_wrapper="ListAttachedRolePoliciesResult"),
    "ListAttachedUserPolicies": m.OperationModel(name="ListAttachedUserPolicies", input=ListAttachedUserPoliciesRequest, output=ListAttachedUserPoliciesResponse, output_wrapper="ListAttachedUserPoliciesResult"),
    "ListDelegationRequests": m.OperationModel(name="ListDelegationRequests", input=ListDelegationRequestsRequest, output=ListDelegationRequestsResponse, output_wrapper="ListDelegationRequestsResult"),
    "ListEntitiesForPolicy": m.OperationModel(name="ListEntitiesForPolicy", input=ListEntitiesForPolicyRequest, output=ListEntitiesForPolicyResponse, output_wrapper="ListEntitiesForPolicyResult"),
    "ListGroupPolicies": m.OperationModel(name="ListGroupPolicies", input=ListGroupPoliciesRequest, output=ListGroupPoliciesResponse, output_wrapper="ListGroupPoliciesResult"),
    "ListGroups": m.OperationModel(name="ListGroups", input=ListGroupsRequest, output=ListGroupsResponse, output_wrapper="ListGroupsResult"),
    "ListGroupsForUser": m.OperationModel(name="ListGroupsForUser", input=ListGroupsForUserRequest, output=ListGroupsForUserResponse, output_wrapper="ListGroupsForUserResult"),
    "ListInstanceProfileTags": m.OperationModel(name="ListInstanceProfileTags", input=ListInstanceProfileTagsRequest, output=ListInstanceProfileTagsResponse, output_wrapper="ListInstanceProfileTagsResult"),
    "ListInstanceProfiles": m.OperationModel(name="ListInstanceProfiles", input=ListInstanceProfilesRequest, output=ListInstanceProfilesResponse, output_wrapper="ListInstanceProfilesResult"),
    "ListInstanceProfilesForRole": m.OperationModel(name="ListInstanceProfilesForRole", input=ListInstanceProfilesForRoleRequest, output=ListInstanceProfilesForRoleResponse, output_wrapper="ListInstanceProfilesForRoleResult"),
    "ListMFADeviceTags": m.OperationModel(name="ListMFADeviceTags", input=ListMFADeviceTagsRequest, output=ListMFADeviceTagsResponse, output_wrapper="ListMFADeviceTagsResult"),
    "ListMFADevices": m.OperationModel(name="ListMFADevices", input=ListMFADevicesRequest, output=ListMFADevicesResponse, output_wrapper="ListMFADevicesResult"),
    "ListOpenIDConnectProviderTags": m.OperationModel(name="ListOpenIDConnectProviderTags", input=ListOpenIDConnectProviderTagsRequest, output=ListOpenIDConnectProviderTagsResponse, output_wrapper="ListOpenIDConnectProviderTagsResult"),
    "ListOpenIDConnectProviders": m.OperationModel(name="ListOpenIDConnectProviders", input=ListOpenIDConnectProvidersRequest, output=ListOpenIDConnectProvidersResponse, output_wrapper="ListOpenIDConnectProvidersResult"),
    "ListOrganizationsFeatures": m.OperationModel(name="ListOrganizationsFeatures", input=ListOrganizationsFeaturesRequest, output=ListOrganizationsFeaturesResponse, output_wrapper="ListOrganizationsFeaturesResult"),
    "ListPolicies": m.OperationModel(name="ListPolicies", input=ListPoliciesRequest, output=ListPoliciesResponse, output_wrapper="ListPoliciesResult"),
    "ListPoliciesGrantingServiceAccess": m.OperationModel(name="ListPoliciesGrantingServiceAccess", input=ListPoliciesGrantingServiceAccessRequest, output=ListPoliciesGrantingServiceAccessResponse, output_wrapper="ListPoliciesGrantingServiceAccessResult"),
    "ListPolicyTags": m.OperationModel(name="ListPolicyTags", input=ListPolicyTagsRequest, output=ListPolicyTagsResponse, output_wrapper="ListPolicyTagsResult"),
    "ListPolicyVersions": m.OperationModel(name="ListPolicyVersions", input=ListPolicyVersionsRequest, output=ListPolicyVersionsResponse, output_wrapper="ListPolicyVersionsResult"),
    "ListRolePolicies": m.OperationModel(name="ListRolePolicies", input=ListRolePoliciesRequest, output=ListRolePoliciesResponse, output_wrapper="ListRolePoliciesResult"),
    "ListRoleTags": m.OperationModel(name="ListRoleTags", input=ListRoleTagsRequest, output=ListRoleTagsResponse, output_wrapper="ListRoleTagsResult"),
    "ListRoles": m.OperationModel(name="ListRoles", input=ListRolesRequest, output=ListRolesResponse, output_wrapper="ListRolesResult"),
    "ListSAMLProviderTags": m.OperationModel(name="ListSAMLProviderTags", input=ListSAMLProviderTagsRequest, output=ListSAMLProviderTagsResponse, output_wrapper="ListSAMLProviderTagsResult"),
    "ListSAMLProviders": m.OperationModel(name="ListSAMLProviders", input=ListSAMLProvidersRequest, output=ListSAMLProvidersResponse, output_wrapper="ListSAMLProvidersResult"),
    "ListSSHPublicKeys": m.OperationModel(name="ListSSHPublicKeys", input=ListSSHPublicKeysRequest, output=ListSSHPublicKeysResponse, output_wrapper="ListSSHPublicKeysResult"),
    "ListServerCertificateTags": m.OperationModel(name="ListServerCertificateTags", input=ListServerCertificateTagsRequest, output=ListServerCertificateTagsResponse, output_wrapper="ListServerCertificateTagsResult"),
    "ListServerCertificates": m.OperationModel(name="ListServerCertificates", input=ListServerCertificatesRequest, output=ListServerCertificatesResponse, output_wrapper="ListServerCertificatesResult"),
    "ListServiceSpecificCredentials": m.OperationModel(name="ListServiceSpecificCredentials", input=ListServiceSpecificCredentialsRequest, output=ListServiceSpecificCredentialsResponse, output_wrapper="ListServiceSpecificCredentialsResult"),
    "ListSigningCertificates": m.OperationModel(name="ListSigningCertificates", input=ListSigningCertificatesRequest, output=ListSigningCertificatesResponse, output_wrapper="ListSigningCertificatesResult"),
    "ListUserPolicies": m.OperationModel(name="ListUserPolicies", input=ListUserPoliciesRequest, output=ListUserPoliciesResponse, output_wrapper="ListUserPoliciesResult"),
    "ListUserTags": m.OperationModel(name="ListUserTags", input=ListUserTagsRequest, output=ListUserTagsResponse, output_wrapper="ListUserTagsResult"),
    "ListUsers": m.OperationModel(name="ListUsers", input=ListUsersRequest, output=ListUsersResponse, output_wrapper="ListUsersResult"),
    "ListVirtualMFADevices": m.OperationModel(name="ListVirtualMFADevices", input=ListVirtualMFADevicesRequest, output=ListVirtualMFADevicesResponse, output_wrapper="ListVirtualMFADevicesResult"),
    "PutAccountProperties": m.OperationModel(name="PutAccountProperties", input=PutAccountPropertiesRequest, output=PutAccountPropertiesResponse, output_wrapper="PutAccountPropertiesResult"),
    "PutGroupPolicy": m.OperationModel(name="PutGroupPolicy", input=PutGroupPolicyRequest),
    "PutRolePermissionsBoundary": m.OperationModel(name="PutRolePermissionsBoundary", input=PutRolePermissionsBoundaryRequest),
    "PutRolePolicy": m.OperationModel(name="PutRolePolicy", input=PutRolePolicyRequest),
    "PutUserPermissionsBoundary": m.OperationModel(name="PutUserPermissionsBoundary", input=PutUserPermissionsBoundaryRequest),
    "PutUserPolicy": m.OperationModel(name="PutUserPolicy", input=PutUserPolicyRequest),
    "RejectDelegationRequest": m.OperationModel(name="RejectDelegationRequest", input=RejectDelegationRequestRequest),
    "RemoveClientIDFromOpenIDConnectProvider": m.OperationModel(name="RemoveClientIDFromOpenIDConnectProvider", input=RemoveClientIDFromOpenIDConnectProviderRequest),
    "RemoveRoleFromInstanceProfile": m.OperationModel(name="RemoveRoleFromInstanceProfile", input=RemoveRoleFromInstanceProfileRequest),
    "RemoveUserFromGroup": m.OperationModel(name="RemoveUserFromGroup", input=RemoveUserFromGroupRequest),
    "ResetServiceSpecificCredential": m.OperationModel(name="ResetServiceSpecificCredential", input=ResetServiceSpecificCredentialRequest, output=ResetServiceSpecificCredentialResponse, output_wrapper="ResetServiceSpecificCredentialResult"),
    "ResyncMFADevice": m.OperationModel(name="ResyncMFADevice", input=ResyncMFADeviceRequest),
    "SendDelegationToken": m.OperationModel(name="SendDelegationToken", input=SendDelegationTokenRequest),
    "SetDefaultPolicyVersion": m.OperationModel(name="SetDefaultPolicyVersion", input=SetDefaultPolicyVersionRequest),
    "SetSecurityTokenServicePreferences": m.OperationModel(name="SetSecurityTokenServicePreferences", input=SetSecurityTokenServicePreferencesRequest),
    "SimulateCustomPolicy": m.OperationModel(name="SimulateCustomPolicy", input=SimulateCustomPolicyRequest, output=SimulatePolicyResponse, output_wrapper="SimulateCustomPolicyResult"),
    "SimulatePrincipalPolicy": m.OperationModel(name="SimulatePrincipalPolicy", input=SimulatePrincipalPolicyRequest, output=SimulatePolicyResponse, output_wrapper="SimulatePrincipalPolicyResult"),
    "TagInstanceProfile": m.OperationModel(name="TagInstanceProfile", input=TagInstanceProfileRequest),
    "TagMFADevice": m.OperationModel(name="TagMFADevice", input=TagMFADeviceRequest),
    "TagOpenIDConnectProvider": m.OperationModel(name="TagOpenIDConnectProvider", input=TagOpenIDConnectProviderRequest),
    "TagPolicy": m.OperationModel(name="TagPolicy", input=TagPolicyRequest),
    "TagRole": m.OperationModel(name="TagRole", input=TagRoleRequest),
    "TagSAMLProvider": m.OperationModel(name="TagSAMLProvider", input=TagSAMLProviderRequest),
    "TagServerCertificate": m.OperationModel(name="TagServerCertificate", input=TagServerCertificateRequest),
    "TagUser": m.OperationModel(name="TagUser", input=TagUserRequest),
    "UntagInstanceProfile": m.OperationModel(name="UntagInstanceProfile", input=UntagInstanceProfileRequest),
    "UntagMFADevice": m.OperationModel(name="UntagMFADevice", input=UntagMFADeviceRequest),
    "UntagOpenIDConnectProvider": m.OperationModel(name="UntagOpenIDConnectProvider", input=UntagOpenIDConnectProviderRequest),
    "UntagPolicy": m.OperationModel(name="UntagPolicy", input=UntagPolicyRequest),
    "UntagRole": m.OperationModel(name="UntagRole", input=UntagRoleRequest),
    "UntagSAMLProvider": m.OperationModel(name="UntagSAMLProvider", input=UntagSAMLProviderRequest),
    "UntagServerCertificate": m.OperationModel(name="UntagServerCertificate", input=UntagServerCertificateRequest),
    "UntagUser": m.OperationModel(name="UntagUser", input=UntagUserRequest),
    "UpdateAccessKey": m.OperationModel(name="UpdateAccessKey", input=UpdateAccessKeyRequest),
    "UpdateAccountPasswordPolicy": m.OperationModel(name="UpdateAccountPasswordPolicy", input=UpdateAccountPasswordPolicyRequest),
    "UpdateAssumeRolePolicy": m.OperationModel(name="UpdateAssumeRolePolicy", input=UpdateAssumeRolePolicyRequest),
    "UpdateDelegationRequest": m.OperationModel(name="UpdateDelegationRequest", input=UpdateDelegationRequestRequest),
    "UpdateGroup": m.OperationModel(name="UpdateGroup", input=UpdateGroupRequest),
    "UpdateLoginProfile": m.OperationModel(name="UpdateLoginProfile", input=UpdateLoginProfileRequest),
    "UpdateOpenIDConnectProvider": m.OperationModel(name="UpdateOpenIDConnectProvider", input=UpdateOpenIDConnectProviderRequest),
    "UpdateOpenIDConnectProviderThumbprint": m.OperationModel(name="UpdateOpenIDConnectProviderThumbprint", input=UpdateOpenIDConnectProviderThumbprintRequest),
    "UpdateRole": m.OperationModel(name="UpdateRole", input=UpdateRoleRequest, output=UpdateRoleResponse, output_wrapper="UpdateRoleResult"),
    "UpdateRoleDescription": m.OperationModel(name="UpdateRoleDescription", input=UpdateRoleDescriptionRequest, output=UpdateRoleDescriptionResponse, output_wrapper="UpdateRoleDescriptionResult"),
    "UpdateSAMLProvider": m.OperationModel(name="UpdateSAMLProvider", input=UpdateSAMLProviderRequest, output=UpdateSAMLProviderResponse, output_wrapper="UpdateSAMLProviderResult"),
    "UpdateSSHPublicKey": m.OperationModel(name="UpdateSSHPublicKey", input=UpdateSSHPublicKeyRequest),
    "UpdateServerCertificate": m.OperationModel(name="UpdateServerCertificate", input=UpdateServerCertificateRequest),
    "UpdateServiceSpecificCredential": m.OperationModel(name="UpdateServiceSpecificCredential", input=UpdateServiceSpecificCredentialRequest),
    "UpdateSigningCertificate": m.OperationModel(name="UpdateSigningCertificate", input=UpdateSigningCertificateRequest),
    "UpdateUser": m.OperationModel(name="UpdateUser", input=UpdateUserRequest),
    "UploadSSHPublicKey": m.OperationModel(name="UploadSSHPublicKey", input=UploadSSHPublicKeyRequest, output=UploadSSHPublicKeyResponse, output_wrapper="UploadSSHPublicKeyResult"),
    "UploadServerCertificate": m.OperationModel(name="UploadServerCertificate", input=UploadServerCertificateRequest, output=UploadServerCertificateResponse, output_wrapper="UploadServerCertificateResult"),
    "UploadSigningCertificate": m.OperationModel(name="UploadSigningCertificate", input=UploadSigningCertificateRequest, output=UploadSigningCertificateResponse, output_wrapper="UploadSigningCertificateResult"),
}

ERRORS = {
    "AccountNotManagementOrDelegatedAdministratorException": m.ErrorModel("AccountNotManagementOrDelegatedAdministratorException", "AccountNotManagementOrDelegatedAdministratorException", 400),
    "CallerIsNotManagementAccountException": m.ErrorModel("CallerIsNotManagementAccountException", "CallerIsNotManagementAccountException", 400),
    "ConcurrentModificationException": m.ErrorModel("ConcurrentModificationException", "ConcurrentModification", 409),
    "CredentialReportExpiredException": m.ErrorModel("CredentialReportExpiredException", "ReportExpired", 410),
    "CredentialReportNotPresentException": m.ErrorModel("CredentialReportNotPresentException", "ReportNotPresent", 410),
    "CredentialReportNotReadyException": m.ErrorModel("CredentialReportNotReadyException", "ReportInProgress", 404),
    "DeleteConflictException": m.ErrorModel("DeleteConflictException", "DeleteConflict", 409),
    "DuplicateCertificateException": m.ErrorModel("DuplicateCertificateException", "DuplicateCertificate", 409),
    "DuplicateSSHPublicKeyException": m.ErrorModel("DuplicateSSHPublicKeyException", "DuplicateSSHPublicKey", 400),
    "EntityAlreadyExistsException": m.ErrorModel("EntityAlreadyExistsException", "EntityAlreadyExists", 409),
    "EntityTemporarilyUnmodifiableException": m.ErrorModel("EntityTemporarilyUnmodifiableException", "EntityTemporarilyUnmodifiable", 409),
    "FeatureDisabledException": m.ErrorModel("FeatureDisabledException", "FeatureDisabled", 404),
    "FeatureEnabledException": m.ErrorModel("FeatureEnabledException", "FeatureEnabled", 409),
    "InvalidAuthenticationCodeException": m.ErrorModel("InvalidAuthenticationCodeException", "InvalidAuthenticationCode", 403),
    "InvalidCertificateException": m.ErrorModel("InvalidCertificateException", "InvalidCertificate", 400),
    "InvalidInputException": m.ErrorModel("InvalidInputException", "InvalidInput", 400),
    "InvalidPublicKeyException": m.ErrorModel("InvalidPublicKeyException", "InvalidPublicKey", 400),
    "InvalidUserTypeException": m.ErrorModel("InvalidUserTypeException", "InvalidUserType", 400),
    "KeyPairMismatchException": m.ErrorModel("KeyPairMismatchException", "KeyPairMismatch", 400),
    "LimitExceededException": m.ErrorModel("LimitExceededException", "LimitExceeded", 409),
    "MalformedCertificateException": m.ErrorModel("MalformedCertificateException", "MalformedCertificate", 400),
    "MalformedPolicyDocumentException": m.ErrorModel("MalformedPolicyDocumentException", "MalformedPolicyDocument", 400),
    "NameConflictException": m.ErrorModel("NameConflictException", "NameConflict", 409),
    "NoSuchEntityException": m.ErrorModel("NoSuchEntityException", "NoSuchEntity", 404),
    "OpenIdIdpCommunicationErrorException": m.ErrorModel("OpenIdIdpCommunicationErrorException", "OpenIdIdpCommunicationError", 400),
    "OrganizationNotFoundException": m.ErrorModel("OrganizationNotFoundException", "OrganizationNotFoundException", 400),
    "OrganizationNotInAllFeaturesModeException": m.ErrorModel("OrganizationNotInAllFeaturesModeException", "OrganizationNotInAllFeaturesModeException", 400),
    "PasswordPolicyViolationException": m.ErrorModel("PasswordPolicyViolationException", "PasswordPolicyViolation", 400),
    "PolicyEvaluationException": m.ErrorModel("PolicyEvaluationException", "PolicyEvaluation", 500),
    "PolicyNotAttachableException": m.ErrorModel("PolicyNotAttachableException", "PolicyNotAttachable", 400),
    "ReportGenerationLimitExceededException": m.ErrorModel("ReportGenerationLimitExceededException", "ReportGenerationLimitExceeded", 409),
    "RoleModifiedException": m.ErrorModel("RoleModifiedException", "RoleModified", 409),
    "RoleTemplateDisabledException": m.ErrorModel("RoleTemplateDisabledException", "RoleTemplateDisabled", 400),
    "ServiceAccessNotEnabledException": m.ErrorModel("ServiceAccessNotEnabledException", "ServiceAccessNotEnabledException", 400),
    "ServiceFailureException": m.ErrorModel("ServiceFailureException", "ServiceFailure", 500),
    "ServiceNotSupportedException": m.ErrorModel("ServiceNotSupportedException", "NotSupportedService", 404),
    "UnmodifiableEntityException": m.ErrorModel("UnmodifiableEntityException", "UnmodifiableEntity", 400),
    "UnrecognizedPublicKeyEncodingException": m.ErrorModel("UnrecognizedPublicKeyEncodingException", "UnrecognizedPublicKeyEncoding", 400),
}

SERVICE = m.ServiceModel(
    name="iam",
    api_version="2010-05-08",
    endpoint_prefix="iam",
    protocols=("query",),
    operations=OPERATIONS,
    errors=ERRORS,
    xml_namespace="https://iam.amazonaws.com/doc/2010-05-08/",
)
