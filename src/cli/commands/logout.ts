import { readCredentials, writeCredentials } from "../auth/credential-file.ts";
import { helperOf } from "../auth/registry-auth.ts";
import type { Command } from "../command.ts";
import { print } from "../output.ts";
import { dockerHub } from "./login.ts";

export const logout: Command = {
  usage: "[SERVER]",
  summary: "Log out from a registry",
  flags: "",
  args: { min: 0, max: 1 },
  example: "ferry logout registry.example.com",
  run: async (_session, { args: [server] }) => {
    const registry = server === undefined ? dockerHub : server.replace(/^https?:\/\//, "").replace(/\/$/, "");
    const file = await readCredentials();
    const helper = helperOf(file, registry);
    const known = helper !== undefined || file.auths?.[registry] !== undefined;
    if (!known) {
      print(`Not logged in to ${registry}`);
      return 0;
    }
    print(`Removing login credentials for ${registry}`);
    if (helper !== undefined) {
      const { runHelper } = await import("../auth/credential-helper.ts");
      await runHelper(helper, "erase", registry);
    }
    const { [registry]: _gone, ...auths } = file.auths ?? {};
    if (_gone !== undefined) await writeCredentials({ ...file, auths });
    return 0;
  },
};
