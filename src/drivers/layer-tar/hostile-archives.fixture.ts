import { gzipSync, zstdCompressSync } from "node:zlib";
import type { ErrorKind } from "#base/errors.ts";
import type { Compression } from "#core/content/descriptor.ts";
import { archive, base256, directory, gnuLong, hardlink, pax, raw, symlink } from "./raw-tar.fixture.ts";

/** Paths of the tree that must be as told: a file's content, `-> target`, `dir`, `node`; undefined: not there. */
export type Tree = Record<string, string | undefined>;
export type Hostile = {
  readonly title: string;
  /** `outside` is the canary's directory on the host. */
  readonly tar: (outside: string) => Buffer;
  readonly compression?: Compression;
  /** What it may end with; the tree is asked only when it ends well. */
  readonly error?: ErrorKind;
  readonly tree?: (outside: string) => Tree;
};

/** What the suite lets a layer have. */
export const maxUncompressedBytes = 8 * 1024 * 1024;
export const maxEntries = 200;
const long = (length: number) => "x".repeat(length);
const sparse1 = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s" };
const sparse01 = (map: string, size: string) =>
  pax({ "GNU.sparse.map": map, "GNU.sparse.size": size, "GNU.sparse.numblocks": "1" });

const names: Hostile[] = [
  { title: "absolute name", tar: (o) => archive(raw(`${o}/new`, { body: "x" })), tree: (o) => ({ [`${o}/new`]: "x" }) },
  { title: "absolute name over an existing file", tar: (o) => archive(raw(`${o}/secret`, { body: "x" })) },
  { title: "name above the root", tar: () => archive(raw("../outside/new", { body: "x" })), error: "invalidArgument" },
  { title: "name that climbs in the middle", tar: () => archive(raw("a/../../outside/new")), error: "invalidArgument" },
  { title: "absolute name that climbs", tar: () => archive(raw("/../outside/new")), error: "invalidArgument" },
  { title: "name of dots only", tar: () => archive(raw("..")), error: "invalidArgument" },
  {
    title: "directory above the root",
    tar: () => archive(directory("../outside", { mode: 0o777 })),
    error: "invalidArgument",
  },
  { title: "dots that stay inside", tar: () => archive(raw("a/../b", { body: "x" })), tree: () => ({ b: "x" }) },
  {
    title: "slashes and dots without end",
    tar: () => archive(raw("././//./a//./b", { body: "x" })),
    tree: () => ({ "a/b": "x" }),
  },
  {
    title: "PAX path that climbs",
    tar: () => archive(pax({ path: "../outside/new" }), raw("good")),
    error: "invalidArgument",
  },
  {
    title: "GNU long name that climbs",
    tar: () => archive(gnuLong("L", `${long(120)}/../../outside/new`), raw("good")),
    error: "invalidArgument",
  },
  {
    title: "ustar prefix that climbs",
    tar: () => archive(raw("outside/new", { patch: (b) => b.write("..", 345) })),
    error: "invalidArgument",
  },
  { title: "NUL in a PAX path", tar: () => archive(pax({ path: "a\0/../../b" }), raw("good")), error: "dataLoss" },
  { title: "name part too long", tar: () => archive(gnuLong("L", long(300)), raw("good")), error: "invalidArgument" },
  {
    title: "name too long",
    tar: () => archive(pax({ path: `${long(200)}/`.repeat(30) }), raw("good")),
    error: "invalidArgument",
  },
  { title: "link in place of the root", tar: (o) => archive(symlink("./", o)), error: "invalidArgument" },
  {
    title: "device in place of the root",
    tar: () => archive(raw(".", { type: "3", major: 1, minor: 3 })),
    error: "invalidArgument",
  },
  { title: "file below a file", tar: () => archive(raw("f", { body: "x" }), raw("f/g")), error: "invalidArgument" },
];

