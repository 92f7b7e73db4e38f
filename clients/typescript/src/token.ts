/**
 * Bearer tokens: obtained by a proof of the access key, attached to each call, renewed before they end.
 *
 * An interceptor does it, not call credentials, for grpc-js refuses those on a plain-text channel.
 */
import { createHmac, randomBytes } from "node:crypto";
import { InterceptingCall, type Interceptor, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { IssueTokenRequest, type IdentityServiceClient } from "./api/cumulo/api/identity/v1/identity.js";
import type { Config } from "./client.js";
import type { Promised } from "./promised.js";

/** Asked for with each token. One is renewed when a fifth of it is left, so that none ends in mid-air. */
const TOKEN_TTL_S = 900;
const RENEWAL_MS = TOKEN_TTL_S * 800;

/** HMAC-SHA256 under the secret over the canonical string that identity.proto gives at IssueTokenRequest. */
export function proof(
  key: Pick<Config, "accessKeyId" | "secretAccessKey">,
  timestampMs: bigint,
  nonce: Buffer,
  ttlS: number,
): Buffer {
  const canonical = `cumulo-token-v1\n${key.accessKeyId}\n${timestampMs}\n${nonce.toString("hex")}\n${ttlS}`;
  return createHmac("sha256", key.secretAccessKey).update(canonical).digest();
}

/** The current token of one access key. */
export class Tokens {
  readonly #config: Config;
  readonly #identity: Promised<IdentityServiceClient>;
  #token = "";
  #issued = 0; // performance.now(): jumps of the system clock renew nothing
  #renewal: Promise<void> | undefined; // callers that come meanwhile share it

  constructor(config: Config, identity: Promised<IdentityServiceClient>) {
    this.#config = config;
    this.#identity = identity;
  }

  /** A token that is valid; one that is due for renewal is good enough while the server cannot give another. */
  async current(): Promise<string> {
    const age = (): number => performance.now() - this.#issued;
    if (this.#token === "" || age() >= RENEWAL_MS) {
      this.#renewal ??= this.#renew().finally(() => {
        this.#renewal = undefined;
      });
      try {
        await this.#renewal;
      } catch (error) {
        if (this.#token === "" || age() >= TOKEN_TTL_S * 1000) throw error;
      }
    }
    return this.#token;
  }

  async #renew(): Promise<void> {
    const issued = performance.now();
    const timestampMs = BigInt(Date.now());
    const nonce = randomBytes(16);
    const answer = await this.#identity.issueToken(
      IssueTokenRequest.create({
        accessKeyId: this.#config.accessKeyId,
        timestampMs,
        nonce,
        ttlS: TOKEN_TTL_S,
        proof: proof(this.#config, timestampMs, nonce, TOKEN_TTL_S),
      }),
      { deadline: Date.now() + 10_000 },
    );
    this.#token = answer.token;
    this.#issued = issued;
  }
}

/** Attach `authorization: Bearer ...` to each call; one for which no token can be had fails with the reason. */
export function authenticate(tokens: Tokens): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        tokens.current().then(
          (token) => {
            metadata.set("authorization", `Bearer ${token}`);
            next(metadata, listener);
          },
          (error: ServiceError) => {
            listener.onReceiveStatus({
              code: error.code ?? status.UNAUTHENTICATED,
              details: error.details ?? String(error),
              metadata: error.metadata ?? new Metadata(),
            });
          },
        );
      },
    });
}
