"""Amazon Simple Notification Service, API version 2010-03-31: structures, operations and errors.

Made by `make gen` from AWS's service description in botocore. Do not edit.
"""

from __future__ import annotations

from typing import Annotated

from cumulo.gateway import aws_model as m


class AddPermissionInput(m.Structure, frozen=True, kw_only=True):
    TopicArn: str
    Label: str
    AWSAccountId: list[str]
    ActionName: list[str]


class BatchResultErrorEntry(m.Structure, frozen=True, kw_only=True):
    Id: str
    Code: str
    Message: str | None = None
    SenderFault: bool


class CheckIfPhoneNumberIsOptedOutInput(m.Structure, frozen=True, kw_only=True):
    phoneNumber: str


class CheckIfPhoneNumberIsOptedOutResponse(m.Structure, frozen=True, kw_only=True):
    isOptedOut: bool | None = None


class ConfirmSubscriptionInput(m.Structure, frozen=True, kw_only=True):
    TopicArn: str
    Token: str
    AuthenticateOnUnsubscribe: str | None = None


class ConfirmSubscriptionResponse(m.Structure, frozen=True, kw_only=True):
    SubscriptionArn: str | None = None


class CreateEndpointResponse(m.Structure, frozen=True, kw_only=True):
    EndpointArn: str | None = None


class CreatePlatformApplicationInput(m.Structure, frozen=True, kw_only=True):
    Name: str
    Platform: str
    Attributes: dict[str, str]


class CreatePlatformApplicationResponse(m.Structure, frozen=True, kw_only=True):
    PlatformApplicationArn: str | None = None


class CreatePlatformEndpointInput(m.Structure, frozen=True, kw_only=True):
    PlatformApplicationArn: str
    Token: str
    CustomUserData: str | None = None
    Attributes: dict[str, str] | None = None


class CreateSMSSandboxPhoneNumberInput(m.Structure, frozen=True, kw_only=True):
    PhoneNumber: str
    LanguageCode: str | None = None


class CreateSMSSandboxPhoneNumberResult(m.Structure, frozen=True, kw_only=True):
    pass


class CreateTopicInput(m.Structure, frozen=True, kw_only=True):
    Name: str
    Attributes: dict[str, str] | None = None
    Tags: list[Tag] | None = None
    DataProtectionPolicy: str | None = None


class CreateTopicResponse(m.Structure, frozen=True, kw_only=True):
    TopicArn: str | None = None


class DeleteEndpointInput(m.Structure, frozen=True, kw_only=True):
    EndpointArn: str


class DeletePlatformApplicationInput(m.Structure, frozen=True, kw_only=True):
    PlatformApplicationArn: str


class DeleteSMSSandboxPhoneNumberInput(m.Structure, frozen=True, kw_only=True):
    PhoneNumber: str


class DeleteSMSSandboxPhoneNumberResult(m.Structure, frozen=True, kw_only=True):
    pass


class DeleteTopicInput(m.Structure, frozen=True, kw_only=True):
    TopicArn: str


class Endpoint(m.Structure, frozen=True, kw_only=True):
    EndpointArn: str | None = None
    Attributes: dict[str, str] | None = None


class GetDataProtectionPolicyInput(m.Structure, frozen=True, kw_only=True):
    ResourceArn: str


class GetDataProtectionPolicyResponse(m.Structure, frozen=True, kw_only=True):
    DataProtectionPolicy: str | None = None


class GetEndpointAttributesInput(m.Structure, frozen=True, kw_only=True):
    EndpointArn: str


class GetEndpointAttributesResponse(m.Structure, frozen=True, kw_only=True):
    Attributes: dict[str, str] | None = None


class GetPlatformApplicationAttributesInput(m.Structure, frozen=True, kw_only=True):
    PlatformApplicationArn: str


class GetPlatformApplicationAttributesResponse(m.Structure, frozen=True, kw_only=True):
    Attributes: dict[str, str] | None = None


class GetSMSAttributesInput(m.Structure, frozen=True, kw_only=True):
    attributes: list[str] | None = None


class GetSMSAttributesResponse(m.Structure, frozen=True, kw_only=True):
    attributes: dict[str, str] | None = None


class GetSMSSandboxAccountStatusInput(m.Structure, frozen=True, kw_only=True):
    pass