const links: Hostile[] = [
  {
    title: "file through an absolute link",
    tar: (o) => archive(symlink("l", o), raw("l/new", { body: "x" })),
    error: "failedPrecondition",
  },
  {
    title: "file through a climbing link",
    tar: () => archive(symlink("l", "../outside"), raw("l/new", { body: "x" })),
    error: "failedPrecondition",
  },
  {
    title: "file through a chain of links",
    tar: (o) => archive(symlink("a", "b"), symlink("b", "c/d"), directory("c"), symlink("c/d", o), raw("a/new")),
    error: "failedPrecondition",
  },
  {
    title: "file through a ring of links",
    tar: () => archive(symlink("a", "b"), symlink("b", "a"), raw("a/new")),
    error: "failedPrecondition",
  },
  {
    title: "file through a link to the root",
    tar: () => archive(symlink("l", "/"), raw("l/new", { body: "x" })),
    tree: () => ({ new: "x" }),
  },
  {
    title: "file through a link far above the root",
    tar: () => archive(symlink("l", "../../../../.."), raw("l/new", { body: "x" })),
    tree: () => ({ new: "x" }),
  },
  {
    title: "file over a link to outside",
    tar: (o) => archive(symlink("l", `${o}/secret`), raw("l", { body: "x" })),
    tree: () => ({ l: "x" }),
  },
  {
    title: "directory over a link to outside",
    tar: (o) => archive(symlink("l", o), directory("l/", { mode: 0o777 }), raw("l/new", { body: "x" })),
    tree: () => ({ l: "dir", "l/new": "x" }),
  },
  {
    title: "directory replaced by a link, then its child",
    tar: (o) => archive(directory("d"), raw("d/a"), symlink("d", o), raw("d/new")),
    error: "failedPrecondition",
  },
  {
    title: "directory replaced by a link, times set last",
    tar: (o) => archive(directory("d", { mtime: 1 }), symlink("d", o)),
    tree: (o) => ({ d: `-> ${o}` }),
  },
  {
    title: "implied directory replaced by a link",
    tar: (o) => archive(raw("d/a"), symlink("d", o)),
    tree: (o) => ({ d: `-> ${o}` }),
  },
  { title: "hard link that climbs", tar: () => archive(hardlink("h", "../outside/secret")), error: "invalidArgument" },
  {
    title: "hard link to an absolute name",
    tar: (o) => archive(hardlink("h", `${o}/secret`)),
    error: "failedPrecondition",
  },
  {
    title: "hard link through a link",
    tar: (o) => archive(symlink("l", o), hardlink("h", "l/secret")),
    error: "failedPrecondition",
  },
  {
    title: "hard link to a link, then written",
    tar: (o) => archive(symlink("l", `${o}/secret`), hardlink("h", "l"), raw("h", { body: "x" })),
    tree: (o) => ({ h: "x", l: `-> ${o}/secret` }),
  },
  {
    title: "GNU long link that climbs",
    tar: () => archive(gnuLong("K", `${"../".repeat(40)}outside/secret`), hardlink("h", "x")),
    error: "invalidArgument",
  },
  {
    title: "PAX linkpath in place of a good one",
    tar: (o) => archive(raw("f"), pax({ linkpath: `${o}/secret` }), hardlink("h", "f")),
    error: "failedPrecondition",
  },
  {
    title: "NUL in a PAX linkpath",
    tar: () => archive(pax({ linkpath: "a\0b" }), symlink("l", "x")),
    error: "dataLoss",
  },
  {
    title: "hard link to itself",
    tar: () => archive(raw("f", { body: "x" }), hardlink("f", "./f")),
    error: "invalidArgument",
  },
  {
    title: "hard link to a directory",
    tar: () => archive(directory("d"), hardlink("h", "d")),
    error: "permissionDenied",
  },
  { title: "hard link to the root", tar: () => archive(hardlink("h", "/")), error: "invalidArgument" },
  {
    title: "file written over one of two names",
    tar: () => archive(raw("f", { body: "1" }), hardlink("h", "f"), raw("f", { body: "2" })),
    tree: () => ({ f: "2", h: "1" }),
  },
  { title: "link to nothing", tar: () => archive(symlink("l", "")), error: "invalidArgument" },
  {
    title: "device through a link",
    tar: (o) => archive(symlink("l", o), raw("l/null", { type: "3", major: 1, minor: 3 })),
    error: "failedPrecondition",
  },
  {
    title: "device over a link",
    tar: (o) => archive(symlink("l", `${o}/secret`), raw("l", { type: "4", major: 8, minor: 0 })),
    tree: () => ({ l: "node" }),
  },
];

