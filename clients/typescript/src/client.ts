/**
 * One connection with the stubs of all services, which authenticates itself.
 *
 * Owns the channels and the framing of object uploads and downloads. Promises that the secret access key never leaves the
 * process. Knows no retries and no deadlines: those are the caller's, by call options.
 */
import { readFileSync } from "node:fs";
import { Readable, type Writable } from "node:stream";
import { type ChannelCredentials, type ClientReadableStream, credentials } from "@grpc/grpc-js";
import { IdentityServiceClient, IdentityServiceService } from "./api/cumulo/api/identity/v1/identity.js";
import { KeyServiceClient, KeyServiceService } from "./api/cumulo/api/keys/v1/keys.js";
import {
  type GetObjectRequest,
  type GetObjectResponse,
  type Object as StoredObject,
  ObjectServiceClient,
  ObjectServiceService,
  PutObjectHead,
  type PutObjectRequest,
  UploadCommit,
} from "./api/cumulo/api/objects/v1/objects.js";
import { ScheduleServiceClient, ScheduleServiceService } from "./api/cumulo/api/queue/v1/schedule.js";
import { LogServiceClient, LogServiceService } from "./api/cumulo/api/queue/v1/log.js";
import { QueueServiceClient, QueueServiceService } from "./api/cumulo/api/queue/v1/queue.js";
import { RunnerServiceClient, RunnerServiceService } from "./api/cumulo/api/runner/v1/runner.js";
import { TopicServiceClient, TopicServiceService } from "./api/cumulo/api/topics/v1/topics.js";
import { type Promised, promised } from "./promised.js";
import { authenticate, Tokens } from "./token.js";

/** Data frames that are sent hold at most so much; the server takes up to 1 MiB. */
const FRAME_BYTES = 256 * 1024;

/** Where the server is and who calls. */
export interface Config {
  /** The server's gRPC endpoint, host:port. */
  target: string;
  /** The public half of the access key. */
  accessKeyId: string;
  /** Signs the proofs and is never sent. */
  secretAccessKey: string;
  /** How the connection is secured. Default: plain text, for a server on the loopback interface. */
  channelCredentials?: ChannelCredentials;
}

/** Where `cumulo serve` answers if it is not told otherwise. */
const DEFAULT_TARGET = "127.0.0.1:4567";

/**
 * CUMULO_TARGET, CUMULO_ACCESS_KEY_ID and CUMULO_SECRET_ACCESS_KEY or, without these two, their AWS_ namesakes, and
 * CUMULO_TLS_CA, the path of a PEM file; as the other clients do and `cumulo env` prints them.
 */
export function configFromEnv(): Config {
  const env = process.env;
  // A pair is taken from one place: halves of two make no key.
  const own = env.CUMULO_ACCESS_KEY_ID || env.CUMULO_SECRET_ACCESS_KEY;
  const [accessKeyId, secretAccessKey] = own
    ? [env.CUMULO_ACCESS_KEY_ID, env.CUMULO_SECRET_ACCESS_KEY]
    : [env.AWS_ACCESS_KEY_ID, env.AWS_SECRET_ACCESS_KEY];
  if (!accessKeyId || !secretAccessKey) throw new Error("cumulo: no access key in the environment (see `cumulo env`)");
  return {
    target: env.CUMULO_TARGET || DEFAULT_TARGET,
    accessKeyId,
    secretAccessKey,
    ...(env.CUMULO_TLS_CA ? { channelCredentials: credentials.createSsl(readFileSync(env.CUMULO_TLS_CA)) } : {}),
  };
}

/** Unary calls answer promises; the streams of a service are at its raw stub, `raw`. */
export class Client {
  readonly queues: Promised<QueueServiceClient>;
  readonly schedules: Promised<ScheduleServiceClient>;
  readonly logs: Promised<LogServiceClient>;
  readonly topics: Promised<TopicServiceClient>;
  readonly objects: Promised<ObjectServiceClient>;
  readonly keys: Promised<KeyServiceClient>;
  readonly identity: Promised<IdentityServiceClient>;
  readonly runner: Promised<RunnerServiceClient>;
  /** IssueToken goes here, without a token: else it would wait for itself. */
  readonly #anonymous: IdentityServiceClient;

