import { sizeText } from "#base/size-text.ts";
import type { MigratedImages } from "#migrate/images/migrate-images.ts";
import { shortId } from "../format/human.ts";
import { formatList, printList, type Row } from "../format/print-list.ts";
import { print, write } from "../output.ts";

const images = {
  headers: { Image: "IMAGE", ID: "IMAGE ID", Layers: "LAYERS", Carried: "CARRIED", Result: "RESULT" },
  fields: ["Image", "ID", "Layers", "Carried", "Result"],
};
const volumes = {
  headers: { Name: "VOLUME", Size: "SIZE", Owner: "OWNER", UsedBy: "USED BY", Result: "RESULT" },
  fields: ["Name", "Size", "Owner", "UsedBy", "Result"],
};
const containers = {
  headers: { Name: "CONTAINER OUTSIDE KUBERNETES", Image: "IMAGE", Restart: "RESTART", Volumes: "VOLUMES" },
  fields: ["Name", "Image", "Restart", "Volumes"],
};

/** Proofs, then what Docker has beside images; as one JSON document where that is asked for. A template is of images. */
export async function printMigratedImages(migrated: MigratedImages, format: string | undefined): Promise<void> {
  if (format === "json") return print(JSON.stringify(toJson(migrated), undefined, 2));
  await printList(imageRows(migrated), images, format);
  if (format !== undefined && format !== "table") return;
  if (migrated.volumes.length > 0)
    write(1, `\n${await formatList(migrated.volumes.map(volumeRow), volumes, undefined)}`);
  const others = migrated.containers.map((one) => ({
    Name: one.name,
    Image: one.image,
    Restart: one.restartPolicy,
    Volumes: one.volumes.join(", "),
  }));
  if (others.length > 0) write(1, `\n${await formatList(others, containers, undefined)}`);
}

function toJson({ forecast, proofs, broken, volumes: found, containers: others }: MigratedImages) {
  return { forecast, images: proofs, leftOut: broken, volumes: found, containers: others };
}

function imageRows({ proofs, broken }: MigratedImages): Row[] {
  const carried = proofs.map(({ id, names, layers }) => ({
    Image: names[0] ?? "<none>",
    ID: shortId(id),
    Layers: layers.length,
    Carried: layers.filter(({ how }) => how === "carried").length,
    Result: "verified",
  }));
  const left = broken.map(({ id, tags, problem }) => ({
    Image: tags[0] ?? "<none>",
    ID: shortId(id),
    Layers: 0,
    Carried: 0,
    Result: `left out: ${problem}`,
  }));
  return [...carried, ...left];
}

function volumeRow(volume: MigratedImages["volumes"][number]): Row {
  const { name, bytes, uid, gid, usedBy, how, mounts, anonymous } = volume;
  const left = mounts ?? (anonymous ? "left: it has no name" : "left: --volumes carries it");
  const results = { carried: "carried", kept: "kept: it had content", left };
  return { Name: name, Size: sizeText(bytes), Owner: `${uid}:${gid}`, UsedBy: usedBy.join(", "), Result: results[how] };
}