const whiteouts: Hostile[] = [
  { title: "whiteout of ..", tar: () => archive(raw(".wh...")), error: "invalidArgument" },
  { title: "whiteout of .. below", tar: () => archive(directory("d"), raw("d/.wh...")), error: "invalidArgument" },
  { title: "whiteout of .", tar: () => archive(raw(".wh..")), error: "invalidArgument" },
  { title: "whiteout of nothing", tar: () => archive(raw(".wh.")), error: "invalidArgument" },
  { title: "whiteout above the root", tar: () => archive(raw("../.wh.outside")), error: "invalidArgument" },
  {
    title: "whiteout through a link",
    tar: (o) => archive(symlink("l", o), raw("l/.wh.secret")),
    error: "failedPrecondition",
  },
  {
    title: "opaque through a link to outside",
    tar: (o) => archive(symlink("l", o), raw("l/.wh..wh..opq")),
    error: "failedPrecondition",
  },
  {
    title: "opaque through a link to the root",
    tar: () => archive(raw("kept", { body: "x" }), symlink("l", "/"), raw("l/.wh..wh..opq")),
    tree: () => ({ kept: "x" }),
  },
  {
    title: "opaque keeps what the layer has",
    tar: () => archive(raw("d/kept", { body: "x" }), raw("d/.wh..wh..opq"), raw("d/later", { body: "y" })),
    tree: () => ({ "d/kept": "x", "d/later": "y" }),
  },
  {
    title: "whiteout after the file of the same layer",
    tar: () => archive(raw("f", { body: "x" }), raw(".wh.f")),
    tree: () => ({ f: "x" }),
  },
  {
    title: "file after its whiteout",
    tar: () => archive(raw(".wh.f"), raw("f", { body: "x" })),
    tree: () => ({ f: "x" }),
  },
  {
    title: "child after its directory's whiteout",
    tar: () => archive(raw(".wh.d"), raw("d/f", { body: "x" })),
    tree: () => ({ "d/f": "x" }),
  },
  {
    title: "hard link to a whiteout",
    tar: () => archive(raw(".wh.f"), hardlink("h", "f")),
    error: "failedPrecondition",
  },
  {
    title: "names that aufs kept",
    tar: () => archive(raw(".wh..wh.plnk/../../../outside/x"), raw("f")),
    error: "invalidArgument",
  },
];

const numbers: Hostile[] = [
  { title: "negative size", tar: () => archive(raw("f", { size: base256(-1n, 12) })), error: "dataLoss" },
  {
    title: "size beyond all numbers",
    tar: () => archive(raw("f", { size: base256(1n << 80n, 12) })),
    error: "dataLoss",
  },
  { title: "size beyond the bound", tar: () => archive(raw("f", { size: 0o77777777777 })), error: "resourceExhausted" },
  {
    title: "size that is no number",
    tar: () => archive(raw("f", { size: Buffer.from("12x4567\0") })),
    error: "dataLoss",
  },
  { title: "size larger than the archive", tar: () => archive(raw("f", { size: 1_000_000 })), error: "dataLoss" },
  {
    title: "PAX size smaller than the body",
    tar: () => archive(pax({ size: "0" }), raw("f", { body: raw("../outside/new") })),
    tree: () => ({}),
    error: "invalidArgument",
  },
  {
    title: "PAX size larger than the archive",
    tar: () => archive(pax({ size: "999999" }), raw("f", { body: "x" })),
    error: "dataLoss",
  },
  { title: "negative PAX size", tar: () => archive(pax({ size: "-5" }), raw("f", { body: "x" })), error: "dataLoss" },
  {
    title: "owner beyond all numbers",
    tar: () => archive(raw("f", { uid: base256(1n << 40n, 8) })),
    error: "dataLoss",
  },
  { title: "negative owner", tar: () => archive(raw("f", { uid: base256(-5n, 8) })), error: "dataLoss" },
  {
    title: "time at the end of the world",
    tar: () => archive(raw("f", { mtime: base256(1n << 50n, 12), body: "x" })),
    tree: () => ({ f: "x" }),
  },
  { title: "wrong checksum", tar: () => archive(raw("f", { checksum: 1 })), error: "dataLoss" },
  { title: "unknown type", tar: () => archive(raw("f", { type: "Z" })), error: "dataLoss" },
  { title: "cut in a header", tar: () => raw("f").subarray(0, 100), error: "dataLoss" },
  { title: "cut in a body", tar: () => raw("f", { body: long(2000) }).subarray(0, 1000), error: "dataLoss" },
  { title: "cut in the filling of a body", tar: () => raw("f", { body: "x" }).subarray(0, 600), error: "dataLoss" },
  {
    title: "data after an end block",
    tar: () => Buffer.concat([raw("f"), Buffer.alloc(512), raw("g")]),
    error: "dataLoss",
  },
  { title: "not an archive", tar: () => Buffer.alloc(4096, "noise"), error: "dataLoss" },
];