class GetSMSSandboxAccountStatusResult(m.Structure, frozen=True, kw_only=True):
    IsInSandbox: bool


class GetSubscriptionAttributesInput(m.Structure, frozen=True, kw_only=True):
    SubscriptionArn: str


class GetSubscriptionAttributesResponse(m.Structure, frozen=True, kw_only=True):
    Attributes: dict[str, str] | None = None


class GetTopicAttributesInput(m.Structure, frozen=True, kw_only=True):
    TopicArn: str


class GetTopicAttributesResponse(m.Structure, frozen=True, kw_only=True):
    Attributes: dict[str, str] | None = None


class ListEndpointsByPlatformApplicationInput(m.Structure, frozen=True, kw_only=True):
    PlatformApplicationArn: str
    NextToken: str | None = None


class ListEndpointsByPlatformApplicationResponse(m.Structure, frozen=True, kw_only=True):
    Endpoints: list[Endpoint] | None = None
    NextToken: str | None = None


class ListOriginationNumbersRequest(m.Structure, frozen=True, kw_only=True):
    NextToken: str | None = None
    MaxResults: m.Integer | None = None


class ListOriginationNumbersResult(m.Structure, frozen=True, kw_only=True):
    NextToken: str | None = None
    PhoneNumbers: list[PhoneNumberInformation] | None = None


class ListPhoneNumbersOptedOutInput(m.Structure, frozen=True, kw_only=True):
    nextToken: str | None = None


class ListPhoneNumbersOptedOutResponse(m.Structure, frozen=True, kw_only=True):
    phoneNumbers: list[str] | None = None
    nextToken: str | None = None


class ListPlatformApplicationsInput(m.Structure, frozen=True, kw_only=True):
    NextToken: str | None = None


class ListPlatformApplicationsResponse(m.Structure, frozen=True, kw_only=True):
    PlatformApplications: list[PlatformApplication] | None = None
    NextToken: str | None = None


class ListSMSSandboxPhoneNumbersInput(m.Structure, frozen=True, kw_only=True):
    NextToken: str | None = None
    MaxResults: m.Integer | None = None


class ListSMSSandboxPhoneNumbersResult(m.Structure, frozen=True, kw_only=True):
    PhoneNumbers: list[SMSSandboxPhoneNumber]
    NextToken: str | None = None


class ListSubscriptionsByTopicInput(m.Structure, frozen=True, kw_only=True):
    TopicArn: str
    NextToken: str | None = None


class ListSubscriptionsByTopicResponse(m.Structure, frozen=True, kw_only=True):
    Subscriptions: list[Subscription] | None = None
    NextToken: str | None = None


class ListSubscriptionsInput(m.Structure, frozen=True, kw_only=True):
    NextToken: str | None = None


class ListSubscriptionsResponse(m.Structure, frozen=True, kw_only=True):
    Subscriptions: list[Subscription] | None = None
    NextToken: str | None = None


class ListTagsForResourceRequest(m.Structure, frozen=True, kw_only=True):
    ResourceArn: str


class ListTagsForResourceResponse(m.Structure, frozen=True, kw_only=True):
    Tags: list[Tag] | None = None


class ListTopicsInput(m.Structure, frozen=True, kw_only=True):
    NextToken: str | None = None


class ListTopicsResponse(m.Structure, frozen=True, kw_only=True):
    Topics: list[Topic] | None = None
    NextToken: str | None = None


class MessageAttributeValue(m.Structure, frozen=True, kw_only=True):
    DataType: str
    StringValue: str | None = None
    BinaryValue: bytes | None = None


class OptInPhoneNumberInput(m.Structure, frozen=True, kw_only=True):
    phoneNumber: str


class OptInPhoneNumberResponse(m.Structure, frozen=True, kw_only=True):
    pass


class PhoneNumberInformation(m.Structure, frozen=True, kw_only=True):
    CreatedAt: m.Timestamp | None = None
    PhoneNumber: str | None = None
    Status: str | None = None
    Iso2CountryCode: str | None = None
    RouteType: str | None = None
    NumberCapabilities: list[str] | None = None


class PlatformApplication(m.Structure, frozen=True, kw_only=True):
    PlatformApplicationArn: str | None = None
    Attributes: dict[str, str] | None = None


