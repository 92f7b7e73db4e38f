"""Amazon Simple Queue Service, API version 2012-11-05: structures, operations and errors.

Made by `make gen` from AWS's service description in botocore. Do not edit.
"""

from __future__ import annotations

from typing import Annotated

from cumulo.gateway import aws_model as m


class AddPermissionRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str
    Label: str
    AWSAccountIds: Annotated[list[str], m.Xml(flat=True, name="AWSAccountId")]
    Actions: Annotated[list[str], m.Xml(flat=True, name="ActionName")]


class BatchResultErrorEntry(m.Structure, frozen=True, kw_only=True):
    Id: str
    SenderFault: bool
    Code: str
    Message: str | None = None


class CancelMessageMoveTaskRequest(m.Structure, frozen=True, kw_only=True):
    TaskHandle: str


class CancelMessageMoveTaskResult(m.Structure, frozen=True, kw_only=True):
    ApproximateNumberOfMessagesMoved: m.Long | None = None


class ChangeMessageVisibilityBatchRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str
    Entries: Annotated[list[ChangeMessageVisibilityBatchRequestEntry], m.Xml(flat=True, name="ChangeMessageVisibilityBatchRequestEntry")]


class ChangeMessageVisibilityBatchRequestEntry(m.Structure, frozen=True, kw_only=True):
    Id: str
    ReceiptHandle: str
    VisibilityTimeout: m.Integer | None = None


class ChangeMessageVisibilityBatchResult(m.Structure, frozen=True, kw_only=True):
    Successful: Annotated[list[ChangeMessageVisibilityBatchResultEntry], m.Xml(flat=True, name="ChangeMessageVisibilityBatchResultEntry")]
    Failed: Annotated[list[BatchResultErrorEntry], m.Xml(flat=True, name="BatchResultErrorEntry")]


class ChangeMessageVisibilityBatchResultEntry(m.Structure, frozen=True, kw_only=True):
    Id: str


class ChangeMessageVisibilityRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str
    ReceiptHandle: str
    VisibilityTimeout: m.Integer


class CreateQueueRequest(m.Structure, frozen=True, kw_only=True):
    QueueName: str
    Attributes: Annotated[dict[str, str], m.Xml(flat=True, key="Name", value="Value", name="Attribute")] | None = None
    tags: Annotated[dict[str, str], m.Xml(flat=True, key="Key", value="Value", name="Tag")] | None = None