const extended: Hostile[] = [
  { title: "huge PAX header", tar: () => archive(pax({ comment: long(2 << 20) }), raw("f")), error: "dataLoss" },
  { title: "huge GNU long name", tar: () => archive(gnuLong("L", long(2 << 20)), raw("f")), error: "dataLoss" },
  {
    title: "PAX record longer than the header",
    tar: () => archive(raw("p", { type: "x", body: "999 path=x\n" }), raw("f")),
    error: "dataLoss",
  },
  {
    title: "PAX record without length",
    tar: () => archive(raw("p", { type: "x", body: "path=x\n" }), raw("f")),
    error: "dataLoss",
  },
  {
    title: "PAX record of length 0",
    tar: () => archive(raw("p", { type: "x", body: "0 path=x\n" }), raw("f")),
    error: "dataLoss",
  },
  { title: "PAX header without an entry", tar: () => archive(pax({ path: "x" })), error: "dataLoss" },
  { title: "PAX header at the end of the file", tar: () => pax({ path: "x" }), error: "dataLoss" },
  {
    title: "broken global PAX header",
    tar: () => archive(raw("g", { type: "g", body: "9 nonsense" }), raw("f")),
    error: "dataLoss",
  },
  {
    title: "global PAX path",
    tar: () => archive(pax({ path: "../outside/new" }, "g"), raw("f", { body: "x" })),
    tree: () => ({ f: "x" }),
  },
  { title: "broken PAX time", tar: () => archive(pax({ mtime: "soon" }), raw("f")), error: "dataLoss" },
  {
    title: "xattr name that climbs",
    tar: () => archive(pax({ "SCHILY.xattr.user.../../x": "v" }), raw("f", { body: "x" })),
    tree: () => ({ f: "x" }),
  },
  {
    title: "xattr name too long",
    tar: () => archive(pax({ [`SCHILY.xattr.user.${long(300)}`]: "v" }), raw("f")),
    error: "invalidArgument",
  },
  {
    title: "xattr without a name",
    tar: () => archive(pax({ "SCHILY.xattr.": "v" }), raw("f")),
    error: "invalidArgument",
  },
  {
    title: "sparse chunks that overlap",
    tar: () =>
      archive(
        pax({ ...sparse1, "GNU.sparse.realsize": "2000" }),
        raw("s", { body: sparseBody("2\n0\n600\n500\n600\n", 1200) }),
      ),
    error: "dataLoss",
  },
  {
    title: "sparse chunk past the end",
    tar: () => archive(sparse01("0,1,9000,1", "5000"), raw("s", { body: "xy" })),
    error: "dataLoss",
  },
  {
    title: "sparse chunks longer than the data",
    tar: () => archive(sparse01("0,1000", "5000"), raw("s", { body: "xy" })),
    error: "dataLoss",
  },
  {
    title: "sparse map of odd length",
    tar: () => archive(sparse01("0,1,2", "5000"), raw("s", { body: "x" })),
    error: "dataLoss",
  },
  {
    title: "sparse file larger than the bound",
    tar: () => archive(sparse01("0,1", `${2 ** 50}`), raw("s", { body: "x" })),
    error: "resourceExhausted",
  },
  {
    title: "sparse map without end",
    tar: () => archive(pax({ ...sparse1, "GNU.sparse.realsize": "10" }), raw("s", { body: long(1024) })),
    error: "dataLoss",
  },
  {
    title: "sparse map that promises more",
    tar: () =>
      archive(pax({ ...sparse1, "GNU.sparse.realsize": "10" }), raw("s", { body: sparseBody("99999\n0\n1\n", 512) })),
    error: "dataLoss",
  },
  {
    title: "sparse name that climbs",
    tar: () =>
      archive(
        pax({ ...sparse1, "GNU.sparse.name": "../outside/new", "GNU.sparse.realsize": "1" }),
        raw("s", { body: sparseBody("1\n0\n1\n", 1) }),
      ),
    error: "invalidArgument",
  },
  {
    title: "old sparse header with a negative offset",
    tar: () => archive(raw("s", { type: "S", body: "x", patch: oldSparse })),
    error: "dataLoss",
  },
];