class PublishBatchInput(m.Structure, frozen=True, kw_only=True):
    TopicArn: str
    PublishBatchRequestEntries: list[PublishBatchRequestEntry]


class PublishBatchRequestEntry(m.Structure, frozen=True, kw_only=True):
    Id: str
    Message: str
    Subject: str | None = None
    MessageStructure: str | None = None
    MessageAttributes: Annotated[dict[str, MessageAttributeValue], m.Xml(key="Name", value="Value")] | None = None
    MessageDeduplicationId: str | None = None
    MessageGroupId: str | None = None


class PublishBatchResponse(m.Structure, frozen=True, kw_only=True):
    Successful: list[PublishBatchResultEntry] | None = None
    Failed: list[BatchResultErrorEntry] | None = None


class PublishBatchResultEntry(m.Structure, frozen=True, kw_only=True):
    Id: str | None = None
    MessageId: str | None = None
    SequenceNumber: str | None = None


class PublishInput(m.Structure, frozen=True, kw_only=True):
    TopicArn: str | None = None
    TargetArn: str | None = None
    PhoneNumber: str | None = None
    Message: str
    Subject: str | None = None
    MessageStructure: str | None = None
    MessageAttributes: Annotated[dict[str, MessageAttributeValue], m.Xml(key="Name", value="Value")] | None = None
    MessageDeduplicationId: str | None = None
    MessageGroupId: str | None = None


class PublishResponse(m.Structure, frozen=True, kw_only=True):
    MessageId: str | None = None
    SequenceNumber: str | None = None


class PutDataProtectionPolicyInput(m.Structure, frozen=True, kw_only=True):
    ResourceArn: str
    DataProtectionPolicy: str


class RemovePermissionInput(m.Structure, frozen=True, kw_only=True):
    TopicArn: str
    Label: str


class SMSSandboxPhoneNumber(m.Structure, frozen=True, kw_only=True):
    PhoneNumber: str | None = None
    Status: str | None = None


class SetEndpointAttributesInput(m.Structure, frozen=True, kw_only=True):
    EndpointArn: str
    Attributes: dict[str, str]


class SetPlatformApplicationAttributesInput(m.Structure, frozen=True, kw_only=True):
    PlatformApplicationArn: str
    Attributes: dict[str, str]


class SetSMSAttributesInput(m.Structure, frozen=True, kw_only=True):
    attributes: dict[str, str]


class SetSMSAttributesResponse(m.Structure, frozen=True, kw_only=True):
    pass


class SetSubscriptionAttributesInput(m.Structure, frozen=True, kw_only=True):
    SubscriptionArn: str
    AttributeName: str
    AttributeValue: str | None = None


class SetTopicAttributesInput(m.Structure, frozen=True, kw_only=True):
    TopicArn: str
    AttributeName: str
    AttributeValue: str | None = None


class SubscribeInput(m.Structure, frozen=True, kw_only=True):
    TopicArn: str
    Protocol: str
    Endpoint: str | None = None
    Attributes: dict[str, str] | None = None
    ReturnSubscriptionArn: bool | None = None


class SubscribeResponse(m.Structure, frozen=True, kw_only=True):
    SubscriptionArn: str | None = None


class Subscription(m.Structure, frozen=True, kw_only=True):
    SubscriptionArn: str | None = None
    Owner: str | None = None
    Protocol: str | None = None
    Endpoint: str | None = None
    TopicArn: str | None = None


class Tag(m.Structure, frozen=True, kw_only=True):
    Key: str
    Value: str


class TagResourceRequest(m.Structure, frozen=True, kw_only=True):
    ResourceArn: str
    Tags: list[Tag]


class TagResourceResponse(m.Structure, frozen=True, kw_only=True):
    pass


class Topic(m.Structure, frozen=True, kw_only=True):
    TopicArn: str | None = None


class UnsubscribeInput(m.Structure, frozen=True, kw_only=True):
    SubscriptionArn: str


class UntagResourceRequest(m.Structure, frozen=True, kw_only=True):
    ResourceArn: str
    TagKeys: list[str]


class UntagResourceResponse(m.Structure, frozen=True, kw_only=True):
    pass


class VerifySMSSandboxPhoneNumberInput(m.Structure, frozen=True, kw_only=True):
    PhoneNumber: str
    OneTimePassword: str


