"""AWS Key Management Service, API version 2014-11-01: structures, operations and errors.

Made by `make gen` from AWS's service description in botocore. Do not edit.
"""

from __future__ import annotations

from typing import Annotated

from cumulo.gateway import aws_model as m


class AliasListEntry(m.Structure, frozen=True, kw_only=True):
    AliasName: str | None = None
    AliasArn: str | None = None
    TargetKeyId: str | None = None
    CreationDate: m.Timestamp | None = None
    LastUpdatedDate: m.Timestamp | None = None


class CancelKeyDeletionRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str


class CancelKeyDeletionResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None


class ConnectCustomKeyStoreRequest(m.Structure, frozen=True, kw_only=True):
    CustomKeyStoreId: str


class ConnectCustomKeyStoreResponse(m.Structure, frozen=True, kw_only=True):
    pass


class CreateAliasRequest(m.Structure, frozen=True, kw_only=True):
    AliasName: str
    TargetKeyId: str


class CreateCustomKeyStoreRequest(m.Structure, frozen=True, kw_only=True):
    CustomKeyStoreName: str
    CloudHsmClusterId: str | None = None
    TrustAnchorCertificate: str | None = None
    KeyStorePassword: str | None = None
    CustomKeyStoreType: str | None = None
    XksProxyUriEndpoint: str | None = None
    XksProxyUriPath: str | None = None
    XksProxyVpcEndpointServiceName: str | None = None
    XksProxyVpcEndpointServiceOwner: str | None = None
    XksProxyAuthenticationCredential: XksProxyAuthenticationCredentialType | None = None
    XksProxyConnectivity: str | None = None


class CreateCustomKeyStoreResponse(m.Structure, frozen=True, kw_only=True):
    CustomKeyStoreId: str | None = None


class CreateGrantRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    GranteePrincipal: str | None = None
    RetiringPrincipal: str | None = None
    Operations: list[str]
    Constraints: GrantConstraints | None = None
    GrantTokens: list[str] | None = None
    Name: str | None = None
    DryRun: bool | None = None
    GranteeServicePrincipal: str | None = None
    RetiringServicePrincipal: str | None = None


class CreateGrantResponse(m.Structure, frozen=True, kw_only=True):
    GrantToken: str | None = None
    GrantId: str | None = None


class CreateKeyRequest(m.Structure, frozen=True, kw_only=True):
    Policy: str | None = None
    Description: str | None = None
    KeyUsage: str | None = None
    CustomerMasterKeySpec: str | None = None
    KeySpec: str | None = None
    Origin: str | None = None
    CustomKeyStoreId: str | None = None
    BypassPolicyLockoutSafetyCheck: bool | None = None
    Tags: list[Tag] | None = None
    MultiRegion: bool | None = None
    XksKeyId: str | None = None


class CreateKeyResponse(m.Structure, frozen=True, kw_only=True):
    KeyMetadata: _KeyMetadata | None = None


class CustomKeyStoresListEntry(m.Structure, frozen=True, kw_only=True):
    CustomKeyStoreId: str | None = None
    CustomKeyStoreName: str | None = None
    CloudHsmClusterId: str | None = None
    TrustAnchorCertificate: str | None = None
    ConnectionState: str | None = None
    ConnectionErrorCode: str | None = None
    CreationDate: m.Timestamp | None = None
    CustomKeyStoreType: str | None = None
    XksProxyConfiguration: XksProxyConfigurationType | None = None


class DecapsulateRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    SharedSecretCiphertextBlob: bytes
    EncapsulationAlgorithm: str
    GrantTokens: list[str] | None = None
    DryRun: bool | None = None


class DecapsulateResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    SharedSecret: bytes | None = None
    EncapsulationAlgorithm: str | None = None


class DecryptRequest(m.Structure, frozen=True, kw_only=True):
    CiphertextBlob: bytes | None = None
    EncryptionContext: dict[str, str] | None = None
    GrantTokens: list[str] | None = None
    KeyId: str | None = None
    EncryptionAlgorithm: str | None = None
    Recipient: RecipientInfo | None = None
    DryRun: bool | None = None
    DryRunModifiers: list[str] | None = None


class DecryptResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    Plaintext: bytes | None = None
    EncryptionAlgorithm: str | None = None
    CiphertextForRecipient: bytes | None = None
    KeyMaterialId: str | None = None


class DeleteAliasRequest(m.Structure, frozen=True, kw_only=True):
    AliasName: str


class DeleteCustomKeyStoreRequest(m.Structure, frozen=True, kw_only=True):
    CustomKeyStoreId: str


class DeleteCustomKeyStoreResponse(m.Structure, frozen=True, kw_only=True):
    pass


class DeleteImportedKeyMaterialRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    KeyMaterialId: str | None = None


class DeleteImportedKeyMaterialResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    KeyMaterialId: str | None = None


class DeriveSharedSecretRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    KeyAgreementAlgorithm: str
    PublicKey: bytes
    GrantTokens: list[str] | None = None
    DryRun: bool | None = None
    Recipient: RecipientInfo | None = None


class DeriveSharedSecretResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    SharedSecret: bytes | None = None
    CiphertextForRecipient: bytes | None = None
    KeyAgreementAlgorithm: str | None = None
    KeyOrigin: str | None = None


class DescribeCustomKeyStoresRequest(m.Structure, frozen=True, kw_only=True):
    CustomKeyStoreId: str | None = None
    CustomKeyStoreName: str | None = None
    Limit: m.Integer | None = None
    Marker: str | None = None


class DescribeCustomKeyStoresResponse(m.Structure, frozen=True, kw_only=True):
    CustomKeyStores: list[CustomKeyStoresListEntry] | None = None
    NextMarker: str | None = None
    Truncated: bool | None = None


class DescribeKeyRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    GrantTokens: list[str] | None = None


class DescribeKeyResponse(m.Structure, frozen=True, kw_only=True):
    KeyMetadata: _KeyMetadata | None = None


class DisableKeyRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str


class DisableKeyRotationRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str


class DisconnectCustomKeyStoreRequest(m.Structure, frozen=True, kw_only=True):
    CustomKeyStoreId: str


class DisconnectCustomKeyStoreResponse(m.Structure, frozen=True, kw_only=True):
    pass


class EnableKeyRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str


class EnableKeyRotationRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    RotationPeriodInDays: m.Integer | None = None


class EncapsulateRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    EncapsulationAlgorithm: str
    GrantTokens: list[str] | None = None
    DryRun: bool | None = None


class EncapsulateResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    SharedSecret: bytes | None = None
    SharedSecretCiphertextBlob: bytes | None = None
    EncapsulationAlgorithm: str | None = None


class EncryptRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    Plaintext: bytes
    EncryptionContext: dict[str, str] | None = None
    GrantTokens: list[str] | None = None
    EncryptionAlgorithm: str | None = None
    DryRun: bool | None = None


class EncryptResponse(m.Structure, frozen=True, kw_only=True):
    CiphertextBlob: bytes | None = None
    KeyId: str | None = None
    EncryptionAlgorithm: str | None = None


class GenerateDataKeyPairRequest(m.Structure, frozen=True, kw_only=True):
    EncryptionContext: dict[str, str] | None = None
    KeyId: str
    KeyPairSpec: str
    GrantTokens: list[str] | None = None
    Recipient: RecipientInfo | None = None
    DryRun: bool | None = None


class GenerateDataKeyPairResponse(m.Structure, frozen=True, kw_only=True):
    PrivateKeyCiphertextBlob: bytes | None = None
    PrivateKeyPlaintext: bytes | None = None
    PublicKey: bytes | None = None
    KeyId: str | None = None
    KeyPairSpec: str | None = None
    CiphertextForRecipient: bytes | None = None
    KeyMaterialId: str | None = None


class GenerateDataKeyPairWithoutPlaintextRequest(m.Structure, frozen=True, kw_only=True):
    EncryptionContext: dict[str, str] | None = None
    KeyId: str
    KeyPairSpec: str
    GrantTokens: list[str] | None = None
    DryRun: bool | None = None


class GenerateDataKeyPairWithoutPlaintextResponse(m.Structure, frozen=True, kw_only=True):
    PrivateKeyCiphertextBlob: bytes | None = None
    PublicKey: bytes | None = None
    KeyId: str | None = None
    KeyPairSpec: str | None = None
    KeyMaterialId: str | None = None


class GenerateDataKeyRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    EncryptionContext: dict[str, str] | None = None
    NumberOfBytes: m.Integer | None = None
    KeySpec: str | None = None
    GrantTokens: list[str] | None = None
    Recipient: RecipientInfo | None = None
    DryRun: bool | None = None


class GenerateDataKeyResponse(m.Structure, frozen=True, kw_only=True):
    CiphertextBlob: bytes | None = None
    Plaintext: bytes | None = None
    KeyId: str | None = None
    CiphertextForRecipient: bytes | None = None
    KeyMaterialId: str | None = None


class GenerateDataKeyWithoutPlaintextRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    EncryptionContext: dict[str, str] | None = None
    KeySpec: str | None = None
    NumberOfBytes: m.Integer | None = None
    GrantTokens: list[str] | None = None
    DryRun: bool | None = None


class GenerateDataKeyWithoutPlaintextResponse(m.Structure, frozen=True, kw_only=True):
    CiphertextBlob: bytes | None = None
    KeyId: str | None = None
    KeyMaterialId: str | None = None


