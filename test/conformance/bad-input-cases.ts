type CommandCase = {
  readonly name: string;
  /** `IMAGE`, `BAD`, `PORT` and `NOBODY` stand for what the bed has. */
  readonly argv: string;
  readonly code: number;
  /** All of standard error; a next step is on the last line, behind two blanks. */
  readonly stderr: string;
};

const daemon = "Error response from daemon: ";
const startFailed = `${daemon}failed to create task for container: unable to start container process: `;

/** What a person types wrong, what comes back, and that there is a next step. */
export const commandCases: readonly CommandCase[] = [
  {
    name: "unknown image",
    argv: "rmi nosuch",
    code: 1,
    stderr: `${daemon}No such image: nosuch:latest\n  see: ferry images.*`,
  },
  {
    name: "unknown tag",
    argv: "pull BAD/good:nosuch",
    code: 1,
    stderr: `${daemon}registry BAD: manifest good:nosuch: not found\n  check the name and the tag`,
  },
  {
    name: "unknown tag, run",
    argv: "run --rm BAD/good:nosuch",
    code: 125,
    stderr: `Unable to find image 'BAD/good:nosuch' locally\n${daemon}registry BAD: manifest good:nosuch: not found\n  check .*`,
  },
  {
    name: "uppercase reference",
    argv: "run UPPER",
    code: 125,
    stderr: `${daemon}invalid reference format.*must be lowercase\n  an image is .*`,
  },
  {
    name: "wrong digest",
    argv: "pull BAD/wrong:digest",
    code: 1,
    stderr: `ferry: .*BAD.*digest is sha256:.*\n  nothing was kept.*`,
  },
  {
    name: "truncated layer",
    argv: "pull BAD/cut:1",
    code: 1,
    stderr: `ferry: .*BAD.*connection ended early after \\d+ of \\d+ bytes\n  pull again.*`,
  },
  { name: "wrong DiffID", argv: "pull BAD/diff:1", code: 1, stderr: `ferry: .*sha256:.*\n  nothing was kept.*` },
  {
    name: "unreachable registry",
    argv: "pull NOBODY/x:1",
    code: 1,
    stderr: `${daemon}registry NOBODY: manifest x:1: connection refused\n  check the registry's name.*`,
  },
  {
    name: "name already used",
    argv: "run --name taken IMAGE true",
    code: 125,
    stderr: `${daemon}Conflict. The container name "/taken" is already in use by container "[0-9a-f]{64}".*\n  remove or rename that one.*`,
  },
  {
    name: "port already used by a container",
    argv: "run --rm -p 127.0.0.1:PORT:80 IMAGE true",
    code: 125,
    stderr: `${daemon}.*Bind for 127.0.0.1:PORT failed: port is already allocated.*taken.*\n  take another port.*`,
  },
  {
    name: "port already used by another program",
    argv: "run --rm -p 127.0.0.1:LISTENED:80 IMAGE true",
    code: 125,
    stderr: `${daemon}.*127.0.0.1:LISTENED.*(?:already allocated|in use).*\n  take another port.*`,
  },
  {
    name: "unknown network",
    argv: "run --rm --network nosuch IMAGE true",
    code: 125,
    stderr: `${daemon}network nosuch not found\n  see: ferry network ls`,
  },
  {
    name: "missing bind source",
    argv: "run --rm --mount type=bind,src=/nonexistent/x,dst=/x IMAGE true",
    code: 125,
    stderr: `${daemon}invalid mount config for type "bind": bind source path does not exist: /nonexistent/x\n  make it first: mkdir -p /nonexistent/x`,
  },
  {
    name: "bad user",
    argv: "run --rm --user nobodyhere IMAGE true",
    code: 125,
    stderr: `${daemon}unable to find user nobodyhere: no matching entries in passwd file\n  take one of .*`,
  },
  {
    name: "nothing to run",
    argv: "run --rm --entrypoint= IMAGE",
    code: 125,
    stderr: `${daemon}no command specified\n  say what to run.*`,
  },
  {
    name: "missing entrypoint",
    argv: "run --rm --entrypoint nosuch IMAGE",
    code: 127,
    stderr: `${startFailed}exec: "nosuch": executable file not found in \\$PATH.*\n  check the command.*`,
  },
  {
    name: "entrypoint that cannot be executed",
    argv: "run --rm IMAGE /etc",
    code: 126,
    stderr: `${startFailed}exec: "/etc": .*\n  it is no program.*`,
  },
  { name: "the container's own code", argv: "run --rm IMAGE sh -c exit\t42", code: 42, stderr: "" },
  {
    name: "unknown flag",
    argv: "run --bogus IMAGE",
    code: 125,
    stderr: `ferry: unknown flag: --bogus\n  ferry run --help`,
  },
  {
    name: "unknown command",
    argv: "rnu IMAGE",
    code: 1,
    stderr: `ferry: unknown command: ferry rnu\n  did you mean: ferry run`,
  },
  {
    name: "unknown container",
    argv: "stop nosuch",
    code: 1,
    stderr: `${daemon}No such container: nosuch\n  see: ferry ps -a`,
  },
  {
    name: "unknown volume",
    argv: "volume rm nosuch",
    code: 1,
    stderr: `${daemon}.*no such volume\n  see: ferry volume ls`,
  },
  { name: "bad port", argv: "run -p 99999:80 IMAGE", code: 125, stderr: `ferry: invalid port.*\n  .+` },
  {
    name: "too little memory",
    argv: "run -m 1k IMAGE",
    code: 125,
    stderr: `${daemon}Minimum memory limit.*\n  see: ferry run --help`,
  },
  {
    name: "bad subnet",
    argv: "network create --subnet 300.0.0.0/8 x",
    code: 1,
    stderr: `${daemon}invalid CIDR address: 300.0.0.0/8\n  .+`,
  },
];

