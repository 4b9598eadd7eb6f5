import { shellWord } from "#base/shell-word.ts";
import type { Source } from "../../host/source.ts";
import { binarySizeText } from "#base/size-text.ts";
import { readableDrivers } from "../../images/docker-store/storage-driver.ts";
import { carryForecast } from "../fix-texts.ts";
import type { DockerContainer } from "../../images/docker-store/docker-containers.ts";
import type { HostSurvey } from "../../survey/host-survey.ts";
import { fileSource, nodeCheck } from "./node-finding.ts";

const reserveBytes = 10 * 1024 ** 3;

export const diskSpace = nodeCheck(
  { id: "disk-space", title: "Too little space for images in two places", severity: "blocker" },
  function* ({ space, dataRoot }) {
    if (space === undefined) return;
    const { usedBytes, freeBytes, freeInodes, onOneFilesystem } = space;
    const isShort = freeBytes < usedBytes + reserveBytes;
    const noInodes = freeInodes < 100_000;
    if (!isShort && !noInodes) return;
    yield {
      says: isShort
        ? `${binarySizeText(freeBytes)} are free for ${binarySizeText(usedBytes)} of Docker's data`
        : `${freeInodes} inodes are left`,
      severity: onOneFilesystem ? "high" : "blocker",
      why: onOneFilesystem
        ? "Until Docker's data is purged, images are there twice, but for files that are linked: Ferry's trees, and those of containerd's overlayfs."
        : "The images go to another file system, where they do not fit; links do not reach across.",
      evidence: [
        {
          t: "system",
          what: `df ${dataRoot.path} /var/lib`,
          excerpt: `used ${usedBytes}, free ${freeBytes} bytes, ${freeInodes} inodes`,
        },
      ],
      fix: {
        summary: "Make room first, or carry over only what pods on this node use.",
        commands: ["docker system prune --all --volumes=false", carryForecast],
      },
    };
  },
);

const readable = new Set(Object.keys(readableDrivers));

export const storageDriver = nodeCheck(
  { id: "storage-driver", title: "A storage driver whose images need another way", severity: "high" },
  function* ({ dataRoot, settings }) {
    const said = settings["storage-driver"];
    const drivers = [...new Set([...dataRoot.drivers, ...(said === undefined ? [] : [said.value])])];
    for (const driver of drivers) {
      if (readable.has(driver)) continue;
      yield {
        says: `Docker's storage driver is ${driver}`,
        why: "Its layers are no directory trees that can be read with Docker stopped.",
        evidence: [said?.value === driver ? said.source : fileSource(`${dataRoot.path}/image/${driver}`)],
        fix: {
          summary: "Carry images over as archives while Docker runs, or pull them again.",
          commands: ["docker save IMAGE... | ferry load"],
        },
      };
    }
    for (const name of dataRoot.remapped) {
      yield {
        says: "Docker runs with userns-remap",
        why: "Images, volumes and their owners are shifted by a range of IDs; the new runtime starts pods without it.",
        evidence: [settings["userns-remap"]?.source ?? fileSource(`${dataRoot.path}/${name}`)],
        fix: {
          summary: `Read images from ${dataRoot.path}/${name}; give files in volumes back their own IDs; use hostUsers: false in pods.`,
          commands: [`${carryForecast} --from ${shellWord(`${dataRoot.path}/${name}`)}`],
        },
      };
    }
    if (!dataRoot.hasContainerdStore && settings.features?.value["containerd-snapshotter"] !== true) return;
    yield {
      says: "Docker keeps its images in containerd",
      severity: "medium",
      why: "They are in its namespace moby, where the kubelet does not look.",
      evidence: [settings.features?.source ?? fileSource(`${dataRoot.path}/containerd`)],
      fix: {
        summary: "Name them in the namespace k8s.io; nothing is copied.",
        commands: ["ferry migrate images --from containerd --to containerd"],
      },
    };
  },
);

export const localImages = nodeCheck(
  { id: "local-images", title: "Images on this node that no registry can give back", severity: "blocker" },
  function* ({ localImages: images }) {
    const [first] = images;
    if (first === undefined) return;
    yield {
      says:
        images.length === 1
          ? `image ${first.value} came from no registry`
          : `${images.length} images came from no registry: ${images
              .slice(0, 3)
              .map(({ value }) => value)
              .join(", ")}`,
      why: "They were built or loaded here: once Docker's data is purged they are gone.",
      evidence: images.map(({ source }) => source),
      fix: {
        summary: "Carry them over, or push them to a registry.",
        commands: [
          carryForecast,
          ...images.slice(0, 3).map(({ value }) => `docker push ${shellWord(`REGISTRY/${value}`)}`),
        ],
      },
    };
  },
);