class GenerateMacRequest(m.Structure, frozen=True, kw_only=True):
    Message: bytes
    KeyId: str
    MacAlgorithm: str
    GrantTokens: list[str] | None = None
    DryRun: bool | None = None


class GenerateMacResponse(m.Structure, frozen=True, kw_only=True):
    Mac: bytes | None = None
    MacAlgorithm: str | None = None
    KeyId: str | None = None


class GenerateRandomRequest(m.Structure, frozen=True, kw_only=True):
    NumberOfBytes: m.Integer | None = None
    CustomKeyStoreId: str | None = None
    Recipient: RecipientInfo | None = None


class GenerateRandomResponse(m.Structure, frozen=True, kw_only=True):
    Plaintext: bytes | None = None
    CiphertextForRecipient: bytes | None = None


class GetKeyLastUsageRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str


class GetKeyLastUsageResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    KeyLastUsage: KeyLastUsageData | None = None
    TrackingStartDate: m.Timestamp | None = None
    KeyCreationDate: m.Timestamp | None = None


class GetKeyPolicyRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    PolicyName: str | None = None


class GetKeyPolicyResponse(m.Structure, frozen=True, kw_only=True):
    Policy: str | None = None
    PolicyName: str | None = None


class GetKeyRotationStatusRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str


class GetKeyRotationStatusResponse(m.Structure, frozen=True, kw_only=True):
    KeyRotationEnabled: bool | None = None
    KeyId: str | None = None
    RotationPeriodInDays: m.Integer | None = None
    NextRotationDate: m.Timestamp | None = None
    OnDemandRotationStartDate: m.Timestamp | None = None


class GetParametersForImportRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    WrappingAlgorithm: str
    WrappingKeySpec: str


class GetParametersForImportResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    ImportToken: bytes | None = None
    PublicKey: bytes | None = None
    ParametersValidTo: m.Timestamp | None = None


class GetPublicKeyRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    GrantTokens: list[str] | None = None


class GetPublicKeyResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    PublicKey: bytes | None = None
    CustomerMasterKeySpec: str | None = None
    KeySpec: str | None = None
    KeyUsage: str | None = None
    EncryptionAlgorithms: list[str] | None = None
    SigningAlgorithms: list[str] | None = None
    KeyAgreementAlgorithms: list[str] | None = None
    EncapsulationAlgorithms: list[str] | None = None


class GrantConstraints(m.Structure, frozen=True, kw_only=True):
    EncryptionContextSubset: dict[str, str] | None = None
    EncryptionContextEquals: dict[str, str] | None = None
    SourceArn: str | None = None


