import { readFileSync } from "node:fs";

/** A certificate or key of the folder beside this file. */
export function pem(name: string): Buffer {
  return readFileSync(new URL(`certificates/${name}.pem`, import.meta.url));
}
