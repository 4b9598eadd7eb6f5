import { print } from "../output.ts";

/**
 * Prints one object: `json` on one line, a template, or with no format what `plain` makes of it.
 *
 * @throws CliError for a template that does not fit
 */
export async function printObject(
  value: unknown,
  format: string | undefined,
  plain: (() => string) | undefined,
): Promise<void> {
  if (format === "json") print(JSON.stringify(value));
  else if (format === undefined || format === "" || format === "table") {
    print(plain === undefined ? JSON.stringify(value, undefined, 4) : plain());
  } else {
    const { compileTemplate } = await import("./template.ts");
    print(compileTemplate(format.replaceAll("\\t", "\t").replaceAll("\\n", "\n"), { strict: false })(value));
  }
}
