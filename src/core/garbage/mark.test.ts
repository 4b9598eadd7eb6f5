import assert from "node:assert/strict";
import test from "node:test";
import { parseNamespace } from "#core/call.ts";
import type { Labels } from "#core/labels.ts";
import { findGarbage, isExpired, type GarbageRecord, type GarbageRoot } from "./mark.ts";

const nowNs = 1_000_000_000_000_000_000n; // 2001-09-09T01:46:40Z
const past = "2001-09-09T01:46:39Z";
const future = "2001-09-09T03:46:41+01:00";

type Case = {
  name: string;
  /** `[ns/]c:<key>` or `[ns/]s:<snapshotter>/<key>`, `< parent` behind a snapshot; with labels. */
  records: Record<string, Labels>;
  /** What each root keeps; `flat ` before the first makes it flat; `{…}` labels as the last. */
  roots?: { namespace?: string; keeps?: string[]; labels?: Labels; flat?: boolean }[];
  garbage: string[];
};

const cases: Case[] = [
  { name: "nothing", records: {}, garbage: [] },
  { name: "no root: all is garbage", records: { "c:a": {}, "s:o/k": {} }, garbage: ["c:a", "s:o/k"] },
  {
    name: "a root keeps what it names",
    records: { "c:a": {}, "c:b": {} },
    roots: [{ keeps: ["c:a"] }],
    garbage: ["c:b"],
  },
  { name: "a root may name what is not there", records: { "c:a": {} }, roots: [{ keeps: ["c:x"] }], garbage: ["c:a"] },
  {
    name: "labels lead on, with every form of suffix",
    records: {
      "c:index": { "containerd.io/gc.ref.content.m.0": "m" },
      "c:m": { "containerd.io/gc.ref.content": "config", "containerd.io/gc.ref.content/l/0": "l" },
      "c:config": { "containerd.io/gc.ref.snapshot.o": "top", "containerd.io/gc.ref.snapshot.n/second": "top" },
      "c:l": {},
      "s:o/top": {},
      "s:n/top": {},
      "s:x/top": {},
    },
    roots: [{ keeps: ["c:index"] }],
    garbage: ["s:x/top"],
  },
  {
    name: "labels that only look alike lead nowhere",
    records: {
      "c:a": {
        "containerd.io/gc.ref.contentx": "b",
        "containerd.io/gc.ref.content-l": "b",
        "containerd.io/gc.ref.snapshot": "k",
        "containerd.io/gc.ref.snapshots.o": "k",
        "example.org/containerd.io/gc.ref.content": "b",
      },
      "c:b": {},
      "s:o/k": {},
    },
    roots: [{ keeps: ["c:a"] }],
    garbage: ["c:b", "s:o/k"],
  },
  {
    name: "a snapshot keeps those below it",
    records: { "s:o/3 < 2": {}, "s:o/2 < 1": {}, "s:o/1": {}, "s:o/side < 1": {} },
    roots: [{ keeps: ["s:o/3"] }],
    garbage: ["s:o/side"],
  },
  {
    name: "labels of a snapshot lead to content",
    records: { "s:o/k": { "containerd.io/gc.ref.content": "a" }, "c:a": {} },
    roots: [{ keeps: ["s:o/k"] }],
    garbage: [],
  },
  {
    name: "gc.root and an expiry to come keep, an expiry that was does not",
    records: {
      "c:root": { "containerd.io/gc.root": "", "containerd.io/gc.ref.content": "kept" },
      "c:kept": {},
      "c:future": { "containerd.io/gc.expire": future },
      "c:past": { "containerd.io/gc.expire": past },
      "c:odd": { "containerd.io/gc.expire": "tomorrow" },
    },
    garbage: ["c:past", "c:odd"],
  },
  {
    name: "labels of a root lead on",
    records: { "c:a": {}, "s:o/k": {} },
    roots: [{ labels: { "containerd.io/gc.ref.content.x": "a", "containerd.io/gc.ref.snapshot.o": "k" } }],
    garbage: [],
  },
  {
    name: "circles end",
    records: {
      "c:a": { "containerd.io/gc.ref.content": "b" },
      "c:b": { "containerd.io/gc.ref.content": "a" },
      "c:c": { "containerd.io/gc.ref.content": "d" },
      "c:d": { "containerd.io/gc.ref.content": "c" },
    },
    roots: [{ keeps: ["c:a"] }],
    garbage: ["c:c", "c:d"],
  },
  {
    name: "a flat lease keeps the thing, not what it leads to; of a snapshot its parents",
    records: {
      "c:m": { "containerd.io/gc.ref.content": "l" },
      "c:l": {},
      "s:o/2 < 1": { "containerd.io/gc.ref.content": "l" },
      "s:o/1": {},
    },
    roots: [{ keeps: ["c:m", "s:o/2"], flat: true }],
    garbage: ["c:l"],
  },
  {
    name: "flat takes nothing from others",
    records: { "c:m": { "containerd.io/gc.ref.content": "l" }, "c:l": {} },
    roots: [{ keeps: ["c:m"], flat: true }, { keeps: ["c:m"] }],
    garbage: [],
  },
  {
    name: "nothing leads out of a namespace",
    records: { "c:a": { "containerd.io/gc.ref.content": "b" }, "two/c:b": {}, "two/c:a": {} },
    roots: [{ keeps: ["c:a"] }],
    garbage: ["two/c:b", "two/c:a"],
  },
  {
    name: "keys of content and snapshots are apart, whatever is in them",
    records: { "c:o/k": {}, "s:o/k": {}, "s:o/k c": {} },
    roots: [{ keeps: ["s:o/k"] }],
    garbage: ["c:o/k", "s:o/k c"],
  },
];

for (const { name, records, roots = [], garbage } of cases) {
  test(`mark: ${name}`, () => {
    const found = findGarbage(Object.entries(records).map(toRecord), roots.map(toRoot), nowNs);
    assert.deepEqual(found.map(format), garbage);
  });
}

test("isExpired", () => {
  const expired = (at: string) => isExpired({ "containerd.io/gc.expire": at }, nowNs);
  assert.deepEqual([past, future, "x"].map(expired), [true, false, false]);
  assert.equal(isExpired({}, nowNs), false);
});

function toNode(text: string) {
  const [, namespace, kind, key = ""] = /^(?:(\w+)\/)?([cs]):(.*)$/.exec(text) ?? [];
  const t = kind === "c" ? ("content" as const) : ("snapshot" as const);
  return { namespace: parseNamespace(namespace ?? "one"), t, key };
}

function toRecord([text, labels]: [string, Labels]): GarbageRecord {
  const [head = "", parent] = text.split(" < ");
  const node = toNode(head);
  const prefix = node.key.split("/")[0] ?? "";
  return { ...node, labels, ...(parent === undefined ? {} : { parent: `${prefix}/${parent}` }) };
}

function toRoot({
  namespace = "one",
  keeps = [],
  labels = {},
  flat = false,
}: NonNullable<Case["roots"]>[number]): GarbageRoot {
  return { namespace: parseNamespace(namespace), keeps: keeps.map(toNode), labels, flat };
}

function format({ namespace, t, key }: GarbageRecord): string {
  return `${namespace === "one" ? "" : `${namespace}/`}${t === "content" ? "c" : "s"}:${key}`;
}
