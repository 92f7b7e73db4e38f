// Moves data through S3 and SQS with AWS's SDK for JavaScript, version 3, in its default configuration, and compares it.
// It finds the server in AWS_ENDPOINT_URL, what to do and a name for bucket or queue in its words.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";

import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  paginateListObjectsV2,
} from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SQSClient,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const PART_BYTES = 5 << 20;
const [, , what, name] = process.argv;
const s3 = new S3Client({ forcePathStyle: true });
const Bucket = name;

const bytesOf = async (answer) => Buffer.from(await answer.Body.transformToByteArray());

// Whole bodies with each checksum, CRC32 by default; a stream of unknown end goes in chunks with a trailer.
async function objects() {
  const Key = "folder/ü +&";
  for (const ChecksumAlgorithm of [undefined, "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]) {
    const content = randomBytes(300_000);
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: content, ChecksumAlgorithm, Metadata: { color: "red" } }));
    const got = await s3.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
    assert.deepEqual(await bytesOf(got), content);
    assert.equal(got.Metadata.color, "red");
  }
  const content = randomBytes(1_000_000);
  const pieces = [content.subarray(0, 8192), content.subarray(8192, 500_000), content.subarray(500_000)]; // S3 takes no less
  const Body = Readable.from(pieces);
  await s3.send(new PutObjectCommand({ Bucket, Key: "streamed", Body, ContentLength: content.length }));
  assert.deepEqual(await bytesOf(await s3.send(new GetObjectCommand({ Bucket, Key: "streamed" }))), content);

  await s3.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource: encodeURI(`${Bucket}/streamed`) }));
  assert.deepEqual(await bytesOf(await s3.send(new GetObjectCommand({ Bucket, Key: "copy" }))), content);
  const once = () => s3.send(new PutObjectCommand({ Bucket, Key: "once", Body: "1", IfNoneMatch: "*" }));
  await once();
  await assert.rejects(once, { name: "PreconditionFailed" });
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: "none" })), { name: "NoSuchKey" });
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: "none" })), { name: "NotFound" });

  const keys = [];
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 1 }, { Bucket })) {
    keys.push(...(page.Contents ?? []).map((one) => one.Key));
  }
  assert.deepEqual(keys, ["copy", Key, "once", "streamed"]);
  const done = await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.map((Key) => ({ Key })) } }));
  assert.equal(done.Deleted.length, 4);
  assert.equal(done.Errors, undefined);
}

async function multipart() {
  const content = randomBytes(4 * PART_BYTES + 1);
  const params = { Bucket, Key: "large", Body: Readable.from([content]) };
  await new Upload({ client: s3, partSize: PART_BYTES, params }).done();
  assert.deepEqual(await bytesOf(await s3.send(new GetObjectCommand({ Bucket, Key: "large" }))), content);
}

async function presigned() {
  const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "ü" }), { expiresIn: 60 });
  const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "ü" }), { expiresIn: 60 });
  const stored = await fetch(put, { method: "PUT", body: "by URL" });
  assert.equal(stored.status, 200, await stored.text());
  assert.equal(await (await fetch(get)).text(), "by URL");
}

// The SDK compares the MD5 of bodies by itself.
async function queues() {
  const sqs = new SQSClient({});
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
  const MessageAttributes = { bytes: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) } };
  const sent = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "hello ü", MessageAttributes }));
  const got = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ["All"], WaitTimeSeconds: 5 }),
  );
  const [message] = got.Messages;
  assert.equal(message.MessageId, sent.MessageId);
  assert.equal(message.Body, "hello ü");
  assert.deepEqual([...message.MessageAttributes.bytes.BinaryValue], [0, 255]);
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
  const Entries = [...Array(10).keys()].map((n) => ({ Id: `${n}`, MessageBody: `body ${n}` }));
  assert.equal((await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).Successful.length, 10);
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
  assert.equal(Attributes.ApproximateNumberOfMessages, "10");
  await sqs.send(new DeleteQueueCommand({ QueueUrl }));
  await assert.rejects(sqs.send(new GetQueueUrlCommand({ QueueName: name })), { name: "QueueDoesNotExist" });
}

await { objects, multipart, presigned, queues }[what]();
console.log("ok");
