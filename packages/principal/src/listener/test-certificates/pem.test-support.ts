import { readFileSync } from "node:fs";

/** A certificate or key of this folder. */
export function pem(name: string): Buffer {
  return readFileSync(new URL(`${name}.pem`, import.meta.url));
}
