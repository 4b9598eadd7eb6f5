import assert from "node:assert/strict";
import test from "node:test";
import { EngineError } from "#base/errors.ts";
import type { LogFields, Logger } from "#base/logger.ts";
import { RequestLog } from "./request-log.ts";
import type { RouteEntry } from "./route.ts";

type Line = { level: string; fields: LogFields; message: string };

function linesLogger(lines: Line[], bound: LogFields = {}): Logger {
  const at = (level: string) => (fields: LogFields, message: string) =>
    void lines.push({ level, fields: { ...bound, ...fields }, message });
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => linesLogger(lines, { ...bound, ...fields }),
  };
}

function lineOf(entry: Omit<RouteEntry, "load">, name: string, use: (log: RequestLog) => void = () => {}): Line {
  const lines: Line[] = [];
  const load = async () => await Promise.reject(new Error("not asked for"));
  const log = new RequestLog(linesLogger(lines), { ...entry, load }, name);
  use(log);
  log.finish();
  const [line] = lines;
  assert.ok(line !== undefined && lines.length === 1);
  const { durationMs, ...fields } = line.fields;
  assert.equal(typeof durationMs, "number");
  return { ...line, fields };
}

test("a change is told at info, with what it was about", () => {
  const id = "ab".repeat(32);
  const start: Omit<RouteEntry, "load"> = { method: "POST", path: "/containers/:name/start" };
  const rpc = "POST /containers/{name}/start";
  assert.deepEqual(lineOf(start, id), { level: "info", fields: { rpc, containerId: id }, message: "done" });
  assert.deepEqual(lineOf(start, "web").fields, { rpc, container: "web" });
  const create = lineOf({ method: "POST", path: "/containers/create" }, "", (log) =>
    log.note({ containerId: id, image: "nginx" }),
  );
  assert.deepEqual(create.fields, { rpc: "POST /containers/create", containerId: id, image: "nginx" });
});

test("a read is told at debug, whatever its method", () => {
  assert.equal(lineOf({ method: "GET", path: "/info" }, "").level, "debug");
  assert.equal(lineOf({ method: "POST", path: "/containers/:name/wait", reads: true }, "web").level, "debug");
});

test("a failure tells kind and text, and no credentials", () => {
  const error = new EngineError("unavailable", "registry: https://me:hunter2@r.example/v2: refused");
  const line = lineOf({ method: "POST", path: "/images/:name/push" }, "https://me:hunter2@r.example/x", (log) =>
    log.noteFailure(new Error("Authorization: Bearer hunter2hunter2", { cause: error })),
  );
  assert.equal(line.fields["kind"], "unavailable");
  assert.doesNotMatch(JSON.stringify(line), /hunter2/);
});
