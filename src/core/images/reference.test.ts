import assert from "node:assert/strict";
import test from "node:test";
import { formatFamiliar, formatReference, parseReference, withDefaultTag } from "./reference.ts";

const hex = "0123456789abcdef".repeat(4);
const digest = `sha256:${hex}`;

const accepted: [text: string, full: string, familiar: string][] = [
  ["nginx", "docker.io/library/nginx:latest", "nginx:latest"],
  ["nginx:1.25", "docker.io/library/nginx:1.25", "nginx:1.25"],
  ["library/nginx", "docker.io/library/nginx:latest", "nginx:latest"],
  ["docker.io/nginx", "docker.io/library/nginx:latest", "nginx:latest"],
  ["index.docker.io/library/nginx:x", "docker.io/library/nginx:x", "nginx:x"],
  ["bitnami/redis", "docker.io/bitnami/redis:latest", "bitnami/redis:latest"],
  ["docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"],
  ["localhost/x", "localhost/x:latest", "localhost/x:latest"],
  ["localhost:5000/x/y:T_1.2-3", "localhost:5000/x/y:T_1.2-3", "localhost:5000/x/y:T_1.2-3"],
  ["127.0.0.1:5000/x", "127.0.0.1:5000/x:latest", "127.0.0.1:5000/x:latest"],
  ["[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"],
  ["[2001:db8::1]/x", "[2001:db8::1]/x:latest", "[2001:db8::1]/x:latest"],
  ["Registry/x", "Registry/x:latest", "Registry/x:latest"],
  ["quay.io/a/b/c/d:v1", "quay.io/a/b/c/d:v1", "quay.io/a/b/c/d:v1"],
  [`nginx@${digest}`, `docker.io/library/nginx@${digest}`, `nginx@${digest}`],
  [`nginx:1@${digest}`, `docker.io/library/nginx:1@${digest}`, `nginx:1@${digest}`],
  ["a__b.c-d--e", "docker.io/library/a__b.c-d--e:latest", "a__b.c-d--e:latest"],
  ["docker", "docker.io/library/docker:latest", "docker:latest"],
  [hex.slice(1), `docker.io/library/${hex.slice(1)}:latest`, `${hex.slice(1)}:latest`],
];

const refused: [text: string, why: RegExp][] = [
  ["", /it is empty/],
  ["Nginx", /repository name must be lowercase/],
  ["docker.io/Library/nginx", /repository name must be lowercase/],
  ["nginx:", /tag "" is not/],
  ["nginx:-a", /tag "-a" is not/],
  [`nginx:${"a".repeat(129)}`, /is not 1 to 128/],
  ["a//b", /is not a repository name/],
  ["/a", /is not a repository name/],
  ["a/", /is not a repository name/],
  ["-a", /is not a repository name/],
  ["a-", /is not a repository name/],
  ["a___b", /is not a repository name/],
  ["a..b", /is not a repository name/],
  ["a b", /is not a repository name/],
  ["../etc", /is not a host name/],
  ["localhost:5000/", /the repository name is missing/],
  ["nginx@sha256:abc", /is not a digest/],
  [`nginx@${digest}@${digest}`, /more than one @/],
  [hex, /cannot be 64 hex digits/],
  ["https://quay.io/x", /is not a (host|repository) name/],
  ["user@host/x", /is not a digest/],
  [`a/${"b".repeat(250)}`, /more than 255 characters/],
  ["exa_mple.com:x/y", /is not a host name/],
];

test("references are completed as Docker's clients do", () => {
  for (const [text, full, familiar] of accepted) {
    const reference = withDefaultTag(parseReference(text));
    assert.deepEqual([text, formatReference(reference), formatFamiliar(reference)], [text, full, familiar]);
    assert.deepEqual(parseReference(full), reference, `${full} reads back`);
    assert.deepEqual(withDefaultTag(parseReference(familiar)), reference, `${familiar} reads back`);
  }
});

test("what is no reference is refused with the reason", () => {
  for (const [text, why] of refused) {
    assert.throws(() => parseReference(text), { kind: "invalidArgument", message: why }, JSON.stringify(text));
  }
});
