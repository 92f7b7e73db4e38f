/** The TypeScript client of Cumulo: the generated messages, one namespace a service, and `Client`. */
export * as identity from "./api/cumulo/api/identity/v1/identity.js";
export * as keys from "./api/cumulo/api/keys/v1/keys.js";
export * as objects from "./api/cumulo/api/objects/v1/objects.js";
export * as queue from "./api/cumulo/api/queue/v1/queue.js";
export * as runner from "./api/cumulo/api/runner/v1/runner.js";
export { Client, configFromEnv, type Config } from "./client.js";
