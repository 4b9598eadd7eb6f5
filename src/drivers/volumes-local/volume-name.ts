import { EngineError } from "#base/errors.ts";

const nameForm = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/** @throws invalidArgument with Docker's text (moby daemon/volume/local/local.go). A good name is a good file name too. */
export function checkVolumeName(name: string): void {
  const fail = (why: string) => new EngineError("invalidArgument", `create ${name}: ${why}`);
  if (name.length === 1) {
    throw fail("volume name is too short, names should be at least two alphanumeric characters");
  }
  if (!nameForm.test(name)) {
    throw fail(
      `${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. ` +
        "If you intended to pass a host directory, use absolute path",
    );
  }
  if (name.length > 255) throw fail("volume name is longer than 255 characters");
}

/** @throws notImplemented for the mount options of Docker's local driver @throws invalidArgument for any other */
export function checkVolumeOptions(options: Readonly<Record<string, string>>): void {
  for (const option of Object.keys(options)) {
    if (["type", "device", "o", "size"].includes(option)) {
      throw new EngineError("notImplemented", `volume option ${option}: not supported; bind-mount a directory instead`);
    }
    throw new EngineError("invalidArgument", `invalid option: ${JSON.stringify(option)}`);
  }
}