class VerifySMSSandboxPhoneNumberResult(m.Structure, frozen=True, kw_only=True):
    pass


OPERATIONS = {
    "AddPermission": m.OperationModel(name="AddPermission", input=AddPermissionInput),
    "CheckIfPhoneNumberIsOptedOut": m.OperationModel(name="CheckIfPhoneNumberIsOptedOut", input=CheckIfPhoneNumberIsOptedOutInput, output=CheckIfPhoneNumberIsOptedOutResponse, output_wrapper="CheckIfPhoneNumberIsOptedOutResult"),
    "ConfirmSubscription": m.OperationModel(name="ConfirmSubscription", input=ConfirmSubscriptionInput, output=ConfirmSubscriptionResponse, output_wrapper="ConfirmSubscriptionResult"),
    "CreatePlatformApplication": m.OperationModel(name="CreatePlatformApplication", input=CreatePlatformApplicationInput, output=CreatePlatformApplicationResponse, output_wrapper="CreatePlatformApplicationResult"),
    "CreatePlatformEndpoint": m.OperationModel(name="CreatePlatformEndpoint", input=CreatePlatformEndpointInput, output=CreateEndpointResponse, output_wrapper="CreatePlatformEndpointResult"),
    "CreateSMSSandboxPhoneNumber": m.OperationModel(name="CreateSMSSandboxPhoneNumber", input=CreateSMSSandboxPhoneNumberInput, output=CreateSMSSandboxPhoneNumberResult, output_wrapper="CreateSMSSandboxPhoneNumberResult"),
    "CreateTopic": m.OperationModel(name="CreateTopic", input=CreateTopicInput, output=CreateTopicResponse, output_wrapper="CreateTopicResult"),
    "DeleteEndpoint": m.OperationModel(name="DeleteEndpoint", input=DeleteEndpointInput),
    "DeletePlatformApplication": m.OperationModel(name="DeletePlatformApplication", input=DeletePlatformApplicationInput),
    "DeleteSMSSandboxPhoneNumber": m.OperationModel(name="DeleteSMSSandboxPhoneNumber", input=DeleteSMSSandboxPhoneNumberInput, output=DeleteSMSSandboxPhoneNumberResult, output_wrapper="DeleteSMSSandboxPhoneNumberResult"),
    "DeleteTopic": m.OperationModel(name="DeleteTopic", input=DeleteTopicInput),
    "GetDataProtectionPolicy": m.OperationModel(name="GetDataProtectionPolicy", input=GetDataProtectionPolicyInput, output=GetDataProtectionPolicyResponse, output_wrapper="GetDataProtectionPolicyResult"),
    "GetEndpointAttributes": m.OperationModel(name="GetEndpointAttributes", input=GetEndpointAttributesInput, output=GetEndpointAttributesResponse, output_wrapper="GetEndpointAttributesResult"),
    "GetPlatformApplicationAttributes": m.OperationModel(name="GetPlatformApplicationAttributes", input=GetPlatformApplicationAttributesInput, output=GetPlatformApplicationAttributesResponse, output_wrapper="GetPlatformApplicationAttributesResult"),
    "GetSMSAttributes": m.OperationModel(name="GetSMSAttributes", input=GetSMSAttributesInput, output=GetSMSAttributesResponse, output_wrapper="GetSMSAttributesResult"),
    "GetSMSSandboxAccountStatus": m.OperationModel(name="GetSMSSandboxAccountStatus", input=GetSMSSandboxAccountStatusInput, output=GetSMSSandboxAccountStatusResult, output_wrapper="GetSMSSandboxAccountStatusResult"),
    "GetSubscriptionAttributes": m.OperationModel(name="GetSubscriptionAttributes", input=GetSubscriptionAttributesInput, output=GetSubscriptionAttributesResponse, output_wrapper="GetSubscriptionAttributesResult"),
    "GetTopicAttributes": m.OperationModel(name="GetTopicAttributes", input=GetTopicAttributesInput, output=GetTopicAttributesResponse, output_wrapper="GetTopicAttributesResult"),
    "ListEndpointsByPlatformApplication": m.OperationModel(name="ListEndpointsByPlatformApplication", input=ListEndpointsByPlatformApplicationInput, output=ListEndpointsByPlatformApplicationResponse, output_wrapper="ListEndpointsByPlatformApplicationResult"),
    "ListOriginationNumbers": m.OperationModel(name="ListOriginationNumbers", input=ListOriginationNumbersRequest, output=ListOriginationNumbersResult, output_wrapper="ListOriginationNumbersResult"),
    "ListPhoneNumbersOptedOut": m.OperationModel(name="ListPhoneNumbersOptedOut", input=ListPhoneNumbersOptedOutInput, output=ListPhoneNumbersOptedOutResponse, output_wrapper="ListPhoneNumbersOptedOutResult"),
    "ListPlatformApplications": m.OperationModel(name="ListPlatformApplications", input=ListPlatformApplicationsInput, output=ListPlatformApplicationsResponse, output_wrapper="ListPlatformApplicationsResult"),
    "ListSMSSandboxPhoneNumbers": m.OperationModel(name="ListSMSSandboxPhoneNumbers", input=ListSMSSandboxPhoneNumbersInput, output=ListSMSSandboxPhoneNumbersResult, output_wrapper="ListSMSSandboxPhoneNumbersResult"),
    "ListSubscriptions": m.OperationModel(name="ListSubscriptions", input=ListSubscriptionsInput, output=ListSubscriptionsResponse, output_wrapper="ListSubscriptionsResult"),
    "ListSubscriptionsByTopic": m.OperationModel(name="ListSubscriptionsByTopic", input=ListSubscriptionsByTopicInput, output=ListSubscriptionsByTopicResponse, output_wrapper="ListSubscriptionsByTopicResult"),
    "ListTagsForResource": m.OperationModel(name="ListTagsForResource", input=ListTagsForResourceRequest, output=ListTagsForResourceResponse, output_wrapper="ListTagsForResourceResult"),
    "ListTopics": m.OperationModel(name="ListTopics", input=ListTopicsInput, output=ListTopicsResponse, output_wrapper="ListTopicsResult"),
    "OptInPhoneNumber": m.OperationModel(name="OptInPhoneNumber", input=OptInPhoneNumberInput, output=OptInPhoneNumberResponse, output_wrapper="OptInPhoneNumberResult"),
    "Publish": m.OperationModel(name="Publish", input=PublishInput, output=PublishResponse, output_wrapper="PublishResult"),
    "PublishBatch": m.OperationModel(name="PublishBatch", input=PublishBatchInput, output=PublishBatchResponse, output_wrapper="PublishBatchResult"),
    "PutDataProtectionPolicy": m.OperationModel(name="PutDataProtectionPolicy", input=PutDataProtectionPolicyInput),
    "RemovePermission": m.OperationModel(name="RemovePermission", input=RemovePermissionInput),
    "SetEndpointAttributes": m.OperationModel(name="SetEndpointAttributes", input=SetEndpointAttributesInput),
    "SetPlatformApplicationAttributes": m.OperationModel(name="SetPlatformApplicationAttributes", input=SetPlatformApplicationAttributesInput),
    "SetSMSAttributes": m.OperationModel(name="SetSMSAttributes", input=SetSMSAttributesInput, output=SetSMSAttributesResponse, output_wrapper="SetSMSAttributesResult"),
    "SetSubscriptionAttributes": m.OperationModel(name="SetSubscriptionAttributes", input=SetSubscriptionAttributesInput),
    "SetTopicAttributes": m.OperationModel(name="SetTopicAttributes", input=SetTopicAttributesInput),
    "Subscribe": m.OperationModel(name="Subscribe", input=SubscribeInput, output=SubscribeResponse, output_wrapper="SubscribeResult"),
    "TagResource": m.OperationModel(name="TagResource", input=TagResourceRequest, output=TagResourceResponse, output_wrapper="TagResourceResult"),
    "Unsubscribe": m.OperationModel(name="Unsubscribe", input=UnsubscribeInput),
    "UntagResource": m.OperationModel(name="UntagResource", input=UntagResourceRequest, output=UntagResourceResponse, output_wrapper="UntagResourceResult"),
    "VerifySMSSandboxPhoneNumber": m.OperationModel(name="VerifySMSSandboxPhoneNumber", input=VerifySMSSandboxPhoneNumberInput, output=VerifySMSSandboxPhoneNumberResult, output_wrapper="VerifySMSSandboxPhoneNumberResult"),
}

