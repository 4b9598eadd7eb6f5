import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { EngineError, messageOf } from "#base/errors.ts";

/** What a handler learns of its call beside the request. */
export type RpcContext = {
  /** As the service calls it: `RunPodSandbox`. */
  readonly name: string;
  /** Aborted by the client's cancellation, its deadline, or the server's end. */
  readonly signal: AbortSignal;
};

type Handler<M> = M extends {
  methodKind: infer K;
  input: infer I extends DescMessage;
  output: infer O extends DescMessage;
}
  ? (
      request: MessageShape<I>,
      context: RpcContext,
    ) => K extends "unary" ? Promise<MessageInitShape<O>> : AsyncIterable<MessageInitShape<O>>
  : never;

/** A handler for each method, by the names of the generated service; what is left out is not implemented. */
export type ServiceHandlers<S extends DescService> = { [K in keyof S["method"]]?: Handler<S["method"][K]> };

/** One method, from bytes to bytes. */
export type Route =
  | { readonly t: "unary"; readonly name: string; run(bytes: Uint8Array, context: RpcContext): Promise<Uint8Array> }
  | {
      readonly t: "stream";
      readonly name: string;
      run(bytes: Uint8Array, context: RpcContext): AsyncIterable<Uint8Array>;
    };

/** Methods by path (`/runtime.v1.RuntimeService/Version`). No method here takes a stream of requests. */
export function routesOf<S extends DescService>(service: S, handlers: ServiceHandlers<S>): Map<string, Route> {
  const routes = new Map<string, Route>();
  for (const method of service.methods) {
    // The type above ties each handler to its method's messages; a loop over all of them cannot tell them apart.
    const handler = (handlers as Readonly<Record<string, AnyHandler | undefined>>)[method.localName];
    if (handler !== undefined) routes.set(`/${service.typeName}/${method.name}`, routeOf(method, handler));
  }
  return routes;
}

type Init = MessageInitShape<DescMessage>;
type AnyHandler = (request: MessageShape<DescMessage>, context: RpcContext) => Promise<Init> | AsyncIterable<Init>;

function routeOf(method: DescMethod, handler: AnyHandler): Route {
  const { name, input, output } = method;
  const encode = (answer: Init) => toBinary(output, create(output, answer));
  if (method.methodKind === "unary") {
    const run = async (bytes: Uint8Array, context: RpcContext) => {
      const answer = handler(decode(input, bytes), context);
      if (!(answer instanceof Promise)) throw new Error(`${name}: its handler answers a stream`);
      return encode(await answer);
    };
    return { t: "unary", name, run };
  }
  const run = async function* (bytes: Uint8Array, context: RpcContext) {
    const answers = handler(decode(input, bytes), context);
    if (answers instanceof Promise) throw new Error(`${name}: its handler answers no stream`);
    for await (const answer of answers) yield encode(answer);
  };
  return { t: "stream", name, run };
}

/** @throws invalidArgument */
function decode(schema: DescMessage, bytes: Uint8Array): MessageShape<DescMessage> {
  try {
    return fromBinary(schema, bytes);
  } catch (error) {
    throw new EngineError("invalidArgument", `${schema.name}: ${messageOf(error)}`, { cause: error });
  }
}
