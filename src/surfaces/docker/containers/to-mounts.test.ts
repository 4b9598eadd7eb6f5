import assert from "node:assert/strict";
import test from "node:test";
import { JsonReader } from "#base/json-reader.ts";
import { fails } from "#test/support/fails.ts";
import { parseBind, toMounts } from "./to-mounts.ts";

const bind = {
  t: "bind",
  readOnly: false,
  recursiveReadOnly: false,
  nonRecursive: false,
  propagation: "rprivate",
  createSource: true,
} as const;
const volume = { t: "volume", readOnly: false, noCopy: false, anonymous: false } as const;

test("reads -v", () => {
  for (const [text, mount] of [
    ["/a:/b", { ...bind, source: "/a", destination: "/b" }],
    ["/a/../c/:/b/", { ...bind, source: "/c/", destination: "/b" }],
    ["/a:/b:ro", { ...bind, source: "/a", destination: "/b", readOnly: true, recursiveReadOnly: true }],
    ["/a:/b:rw,rshared,z", { ...bind, source: "/a", destination: "/b", propagation: "rshared" }],
    ["data:/b", { ...volume, name: "data", destination: "/b" }],
    ["data:/b:nocopy,ro", { ...volume, name: "data", destination: "/b", readOnly: true, noCopy: true }],
    ["/b", { ...volume, name: "", destination: "/b", anonymous: true }],
  ] as const) {
    assert.deepEqual(parseBind(text, { api: 44 }), mount, text);
  }
  const old = parseBind("/a:/b:ro", { api: 43 });
  assert.equal(old.t === "bind" && old.recursiveReadOnly, false);
});

test("refuses a bad -v with Docker's texts", async () => {
  for (const [text, message] of [
    ["/a:/b:xx", /invalid mode: xx/],
    ["/a:b", /mount path must be absolute/],
    ["/a:/", /destination can't be '\/'/],
    [":/b", /invalid volume specification: ':\/b'/],
    ["/a:/b:ro:x", /invalid volume specification/],
    ["../a:/b", /includes invalid characters for a local volume name/],
  ] as const) {
    await fails("invalidArgument", (async () => parseBind(text, { api: 44 }))(), message);
  }
});

test("reads --mount, --tmpfs and --volumes-from", () => {
  const host = {
    Mounts: [
      { Type: "bind", Source: "/a", Target: "/b", BindOptions: { Propagation: "slave", NonRecursive: true } },
      {
        Type: "volume",
        Source: "v1",
        Target: "/c",
        ReadOnly: true,
        VolumeOptions: { Labels: { l: "1" }, Subpath: "s" },
      },
      { Type: "tmpfs", Target: "/d", TmpfsOptions: { SizeBytes: 1024, Mode: 0o700 } },
    ],
    Tmpfs: { "/e": "size=1m,exec", "/f": "" },
  };
  const inherited = [
    { ...volume, name: "v2", destination: "/g" },
    { ...volume, name: "v3", destination: "/c" },
    { t: "tmpfs", destination: "/h", options: [] },
  ] as const;
  const read = toMounts(new JsonReader(host, "host"), { api: 45, volumesFrom: new Map([["other:ro", inherited]]) });
  assert.deepEqual(read, {
    mounts: [
      { ...bind, source: "/a", destination: "/b", propagation: "slave", nonRecursive: true, createSource: false },
      { ...volume, name: "v1", destination: "/c", readOnly: true, subpath: "s" },
      { t: "tmpfs", destination: "/d", options: ["size=1024", "mode=700"] },
      { t: "tmpfs", destination: "/e", options: ["size=1m", "exec"] },
      { t: "tmpfs", destination: "/f", options: [] },
      { ...volume, name: "v2", destination: "/g", readOnly: true },
    ],
    wanted: [{ name: "v1", labels: { l: "1" }, options: {} }],
  });
});

test("a destination may be named once", async () => {
  const host = new JsonReader({ Binds: ["/a:/b"], Tmpfs: { "/b/": "" } }, "host");
  const none = { api: 44, volumesFrom: new Map() };
  await fails("invalidArgument", (async () => toMounts(host, none))(), /^Duplicate mount point: \/b$/);
});
