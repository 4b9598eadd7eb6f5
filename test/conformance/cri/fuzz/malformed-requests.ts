import { Code } from "@connectrpc/connect";
import { frame, type RawRequest } from "./raw-grpc.ts";

type Malformed = {
  readonly title: string;
  readonly request: RawRequest;
  readonly expected: (grpc: number | undefined, http: number) => boolean;
};

const path = "/runtime.v1.RuntimeService/RunPodSandbox";
const is =
  (...codes: number[]) =>
  (grpc: number | undefined) =>
    grpc !== undefined && codes.includes(grpc);
const refusedByHttp = (_grpc: number | undefined, http: number) => http >= 400 && http < 500;
const text = (length: number) => Buffer.concat([Buffer.of(0x12), varint(length), Buffer.alloc(length, "x")]);

/** What is no gRPC request, or none that may be read. */
export const malformedRequests: readonly Malformed[] = [
  {
    title: "nothing",
    request: { path, body: Buffer.alloc(0) },
    expected: is(Code.InvalidArgument, Code.Unimplemented),
  },
  { title: "half a frame's head", request: { path, body: Buffer.of(0, 0) }, expected: is(Code.InvalidArgument) },
  {
    title: "a message shorter than said",
    request: { path, body: frame(Buffer.alloc(3), { length: 10 }) },
    expected: is(Code.InvalidArgument),
  },
  {
    title: "two messages where one is asked for",
    request: { path, body: Buffer.concat([frame(Buffer.alloc(0)), frame(Buffer.alloc(0))]) },
    expected: is(Code.InvalidArgument, Code.Unimplemented),
  },
  {
    title: "compressed without saying how",
    request: { path, body: frame(Buffer.of(1, 2, 3), { flags: 1 }) },
    expected: is(Code.InvalidArgument, Code.Unimplemented),
  },
  {
    title: "a compression that nobody knows",
    request: { path, body: frame(Buffer.of(1), { flags: 1 }), headers: { "grpc-encoding": "nonsense" } },
    expected: is(Code.Unimplemented),
  },
  {
    title: "gzip that is none",
    request: { path, body: frame(Buffer.of(1, 2, 3), { flags: 1 }), headers: { "grpc-encoding": "gzip" } },
    expected: is(Code.InvalidArgument, Code.Unimplemented),
  },
  { title: "no protobuf", request: { path, body: frame(Buffer.alloc(64, 0xff)) }, expected: is(Code.InvalidArgument) },
  {
    title: "a length beyond the end",
    request: { path, body: frame(Buffer.of(0x0a, 0x7f)) },
    expected: is(Code.InvalidArgument),
  },
  {
    title: "a text that is no UTF-8",
    request: { path, body: frame(Buffer.of(0x12, 2, 0xc3, 0x28)) },
    expected: is(Code.InvalidArgument),
  },
  { title: "17 MiB", request: { path, body: frame(text(17 * 2 ** 20)) }, expected: is(Code.ResourceExhausted) },
  {
    title: "4 GiB, as it says",
    request: { path, body: frame(Buffer.alloc(10), { length: 0xffff_ffff }) },
    expected: is(Code.ResourceExhausted, Code.InvalidArgument),
  },
  {
    title: "15 MiB of an unknown handler",
    request: { path, body: frame(text(15 * 2 ** 20)) },
    expected: is(Code.InvalidArgument),
  },
  {
    title: "JSON",
    request: { path, body: Buffer.from("{}"), headers: { "content-type": "application/json" } },
    expected: refusedByHttp,
  },
  {
    title: "no content type",
    request: { path, body: frame(Buffer.alloc(0)), headers: { "content-type": "" } },
    expected: refusedByHttp,
  },
  { title: "GET", request: { path, body: Buffer.alloc(0), headers: { ":method": "GET" } }, expected: refusedByHttp },
  {
    title: "a timeout that is none",
    request: {
      path: "/runtime.v1.RuntimeService/Version",
      body: frame(Buffer.alloc(0)),
      headers: { "grpc-timeout": "soon" },
    },
    expected: is(0, Code.InvalidArgument),
  },
  {
    title: "a method that is none",
    request: { path: "/runtime.v1.RuntimeService/NoSuch", body: frame(Buffer.alloc(0)) },
    expected: is(Code.Unimplemented),
  },
  {
    title: "a version that is none",
    request: { path: "/runtime.v2.RuntimeService/Version", body: frame(Buffer.alloc(0)) },
    expected: is(Code.Unimplemented),
  },
];

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}
