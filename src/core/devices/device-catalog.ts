import type { Call } from "#core/call.ts";
import type { DeviceEdits } from "./device-edits.ts";

/** Devices that this machine's vendors described. */
export interface DeviceCatalog {
  /**
   * What containers with the devices `names` (`vendor.com/class=name`) are made with, all together and in order; a device
   * that is named twice counts once.
   *
   * @throws invalidArgument naming each one that is not known, and descriptions that could not be read
   */
  editsFor(call: Call, names: readonly string[]): Promise<DeviceEdits>;
}