export const otherContainers = nodeCheck(
  { id: "other-containers", title: "Containers that are not Kubernetes'", severity: "blocker" },
  function* ({ containers, dataRoot }) {
    const others = containers.filter((one) => !isOfKubernetes(one) && (one.isRunning || lives(one)));
    if (others.length > 0) {
      const projects = [...new Set(others.flatMap(({ labels }) => labels["com.docker.compose.project"] ?? []))];
      yield {
        says: `${others.length} containers run outside of Kubernetes: ${others
          .slice(0, 4)
          .map(({ name }) => name)
          .join(", ")}`,
        why: `They end with Docker, and nothing starts them again${projects.length > 0 ? ` (compose projects: ${projects.join(", ")})` : ""}.`,
        evidence: others.map((one) =>
          recordOf(dataRoot, one, `${one.name} (${one.image}, restart ${one.restartPolicy})`),
        ),
        fix: {
          summary: "Move them into pods or units, or run them with Ferry, which takes the same commands.",
          commands: others.slice(0, 4).map(({ name }) => `docker inspect ${shellWord(name)}`),
        },
      };
    }
    if (dataRoot.hasSwarm) {
      yield {
        says: "it is, or was, a node of a Swarm",
        severity: "high",
        why: "Swarm's services end with Docker.",
        evidence: [fileSource(`${dataRoot.path}/swarm`)],
        fix: {
          summary: "Look for services, move them, and leave the Swarm.",
          commands: ["docker service ls", "docker swarm leave"],
        },
      };
    }
  },
);

export const kubernetesContainers = nodeCheck(
  { id: "orphaned-containers", title: "Kubernetes' containers that Docker would be left with", severity: "high" },
  function* ({ containers, dataRoot }) {
    const own = containers.filter(isOfKubernetes);
    if (own.length === 0) return;
    const running = own.filter(({ isRunning }) => isRunning).length;
    yield {
      says: `Docker has ${own.length} containers of pods, ${running} running`,
      why: "The new kubelet does not see them: what is not removed while Docker is up keeps its ports, mounts and addresses.",
      evidence: own.slice(0, 5).map((one) => recordOf(dataRoot, one, one.name)),
      fix: {
        summary:
          "Remove them through Docker once the kubelet is stopped and before Docker is; ferry migrate apply does it in this order.",
        commands: ["docker ps -aq --filter label=io.kubernetes.docker.type | xargs -r docker rm -f"],
      },
    };
  },
);

export const volumesWithData = nodeCheck(
  { id: "docker-volumes", title: "Volumes of Docker's with data in them", severity: "blocker" },
  function* ({ volumes, dataRoot }) {
    for (const { name, bytes, uid, mounts, usedBy } of volumes) {
      if (bytes === 0 && mounts === undefined) continue;
      const path = `${dataRoot.path}/volumes/${name}/_data`;
      yield {
        says: `volume ${name} holds ${mounts ?? binarySizeText(bytes)}`,
        severity: mounts === undefined ? "blocker" : "high",
        why: `No other runtime takes it over by itself (owner ${uid}, ${usedBy.length === 0 ? "used by no container" : `used by ${usedBy.slice(0, 3).join(", ")}`}).`,
        evidence: [fileSource(path)],
        fix: {
          summary:
            "Carry it over with target ferry, which keeps named volumes, or copy the directory into a persistent volume.",
          commands: [`tar -C ${shellWord(path)} -cf ${shellWord(`/var/backups/${name}.tar`)} .`],
        },
      };
    }
  },
);

/** Evidence: a container's own record in the data root. */
function recordOf({ path }: HostSurvey["dataRoot"], { id }: DockerContainer, excerpt: string): Source {
  return fileSource(`${path}/containers/${id}/config.v2.json`, undefined, excerpt);
}

function isOfKubernetes({ labels, name }: DockerContainer): boolean {
  return (
    Object.hasOwn(labels, "io.kubernetes.pod.uid") ||
    Object.hasOwn(labels, "io.kubernetes.docker.type") ||
    name.startsWith("k8s_")
  );
}

function lives({ restartPolicy }: DockerContainer): boolean {
  return restartPolicy !== "" && restartPolicy !== "no";
}

export const logSymlinks = nodeCheck(
  { id: "log-symlinks", title: "Pod logs that are links into Docker's data", severity: "medium" },
  function* ({ logLinks }) {
    const { count, first } = logLinks;
    if (first === undefined) return;
    yield {
      says: `${count} pod logs are links into Docker's data root`,
      why: "They dangle when Docker's containers are removed: what no collector has shipped by then is lost.",
      evidence: [first.source],
      fix: {
        summary: "Let the collectors catch up, or convert the logs before the containers are removed.",
        commands: ["ferry migrate logs replay --dry-run"],
      },
    };
  },
);
