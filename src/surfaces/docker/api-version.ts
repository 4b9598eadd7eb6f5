import { EngineError } from "#base/errors.ts";

/**
 * Versions of Docker's API are `1.<minor>`; here the minor number alone stands for one: `api >= 44`.
 * Source: moby api/docs/CHANGELOG.md, which says what each brought.
 */
export type ApiVersion = number;

export const minApi: ApiVersion = 41;
export const maxApi: ApiVersion = 55;

export function formatApi(api: ApiVersion): string {
  return `1.${api}`;
}

/**
 * The version of a path's `/v1.xx` prefix; without one the newest.
 *
 * @throws invalidArgument with Docker's text when it is too old or too new
 */
export function negotiateApi(text: string | undefined): ApiVersion {
  if (text === undefined) return maxApi;
  const [major = 0, minor = 0] = text.split(".").map(Number);
  if (major < 1 || (major === 1 && minor < minApi)) {
    throw new EngineError(
      "invalidArgument",
      `client version ${text} is too old. Minimum supported API version is ${formatApi(minApi)}, please upgrade your client to a newer version`,
    );
  }
  if (major > 1 || minor > maxApi) {
    throw new EngineError(
      "invalidArgument",
      `client version ${text} is too new. Maximum supported API version is ${formatApi(maxApi)}`,
    );
  }
  return minor;
}
