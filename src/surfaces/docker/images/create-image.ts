import { EngineError } from "#base/errors.ts";
import { parsePlatform } from "#core/images/platform.ts";
import { familiarRepository, formatFamiliar, parseReference, withDefaultTag } from "#core/images/reference.ts";
import { pullImage, type PullRequest } from "#engine/pull-image.ts";
import { encodeMessage, errorMessage, message } from "../json-messages.ts";
import { registryAccess } from "../registry-auth.ts";
import { taken, type Answer, type RouteContext } from "../route.ts";
import { toPullError } from "./access-denied.ts";
import { importImageRoute } from "./import-image.ts";
import { toPullMessage } from "./layer-messages.ts";

/** `docker pull`, and `docker import` where there is `fromSrc`. */
export async function createImage(context: RouteContext): Promise<Answer> {
  const { query } = context;
  if (query.text("fromImage") === "") return await importImageRoute(context);
  const { reference, familiar, path } = pullReference(query.text("fromImage"), query.text("tag"));
  const access = registryAccess(context.headers["x-registry-auth"]);
  context.note({ image: reference });
  const out = context.stream("application/json");
  try {
    const pulled = await pullImage(context.call, context.engine, {
      reference,
      ...access,
      ...wantedPlatform(context, query.text("platform")),
      onProgress(progress) {
        const line =
          progress.t === "resolved"
            ? message(`Pulling from ${path}`, { id: tagOf(reference) })
            : toPullMessage(progress);
        if (line !== undefined) out.offer(encodeMessage(line));
      },
    });
    const what = pulled.changed ? "Downloaded newer image for" : "Image is up to date for";
    await out.write(encodeMessage(message(`Digest: ${pulled.image.target.digest}`)));
    await out.write(encodeMessage(message(`Status: ${what} ${familiar}`)));
  } catch (thrown) {
    const error = toPullError(thrown, reference, access.auth !== undefined);
    if (!out.started) throw error;
    context.noteFailure(error);
    await out.write(encodeMessage(errorMessage(error)));
  }
  out.end();
  return taken;
}

/** `platform=all` is Ferry's own: every image of an index. @throws invalidArgument */
function wantedPlatform({ engine }: RouteContext, platform: string): Pick<PullRequest, "platform" | "allPlatforms"> {
  if (platform === "all") return { allPlatforms: true };
  return platform === "" ? {} : { platform: parsePlatform(platform, engine.settings.platform) };
}

/** `tag` may be a digest. @throws invalidArgument @throws permissionDenied for `scratch` */
function pullReference(image: string, tag: string): { reference: string; familiar: string; path: string } {
  const bare = image.replace(/:$/, "");
  const { domain, path, tag: ownTag, digest } = parseReference(bare);
  const repository = `${domain}/${path}`;
  const suffix = tag === "" ? suffixOf(ownTag, digest) : tag.includes(":") ? `@${tag}` : `:${tag}`;
  const reference = withDefaultTag(parseReference(`${repository}${suffix}`));
  if (familiarRepository(reference) === "scratch") {
    throw new EngineError("permissionDenied", "'scratch' is a reserved name");
  }
  const familiar = formatFamiliar(reference);
  return { reference: familiar, familiar, path };
}

function suffixOf(tag: string | undefined, digest: string | undefined): string {
  return `${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

function tagOf(reference: string): string {
  const { tag, digest } = withDefaultTag(parseReference(reference));
  return digest ?? tag ?? "";
}
