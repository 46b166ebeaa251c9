import { createHash } from "node:crypto";
import { join } from "node:path";
import type { DeletedResource, DesiredResource, HandlerContext, ResourceHandler } from "@hawser/agent";
import type { JsonValue } from "@hawser/protocol";
import { z } from "zod";
import { writeAtomically } from "../files/atomic-write.js";
import { Journal } from "../files/journal.js";
import { AllowedRoot } from "./allowed-root.js";
import { parseConfigFileSpec, type ConfigFileSpec } from "./config-file-spec.js";
import { holds, removeIfWritten } from "./written-file.js";

export interface ConfigFileOptions {
  /** Files are written below this directory and nowhere else. Made when it is missing. */
  readonly root: string;
  /** Where the handler notes what it wrote, so that it knows after a crash. */
  readonly stateDirectory: string;
  /** Largest content in bytes. @default DEFAULT_MAX_FILE_BYTES (1,000,000: more than an event can carry) */
  readonly maxBytes?: number;
}

const DEFAULT_MAX_FILE_BYTES = 1_000_000;

/** Versions of one file a record remembers as possibly written; beyond, the oldest are forgotten and such a file is left alone at delete. */
const MAX_WRITTEN = 32;

const writtenSchema = z.strictObject({
  /** What may be on disk because of this resource: real path and SHA-256 of the content, oldest first. */
  written: z.array(z.strictObject({ path: z.string(), sha256: z.string() })),
});
type Written = z.output<typeof writtenSchema>["written"];

/**
 * Kind `ConfigFile`: spec `{ path, content | contentBase64, mode? }` becomes a file below the allowed root, replaced atomically.
 *
 * Status `{ state: "written", path, bytes, sha256, leftBehind? }`. When `path` changes or the resource is deleted the old file is removed, but only while it still holds what was
 * written; a file that was changed since is left, named in `leftBehind` and in the log. Directories stay.
 */
export class ConfigFileHandler implements ResourceHandler {
  readonly #root: AllowedRoot;
  readonly #journal: Journal<typeof writtenSchema>;
  readonly #maxBytes: number;
  /** Real path to the name of the resource it belongs to; two resources cannot have the same file. */
  readonly #owners = new Map<string, string>();
  #ownersLoaded: Promise<void> | undefined;

  constructor(options: ConfigFileOptions) {
    this.#root = new AllowedRoot(options.root);
    this.#journal = new Journal(join(options.stateDirectory, "config-file"), writtenSchema);
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_FILE_BYTES;
  }

  async apply(resource: DesiredResource, { logger }: HandlerContext): Promise<JsonValue> {
    const spec = parseConfigFileSpec(resource.spec, this.#maxBytes);
    const path = await this.#root.resolve(spec.segments);
    await this.#claim(path, resource.name);
    const sha256 = createHash("sha256").update(spec.content).digest("hex");
    const earlier = (await this.#journal.load(resource.name))?.written ?? [];
    await this.#write(resource.name, spec, { path, sha256 }, earlier);
    const leftBehind = await this.#removeOthers(resource.name, earlier, path);
    await this.#journal.save(resource.name, { written: [{ path, sha256 }] });
    for (const left of leftBehind) logger.warn({ path: left }, "left an old file: it was changed since");
    const status = {
      state: "written",
      path: spec.segments.join("/"),
      bytes: spec.content.byteLength,
      sha256,
    };
    return leftBehind.length === 0 ? status : { ...status, leftBehind };
  }

  async delete(resource: DeletedResource, { logger }: HandlerContext): Promise<void> {
    await this.#loadOwners();
    const { written } = (await this.#journal.load(resource.name)) ?? { written: [] };
    const leftBehind = await this.#removeOthers(resource.name, written, undefined);
    for (const left of leftBehind) logger.warn({ path: left }, "left the file: it was changed since");
    await this.#journal.remove(resource.name);
  }

  async #write(name: string, spec: ConfigFileSpec, next: Written[number], earlier: Written): Promise<void> {
    if (await holds(next.path, next.sha256, spec.mode)) return;
    // Noted before it is done: after a crash in between, the file is known whichever content it has.
    await this.#journal.save(name, { written: [...earlier, next].slice(-MAX_WRITTEN) });
    const temporaryName = `.hawser-${createHash("sha256").update(name).digest("hex").slice(0, 16)}.tmp`;
    await writeAtomically({ path: next.path, content: spec.content, mode: spec.mode, temporaryName });
  }

  /** Removes what was written at other paths than `keep`; answers the paths it had to leave. */
  async #removeOthers(name: string, written: Written, keep: string | undefined): Promise<readonly string[]> {
    const leftBehind: string[] = [];
    for (const path of new Set(written.map((each) => each.path))) {
      if (path === keep) continue;
      const known = written.filter((each) => each.path === path).map((each) => each.sha256);
      if (!(await removeIfWritten(path, known))) leftBehind.push(path);
    }
    // Whatever else was claimed, by a try that failed too, is free again.
    for (const [path, owner] of this.#owners) {
      if (owner === name && path !== keep) this.#owners.delete(path);
    }
    return leftBehind;
  }

  // Not a permanent refusal: the other resource may be on its way out.
  async #claim(path: string, name: string): Promise<void> {
    await this.#loadOwners();
    const owner = this.#owners.get(path);
    if (owner !== undefined && owner !== name) {
      throw new Error(`${path} belongs to ConfigFile/${owner}; give it another path or delete that one`);
    }
    this.#owners.set(path, name);
  }

  #loadOwners(): Promise<void> {
    this.#ownersLoaded ??= this.#readOwners().catch((thrown: unknown) => {
      this.#ownersLoaded = undefined;
      throw thrown;
    });
    return this.#ownersLoaded;
  }

  async #readOwners(): Promise<void> {
    for (const [name, { written }] of await this.#journal.list()) {
      for (const { path } of written) this.#owners.set(path, name);
    }
  }
}
