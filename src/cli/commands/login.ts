import { helperOf, type Credentials } from "../auth/registry-auth.ts";
import { credentialPath, readCredentials, writeCredentials } from "../auth/credential-file.ts";
import { CliError } from "../cli-error.ts";
import type { Command, Input } from "../command.ts";
import { isTerminal, print, warn } from "../output.ts";
import { ask } from "../ask.ts";
import type { Session } from "../session.ts";

export const dockerHub = "https://index.docker.io/v1/";

export const login: Command = {
  usage: "[OPTIONS] [SERVER]",
  summary: "Authenticate to a registry",
  flags: `
-p, --password string   Password or access token (better: --password-stdin)
    --password-stdin    Take the password or access token from stdin
-u, --username string   Username
`,
  args: { min: 0, max: 1 },
  example: "ferry login -u me --password-stdin registry.example.com < token",
  run,
};

async function run(session: Session, { flags, args: [server] }: Input): Promise<number> {
  const registry = server === undefined ? dockerHub : server.replace(/^https?:\/\//, "").replace(/\/$/, "");
  const username = flags.text("username") ?? (await askFor("Username: ", false));
  if (username === "") throw new CliError("username is required", { next: "ferry login -u NAME" });
  const password = await readPassword(flags.text("password"), flags.bool("password-stdin"));
  if (password === "") throw new CliError("password is required");
  const credentials = { username, password, serveraddress: registry };
  const answer = await session.client.json<{ Status?: string; IdentityToken?: string }>({
    method: "POST",
    path: "/auth",
    json: credentials,
  });
  const token = answer.IdentityToken ?? "";
  await store(token === "" ? credentials : { identitytoken: token, username, serveraddress: registry });
  print(answer.Status ?? "Login Succeeded");
  return 0;
}

async function readPassword(given: string | undefined, fromStdin: boolean): Promise<string> {
  if (given !== undefined && fromStdin) throw new CliError("--password and --password-stdin are mutually exclusive");
  if (given !== undefined) {
    warn("WARNING! Using --password via the CLI is insecure. Use --password-stdin.");
    return given;
  }
  if (!fromStdin) return await askFor("Password: ", true);
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, "");
}

async function askFor(question: string, hidden: boolean): Promise<string> {
  if (!isTerminal(0)) {
    throw new CliError("cannot perform an interactive login from a non TTY device", {
      next: "ferry login -u NAME --password-stdin",
    });
  }
  return await ask(question, hidden);
}

async function store(credentials: Credentials): Promise<void> {
  const { username = "", password, identitytoken, serveraddress } = credentials;
  const file = await readCredentials();
  const helper = helperOf(file, serveraddress);
  if (helper !== undefined) {
    const { runHelper } = await import("../auth/credential-helper.ts");
    const entry = {
      ServerURL: serveraddress,
      Username: identitytoken === undefined ? username : "<token>",
      Secret: identitytoken ?? password ?? "",
    };
    await runHelper(helper, "store", JSON.stringify(entry));
    return;
  }
  const auth = Buffer.from(`${username}:${password ?? ""}`).toString("base64");
  const entry = identitytoken === undefined ? { auth } : { auth, identitytoken };
  await writeCredentials({ ...file, auths: { ...file.auths, [serveraddress]: entry } });
  warn(`WARNING! Your credentials are stored unencrypted in '${credentialPath()}'.`);
}
