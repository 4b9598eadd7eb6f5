import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { quickRegistry } from "#test/support/image-engine.ts";
import { temporaryDirectory } from "#test/support/temporary-directory.ts";
import { parseChallenges } from "./challenge.ts";
import { decodeHostsToml } from "./hosts-toml.ts";
import { proxyFor } from "./proxy.ts";
import { proxyFromEnvironment } from "./registry-config.ts";
import { registryHosts } from "./registry-hosts.ts";
import { parseRetryAfter } from "./retry.ts";

test("challenges are read", () => {
  const table: [header: string, challenges: [string, Record<string, string>][]][] = [
    ['Basic realm="x y"', [["basic", { realm: "x y" }]]],
    ["basic realm=plain", [["basic", { realm: "plain" }]]],
    [
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
      [
        [
          "bearer",
          { realm: "https://auth.docker.io/token", service: "registry.docker.io", scope: "repository:a/b:pull,push" },
        ],
      ],
    ],
    ['BEARER Realm="a\\"b" , error="invalid_token"', [["bearer", { realm: 'a"b', error: "invalid_token" }]]],
    [
      'Negotiate, Basic realm="x", Bearer realm="y"',
      [
        ["negotiate", {}],
        ["basic", { realm: "x" }],
        ["bearer", { realm: "y" }],
      ],
    ],
    ["", []],
    ['="x"', []],
    ['Bearer realm="unterminated', [["bearer", { realm: '"unterminated' }]]],
  ];
  for (const [header, expected] of table) {
    const read = parseChallenges([header]).map(({ scheme, parameters }) => [scheme, parameters]);
    if (header.includes("unterminated")) assert.equal(read[0]?.[0], "bearer");
    else assert.deepEqual(read, expected, header);
  }
  parseChallenges(['Bearer realm="'.repeat(10_000)]);
});

test("hosts.toml is read in the order of its hosts, in all of its forms", () => {
  const { mirrors, server } = decodeHostsToml(
    `server = "https://up.example"
     ca = "/up.crt"
     [host."https://b.example"]
       capabilities = ["pull", "resolve"]
       ca = ["/1.crt", "rel.crt"]
       client = [["/c.cert", "/c.key"], ["/both.pem", ""]]
       [host."https://b.example".header]
         x-one = "1"
         x-many = ["1", "2"]
     [host."http://a.example:5000/prefix"]
       skip_verify = true
       override_path = true
       client = "/one.pem"
     [host."c.example"]
       client = ["/x.pem", "/y.pem"]
       dial_timeout = "1s"`,
    "hosts.toml",
  );
  assert.deepEqual(
    mirrors.map(({ url, capabilities, skipVerify, overridePath }) => [
      url,
      capabilities.length,
      skipVerify,
      overridePath,
    ]),
    [
      ["https://b.example", 2, false, false],
      ["http://a.example:5000/prefix", 3, true, true],
      ["c.example", 3, false, false],
    ],
  );
  assert.deepEqual(
    mirrors.map(({ clients }) => clients),
    [
      [
        { cert: "/c.cert", key: "/c.key" },
        { cert: "/both.pem", key: "/both.pem" },
      ],
      [{ cert: "/one.pem", key: "/one.pem" }],
      [
        { cert: "/x.pem", key: "/x.pem" },
        { cert: "/y.pem", key: "/y.pem" },
      ],
    ],
  );
  assert.deepEqual(mirrors[0]?.headers, { "x-one": ["1"], "x-many": ["1", "2"] });
  assert.deepEqual([mirrors[0]?.ca, server.ca, server.url], [["/1.crt", "rel.crt"], ["/up.crt"], "https://up.example"]);
});

test("a hosts.toml that cannot be is refused with its place", () => {
  const table: [text: string, why: RegExp][] = [
    ["server = ", /^h\.toml: /],
    ['[host."x"]\ncapabilities = ["fly"]', /^h\.toml: host: x: capabilities\[0\]: is not one of pull, resolve, push$/],
    ["ca = 3", /^h\.toml: ca: is not a list$/],
    ['client = [["a","b","c"]]', /client\[0\]: is not a certificate and its key$/],
    ['skip_verify = "yes"', /^h\.toml: skip_verify: is not a boolean$/],
  ];
  for (const [text, message] of table) {
    assert.throws(() => decodeHostsToml(text, "h.toml"), { kind: "invalidArgument", message }, text);
  }
});