class GrantListEntry(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    GrantId: str | None = None
    Name: str | None = None
    CreationDate: m.Timestamp | None = None
    GranteePrincipal: str | None = None
    RetiringPrincipal: str | None = None
    IssuingAccount: str | None = None
    Operations: list[str] | None = None
    Constraints: GrantConstraints | None = None
    GranteeServicePrincipal: str | None = None
    RetiringServicePrincipal: str | None = None


class ImportKeyMaterialRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    ImportToken: bytes
    EncryptedKeyMaterial: bytes
    ValidTo: m.Timestamp | None = None
    ExpirationModel: str | None = None
    ImportType: str | None = None
    KeyMaterialDescription: str | None = None
    KeyMaterialId: str | None = None


class ImportKeyMaterialResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    KeyMaterialId: str | None = None


class KeyLastUsageData(m.Structure, frozen=True, kw_only=True):
    Operation: str | None = None
    Timestamp: m.Timestamp | None = None
    CloudTrailEventId: str | None = None
    KmsRequestId: str | None = None


class KeyListEntry(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    KeyArn: str | None = None


class KeyMetadata(m.Structure, frozen=True, kw_only=True):
    AWSAccountId: str | None = None
    KeyId: str
    Arn: str | None = None
    CreationDate: m.Timestamp | None = None
    Enabled: bool | None = None
    Description: str | None = None
    KeyUsage: str | None = None
    KeyState: str | None = None
    DeletionDate: m.Timestamp | None = None
    ValidTo: m.Timestamp | None = None
    Origin: str | None = None
    CustomKeyStoreId: str | None = None
    CloudHsmClusterId: str | None = None
    ExpirationModel: str | None = None
    KeyManager: str | None = None
    CustomerMasterKeySpec: str | None = None
    KeySpec: str | None = None
    EncryptionAlgorithms: list[str] | None = None
    SigningAlgorithms: list[str] | None = None
    KeyAgreementAlgorithms: list[str] | None = None
    EncapsulationAlgorithms: list[str] | None = None
    MultiRegion: bool | None = None
    MultiRegionConfiguration: _MultiRegionConfiguration | None = None
    PendingDeletionWindowInDays: m.Integer | None = None
    MacAlgorithms: list[str] | None = None
    XksKeyConfiguration: XksKeyConfigurationType | None = None
    CurrentKeyMaterialId: str | None = None


class ListAliasesRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    Limit: m.Integer | None = None
    Marker: str | None = None


class ListAliasesResponse(m.Structure, frozen=True, kw_only=True):
    Aliases: list[AliasListEntry] | None = None
    NextMarker: str | None = None
    Truncated: bool | None = None


class ListGrantsRequest(m.Structure, frozen=True, kw_only=True):
    Limit: m.Integer | None = None
    Marker: str | None = None
    KeyId: str
    GrantId: str | None = None
    GranteePrincipal: str | None = None
    GranteeServicePrincipal: str | None = None


class ListGrantsResponse(m.Structure, frozen=True, kw_only=True):
    Grants: list[GrantListEntry] | None = None
    NextMarker: str | None = None
    Truncated: bool | None = None


class ListKeyPoliciesRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    Limit: m.Integer | None = None
    Marker: str | None = None


class ListKeyPoliciesResponse(m.Structure, frozen=True, kw_only=True):
    PolicyNames: list[str] | None = None
    NextMarker: str | None = None
    Truncated: bool | None = None


class ListKeyRotationsRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    IncludeKeyMaterial: str | None = None
    Limit: m.Integer | None = None
    Marker: str | None = None


class ListKeyRotationsResponse(m.Structure, frozen=True, kw_only=True):
    Rotations: list[RotationsListEntry] | None = None
    NextMarker: str | None = None
    Truncated: bool | None = None


class ListKeysRequest(m.Structure, frozen=True, kw_only=True):
    Limit: m.Integer | None = None
    Marker: str | None = None
    ResourceOwners: list[str] | None = None


class ListKeysResponse(m.Structure, frozen=True, kw_only=True):
    Keys: list[KeyListEntry] | None = None
    NextMarker: str | None = None
    Truncated: bool | None = None


class ListResourceTagsRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    Limit: m.Integer | None = None
    Marker: str | None = None


class ListResourceTagsResponse(m.Structure, frozen=True, kw_only=True):
    Tags: list[Tag] | None = None
    NextMarker: str | None = None
    Truncated: bool | None = None


class ListRetirableGrantsRequest(m.Structure, frozen=True, kw_only=True):
    Limit: m.Integer | None = None
    Marker: str | None = None
    RetiringPrincipal: str | None = None
    RetiringServicePrincipal: str | None = None


class MultiRegionConfiguration(m.Structure, frozen=True, kw_only=True):
    MultiRegionKeyType: str | None = None
    PrimaryKey: MultiRegionKey | None = None
    ReplicaKeys: list[MultiRegionKey] | None = None


class MultiRegionKey(m.Structure, frozen=True, kw_only=True):
    Arn: str | None = None
    Region: str | None = None


class PutKeyPolicyRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    PolicyName: str | None = None
    Policy: str
    BypassPolicyLockoutSafetyCheck: bool | None = None


class ReEncryptRequest(m.Structure, frozen=True, kw_only=True):
    CiphertextBlob: bytes | None = None
    SourceEncryptionContext: dict[str, str] | None = None
    SourceKeyId: str | None = None
    DestinationKeyId: str
    DestinationEncryptionContext: dict[str, str] | None = None
    SourceEncryptionAlgorithm: str | None = None
    DestinationEncryptionAlgorithm: str | None = None
    GrantTokens: list[str] | None = None
    DryRun: bool | None = None
    DryRunModifiers: list[str] | None = None


class ReEncryptResponse(m.Structure, frozen=True, kw_only=True):
    CiphertextBlob: bytes | None = None
    SourceKeyId: str | None = None
    KeyId: str | None = None
    SourceEncryptionAlgorithm: str | None = None
    DestinationEncryptionAlgorithm: str | None = None
    SourceKeyMaterialId: str | None = None
    DestinationKeyMaterialId: str | None = None


class RecipientInfo(m.Structure, frozen=True, kw_only=True):
    KeyEncryptionAlgorithm: str | None = None
    AttestationDocument: bytes | None = None


class ReplicateKeyRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    ReplicaRegion: str
    Policy: str | None = None
    BypassPolicyLockoutSafetyCheck: bool | None = None
    Description: str | None = None
    Tags: list[Tag] | None = None


class ReplicateKeyResponse(m.Structure, frozen=True, kw_only=True):
    ReplicaKeyMetadata: KeyMetadata | None = None
    ReplicaPolicy: str | None = None
    ReplicaTags: list[Tag] | None = None


class RetireGrantRequest(m.Structure, frozen=True, kw_only=True):
    GrantToken: str | None = None
    KeyId: str | None = None
    GrantId: str | None = None
    DryRun: bool | None = None


class RevokeGrantRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    GrantId: str
    DryRun: bool | None = None


class RotateKeyOnDemandRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str


class RotateKeyOnDemandResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None


class RotationsListEntry(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    KeyMaterialId: str | None = None
    KeyMaterialDescription: str | None = None
    ImportState: str | None = None
    KeyMaterialState: str | None = None
    ExpirationModel: str | None = None
    ValidTo: m.Timestamp | None = None
    RotationDate: m.Timestamp | None = None
    RotationType: str | None = None


class ScheduleKeyDeletionRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    PendingWindowInDays: m.Integer | None = None


class ScheduleKeyDeletionResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    DeletionDate: m.Timestamp | None = None
    KeyState: str | None = None
    PendingWindowInDays: m.Integer | None = None


class SignRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    Message: bytes
    MessageType: str | None = None
    GrantTokens: list[str] | None = None
    SigningAlgorithm: str
    DryRun: bool | None = None


class SignResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    Signature: bytes | None = None
    SigningAlgorithm: str | None = None


class Tag(m.Structure, frozen=True, kw_only=True):
    TagKey: str
    TagValue: str


class TagResourceRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    Tags: list[Tag]


class UntagResourceRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    TagKeys: list[str]


class UpdateAliasRequest(m.Structure, frozen=True, kw_only=True):
    AliasName: str
    TargetKeyId: str


class UpdateCustomKeyStoreRequest(m.Structure, frozen=True, kw_only=True):
    CustomKeyStoreId: str
    NewCustomKeyStoreName: str | None = None
    KeyStorePassword: str | None = None
    CloudHsmClusterId: str | None = None
    XksProxyUriEndpoint: str | None = None
    XksProxyUriPath: str | None = None
    XksProxyVpcEndpointServiceName: str | None = None
    XksProxyVpcEndpointServiceOwner: str | None = None
    XksProxyAuthenticationCredential: XksProxyAuthenticationCredentialType | None = None
    XksProxyConnectivity: str | None = None


class UpdateCustomKeyStoreResponse(m.Structure, frozen=True, kw_only=True):
    pass


class UpdateKeyDescriptionRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    Description: str


class UpdatePrimaryRegionRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    PrimaryRegion: str


class VerifyMacRequest(m.Structure, frozen=True, kw_only=True):
    Message: bytes
    KeyId: str
    MacAlgorithm: str
    Mac: bytes
    GrantTokens: list[str] | None = None
    DryRun: bool | None = None


class VerifyMacResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    MacValid: bool | None = None
    MacAlgorithm: str | None = None


class VerifyRequest(m.Structure, frozen=True, kw_only=True):
    KeyId: str
    Message: bytes
    MessageType: str | None = None
    Signature: bytes
    SigningAlgorithm: str
    GrantTokens: list[str] | None = None
    DryRun: bool | None = None


class VerifyResponse(m.Structure, frozen=True, kw_only=True):
    KeyId: str | None = None
    SignatureValid: bool | None = None
    SigningAlgorithm: str | None = None


class XksKeyConfigurationType(m.Structure, frozen=True, kw_only=True):
    Id: str | None = None


class XksProxyAuthenticationCredentialType(m.Structure, frozen=True, kw_only=True):
    AccessKeyId: str
    RawSecretAccessKey: str


class XksProxyConfigurationType(m.Structure, frozen=True, kw_only=True):
    Connectivity: str | None = None
    AccessKeyId: str | None = None
    UriEndpoint: str | None = None
    UriPath: str | None = None
    VpcEndpointServiceName: str | None = None
    VpcEndpointServiceOwner: str | None = None



# Members of the same name hide these from a type checker.
_KeyMetadata = KeyMetadata
_MultiRegionConfiguration = MultiRegionConfiguration

OPERATIONS = {
    "CancelKeyDeletion": m.OperationModel(name="CancelKeyDeletion", input=CancelKeyDeletionRequest, output=CancelKeyDeletionResponse),
    "ConnectCustomKeyStore": m.OperationModel(name="ConnectCustomKeyStore", input=ConnectCustomKeyStoreRequest, output=ConnectCustomKeyStoreResponse),
    "CreateAlias": m.OperationModel(name="CreateAlias", input=CreateAliasRequest),
    "CreateCustomKeyStore": m.OperationModel(name="CreateCustomKeyStore", input=CreateCustomKeyStoreRequest, output=CreateCustomKeyStoreResponse),
    "CreateGrant": m.OperationModel(name="CreateGrant", input=CreateGrantRequest, output=CreateGrantResponse),
    "CreateKey": m.OperationModel(name="CreateKey", input=CreateKeyRequest, output=CreateKeyResponse),
    "Decapsulate": m.OperationModel(name="Decapsulate", input=DecapsulateRequest, output=DecapsulateResponse),
    "Decrypt": m.OperationModel(name="Decrypt", input=DecryptRequest, output=DecryptResponse),
    "DeleteAlias": m.OperationModel(name="DeleteAlias", input=DeleteAliasRequest),
    "DeleteCustomKeyStore": m.OperationModel(name="DeleteCustomKeyStore", input=DeleteCustomKeyStoreRequest, output=DeleteCustomKeyStoreResponse),
    "DeleteImportedKeyMaterial": m.OperationModel(name="DeleteImportedKeyMaterial", input=DeleteImportedKeyMaterialRequest, output=DeleteImportedKeyMaterialResponse),
    "DeriveSharedSecret": m.OperationModel(name="DeriveSharedSecret", input=DeriveSharedSecretRequest, output=DeriveSharedSecretResponse),
    "DescribeCustomKeyStores": m.OperationModel(name="DescribeCustomKeyStores", input=DescribeCustomKeyStoresRequest, output=DescribeCustomKeyStoresResponse),
    "DescribeKey": m.OperationModel(name="DescribeKey", input=DescribeKeyRequest, output=DescribeKeyResponse),
    "DisableKey": m.OperationModel(name="DisableKey", input=DisableKeyRequest),
    "DisableKeyRotation": m.OperationModel(name="DisableKeyRotation", input=DisableKeyRotationRequest),
    "DisconnectCustomKeyStore": m.OperationModel(name="DisconnectCustomKeyStore", input=DisconnectCustomKeyStoreRequest, output=DisconnectCustomKeyStoreResponse),
    "EnableKey": m.OperationModel(name="EnableKey", input=EnableKeyRequest),
    "EnableKeyRotation": m.OperationModel(name="EnableKeyRotation", input=EnableKeyRotationRequest),
    "Encapsulate": m.OperationModel(name="Encapsulate", input=EncapsulateRequest, output=EncapsulateResponse),
    "Encrypt": m.OperationModel(name="Encrypt", input=EncryptRequest, output=EncryptResponse),
    "GenerateDataKey": m.OperationModel(name="GenerateDataKey", input=GenerateDataKeyRequest, output=GenerateDataKeyResponse),
    "GenerateDataKeyPair": m.OperationModel(name="GenerateDataKeyPair", input=GenerateDataKeyPairRequest, output=GenerateDataKeyPairResponse),
    "GenerateDataKeyPairWithoutPlaintext": m.OperationModel(name="GenerateDataKeyPairWithoutPlaintext", input=GenerateDataKeyPairWithoutPlaintextRequest, output=GenerateDataKeyPairWithoutPlaintextResponse),
    "GenerateDataKeyWithoutPlaintext": m.OperationModel(name="GenerateDataKeyWithoutPlaintext", input=GenerateDataKeyWithoutPlaintextRequest, output=GenerateDataKeyWithoutPlaintextResponse),
    "GenerateMac": m.OperationModel(name="GenerateMac", input=GenerateMacRequest, output=GenerateMacResponse),
    "GenerateRandom": m.OperationModel(name="GenerateRandom", input=GenerateRandomRequest, output=GenerateRandomResponse),
    "GetKeyLastUsage": m.OperationModel(name="GetKeyLastUsage", input=GetKeyLastUsageRequest, output=GetKeyLastUsageResponse),
    "GetKeyPolicy": m.OperationModel(name="GetKeyPolicy", input=GetKeyPolicyRequest, output=GetKeyPolicyResponse),
    "GetKeyRotationStatus": m.OperationModel(name="GetKeyRotationStatus", input=GetKeyRotationStatusRequest, output=GetKeyRotationStatusResponse),
    "GetParametersForImport": m.OperationModel(name="GetParametersForImport", input=GetParametersForImportRequest, output=GetParametersForImportResponse),
    "GetPublicKey": m.OperationModel(name="GetPublicKey", input=GetPublicKeyRequest, output=GetPublicKeyResponse),
    "ImportKeyMaterial": m.OperationModel(name="ImportKeyMaterial", input=ImportKeyMaterialRequest, output=ImportKeyMaterialResponse),
    "ListAliases": m.OperationModel(name="ListAliases", input=ListAliasesRequest, output=ListAliasesResponse),
    "ListGrants": m.OperationModel(name="ListGrants", input=ListGrantsRequest, output=ListGrantsResponse),
    "ListKeyPolicies": m.OperationModel(name="ListKeyPolicies", input=ListKeyPoliciesRequest, output=ListKeyPoliciesResponse),
    "ListKeyRotations": m.OperationModel(name="ListKeyRotations", input=ListKeyRotationsRequest, output=ListKeyRotationsResponse),
    "ListKeys": m.OperationModel(name="ListKeys", input=ListKeysRequest, output=ListKeysResponse),
    "ListResourceTags": m.OperationModel(name="ListResourceTags", input=ListResourceTagsRequest, output=ListResourceTagsResponse),
    "ListRetirableGrants": m.OperationModel(name="ListRetirableGrants", input=ListRetirableGrantsRequest, output=ListGrantsResponse),
    "PutKeyPolicy": m.OperationModel(name="PutKeyPolicy", input=PutKeyPolicyRequest),
    "ReEncrypt": m.OperationModel(name="ReEncrypt", input=ReEncryptRequest, output=ReEncryptResponse),
    "ReplicateKey": m.OperationModel(name="ReplicateKey", input=ReplicateKeyRequest, output=ReplicateKeyResponse),
    "RetireGrant": m.OperationModel(name="RetireGrant", input=RetireGrantRequest),
    "RevokeGrant": m.OperationModel(name="RevokeGrant", input=RevokeGrantRequest),
    "RotateKeyOnDemand": m.OperationModel(name="RotateKeyOnDemand", input=RotateKeyOnDemandRequest, output=RotateKeyOnDemandResponse),
    "ScheduleKeyDeletion": m.OperationModel(name="ScheduleKeyDeletion", input=ScheduleKeyDeletionRequest, output=ScheduleKeyDeletionResponse),
    "Sign": m.OperationModel(name="Sign", input=SignRequest, output=SignResponse),
    "TagResource": m.OperationModel(name="TagResource", input=TagResourceRequest),
    "UntagResource": m.OperationModel(name="UntagResource", input=UntagResourceRequest),
    "UpdateAlias": m.OperationModel(name="UpdateAlias", input=UpdateAliasRequest),
    "UpdateCustomKeyStore": m.OperationModel(name="UpdateCustomKeyStore", input=UpdateCustomKeyStoreRequest, output=UpdateCustomKeyStoreResponse),
    "UpdateKeyDescription": m.OperationModel(name="UpdateKeyDescription", input=UpdateKeyDescriptionRequest),
    "UpdatePrimaryRegion": m.OperationModel(name="UpdatePrimaryRegion", input=UpdatePrimaryRegionRequest),
    "Verify": m.OperationModel(name="Verify", input=VerifyRequest, output=VerifyResponse),
    "VerifyMac": m.OperationModel(name="VerifyMac", input=VerifyMacRequest, output=VerifyMacResponse),
}

ERRORS = {
    "AlreadyExistsException": m.ErrorModel("AlreadyExistsException", "AlreadyExistsException", 400),
    "CloudHsmClusterInUseException": m.ErrorModel("CloudHsmClusterInUseException", "CloudHsmClusterInUseException", 400),
    "CloudHsmClusterInvalidConfigurationException": m.ErrorModel("CloudHsmClusterInvalidConfigurationException", "CloudHsmClusterInvalidConfigurationException", 400),
    "CloudHsmClusterNotActiveException": m.ErrorModel("CloudHsmClusterNotActiveException", "CloudHsmClusterNotActiveException", 400),
    "CloudHsmClusterNotFoundException": m.ErrorModel("CloudHsmClusterNotFoundException", "CloudHsmClusterNotFoundException", 400),
    "CloudHsmClusterNotRelatedException": m.ErrorModel("CloudHsmClusterNotRelatedException", "CloudHsmClusterNotRelatedException", 400),
    "ConflictException": m.ErrorModel("ConflictException", "ConflictException", 400),
    "CustomKeyStoreHasCMKsException": m.ErrorModel("CustomKeyStoreHasCMKsException", "CustomKeyStoreHasCMKsException", 400),
    "CustomKeyStoreInvalidStateException": m.ErrorModel("CustomKeyStoreInvalidStateException", "CustomKeyStoreInvalidStateException", 400),
    "CustomKeyStoreNameInUseException": m.ErrorModel("CustomKeyStoreNameInUseException", "CustomKeyStoreNameInUseException", 400),
    "CustomKeyStoreNotFoundException": m.ErrorModel("CustomKeyStoreNotFoundException", "CustomKeyStoreNotFoundException", 400),
    "DependencyTimeoutException": m.ErrorModel("DependencyTimeoutException", "DependencyTimeoutException", 500, sender=False),
    "DisabledException": m.ErrorModel("DisabledException", "DisabledException", 400),
    "DryRunOperationException": m.ErrorModel("DryRunOperationException", "DryRunOperationException", 400),
    "ExpiredImportTokenException": m.ErrorModel("ExpiredImportTokenException", "ExpiredImportTokenException", 400),
    "IncorrectKeyException": m.ErrorModel("IncorrectKeyException", "IncorrectKeyException", 400),
    "IncorrectKeyMaterialException": m.ErrorModel("IncorrectKeyMaterialException", "IncorrectKeyMaterialException", 400),
    "IncorrectTrustAnchorException": m.ErrorModel("IncorrectTrustAnchorException", "IncorrectTrustAnchorException", 400),
    "InvalidAliasNameException": m.ErrorModel("InvalidAliasNameException", "InvalidAliasNameException", 400),
    "InvalidArnException": m.ErrorModel("InvalidArnException", "InvalidArnException", 400),
    "InvalidCiphertextException": m.ErrorModel("InvalidCiphertextException", "InvalidCiphertextException", 400),
    "InvalidGrantIdException": m.ErrorModel("InvalidGrantIdException", "InvalidGrantIdException", 400),
    "InvalidGrantTokenException": m.ErrorModel("InvalidGrantTokenException", "InvalidGrantTokenException", 400),
    "InvalidImportTokenException": m.ErrorModel("InvalidImportTokenException", "InvalidImportTokenException", 400),
    "InvalidKeyUsageException": m.ErrorModel("InvalidKeyUsageException", "InvalidKeyUsageException", 400),
    "InvalidMarkerException": m.ErrorModel("InvalidMarkerException", "InvalidMarkerException", 400),
    "KMSInternalException": m.ErrorModel("KMSInternalException", "KMSInternalException", 500, sender=False),
    "KMSInvalidMacException": m.ErrorModel("KMSInvalidMacException", "KMSInvalidMacException", 400),
    "KMSInvalidSignatureException": m.ErrorModel("KMSInvalidSignatureException", "KMSInvalidSignatureException", 400),
    "KMSInvalidStateException": m.ErrorModel("KMSInvalidStateException", "KMSInvalidStateException", 400),
    "KeyUnavailableException": m.ErrorModel("KeyUnavailableException", "KeyUnavailableException", 500, sender=False),
    "LimitExceededException": m.ErrorModel("LimitExceededException", "LimitExceededException", 400),
    "MalformedPolicyDocumentException": m.ErrorModel("MalformedPolicyDocumentException", "MalformedPolicyDocumentException", 400),
    "NotFoundException": m.ErrorModel("NotFoundException", "NotFoundException", 400),
    "TagException": m.ErrorModel("TagException", "TagException", 400),
    "UnsupportedOperationException": m.ErrorModel("UnsupportedOperationException", "UnsupportedOperationException", 400),
    "XksKeyAlreadyInUseException": m.ErrorModel("XksKeyAlreadyInUseException", "XksKeyAlreadyInUseException", 400),
    "XksKeyInvalidConfigurationException": m.ErrorModel("XksKeyInvalidConfigurationException", "XksKeyInvalidConfigurationException", 400),
    "XksKeyNotFoundException": m.ErrorModel("XksKeyNotFoundException", "XksKeyNotFoundException", 400),
    "XksProxyIncorrectAuthenticationCredentialException": m.ErrorModel("XksProxyIncorrectAuthenticationCredentialException", "XksProxyIncorrectAuthenticationCredentialException", 400),
    "XksProxyInvalidConfigurationException": m.ErrorModel("XksProxyInvalidConfigurationException", "XksProxyInvalidConfigurationException", 400),
    "XksProxyInvalidResponseException": m.ErrorModel("XksProxyInvalidResponseException", "XksProxyInvalidResponseException", 400),
    "XksProxyUriEndpointInUseException": m.ErrorModel("XksProxyUriEndpointInUseException", "XksProxyUriEndpointInUseException", 400),
    "XksProxyUriInUseException": m.ErrorModel("XksProxyUriInUseException", "XksProxyUriInUseException", 400),
    "XksProxyUriUnreachableException": m.ErrorModel("XksProxyUriUnreachableException", "XksProxyUriUnreachableException", 400),
    "XksProxyVpcEndpointServiceInUseException": m.ErrorModel("XksProxyVpcEndpointServiceInUseException", "XksProxyVpcEndpointServiceInUseException", 400),
    "XksProxyVpcEndpointServiceInvalidConfigurationException": m.ErrorModel("XksProxyVpcEndpointServiceInvalidConfigurationException", "XksProxyVpcEndpointServiceInvalidConfigurationException", 400),
    "XksProxyVpcEndpointServiceNotFoundException": m.ErrorModel("XksProxyVpcEndpointServiceNotFoundException", "XksProxyVpcEndpointServiceNotFoundException", 400),
}

SERVICE = m.ServiceModel(
    name="kms",
    api_version="2014-11-01",
    endpoint_prefix="kms",
    protocols=("json",),
    operations=OPERATIONS,
    errors=ERRORS,
    target_prefix="TrentService",
    json_version="1.1",
)
