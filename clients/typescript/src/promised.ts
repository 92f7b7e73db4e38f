/** Unary methods of a generated stub as functions that answer promises, derived from the stub's own types. */
import {
  type CallOptions,
  type Client,
  type ClientUnaryCall,
  Metadata,
  type ServiceDefinition,
  type ServiceError,
} from "@grpc/grpc-js";

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** The unary methods of stub `C`, and the stub itself for everything else. */
export type Promised<C extends Client> = {
  [M in Exclude<keyof C, keyof Client> as C[M] extends Unary<infer _Request, infer _Response> ? M : never]:
    C[M] extends Unary<infer Request, infer Response>
      ? (request: Request, options?: Partial<CallOptions>) => Promise<Response>
      : never;
} & { raw: C };

/** Wrap a stub; `definition` is the generated definition of its service. */
export function promised<C extends Client>(stub: C, definition: ServiceDefinition): Promised<C> {
  const methods: Record<string, unknown> = { raw: stub };
  for (const [name, { requestStream, responseStream }] of Object.entries(definition)) {
    if (requestStream || responseStream) continue;
    const method = (stub as unknown as Record<string, Unary<unknown, unknown>>)[name];
    if (method === undefined) throw new Error(`cumulo: the stub lacks ${name}`);
    methods[name] = (request: unknown, options: Partial<CallOptions> = {}) =>
      new Promise((resolve, reject) => {
        method.call(stub, request, new Metadata(), options, (error, response) => (error ? reject(error) : resolve(response)));
      });
  }
  return methods as Promised<C>;
}