  constructor(config: Config) {
    const security = config.channelCredentials ?? credentials.createInsecure();
    this.#anonymous = new IdentityServiceClient(config.target, security);
    const tokens = new Tokens(config, promised(this.#anonymous, IdentityServiceService));
    const options = { interceptors: [authenticate(tokens)] };
    this.queues = promised(new QueueServiceClient(config.target, security, options), QueueServiceService);
    this.schedules = promised(new ScheduleServiceClient(config.target, security, options), ScheduleServiceService);
    this.logs = promised(new LogServiceClient(config.target, security, options), LogServiceService);
    this.topics = promised(new TopicServiceClient(config.target, security, options), TopicServiceService);
    this.objects = promised(new ObjectServiceClient(config.target, security, options), ObjectServiceService);
    this.keys = promised(new KeyServiceClient(config.target, security, options), KeyServiceService);
    this.identity = promised(new IdentityServiceClient(config.target, security, options), IdentityServiceService);
    this.runner = promised(new RunnerServiceClient(config.target, security, options), RunnerServiceService);
  }

  /** Ends all calls and the connection. */
  close(): void {
    for (const service of [this.queues, this.schedules, this.logs, this.topics]) service.raw.close();
    for (const service of [this.objects, this.keys, this.identity, this.runner]) service.raw.close();
    this.#anonymous.close();
  }

  /**
   * Stores bytes as the object that `head` names. When `body` throws, nothing is stored: only the last frame makes it an
   * object.
   */
  putObject(
    head: Parameters<typeof PutObjectHead.create>[0],
    body: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<StoredObject> {
    return new Promise((resolve, reject) => {
      const frames = Readable.from(uploadFrames(PutObjectHead.create(head), body));
      const call = this.objects.raw.putObject((error, answer) => {
        frames.destroy(); // the server may have answered before the end
        if (error) reject(error);
        else if (answer.object) resolve(answer.object);
        else reject(new Error("cumulo: the server answered an upload without its object"));
      });
      frames.on("error", (error) => {
        reject(error);
        call.cancel();
      });
      frames.pipe(call as unknown as Writable); // it is one; its own type knows only of its frames
    });
  }

  /** The object's description, and its requested bytes as a stream that fails when it ends too early. */
  async getObject(request: GetObjectRequest): Promise<{ object: StoredObject; body: Readable }> {
    const call = this.objects.raw.getObject(request);
    const frames = call[Symbol.asyncIterator]() as AsyncIterator<GetObjectResponse>;
    const first = await frames.next();
    const frame = first.done ? undefined : first.value.frame;
    if (frame?.$case !== "head" || frame.head.object === undefined) {
      call.cancel();
      throw new Error("cumulo: a download began without its head");
    }
    return { object: frame.head.object, body: Readable.from(downloadedBytes(call, frames, frame.head.contentLength)) };
  }
}

async function* uploadFrames(
  head: PutObjectHead,
  body: Uint8Array | AsyncIterable<Uint8Array>,
): AsyncGenerator<PutObjectRequest> {
  yield { frame: { $case: "head", head } };
  for await (const piece of body instanceof Uint8Array ? [body] : body) {
    for (let start = 0; start < piece.length; start += FRAME_BYTES) {
      yield { frame: { $case: "data", data: Buffer.from(piece.subarray(start, start + FRAME_BYTES)) } };
    }
  }
  yield { frame: { $case: "commit", commit: UploadCommit.create() } };
}

async function* downloadedBytes(
  call: ClientReadableStream<GetObjectResponse>,
  frames: AsyncIterator<GetObjectResponse>,
  contentLength: bigint,
): AsyncGenerator<Buffer> {
  let received = 0n;
  try {
    for (let next = await frames.next(); !next.done; next = await frames.next()) {
      if (next.value.frame?.$case !== "data") throw new Error("cumulo: a download held something else than data");
      received += BigInt(next.value.frame.data.length);
      yield next.value.frame.data;
    }
  } finally {
    call.cancel(); // ends a download that its reader left; no effect on one that has ended
  }
  if (received !== contentLength) throw new Error(`cumulo: got ${received} of ${contentLength} bytes`);
}
