import type { Command } from "./command.ts";

type Entry = { readonly summary: string; readonly load: () => Promise<Command> };

/** Every command by the words that name it; a command's file is loaded when it is called. */
export const commandTable: Readonly<Record<string, Entry>> = {
  run: {
    summary: "Create and run a new container from an image",
    load: async () => (await import("./commands/run.ts")).run,
  },
  create: { summary: "Create a new container", load: async () => (await import("./commands/create.ts")).create },
  start: {
    summary: "Start one or more stopped containers",
    load: async () => (await import("./commands/start.ts")).start,
  },
  stop: { summary: "Stop one or more running containers", load: async () => (await import("./commands/stop.ts")).stop },
  restart: {
    summary: "Restart one or more containers",
    load: async () => (await import("./commands/stop.ts")).restart,
  },
  kill: { summary: "Kill one or more running containers", load: async () => (await import("./commands/kill.ts")).kill },
  pause: {
    summary: "Pause all processes within containers",
    load: async () => (await import("./commands/pause.ts")).pause,
  },
  unpause: {
    summary: "Unpause all processes within containers",
    load: async () => (await import("./commands/pause.ts")).unpause,
  },
  wait: {
    summary: "Wait until containers stop, print their exit codes",
    load: async () => (await import("./commands/wait.ts")).wait,
  },
  rm: { summary: "Remove one or more containers", load: async () => (await import("./commands/rm.ts")).rm },
  rename: { summary: "Rename a container", load: async () => (await import("./commands/rename.ts")).rename },
  update: {
    summary: "Update configuration of containers",
    load: async () => (await import("./commands/update.ts")).update,
  },
  pods: { summary: "List the kubelet's pods", load: async () => (await import("./commands/pods.ts")).pods },
  ps: { summary: "List containers", load: async () => (await import("./commands/ps.ts")).ps },
  logs: { summary: "Fetch the logs of a container", load: async () => (await import("./commands/logs.ts")).logs },
  exec: {
    summary: "Execute a command in a running container",
    load: async () => (await import("./commands/exec.ts")).exec,
  },
  attach: { summary: "Attach to a running container", load: async () => (await import("./commands/attach.ts")).attach },
  top: {
    summary: "Display the running processes of a container",
    load: async () => (await import("./commands/top.ts")).top,
  },
  stats: {
    summary: "Display resource usage of containers",
    load: async () => (await import("./commands/stats.ts")).stats,
  },
  cp: { summary: "Copy files between a container and here", load: async () => (await import("./commands/cp.ts")).cp },
  port: { summary: "List port mappings of a container", load: async () => (await import("./commands/port.ts")).port },
  inspect: {
    summary: "Return low-level information on any object",
    load: async () => (await import("./commands/inspect.ts")).inspect,
  },
  events: {
    summary: "Get real time events from the server",
    load: async () => (await import("./commands/events.ts")).events,
  },
  info: { summary: "Display system-wide information", load: async () => (await import("./commands/info.ts")).info },
  version: {
    summary: "Show the version of client and daemon",
    load: async () => (await import("./commands/version.ts")).version,
  },
  login: { summary: "Authenticate to a registry", load: async () => (await import("./commands/login.ts")).login },
  logout: { summary: "Log out from a registry", load: async () => (await import("./commands/logout.ts")).logout },
  pull: { summary: "Download an image from a registry", load: async () => (await import("./commands/pull.ts")).pull },
  push: { summary: "Upload an image to a registry", load: async () => (await import("./commands/push.ts")).push },
  images: { summary: "List images", load: async () => (await import("./commands/images.ts")).images },
  tag: { summary: "Create another name for an image", load: async () => (await import("./commands/tag.ts")).tag },
  rmi: { summary: "Remove one or more images", load: async () => (await import("./commands/rmi.ts")).rmi },
  history: {
    summary: "Show the history of an image",
    load: async () => (await import("./commands/history.ts")).history,
  },
  save: { summary: "Save images to a tar archive", load: async () => (await import("./commands/save.ts")).save },
  load: { summary: "Load images from a tar archive", load: async () => (await import("./commands/load.ts")).load },
  import: {
    summary: "Make an image from a tarball",
    load: async () => (await import("./commands/import.ts")).importImage,
  },
  completion: {
    summary: "Print a completion script for a shell",
    load: async () => (await import("./commands/completion.ts")).completion,
  },
  __complete: {
    summary: "Answers the shells' completion",
    load: async () => (await import("./commands/complete.ts")).complete,
  },
  "container inspect": {
    summary: "Display details of containers",
    load: async () => (await import("./commands/inspect.ts")).inspectKind("container"),
  },
  "container prune": {
    summary: "Remove all stopped containers",
    load: async () => (await import("./commands/prune.ts")).pruneKind("container"),
  },
  "image inspect": {
    summary: "Display details of images",
    load: async () => (await import("./commands/inspect.ts")).inspectKind("image"),
  },
  "image prune": {
    summary: "Remove unused images",
    load: async () => (await import("./commands/prune.ts")).pruneKind("image"),
  },
  "pod inspect": {
    summary: "Display details of pods",
    load: async () => (await import("./commands/inspect.ts")).inspectKind("pod"),
  },
  "network create": {
    summary: "Create a network",
    load: async () => (await import("./commands/network-create.ts")).networkCreate,
  },
  "network ls": { summary: "List networks", load: async () => (await import("./commands/network-ls.ts")).networkLs },
  "network inspect": {
    summary: "Display details of networks",
    load: async () => (await import("./commands/inspect.ts")).inspectKind("network"),
  },
  "network rm": {
    summary: "Remove one or more networks",
    load: async () => (await import("./commands/network-rm.ts")).networkRm,
  },
  "network connect": {
    summary: "Connect a container to a network",
    load: async () => (await import("./commands/network-connect.ts")).networkConnect,
  },
  "network disconnect": {
    summary: "Disconnect a container from a network",
    load: async () => (await import("./commands/network-connect.ts")).networkDisconnect,
  },
  "network prune": {
    summary: "Remove all unused networks",
    load: async () => (await import("./commands/prune.ts")).pruneKind("network"),
  },
  "volume create": {
    summary: "Create a volume",
    load: async () => (await import("./commands/volume-create.ts")).volumeCreate,
  },
  "volume ls": { summary: "List volumes", load: async () => (await import("./commands/volume-ls.ts")).volumeLs },
  "volume inspect": {
    summary: "Display details of volumes",
    load: async () => (await import("./commands/inspect.ts")).inspectKind("volume"),
  },
  "volume rm": {
    summary: "Remove one or more volumes",
    load: async () => (await import("./commands/volume-rm.ts")).volumeRm,
  },
  "volume prune": {
    summary: "Remove unused volumes",
    load: async () => (await import("./commands/prune.ts")).pruneKind("volume"),
  },
  "system df": { summary: "Show disk usage", load: async () => (await import("./commands/system-df.ts")).systemDf },
  "system prune": {
    summary: "Remove unused data",
    load: async () => (await import("./commands/prune.ts")).systemPrune,
  },
  "migrate assess": {
    summary: "Find what in a cluster depends on Docker",
    load: async () => (await import("./commands/migrate/assess.ts")).migrateAssess,
  },
  explain: {
    summary: "Say a docker command in the words of ferry, nerdctl, crictl, ctr and kubectl",
    load: async () => (await import("./commands/explain.ts")).explain,
  },
  "migrate plan": {
    summary: "Plan a node's move away from Docker; nothing is done",
    load: async () => (await import("./commands/migrate/plan.ts")).migratePlan,
  },
  "migrate convert": {
    summary: "Convert Docker's configuration, with a ledger of every key",
    load: async () => (await import("./commands/migrate/convert.ts")).migrateConvert,
  },
  "migrate doctor": {
    summary: "Predict what will go wrong with containerd's configuration",
    load: async () => (await import("./commands/migrate/doctor.ts")).migrateDoctor,
  },
  "migrate apply": {
    summary: "Move this node by a plan, or go on with it",
    load: async () => (await import("./commands/migrate/apply.ts")).migrateApply,
  },
  "migrate cluster": {
    summary: "Move many nodes away from Docker, batch by batch",
    load: async () => (await import("./commands/migrate/cluster.ts")).migrateCluster,
  },
  "migrate cluster-node": {
    summary: "What ferry migrate cluster runs on each node",
    load: async () => (await import("./commands/migrate/cluster-node.ts")).migrateClusterNode,
  },
  "migrate rollback": {
    summary: "Put this node back as it was before its move",
    load: async () => (await import("./commands/migrate/rollback.ts")).migrateRollback,
  },
  "migrate purge": {
    summary: "Remove Docker from a node that was moved",
    load: async () => (await import("./commands/migrate/purge.ts")).migratePurge,
  },
  "migrate verify": {
    summary: "Let a node show that pods have what they need",
    load: async () => (await import("./commands/migrate/verify.ts")).migrateVerify,
  },
  "migrate status": {
    summary: "Show how far this node's move has come",
    load: async () => (await import("./commands/migrate/status.ts")).migrateStatus,
  },
  "migrate images": {
    summary: "Carry images out of a stopped Docker's data root",
    load: async () => (await import("./commands/migrate/images.ts")).migrateImagesCommand,
  },
  "migrate logs": {
    summary: "Convert container logs between Docker's and CRI format",
    load: async () => (await import("./commands/migrate/logs.ts")).migrateLogs,
  },
  "migrate logs replay": {
    summary: "Write pods' Docker logs where the kubelet looks for them",
    load: async () => (await import("./commands/migrate/logs.ts")).migrateLogsReplay,
  },
  "migrate logs settings": {
    summary: "What a log collector must be told to read CRI logs",
    load: async () => (await import("./commands/migrate/logs.ts")).migrateLogsSettings,
  },
  "migrate logs check": {
    summary: "Try a log collector's settings on lines in both formats",
    load: async () => (await import("./commands/migrate/logs.ts")).migrateLogsCheck,
  },
};

/** Other names of commands. */
export const aliases: Readonly<Record<string, string>> = {
  "container run": "run",
  "container create": "create",
  "container start": "start",
  "container stop": "stop",
  "container restart": "restart",
  "container kill": "kill",
  "container pause": "pause",
  "container unpause": "unpause",
  "container wait": "wait",
  "container rm": "rm",
  "container rename": "rename",
  "container update": "update",
  "container logs": "logs",
  "container exec": "exec",
  "container attach": "attach",
  "container top": "top",
  "container stats": "stats",
  "container cp": "cp",
  "container port": "port",
  "container ls": "ps",
  "container list": "ps",
  "container ps": "ps",
  "container remove": "rm",
  "image pull": "pull",
  "image push": "push",
  "image tag": "tag",
  "image history": "history",
  "image save": "save",
  "image load": "load",
  "image import": "import",
  "image ls": "images",
  "image list": "images",
  "image rm": "rmi",
  "image remove": "rmi",
  "pod ls": "pods",
  "pod list": "pods",
  "network list": "network ls",
  "network remove": "network rm",
  "volume list": "volume ls",
  "volume remove": "volume rm",
  "system events": "events",
  "system info": "info",
};
