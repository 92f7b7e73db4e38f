"""Write the modules of AWS's services from the descriptions in botocore: structures, operations and errors, typed.

Promises: the same botocore gives the same bytes (.ci/constraints.txt pins it); `--check` writes nothing and fails when
a module is stale (a test runs it). botocore is only read here, never at run time. What the descriptions do not say
about the wire stands in this file, with its source: the query protocol's names of SQS, which the description lost when
AWS's clients went over to JSON, and the root elements of S3's answers, which clients never look at.
"""

import argparse
import builtins
import keyword
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.loaders

ROOT = Path(__file__).parent.parent
MODULES = {
    "sqs": "queue_service/aws_sqs.py",
    "sns": "queue_service/aws_sns.py",
    "s3": "object_store/aws_s3.py",
    "iam": "identity/aws_iam.py",
    "sts": "identity/aws_sts.py",
    "kms": "key_service/aws_kms.py",
}

EXTRA_PROTOCOLS = {"sqs": ("query",)}
"""Spoken by AWS although today's description is silent: clients from before November 2023 speak it."""
NAMESPACES = {
    "sqs": "http://queue.amazonaws.com/doc/2012-11-05/",
    "s3": "http://s3.amazonaws.com/doc/2006-03-01/",
}

SQS_QUERY_SHAPES: Mapping[str, Mapping[str, Any]] = {
    "AWSAccountIdList": {"item": "AWSAccountId"},
    "ActionNameList": {"item": "ActionName"},
    "AttributeNameList": {"item": "AttributeName"},
    "BatchResultErrorEntryList": {"item": "BatchResultErrorEntry"},
    "BinaryList": {"item": "BinaryListValue"},
    "ChangeMessageVisibilityBatchRequestEntryList": {"item": "ChangeMessageVisibilityBatchRequestEntry"},
    "ChangeMessageVisibilityBatchResultEntryList": {"item": "ChangeMessageVisibilityBatchResultEntry"},
    "DeleteMessageBatchRequestEntryList": {"item": "DeleteMessageBatchRequestEntry"},
    "DeleteMessageBatchResultEntryList": {"item": "DeleteMessageBatchResultEntry"},
    "ListMessageMoveTasksResultEntryList": {"item": "ListMessageMoveTasksResultEntry"},
    "MessageAttributeNameList": {"item": "MessageAttributeName"},
    "MessageBodyAttributeMap": {"name": "MessageAttribute", "key": "Name", "value": "Value"},
    "MessageBodySystemAttributeMap": {"name": "MessageSystemAttribute", "key": "Name", "value": "Value"},
    "MessageList": {"item": "Message"},
    "MessageSystemAttributeList": {"item": "MessageSystemAttributeName"},
    "MessageSystemAttributeMap": {"name": "Attribute", "key": "Name", "value": "Value"},
    "QueueAttributeMap": {"name": "Attribute", "key": "Name", "value": "Value"},
    "QueueUrlList": {"item": "QueueUrl"},
    "SendMessageBatchRequestEntryList": {"item": "SendMessageBatchRequestEntry"},
    "SendMessageBatchResultEntryList": {"item": "SendMessageBatchResultEntry"},
    "StringList": {"item": "StringListValue"},
    "TagKeyList": {"item": "TagKey"},
    "TagMap": {"name": "Tag", "key": "Key", "value": "Value"},
}
"""The wire names of the query protocol, as botocore described them until 1.31.80 (2023-11-08)."""

SQS_QUERY_CODES = {
    **{
        name: f"AWS.SimpleQueueService.{name}"
        for name in (
            "BatchEntryIdsNotDistinct",
            "BatchRequestTooLong",
            "EmptyBatchRequest",
            "InvalidBatchEntryId",
            "MessageNotInflight",
            "PurgeQueueInProgress",
            "QueueDeletedRecently",
            "TooManyEntriesInBatchRequest",
            "UnsupportedOperation",
        )
    },
    "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
    "QueueNameExists": "QueueAlreadyExists",
}
"""The query protocol's codes, likewise."""

S3_OUTPUT_ROOTS = {
    "CompleteMultipartUpload": "CompleteMultipartUploadResult",
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CreateSession": "CreateSessionResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycle": "LifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLocation": "LocationConstraint",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotification": "NotificationConfiguration",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBucketAnalyticsConfigurations": "ListBucketAnalyticsConfigurationResult",
    "ListBucketIntelligentTieringConfigurations": "ListBucketIntelligentTieringConfigurationsOutput",
    "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult",
    "ListBucketMetricsConfigurations": "ListMetricsConfigurationsResult",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
    "ListMultipartUploads": "ListMultipartUploadsResult",
    "ListObjectAnnotations": "ListObjectAnnotationsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
    "ListParts": "ListPartsResult",
    "PutObjectAnnotation": "PutObjectAnnotationOutput",
}
"""Amazon S3 API Reference, "Response Syntax" of each operation; the shape's own name where it has none."""