test("hosts of a domain: its own directory, the form with underscores, _default, docker's layout", async () => {
  await using directory = await temporaryDirectory("hosts");
  const roots = ["one", "two"].map((name) => join(directory.path, name));
  const put = async (path: string, text: string) => {
    await mkdir(join(directory.path, path, ".."), { recursive: true });
    await writeFile(join(directory.path, path), text);
  };
  await put("two/docker.io/hosts.toml", '[host."https://mirror.example/sub"]');
  await put("two/reg.example_5000_/hosts.toml", 'server = "https://other.example/v2"\n');
  await put("one/_default/hosts.toml", '[host."http://cache.local"]\ncapabilities = ["pull"]');
  await put("two/certs.example:8443/my.crt", "CA");
  await put("two/certs.example:8443/me.cert", "CERT");
  await put("two/certs.example:8443/me.key", "KEY");
  await put("two/broken.example/me.cert", "CERT");
  const config = {
    ...quickRegistry,
    hostsDirectories: roots,
    insecureRegistries: ["127.0.0.0/8", "10.0.0.0/8", "plain.example:5000"],
  };
  const hosts = async (domain: string) => {
    const found = await registryHosts(domain, config);
    return found.map(
      ({ scheme, authority, pathPrefix, mirrorOf }) =>
        `${scheme}://${authority}${pathPrefix}${mirrorOf === undefined ? "" : ` for ${mirrorOf}`}`,
    );
  };
  assert.deepEqual(await hosts("docker.io"), [
    "https://mirror.example/sub/v2 for docker.io",
    "https://registry-1.docker.io/v2",
  ]);
  assert.deepEqual(await hosts("reg.example:5000"), ["https://other.example/v2 for reg.example:5000"]);
  assert.deepEqual(await hosts("quay.io"), ["http://cache.local/v2 for quay.io", "https://quay.io/v2"]);
  assert.deepEqual((await hosts("127.0.0.1:5000")).at(-1), "probe://127.0.0.1:5000/v2");
  assert.deepEqual((await hosts("localhost:5000")).at(-1), "probe://localhost:5000/v2");
  assert.deepEqual((await hosts("10.1.2.3")).at(-1), "probe://10.1.2.3/v2");
  assert.deepEqual((await hosts("plain.example:5000")).at(-1), "probe://plain.example:5000/v2");
  const [certs] = await registryHosts("certs.example:8443", config);
  assert.deepEqual(certs?.tls, { skipVerify: false, ca: ["CA"], clients: [{ cert: "CERT", key: "KEY" }] });
  await assert.rejects(hosts("broken.example"), { message: /me\.cert: its key me\.key is missing$/ });
  await put("two/gone.example/hosts.toml", 'ca = "missing.crt"');
  await assert.rejects(hosts("gone.example"), { message: /gone\.example\/missing\.crt: cannot be read \(ENOENT\)$/ });
});

test("proxies are chosen as Go chooses them", () => {
  const settings = proxyFromEnvironment({
    http_proxy: "proxy.local:3128",
    HTTPS_PROXY: "http://user:pw@secure.local:3128",
    NO_PROXY: "exact.example, .sub.example,10.0.0.0/8,host.example:8443,*.star.example",
  });
  const table: [url: string, proxied: boolean][] = [
    ["https://quay.io/v2/", true],
    ["http://quay.io/v2/", true],
    ["https://exact.example/", false],
    ["https://a.exact.example/", false],
    ["https://sub.example/", true],
    ["https://a.sub.example/", false],
    ["https://a.star.example/", false],
    ["https://notexact.example/", true],
    ["https://10.1.2.3/", false],
    ["https://11.1.2.3/", true],
    ["https://host.example/", true],
    ["https://host.example:8443/", false],
    ["http://127.0.0.1:5000/", false],
    ["http://localhost:5000/", false],
    ["http://[::1]:5000/", false],
  ];
  for (const [url, proxied] of table) assert.equal(proxyFor(new URL(url), settings) !== undefined, proxied, url);
  assert.equal(proxyFor(new URL("http://x.example/"), settings), "http://proxy.local:3128");
  assert.equal(proxyFor(new URL("https://x.example/"), { no: "*", https: "http://p" }), undefined);
});

test("Retry-After is seconds or a date", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  assert.equal(parseRetryAfter("3", now), 3000);
  assert.equal(parseRetryAfter("Thu, 01 Jan 2026 00:00:05 GMT", now), 5000);
  assert.equal(parseRetryAfter("Wed, 31 Dec 2025 00:00:00 GMT", now), 0);
  assert.equal(parseRetryAfter("soon", now), undefined);
  assert.equal(parseRetryAfter(undefined, now), undefined);
});
