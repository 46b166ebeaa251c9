// Native modules come prebuilt for many platforms; an image has one.
import { closeSync, openSync, readdirSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import { entriesBelow } from "./entries-below.mjs";

/** As Docker names an architecture, as Node does, and as an ELF file does in its header. @type {Record<string, { node: string, elf: number }>} */
const ARCHITECTURES = {
  amd64: { node: "x64", elf: 62 },
  arm64: { node: "arm64", elf: 183 },
};
const ELF_MAGIC = 0x7f454c46;
const ELF_MACHINE_OFFSET = 18;

/** @typedef {{ os: string, arch: string, elfMachine: number }} Platform as Node and ELF say it */

/** @param {string} platform "linux/arm64", as Docker says it @returns {Platform} */
export function parsePlatform(platform) {
  const [os, name = "", ...rest] = platform.split("/");
  const architecture = ARCHITECTURES[name];
  if (os !== "linux" || architecture === undefined || rest.length > 0)
    throw new Error(
      `'${platform}' is none of ${Object.keys(ARCHITECTURES)
        .map((known) => `linux/${known}`)
        .join(", ")}`,
    );
  return { os, arch: architecture.node, elfMachine: architecture.elf };
}

/** Removes what is prebuilt for other platforms: most of the size of a native package. @param {string} folder @param {Platform} platform */
export function pruneNativeModules(folder, { os, arch }) {
  for (const path of prebuildsBelow(folder))
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      // Names are platform-arch, with several architectures joined by a plus.
      const [platform, arches = ""] = entry.name.split("-");
      const ours = platform === os && arches.split("+").includes(arch);
      if (entry.isDirectory() && !ours) rmSync(join(path, entry.name), { recursive: true });
    }
}

/**
 * Native code that would not run on this platform, and packages that lost all of theirs.
 *
 * @param {string} folder
 * @param {Platform} platform
 * @returns {string[]} complaints
 */
export function nativeComplaints(folder, { os, arch, elfMachine }) {
  const bare = prebuildsBelow(folder).filter(
    (path) => !readdirSync(path).some((name) => name.startsWith(`${os}-`)),
  );
  const files = entriesBelow(folder).filter(({ entry }) => entry.isFile());
  const foreign = files
    .map(({ path }) => ({ path, machine: elfMachineOf(path) }))
    .filter(({ machine }) => machine !== undefined && machine !== elfMachine);
  return [
    ...bare.map((path) => `${path}: nothing is prebuilt for ${os}-${arch}`),
    ...foreign.map(
      ({ path, machine }) => `${path}: is for ELF machine ${machine}, not ${elfMachine} (${arch})`,
    ),
  ];
}

/** @param {string} folder */
function prebuildsBelow(folder) {
  return entriesBelow(folder)
    .filter(({ name, entry }) => name === "prebuilds" && entry.isDirectory())
    .map(({ path }) => path);
}

/** @param {string} path @returns {number | undefined} undefined for what is not an ELF file */
function elfMachineOf(path) {
  const header = Buffer.alloc(ELF_MACHINE_OFFSET + 2);
  const file = openSync(path, "r");
  const read = readSync(file, header, 0, header.length, 0);
  closeSync(file);
  if (read < header.length || header.readUInt32BE(0) !== ELF_MAGIC) return undefined;
  return header.readUInt16LE(ELF_MACHINE_OFFSET);
}
