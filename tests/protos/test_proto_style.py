"""The contracts keep the core of `buf lint` STANDARD and COMMENTS, and the conventions that their file headers state.

`make lint` runs buf itself; here the same is held wherever the tests run, and what buf has no rule for.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from google.protobuf import descriptor_pb2 as pb

PROTOS = Path(__file__).resolve().parents[2] / "protos"
FILES = sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))
# IssueToken's nonce does what a request_id would do.
SHORT_LISTS = {"ListQueueTags", "ListKeyTags", "ListMessageMoveTasks", "ListSnapshots"}
"""Lists with a small limit of their own (50, 50, 10 and 100); SQS answers its two whole, too."""
READING_RPC = re.compile(
    r"(Get|List|Head|Explain|Peek|Pull|Receive|Read|Consume|StreamRe(ad|ceive)|StreamSubscribe|StreamJobLogs)|IssueToken"
    r"|Encrypt$|Decrypt$|ReEncrypt$|Generate(DataKey|Random)"  # of keys: nothing is stored
)

Field = pb.FieldDescriptorProto


class Element(NamedTuple):
    """One thing that a proto file declares, its name with its parents', and the comment before it."""

    name: str
    proto: (
        pb.DescriptorProto
        | pb.FieldDescriptorProto
        | pb.OneofDescriptorProto
        | pb.EnumDescriptorProto
        | pb.EnumValueDescriptorProto
        | pb.ServiceDescriptorProto
        | pb.MethodDescriptorProto
    )
    comment: str


@cache
def descriptors() -> dict[str, pb.FileDescriptorProto]:
    """Every proto file, parsed with its comments."""
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={PROTOS}", "--include_source_info"]
    command += ["--descriptor_set_out=/dev/stdout", *FILES]
    parsed = pb.FileDescriptorSet.FromString(subprocess.run(command, check=True, capture_output=True).stdout)
    return {file.name: file for file in parsed.file}


@cache
def elements(file_name: str) -> tuple[Element, ...]:
    """Everything that a file declares, in order."""
    file = descriptors()[file_name]
    comments = {tuple(place.path): place.leading_comments.strip() for place in file.source_code_info.location}

    def message(proto: pb.DescriptorProto, path: tuple[int, ...], parent: str) -> Iterator[Element]:
        if proto.options.map_entry:
            return
        name = f"{parent}{proto.name}"
        yield Element(name, proto, comments.get(path, ""))
        for index, field in enumerate(proto.field):
            yield Element(f"{name}.{field.name}", field, comments.get((*path, 2, index), ""))
        synthetic = {field.oneof_index for field in proto.field if field.proto3_optional}
        for index, oneof in enumerate(proto.oneof_decl):
            if index not in synthetic:
                yield Element(f"{name}.{oneof.name}", oneof, comments.get((*path, 8, index), ""))
        for index, nested in enumerate(proto.nested_type):
            yield from message(nested, (*path, 3, index), f"{name}.")
        for index, nested_enum in enumerate(proto.enum_type):
            yield from enum(nested_enum, (*path, 4, index), f"{name}.")

    def enum(proto: pb.EnumDescriptorProto, path: tuple[int, ...], parent: str) -> Iterator[Element]:
        yield Element(f"{parent}{proto.name}", proto, comments.get(path, ""))
        for index, value in enumerate(proto.value):
            yield Element(f"{parent}{proto.name}.{value.name}", value, comments.get((*path, 2, index), ""))

    def service(proto: pb.ServiceDescriptorProto, path: tuple[int, ...]) -> Iterator[Element]:
        yield Element(proto.name, proto, comments.get(path, ""))
        for index, method in enumerate(proto.method):
            yield Element(f"{proto.name}.{method.name}", method, comments.get((*path, 2, index), ""))

    found: list[Element] = []
    for index, each_message in enumerate(file.message_type):
        found += message(each_message, (4, index), "")
    for index, each_enum in enumerate(file.enum_type):
        found += enum(each_enum, (5, index), "")
    for index, each_service in enumerate(file.service):
        found += service(each_service, (6, index))
    return tuple(found)


def messages(file_name: str) -> dict[str, pb.DescriptorProto]:
    return {name: proto for name, proto, _ in elements(file_name) if isinstance(proto, pb.DescriptorProto)}


def fields(file_name: str) -> list[tuple[Element, pb.FieldDescriptorProto]]:
    return [(element, element.proto) for element in elements(file_name) if isinstance(element.proto, Field)]


def enums(file_name: str) -> list[pb.EnumDescriptorProto]:
    return [proto for _, proto, _ in elements(file_name) if isinstance(proto, pb.EnumDescriptorProto)]


def methods(file_name: str) -> list[pb.MethodDescriptorProto]:
    return [proto for _, proto, _ in elements(file_name) if isinstance(proto, pb.MethodDescriptorProto)]


