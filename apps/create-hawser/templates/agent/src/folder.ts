import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defineHandler } from "@hawser/agent";
import { defineKind } from "@hawser/protocol";
import { z } from "zod";

/** A directory with a note in it. The principal may use the same definition, and gets the same types. */
export const Folder = defineKind("Folder", {
  spec: z.object({
    /** What its file note.txt says. */
    note: z.string().max(10_000).default(""),
  }),
  status: z.object({
    path: z.string(),
    /** `mended`: somebody else had removed it, or changed its note. */
    state: z.enum(["made", "mended"]),
  }),
});

/**
 * Makes folders below `root`. Each of these may be called again for the same version, after a crash for instance: what is there is compared with what shall be, so doing it twice does no
 * harm. The names of resources are safe as names of files.
 */
export function folderHandler(root: string) {
  const pathOf = (name: string) => join(root, name);
  const noteOf = (name: string) => join(pathOf(name), "note.txt");

  async function make(name: string, note: string): Promise<void> {
    await mkdir(pathOf(name), { recursive: true });
    await writeFile(noteOf(name), note);
  }

  return defineHandler(Folder, {
    async apply({ name, spec }) {
      await make(name, spec.note);
      return { path: pathOf(name), state: "made" };
    },

    async delete({ name }) {
      await rm(pathOf(name), { recursive: true, force: true });
    },

    // After the start, and every minute: is it still so?
    async check({ name, spec }) {
      if ((await textOf(noteOf(name))) === spec.note) return undefined;
      await make(name, spec.note);
      return { path: pathOf(name), state: "mended" };
    },
  });
}

/** Undefined when there is no such file. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return undefined;
    throw thrown;
  }
}