const bombs: Hostile[] = [
  {
    title: "gzip bomb",
    tar: () => gzipSync(archive(raw("f", { body: Buffer.alloc(7 << 20) }), raw("g", { body: Buffer.alloc(7 << 20) }))),
    compression: "gzip",
    error: "resourceExhausted",
  },
  {
    title: "zstd bomb",
    tar: () =>
      zstdCompressSync(archive(raw("f", { body: Buffer.alloc(7 << 20) }), raw("g", { body: Buffer.alloc(7 << 20) }))),
    compression: "zstd",
    error: "resourceExhausted",
  },
  {
    title: "bomb after the archive's end",
    tar: () => gzipSync(Buffer.concat([archive(raw("f")), Buffer.alloc(64 << 20)])),
    compression: "gzip",
    error: "resourceExhausted",
  },
  {
    title: "too many entries",
    tar: () => archive(...Array.from({ length: maxEntries + 1 }, (_, i) => raw(`f${i}`))),
    error: "resourceExhausted",
  },
  {
    title: "gzip cut short",
    tar: () => gzipSync(archive(raw("f", { body: long(5000) }))).subarray(0, 60),
    compression: "gzip",
    error: "dataLoss",
  },
  {
    title: "gzip with a wrong checksum",
    tar: () => breakAt(gzipSync(archive(raw("f", { body: long(5000) }))), -6),
    compression: "gzip",
    error: "dataLoss",
  },
  {
    title: "zstd with noise in it",
    tar: () => breakAt(zstdCompressSync(archive(raw("f", { body: long(5000) }))), 12),
    compression: "zstd",
    error: "dataLoss",
  },
];

const replacements: Hostile[] = [
  {
    title: "file replaces a full directory",
    tar: () => archive(directory("d"), raw("d/a/b/c"), raw("d", { body: "x" })),
    tree: () => ({ d: "x" }),
  },
  {
    title: "directory replaces a file",
    tar: () => archive(raw("d"), directory("d"), raw("d/a", { body: "x" })),
    tree: () => ({ "d/a": "x" }),
  },
  {
    title: "the same file a hundred times",
    tar: () => archive(...Array.from({ length: 100 }, (_, i) => raw("f", { body: `${i}` }))),
    tree: () => ({ f: "99" }),
  },
  {
    title: "fifo replaced by a file",
    tar: () => archive(raw("p", { type: "6" }), raw("p", { body: "x" })),
    tree: () => ({ p: "x" }),
  },
];

/** Archives by what they try. */
export const hostileArchives: Readonly<Record<string, readonly Hostile[]>> = {
  names,
  links,
  whiteouts,
  numbers,
  extended,
  bombs,
  replacements,
};

function sparseBody(map: string, dataBytes: number): Buffer {
  return Buffer.concat([Buffer.from(map.padEnd(512, "\0")), Buffer.alloc(dataBytes, "d")]);
}

function oldSparse(block: Buffer): void {
  base256(-512n, 12).copy(block, 386);
  block.write("00000000001\0", 398, "latin1");
  block.write("00000000001\0", 483, "latin1");
}

function breakAt(bytes: Buffer, at: number): Buffer {
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 0xff;
  return bytes;
}
