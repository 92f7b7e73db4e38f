// Sends a message and an object and gets both back. With a server running: eval "$(cumulo env)" && npm run example
import { text } from "node:stream/consumers";
import { Client, configFromEnv, objects, queue } from "../src/index.js";

const client = new Client(configFromEnv());

// A queue: create, send, receive, delete. Short names do.
const name = "typescript-example";
await client.queues.createQueue(queue.CreateQueueRequest.create({ queue: { name } }));
await client.queues.sendMessage(queue.SendMessageRequest.create({ queue: name, body: Buffer.from("hello from TypeScript") }));
const { messages } = await client.queues.receiveMessages(queue.ReceiveMessagesRequest.create({ queue: name, waitS: 10 }));
const message = messages[0]!;
await client.queues.deleteMessage(queue.DeleteMessageRequest.create({ queue: name, receiptHandle: message.receiptHandle }));
console.log(`message: ${message.body}`);

// A bucket: create, put, get.
await client.objects.createBucket(objects.CreateBucketRequest.create({ bucket: { name } }));
await client.putObject({ bucket: name, key: "greeting.txt", contentType: "text/plain" }, Buffer.from("an object from TypeScript"));
const { object, body } = await client.getObject(objects.GetObjectRequest.create({ bucket: name, key: "greeting.txt" }));
console.log(`object: ${await text(body)} (${object.contentType}, ETag ${object.etag})`);

// Nothing is left behind, so that it runs again.
await client.objects.deleteObject(objects.DeleteObjectRequest.create({ bucket: name, key: "greeting.txt" }));
await client.objects.deleteBucket(objects.DeleteBucketRequest.create({ name }));
await client.queues.deleteQueue(queue.DeleteQueueRequest.create({ name }));
client.close();