S3_OPTIONAL = {
    "GetObjectAttributesRequest": ("ObjectAttributes",),
    "PutBucketPolicyRequest": ("Policy",),
    "Tagging": ("TagSet",),
}
"""What S3 does without, or misses in words of its own, although its description says that it is required."""

SCALARS = {
    "string": "str",
    "character": "str",
    "integer": "m.Integer",
    "long": "m.Long",
    "boolean": "bool",
    "float": "float",
    "double": "float",
    "blob": "bytes",
}
TIMESTAMPS = {
    "": "m.Timestamp",
    "iso8601": "m.TimestampIso8601",
    "rfc822": "m.TimestampRfc822",
    "unixTimestamp": "m.TimestampUnix",
}
TAKEN = {*keyword.kwlist, *dir(builtins), "Annotated", "m"}
"""What a class or a member cannot be called, because the annotations need it."""


class Generator:
    """Writes one service's module from its description."""

    def __init__(self, service: str, description: Mapping[str, Any]) -> None:
        self.service = service
        self.metadata = description["metadata"]
        self.operations = description["operations"]
        self.shapes = description["shapes"]
        self.protocols = [*self.metadata.get("protocols", [self.metadata["protocol"]])]
        if self.metadata["protocol"] in self.protocols:
            self.protocols.sort(key=lambda it: it != self.metadata["protocol"])
        self.protocols += [it for it in EXTRA_PROTOCOLS.get(service, ()) if it not in self.protocols]
        self.has_xml = any(it in {"query", "rest-xml"} for it in self.protocols)
        self.aliases: set[str] = set()

    def module(self) -> str:
        """Return the module's text."""
        structures = "\n\n".join(self._structure(name) for name in self._reachable())
        aliases = "".join(f"_{name} = {name}\n" for name in sorted(self.aliases))
        if aliases:
            aliases = "\n\n# Members of the same name hide these from a type checker.\n" + aliases
        operations = "".join(self._operation(name) for name in sorted(self.operations))
        errors = "".join(self._errors())
        return (
            f'"""{self.metadata["serviceFullName"]}, API version {self.metadata["apiVersion"]}: structures, operations'
            f' and errors.\n\nMade by `make gen` from AWS\'s service description in botocore. Do not edit.\n"""\n\n'
            "from __future__ import annotations\n\nfrom typing import Annotated\n\n"
            f"from cumulo.gateway import aws_model as m\n\n\n{structures}\n{aliases}\n"
            f"OPERATIONS = {{\n{operations}}}\n\nERRORS = {{\n{errors}}}\n\nSERVICE = m.ServiceModel(\n"
            + "".join(f"    {name}={value},\n" for name, value in self._service())
            + ")\n"
        )

    def _service(self) -> Iterator[tuple[str, str]]:
        yield "name", _quoted(self.service)
        yield "api_version", _quoted(self.metadata["apiVersion"])
        yield "endpoint_prefix", _quoted(self.metadata["endpointPrefix"])
        yield "protocols", _tuple(self.protocols)
        yield "operations", "OPERATIONS"
        yield "errors", "ERRORS"
        for name, value in (
            ("target_prefix", self.metadata.get("targetPrefix")),
            ("json_version", self.metadata.get("jsonVersion")),
            ("xml_namespace", self.metadata.get("xmlNamespace", NAMESPACES.get(self.service))),
        ):
            if value:
                yield name, _quoted(value)
        if "awsQueryCompatible" in self.metadata:
            yield "query_compatible", "True"

    def _reachable(self) -> list[str]:
        """Return the structures that inputs and outputs are made of, by name."""
        found: set[str] = set()
        waiting = [
            operation[part]["shape"]
            for operation in self.operations.values()
            for part in ("input", "output")
            if part in operation
        ]
        while waiting:
            shape = self.shapes[name := waiting.pop()]
            if name in found:
                continue
            found.add(name)
            waiting += [member["shape"] for member in shape.get("members", {}).values() if not self._streams(member)]
            waiting += [shape[part]["shape"] for part in ("member", "key", "value") if part in shape]
        return sorted(name for name in found if self.shapes[name]["type"] == "structure")

    def _streams(self, member: Mapping[str, Any]) -> bool:
        return bool(member.get("streaming") or self.shapes[member["shape"]].get("streaming")) or bool(
            self.shapes[member["shape"]].get("eventstream")
        )

    def _structure(self, name: str) -> str:
        shape = self.shapes[name]
        members = {key: member for key, member in shape["members"].items() if not self._streams(member)}
        renames: dict[str, str] = {}
        lines = []
        for key, member in members.items():
            attribute = _free(key)
            wire = member.get("locationName", key) if not self.has_xml and "location" not in member else key
            if wire != attribute:
                renames[attribute] = wire
            annotation = self._member_type(member, key, payload=shape.get("payload") == key)
            for other in members:
                annotation = self._unhidden(annotation, _free(other))
            required = key in shape.get("required", ()) and key not in S3_OPTIONAL.get(name, ())
            lines.append(f"    {attribute}: {annotation}" + ("" if required else " | None = None"))
        rename = f", rename={renames!r}" if renames else ""
        head = f"class {_free(name)}(m.Structure, frozen=True, kw_only=True{rename}):\n"
        return head + ("\n".join(lines) or "    pass") + "\n"

    def _unhidden(self, annotation: str, member: str) -> str:
        """Return an annotation that reaches its class although the member `member` of the same structure hides it."""
        word = rf'(?<![\w."]){member}(?![\w"])'
        if self.shapes.get(member, {}).get("type") != "structure" or not re.search(word, annotation):
            return annotation
        self.aliases.add(member)
        return re.sub(word, f"_{member}", annotation)

    def _member_type(self, member: Mapping[str, Any], name: str, *, payload: bool) -> str:
        """Return the annotation of a structure's member: its type and where it travels."""
        shape = {**self.shapes[member["shape"]], **member}
        kind = self._type(member, nested=False)
        location = member.get("location")
        wire = member.get("locationName", name)
        traits = []
        if location == "header":
            traits.append(f"m.Header({_quoted(wire)})")
        elif location == "headers":
            traits.append(f"m.PrefixedHeaders({_quoted(wire)})")
        elif location == "querystring":
            traits.append(f"m.Query({_quoted(wire)})")
        elif location == "uri":
            traits.append(f"m.Label({_quoted(wire)})")
        elif location == "statusCode":
            traits.append("m.StatusCode()")
        elif payload:
            traits.append("m.Payload()")
        if self.has_xml and (xml := self._xml(member, name if location is None else shape.get("locationName", name))):
            traits.append(xml)
        return f"Annotated[{kind}, {', '.join(traits)}]" if traits else kind

    def _type(self, reference: Mapping[str, Any], *, nested: bool = True) -> str:
        """Return the annotation of a reference to a shape; nested in a list or map it carries its own XML names."""
        shape = self.shapes[reference["shape"]]
        kind = shape["type"]
        if kind == "structure":
            return _free(reference["shape"])
        if kind == "list":
            text = f"list[{self._type(shape['member'])}]"
        elif kind == "map":
            text = f"dict[{self._type(shape['key'])}, {self._type(shape['value'])}]"
        elif kind == "timestamp":
            text = TIMESTAMPS[reference.get("timestampFormat", shape.get("timestampFormat", ""))]
        else:
            text = SCALARS[kind]
        if (
            nested
            and kind in {"list", "map"}
            and self.has_xml
            and (xml := self._xml({"shape": reference["shape"]}, ""))
        ):
            return f"Annotated[{text}, {xml}]"
        return text

    def _xml(self, reference: Mapping[str, Any], default_name: str) -> str:
        """Return the `m.Xml(...)` of a reference, empty where it says nothing."""
        shape = {**self.shapes[reference["shape"]], **reference}
        traits: dict[str, Any] = {}
        if "location" not in reference and shape.get("locationName", default_name) != default_name:
            traits["name"] = shape["locationName"]
        if shape.get("flattened"):
            traits["flat"] = True
        traits["item"] = shape.get("member", {}).get("locationName", "")
        traits["key"] = shape.get("key", {}).get("locationName", "")
        traits["value"] = shape.get("value", {}).get("locationName", "")
        traits["namespace"] = shape.get("xmlNamespace", {}).get("uri", "")
        traits["prefix"] = shape.get("xmlNamespace", {}).get("prefix", "")
        traits["attribute"] = bool(shape.get("xmlAttribute"))
        if self.service == "sqs":
            traits.update(SQS_QUERY_SHAPES.get(reference["shape"], {}))
        if traits.get("flat") and traits["item"]:
            traits["name"] = traits.pop("item")  # items of a flat list stand in the list's own place
        if traits.get("name") == default_name:
            del traits["name"]
        arguments = ", ".join(
            f"{key}={value if value is True else _quoted(value)}" for key, value in traits.items() if value
        )
        return f"m.Xml({arguments})" if arguments else ""

    def _operation(self, name: str) -> str:
        operation = self.operations[name]
        http = operation["http"]
        arguments: list[tuple[str, str]] = [("name", _quoted(name))]
        parts = ("input", "output")
        arguments += [(part, _free(operation[part]["shape"])) for part in parts if part in operation]
        if http["method"] != "POST":
            arguments.append(("method", _quoted(http["method"])))
        if http["requestUri"] != "/":
            arguments.append(("uri", _quoted(http["requestUri"])))
        if http.get("responseCode", 200) != 200:
            arguments.append(("status", str(http["responseCode"])))
        streams = [(part, self._stream(operation.get(part))) for part in parts]
        arguments += [(f"{part}_stream", _quoted(stream)) for part, stream in streams if stream]
        arguments += self._roots(name, operation)
        for location, argument in (("querystring", "required_query"), ("header", "required_headers")):
            if required := self._required(operation.get("input"), location):
                arguments.append((argument, _tuple(required)))
        if checksums := operation.get("httpChecksum"):
            arguments.append(("checksums", _checksums(checksums)))
        if operation.get("authtype") == "none":
            arguments.append(("unsigned", "True"))
        if operation.get("deprecated"):
            arguments.append(("deprecated", "True"))
        return f"    {_quoted(name)}: m.OperationModel({', '.join(f'{key}={value}' for key, value in arguments)}),\n"

    def _stream(self, reference: Mapping[str, Any] | None) -> str:
        members = self.shapes[reference["shape"]]["members"] if reference else {}
        return next((name for name, member in members.items() if self._streams(member)), "")

    def _required(self, reference: Mapping[str, Any] | None, location: str) -> list[str]:
        """Return the wire names, in lower case for headers, of the members that a request must have at a location."""
        shape = self.shapes[reference["shape"]] if reference else {}
        members = [(name, shape["members"][name]) for name in shape.get("required", ())]
        names = [member.get("locationName", name) for name, member in members if member.get("location") == location]
        return [name.lower() for name in names] if location == "header" else names

    def _roots(self, name: str, operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if root := operation.get("input", {}).get("locationName"):
            yield "input_root", _quoted(root)
        if self.service == "s3" and name in S3_OUTPUT_ROOTS:
            yield "output_root", _quoted(S3_OUTPUT_ROOTS[name])
        if (self.service, name) == ("s3", "GetBucketLocation"):
            yield "unwrapped", "True"
        wrapper = operation.get("output", {}).get("resultWrapper", "")
        if not wrapper and "query" in self.protocols and "output" in operation:
            wrapper = f"{name}Result"
        if wrapper:
            yield "output_wrapper", _quoted(wrapper)

    def _errors(self) -> Iterator[str]:
        for name in sorted(name for name, shape in self.shapes.items() if shape.get("exception")):
            shape = self.shapes[name]
            error = shape.get("error", {})
            sender = not shape.get("fault", False) and error.get("senderFault", True)
            status = error.get("httpStatusCode", 400 if sender else 500)
            members = [member for member in shape["members"] if member.lower() != "message"]
            code = SQS_QUERY_CODES.get(name, name) if self.service == "sqs" else error.get("code", name)
            arguments = [_quoted(name), _quoted(code), str(status)]
            arguments += [f"sender={sender}"] * (not sender) + [f"members={_tuple(members)}"] * bool(members)
            yield f"    {_quoted(name)}: m.ErrorModel({', '.join(arguments)}),\n"


def _checksums(trait: Mapping[str, Any]) -> str:
    arguments = []
    if trait.get("requestChecksumRequired"):
        arguments.append("required=True")
    if member := trait.get("requestAlgorithmMember"):
        arguments.append(f"member={_quoted(member)}")
    if member := trait.get("requestValidationModeMember"):
        arguments.append(f"mode_member={_quoted(member)}")
    if answers := trait.get("responseAlgorithms"):
        arguments.append(f"answers={_tuple(answers)}")
    return f"m.Checksums({', '.join(arguments)})"


def _free(name: str) -> str:
    """Return a name that Python leaves free."""
    return f"{name}_" if name in TAKEN else name


def _quoted(text: str) -> str:
    assert '"' not in text
    assert "\\" not in text
    return f'"{text}"'


def _tuple(items: Iterable[str]) -> str:
    return repr(tuple(items)).replace("'", '"')


def module(service: str) -> str:
    """Return the text of any service's module."""
    return Generator(service, botocore.loaders.Loader().load_service_model(service, "service-2")).module()


def main(arguments: list[str]) -> int:
    """Write the modules, or with `--check` name those that are stale."""
    parser = argparse.ArgumentParser(description="Write the modules of AWS's services")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a module is stale")
    check = parser.parse_args(arguments).check
    stale = 0
    for service, path in MODULES.items():
        text = module(service)
        if not check:
            (ROOT / path).write_text(text)
        elif not (ROOT / path).exists() or (ROOT / path).read_text() != text:
            print(f"{path} is not what botocore describes: run `make gen`")
            stale += 1
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