class CreateQueueResult(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str | None = None


class DeleteMessageBatchRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str
    Entries: Annotated[list[DeleteMessageBatchRequestEntry], m.Xml(flat=True, name="DeleteMessageBatchRequestEntry")]


class DeleteMessageBatchRequestEntry(m.Structure, frozen=True, kw_only=True):
    Id: str
    ReceiptHandle: str


class DeleteMessageBatchResult(m.Structure, frozen=True, kw_only=True):
    Successful: Annotated[list[DeleteMessageBatchResultEntry], m.Xml(flat=True, name="DeleteMessageBatchResultEntry")]
    Failed: Annotated[list[BatchResultErrorEntry], m.Xml(flat=True, name="BatchResultErrorEntry")]


class DeleteMessageBatchResultEntry(m.Structure, frozen=True, kw_only=True):
    Id: str


class DeleteMessageRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str
    ReceiptHandle: str


class DeleteQueueRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str


class GetQueueAttributesRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str
    AttributeNames: Annotated[list[str], m.Xml(flat=True, name="AttributeName")] | None = None


class GetQueueAttributesResult(m.Structure, frozen=True, kw_only=True):
    Attributes: Annotated[dict[str, str], m.Xml(flat=True, key="Name", value="Value", name="Attribute")] | None = None


class GetQueueUrlRequest(m.Structure, frozen=True, kw_only=True):
    QueueName: str
    QueueOwnerAWSAccountId: str | None = None


class GetQueueUrlResult(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str | None = None


class ListDeadLetterSourceQueuesRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str
    NextToken: str | None = None
    MaxResults: m.Integer | None = None


class ListDeadLetterSourceQueuesResult(m.Structure, frozen=True, kw_only=True):
    queueUrls: Annotated[list[str], m.Xml(flat=True, name="QueueUrl")]
    NextToken: str | None = None


class ListMessageMoveTasksRequest(m.Structure, frozen=True, kw_only=True):
    SourceArn: str
    MaxResults: m.Integer | None = None


class ListMessageMoveTasksResult(m.Structure, frozen=True, kw_only=True):
    Results: Annotated[list[ListMessageMoveTasksResultEntry], m.Xml(flat=True, name="ListMessageMoveTasksResultEntry")] | None = None


class ListMessageMoveTasksResultEntry(m.Structure, frozen=True, kw_only=True):
    TaskHandle: str | None = None
    Status: str | None = None
    SourceArn: str | None = None
    DestinationArn: str | None = None
    MaxNumberOfMessagesPerSecond: m.Integer | None = None
    ApproximateNumberOfMessagesMoved: m.Long | None = None
    ApproximateNumberOfMessagesToMove: m.Long | None = None
    FailureReason: str | None = None
    StartedTimestamp: m.Long | None = None


class ListQueueTagsRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str


class ListQueueTagsResult(m.Structure, frozen=True, kw_only=True):
    Tags: Annotated[dict[str, str], m.Xml(flat=True, key="Key", value="Value", name="Tag")] | None = None


class ListQueuesRequest(m.Structure, frozen=True, kw_only=True):
    QueueNamePrefix: str | None = None
    NextToken: str | None = None
    MaxResults: m.Integer | None = None


class ListQueuesResult(m.Structure, frozen=True, kw_only=True):
    QueueUrls: Annotated[list[str], m.Xml(flat=True, name="QueueUrl")] | None = None
    NextToken: str | None = None


class Message(m.Structure, frozen=True, kw_only=True):
    MessageId: str | None = None
    ReceiptHandle: str | None = None
    MD5OfBody: str | None = None
    Body: str | None = None
    Attributes: Annotated[dict[str, str], m.Xml(flat=True, key="Name", value="Value", name="Attribute")] | None = None
    MD5OfMessageAttributes: str | None = None
    MessageAttributes: Annotated[dict[str, MessageAttributeValue], m.Xml(flat=True, key="Name", value="Value", name="MessageAttribute")] | None = None


class MessageAttributeValue(m.Structure, frozen=True, kw_only=True):
    StringValue: str | None = None
    BinaryValue: bytes | None = None
    StringListValues: Annotated[list[str], m.Xml(flat=True, name="StringListValue")] | None = None
    BinaryListValues: Annotated[list[bytes], m.Xml(flat=True, name="BinaryListValue")] | None = None
    DataType: str


class MessageSystemAttributeValue(m.Structure, frozen=True, kw_only=True):
    StringValue: str | None = None
    BinaryValue: bytes | None = None
    StringListValues: Annotated[list[str], m.Xml(flat=True, name="StringListValue")] | None = None
    BinaryListValues: Annotated[list[bytes], m.Xml(flat=True, name="BinaryListValue")] | None = None
    DataType: str


class PurgeQueueRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str


class ReceiveMessageRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str
    AttributeNames: Annotated[list[str], m.Xml(flat=True, name="AttributeName")] | None = None
    MessageSystemAttributeNames: Annotated[list[str], m.Xml(flat=True, name="MessageSystemAttributeName")] | None = None
    MessageAttributeNames: Annotated[list[str], m.Xml(flat=True, name="MessageAttributeName")] | None = None
    MaxNumberOfMessages: m.Integer | None = None
    VisibilityTimeout: m.Integer | None = None
    WaitTimeSeconds: m.Integer | None = None
    ReceiveRequestAttemptId: str | None = None


class ReceiveMessageResult(m.Structure, frozen=True, kw_only=True):
    Messages: Annotated[list[Message], m.Xml(flat=True, name="Message")] | None = None


class RemovePermissionRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str
    Label: str


class SendMessageBatchRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str
    Entries: Annotated[list[SendMessageBatchRequestEntry], m.Xml(flat=True, name="SendMessageBatchRequestEntry")]


class SendMessageBatchRequestEntry(m.Structure, frozen=True, kw_only=True):
    Id: str
    MessageBody: str
    DelaySeconds: m.Integer | None = None
    MessageAttributes: Annotated[dict[str, MessageAttributeValue], m.Xml(flat=True, key="Name", value="Value", name="MessageAttribute")] | None = None
    MessageSystemAttributes: Annotated[dict[str, MessageSystemAttributeValue], m.Xml(flat=True, key="Name", value="Value", name="MessageSystemAttribute")] | None = None
    MessageDeduplicationId: str | None = None
    MessageGroupId: str | None = None


class SendMessageBatchResult(m.Structure, frozen=True, kw_only=True):
    Successful: Annotated[list[SendMessageBatchResultEntry], m.Xml(flat=True, name="SendMessageBatchResultEntry")]
    Failed: Annotated[list[BatchResultErrorEntry], m.Xml(flat=True, name="BatchResultErrorEntry")]


class SendMessageBatchResultEntry(m.Structure, frozen=True, kw_only=True):
    Id: str
    MessageId: str
    MD5OfMessageBody: str
    MD5OfMessageAttributes: str | None = None
    MD5OfMessageSystemAttributes: str | None = None
    SequenceNumber: str | None = None


class SendMessageRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str
    MessageBody: str
    DelaySeconds: m.Integer | None = None
    MessageAttributes: Annotated[dict[str, MessageAttributeValue], m.Xml(flat=True, key="Name", value="Value", name="MessageAttribute")] | None = None
    MessageSystemAttributes: Annotated[dict[str, MessageSystemAttributeValue], m.Xml(flat=True, key="Name", value="Value", name="MessageSystemAttribute")] | None = None
    MessageDeduplicationId: str | None = None
    MessageGroupId: str | None = None


class SendMessageResult(m.Structure, frozen=True, kw_only=True):
    MD5OfMessageBody: str | None = None
    MD5OfMessageAttributes: str | None = None
    MD5OfMessageSystemAttributes: str | None = None
    MessageId: str | None = None
    SequenceNumber: str | None = None


class SetQueueAttributesRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str
    Attributes: Annotated[dict[str, str], m.Xml(flat=True, key="Name", value="Value", name="Attribute")]


class StartMessageMoveTaskRequest(m.Structure, frozen=True, kw_only=True):
    SourceArn: str
    DestinationArn: str | None = None
    MaxNumberOfMessagesPerSecond: m.Integer | None = None


class StartMessageMoveTaskResult(m.Structure, frozen=True, kw_only=True):
    TaskHandle: str | None = None


class TagQueueRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str
    Tags: Annotated[dict[str, str], m.Xml(flat=True, key="Key", value="Value", name="Tag")]


class UntagQueueRequest(m.Structure, frozen=True, kw_only=True):
    QueueUrl: str
    TagKeys: Annotated[list[str], m.Xml(flat=True, name="TagKey")]


OPERATIONS = {
    "AddPermission": m.OperationModel(name="AddPermission", input=AddPermissionRequest),
    "CancelMessageMoveTask": m.OperationModel(name="CancelMessageMoveTask", input=CancelMessageMoveTaskRequest, output=CancelMessageMoveTaskResult, output_wrapper="CancelMessageMoveTaskResult"),
    "ChangeMessageVisibility": m.OperationModel(name="ChangeMessageVisibility", input=ChangeMessageVisibilityRequest),
    "ChangeMessageVisibilityBatch": m.OperationModel(name="ChangeMessageVisibilityBatch", input=ChangeMessageVisibilityBatchRequest, output=ChangeMessageVisibilityBatchResult, output_wrapper="ChangeMessageVisibilityBatchResult"),
    "CreateQueue": m.OperationModel(name="CreateQueue", input=CreateQueueRequest, output=CreateQueueResult, output_wrapper="CreateQueueResult"),
    "DeleteMessage": m.OperationModel(name="DeleteMessage", input=DeleteMessageRequest),
    "DeleteMessageBatch": m.OperationModel(name="DeleteMessageBatch", input=DeleteMessageBatchRequest, output=DeleteMessageBatchResult, output_wrapper="DeleteMessageBatchResult"),
    "DeleteQueue": m.OperationModel(name="DeleteQueue", input=DeleteQueueRequest),
    "GetQueueAttributes": m.OperationModel(name="GetQueueAttributes", input=GetQueueAttributesRequest, output=GetQueueAttributesResult, output_wrapper="GetQueueAttributesResult"),
    "GetQueueUrl": m.OperationModel(name="GetQueueUrl", input=GetQueueUrlRequest, output=GetQueueUrlResult, output_wrapper="GetQueueUrlResult"),
    "ListDeadLetterSourceQueues": m.OperationModel(name="ListDeadLetterSourceQueues", input=ListDeadLetterSourceQueuesRequest, output=ListDeadLetterSourceQueuesResult, output_wrapper="ListDeadLetterSourceQueuesResult"),
    "ListMessageMoveTasks": m.OperationModel(name="ListMessageMoveTasks", input=ListMessageMoveTasksRequest, output=ListMessageMoveTasksResult, output_wrapper="ListMessageMoveTasksResult"),
    "ListQueueTags": m.OperationModel(name="ListQueueTags", input=ListQueueTagsRequest, output=ListQueueTagsResult, output_wrapper="ListQueueTagsResult"),
    "ListQueues": m.OperationModel(name="ListQueues", input=ListQueuesRequest, output=ListQueuesResult, output_wrapper="ListQueuesResult"),
    "PurgeQueue": m.OperationModel(name="PurgeQueue", input=PurgeQueueRequest),
    "ReceiveMessage": m.OperationModel(name="ReceiveMessage", input=ReceiveMessageRequest, output=ReceiveMessageResult, output_wrapper="ReceiveMessageResult"),
    "RemovePermission": m.OperationModel(name="RemovePermission", input=RemovePermissionRequest),
    "SendMessage": m.OperationModel(name="SendMessage", input=SendMessageRequest, output=SendMessageResult, output_wrapper="SendMessageResult"),
    "SendMessageBatch": m.OperationModel(name="SendMessageBatch", input=SendMessageBatchRequest, output=SendMessageBatchResult, output_wrapper="SendMessageBatchResult"),
    "SetQueueAttributes": m.OperationModel(name="SetQueueAttributes", input=SetQueueAttributesRequest),
    "StartMessageMoveTask": m.OperationModel(name="StartMessageMoveTask", input=StartMessageMoveTaskRequest, output=StartMessageMoveTaskResult, output_wrapper="StartMessageMoveTaskResult"),
    "TagQueue": m.OperationModel(name="TagQueue", input=TagQueueRequest),
    "UntagQueue": m.OperationModel(name="UntagQueue", input=UntagQueueRequest),
}

ERRORS = {
    "BatchEntryIdsNotDistinct": m.ErrorModel("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", 400),
    "BatchRequestTooLong": m.ErrorModel("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", 400),
    "EmptyBatchRequest": m.ErrorModel("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", 400),
    "InvalidAddress": m.ErrorModel("InvalidAddress", "InvalidAddress", 400),
    "InvalidAttributeName": m.ErrorModel("InvalidAttributeName", "InvalidAttributeName", 400),
    "InvalidAttributeValue": m.ErrorModel("InvalidAttributeValue", "InvalidAttributeValue", 400),
    "InvalidBatchEntryId": m.ErrorModel("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", 400),
    "InvalidIdFormat": m.ErrorModel("InvalidIdFormat", "InvalidIdFormat", 400),
    "InvalidMessageContents": m.ErrorModel("InvalidMessageContents", "InvalidMessageContents", 400),
    "InvalidSecurity": m.ErrorModel("InvalidSecurity", "InvalidSecurity", 400),
    "KmsAccessDenied": m.ErrorModel("KmsAccessDenied", "KmsAccessDenied", 400),
    "KmsDisabled": m.ErrorModel("KmsDisabled", "KmsDisabled", 400),
    "KmsInvalidKeyUsage": m.ErrorModel("KmsInvalidKeyUsage", "KmsInvalidKeyUsage", 400),
    "KmsInvalidState": m.ErrorModel("KmsInvalidState", "KmsInvalidState", 400),
    "KmsNotFound": m.ErrorModel("KmsNotFound", "KmsNotFound", 400),
    "KmsOptInRequired": m.ErrorModel("KmsOptInRequired", "KmsOptInRequired", 400),
    "KmsThrottled": m.ErrorModel("KmsThrottled", "KmsThrottled", 400),
    "MessageNotInflight": m.ErrorModel("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", 400),
    "OverLimit": m.ErrorModel("OverLimit", "OverLimit", 400),
    "PurgeQueueInProgress": m.ErrorModel("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", 400),
    "QueueDeletedRecently": m.ErrorModel("QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently", 400),
    "QueueDoesNotExist": m.ErrorModel("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", 400),
    "QueueNameExists": m.ErrorModel("QueueNameExists", "QueueAlreadyExists", 400),
    "ReceiptHandleIsInvalid": m.ErrorModel("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 400),
    "RequestThrottled": m.ErrorModel("RequestThrottled", "RequestThrottled", 400),
    "ResourceNotFoundException": m.ErrorModel("ResourceNotFoundException", "ResourceNotFoundException", 400),
    "TooManyEntriesInBatchRequest": m.ErrorModel("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", 400),
    "UnsupportedOperation": m.ErrorModel("UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation", 400),
}

SERVICE = m.ServiceModel(
    name="sqs",
    api_version="2012-11-05",
    endpoint_prefix="sqs",
    protocols=("json", "query"),
    operations=OPERATIONS,
    errors=ERRORS,
    target_prefix="AmazonSQS",
    json_version="1.0",
    xml_namespace="http://queue.amazonaws.com/doc/2012-11-05/",
    query_compatible=True,
)