type ApiCase = {
  readonly name: string;
  readonly request: readonly [method: string, path: string, body?: unknown, headers?: Record<string, string>];
  readonly status: number;
  readonly message: RegExp;
};

/** Docker's statuses and messages. */
export const apiCases: readonly ApiCase[] = [
  {
    name: "unknown image",
    request: ["POST", "/v1.41/containers/create", { Image: "nosuch" }],
    status: 404,
    message: /^No such image: nosuch:latest$/,
  },
  {
    name: "malformed JSON",
    request: ["POST", "/v1.41/containers/create", "{nope"],
    status: 400,
    message: /^invalid JSON: /,
  },
  { name: "no object", request: ["POST", "/v1.41/containers/create", "[]"], status: 400, message: /not an object/ },
  {
    name: "wrong type",
    request: ["POST", "/v1.41/containers/create", { Image: 7 }],
    status: 400,
    message: /^invalid JSON: Image: is not a string$/,
  },
  {
    name: "no body",
    request: ["POST", "/v1.41/containers/create", ""],
    status: 400,
    message: /^config cannot be empty in order to create a container$/,
  },
  {
    name: "oversized body",
    request: ["POST", "/v1.41/containers/create", { Image: "x".repeat(17 << 20) }],
    status: 400,
    message: /larger than \d+ bytes/,
  },
  {
    name: "wrong content type",
    request: ["POST", "/v1.41/containers/create", "{}", { "content-type": "text/plain" }],
    status: 400,
    message: /^unsupported Content-Type header \(text\/plain\)/,
  },
  {
    name: "bad name",
    request: ["POST", "/v1.41/containers/create?name=a*b", { Image: "IMAGE" }],
    status: 400,
    message: /^Invalid container name \(a\*b\)/,
  },
  {
    name: "name already used",
    request: ["POST", "/v1.41/containers/taken/rename?name=taken"],
    status: 400,
    message: /name/i,
  },
  {
    name: "unknown container",
    request: ["POST", "/v1.41/containers/nosuch/start"],
    status: 404,
    message: /^No such container: nosuch$/,
  },
  {
    name: "remove what runs",
    request: ["DELETE", "/v1.41/containers/taken"],
    status: 409,
    message: /cannot remove container/i,
  },
  {
    name: "unknown network",
    request: ["DELETE", "/v1.41/networks/nosuch"],
    status: 404,
    message: /^network nosuch not found$/,
  },
  { name: "unknown volume", request: ["DELETE", "/v1.41/volumes/nosuch"], status: 404, message: /no such volume$/ },
  { name: "unknown route", request: ["GET", "/v1.41/nothing"], status: 404, message: /^page not found$/ },
  { name: "what is not there", request: ["POST", "/v1.41/build"], status: 501, message: /build/ },
  {
    name: "too new a client",
    request: ["GET", "/v1.99/info"],
    status: 400,
    message: /^client version 1\.99 is too new\. /,
  },
  {
    name: "too old a client",
    request: ["GET", "/v1.12/info"],
    status: 400,
    message: /^client version 1\.12 is too old\. /,
  },
];