ERRORS = {
    "AuthorizationErrorException": m.ErrorModel("AuthorizationErrorException", "AuthorizationError", 403),
    "BatchEntryIdsNotDistinctException": m.ErrorModel("BatchEntryIdsNotDistinctException", "BatchEntryIdsNotDistinct", 400),
    "BatchRequestTooLongException": m.ErrorModel("BatchRequestTooLongException", "BatchRequestTooLong", 400),
    "ConcurrentAccessException": m.ErrorModel("ConcurrentAccessException", "ConcurrentAccess", 400),
    "EmptyBatchRequestException": m.ErrorModel("EmptyBatchRequestException", "EmptyBatchRequest", 400),
    "EndpointDisabledException": m.ErrorModel("EndpointDisabledException", "EndpointDisabled", 400),
    "FilterPolicyLimitExceededException": m.ErrorModel("FilterPolicyLimitExceededException", "FilterPolicyLimitExceeded", 403),
    "InternalErrorException": m.ErrorModel("InternalErrorException", "InternalError", 500, sender=False),
    "InvalidBatchEntryIdException": m.ErrorModel("InvalidBatchEntryIdException", "InvalidBatchEntryId", 400),
    "InvalidParameterException": m.ErrorModel("InvalidParameterException", "InvalidParameter", 400),
    "InvalidParameterValueException": m.ErrorModel("InvalidParameterValueException", "ParameterValueInvalid", 400),
    "InvalidSecurityException": m.ErrorModel("InvalidSecurityException", "InvalidSecurity", 403),
    "InvalidStateException": m.ErrorModel("InvalidStateException", "InvalidState", 400),
    "KMSAccessDeniedException": m.ErrorModel("KMSAccessDeniedException", "KMSAccessDenied", 400),
    "KMSDisabledException": m.ErrorModel("KMSDisabledException", "KMSDisabled", 400),
    "KMSInvalidStateException": m.ErrorModel("KMSInvalidStateException", "KMSInvalidState", 400),
    "KMSNotFoundException": m.ErrorModel("KMSNotFoundException", "KMSNotFound", 400),
    "KMSOptInRequired": m.ErrorModel("KMSOptInRequired", "KMSOptInRequired", 403),
    "KMSThrottlingException": m.ErrorModel("KMSThrottlingException", "KMSThrottling", 400),
    "NotFoundException": m.ErrorModel("NotFoundException", "NotFound", 404),
    "OptedOutException": m.ErrorModel("OptedOutException", "OptedOut", 400),
    "PlatformApplicationDisabledException": m.ErrorModel("PlatformApplicationDisabledException", "PlatformApplicationDisabled", 400),
    "ReplayLimitExceededException": m.ErrorModel("ReplayLimitExceededException", "ReplayLimitExceeded", 403),
    "ResourceNotFoundException": m.ErrorModel("ResourceNotFoundException", "ResourceNotFound", 404),
    "StaleTagException": m.ErrorModel("StaleTagException", "StaleTag", 400),
    "SubscriptionLimitExceededException": m.ErrorModel("SubscriptionLimitExceededException", "SubscriptionLimitExceeded", 403),
    "TagLimitExceededException": m.ErrorModel("TagLimitExceededException", "TagLimitExceeded", 400),
    "TagPolicyException": m.ErrorModel("TagPolicyException", "TagPolicy", 400),
    "ThrottledException": m.ErrorModel("ThrottledException", "Throttled", 429),
    "TooManyEntriesInBatchRequestException": m.ErrorModel("TooManyEntriesInBatchRequestException", "TooManyEntriesInBatchRequest", 400),
    "TopicLimitExceededException": m.ErrorModel("TopicLimitExceededException", "TopicLimitExceeded", 403),
    "UserErrorException": m.ErrorModel("UserErrorException", "UserError", 400),
    "ValidationException": m.ErrorModel("ValidationException", "ValidationException", 400),
    "VerificationException": m.ErrorModel("VerificationException", "VerificationException", 400, members=("Status",)),
}

SERVICE = m.ServiceModel(
    name="sns",
    api_version="2010-03-31",
    endpoint_prefix="sns",
    protocols=("query",),
    operations=OPERATIONS,
    errors=ERRORS,
    xml_namespace="http://sns.amazonaws.com/doc/2010-03-31/",
)