def words(camel: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", camel).upper()


def test_there_is_one_contract_for_each_service() -> None:
    assert [Path(name).stem for name in FILES] == [
        "identity",
        "keys",
        "objects",
        "log",
        "queue",
        "schedule",
        "runner",
        "topics",
    ]


@pytest.mark.parametrize("name", FILES)
def test_package_is_its_directory_and_ends_in_a_version(name: str) -> None:
    assert descriptors()[name].package == str(Path(name).parent).replace("/", ".")
    assert re.fullmatch(r"[a-z_.]+\.v[1-9][0-9]*", descriptors()[name].package)
    assert descriptors()[name].syntax == "proto3"


@pytest.mark.parametrize("name", FILES)
def test_file_begins_with_what_it_is_and_its_conventions(name: str) -> None:
    header = (PROTOS / name).read_text().partition("syntax")[0]

    assert "Conventions of this file:" in header
    assert all(line.startswith("//") for line in header.splitlines())


@pytest.mark.parametrize("name", FILES)
def test_every_element_has_a_comment(name: str) -> None:
    assert [element.name for element in elements(name) if not element.comment] == []


@pytest.mark.parametrize("name", FILES)
def test_every_field_says_who_sets_it(name: str) -> None:
    assert [element.name for element, _ in fields(name) if not element.comment.startswith("Set by the ")] == []


@pytest.mark.parametrize("name", FILES)
def test_every_optional_scalar_says_what_its_absence_means(name: str) -> None:
    meaning = re.compile(r"optional: |Default|Absent|absent|when the client sent one|Set by the server: CRC")

    assert [e.name for e, field in fields(name) if field.proto3_optional and not meaning.search(e.comment)] == []


@pytest.mark.parametrize("name", FILES)
def test_every_rpc_says_its_permission(name: str) -> None:
    unsaid = [method.name for method in methods(name) if "Permission: " not in comment_of(name, method)]

    assert unsaid in ([], ["IssueToken", "GetCallerIdentity"])


def comment_of(name: str, method: pb.MethodDescriptorProto) -> str:
    return " ".join(next(e.comment for e in elements(name) if e.proto is method).split())


@pytest.mark.parametrize("name", FILES)
def test_names_are_spelled_as_their_kind_asks(name: str) -> None:
    for element in elements(name):
        last = element.name.rpartition(".")[2]
        match element.proto:
            case Field() | pb.OneofDescriptorProto():
                assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", last), element.name
            case pb.EnumValueDescriptorProto():
                assert re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", last), element.name
            case _:
                assert re.fullmatch(r"([A-Z][a-z0-9]*)+", last), element.name
    assert re.fullmatch(r"[a-z_]+\.proto", Path(name).name)


@pytest.mark.parametrize("name", FILES)
def test_service_name_ends_in_service(name: str) -> None:
    assert [service.name for service in descriptors()[name].service if not service.name.endswith("Service")] == []


@pytest.mark.parametrize("name", FILES)
def test_every_rpc_has_a_request_and_a_response_of_its_own(name: str) -> None:
    package = descriptors()[name].package

    for method in methods(name):
        assert method.input_type == f".{package}.{method.name}Request"
        assert method.output_type == f".{package}.{method.name}Response"


@pytest.mark.parametrize("name", FILES)
def test_every_request_and_response_belongs_to_an_rpc(name: str) -> None:
    expected = {f"{method.name}{half}" for method in methods(name) for half in ("Request", "Response")}

    assert {message for message in messages(name) if message.endswith(("Request", "Response"))} == expected


@pytest.mark.parametrize("name", FILES)
def test_enum_values_bear_the_enums_name_and_zero_is_unspecified(name: str) -> None:
    for enum in enums(name):
        assert [value.name for value in enum.value if value.number == 0] == [f"{words(enum.name)}_UNSPECIFIED"]
        assert all(value.name.startswith(f"{words(enum.name)}_") for value in enum.value)
        assert not enum.options.allow_alias


@pytest.mark.parametrize("name", FILES)
def test_every_import_is_used(name: str) -> None:
    used = {field.type_name for _, field in fields(name)}

    assert list(descriptors()[name].public_dependency) == []
    for dependency in descriptors()[name].dependency:
        package = "." + str(Path(dependency).parent).replace("/", ".")
        assert any(type_name.startswith(package) for type_name in used), dependency


@pytest.mark.parametrize("name", FILES)
def test_every_call_that_changes_something_takes_a_request_id(name: str) -> None:
    known = messages(name)

    for method in methods(name):
        request = known[f"{method.name}Request"]
        heads = [known[f.type_name.rpartition(".")[2]] for f in request.field if f.name == "head"]
        names = {field.name for part in (request, *heads) for field in part.field if field.type == Field.TYPE_STRING}
        assert ("request_id" in names) == (READING_RPC.match(method.name) is None), method.name


@pytest.mark.parametrize("name", FILES)
def test_every_list_has_pages(name: str) -> None:
    known = messages(name)

    for method in methods(name):
        if method.name.startswith("List") and method.name not in SHORT_LISTS:
            request = {field.name: field.type for field in known[f"{method.name}Request"].field}
            response = {field.name: field.type for field in known[f"{method.name}Response"].field}
            assert request["page_size"] == Field.TYPE_INT32
            assert request["page_token"] == Field.TYPE_STRING
            assert response["next_page_token"] == Field.TYPE_STRING


@pytest.mark.parametrize("name", FILES)
def test_times_are_int64_milliseconds_and_durations_int32_seconds(name: str) -> None:
    for element, field in fields(name):
        if field.name.endswith("_ms"):
            assert field.type == Field.TYPE_INT64, element.name
        if field.name.endswith("_s"):
            assert field.type == Field.TYPE_INT32, element.name
        assert field.type_name not in {".google.protobuf.Timestamp", ".google.protobuf.Duration"}, element.name
        assert not re.search(r"(time|timeout|period|seconds)$", field.name), f"{element.name} has no unit"
