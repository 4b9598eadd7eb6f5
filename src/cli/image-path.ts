/** Path of an image in the API; the slashes of its name stay. */
export function imagePath(name: string): string {
  return `/images/${name.split("/").map(encodeURIComponent).join("/")}`;
}
