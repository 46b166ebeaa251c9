import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import type { DeletedResource, DesiredResource, HandlerContext, ResourceHandler } from "@hawser/agent";
import { HawserError, type JsonValue } from "@hawser/protocol";
import { z } from "zod";
import { writeAtomically } from "../files/atomic-write.js";
import { Journal } from "../files/journal.js";
import { AllowedRoot, type HeldDirectory } from "./allowed-root.js";
import { parseConfigFileSpec, type ConfigFileLimits, type ConfigFileSpec } from "./config-file-spec.js";
import { fingerprint, holds, removeIfWritten } from "./written-file.js";

export interface ConfigFileOptions {
  /** Files are written below this directory and nowhere else. Made when it is missing. Undefined: every spec is refused with `kind_disabled`. */
  readonly root: string | undefined;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Where the handler notes what it wrote, so that it knows after a crash. */
  readonly stateDirectory: string;
  /** Largest content in bytes. @default DEFAULT_MAX_FILE_BYTES (1,000,000: more than an event can carry) */
  readonly maxBytes?: number;
  /** Files held at once; one more is tried again later. @default DEFAULT_MAX_FILES (10,000) */
  readonly maxFiles?: number;
  /** What is done about a file that somebody else changed or removed. @default "repair" */
  readonly drift?: DriftPolicy;
  /** Permission bits that a spec may ask for. @default DEFAULT_MAX_MODE (0755) */
  readonly maxMode?: number;
}

export const DEFAULT_MAX_FILE_BYTES = 1_000_000;
export const DEFAULT_MAX_FILES = 10_000;
export const DEFAULT_MAX_MODE = 0o755;

/** `repair`: it is written again. `report`: its status says so. */
export const DRIFT_POLICIES = ["repair", "report"] as const;
export type DriftPolicy = (typeof DRIFT_POLICIES)[number];

const HOW_TO_TURN_ON =
  "ConfigFile: this agent writes no files for the principal; start it with --config-file-root <directory>, below which it may";

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
 * Status `{ state: "written", path, bytes, sha256, leftBehind?, repairs?, repairedAt? }`; a file that somebody else changed or removed is found by `check`, and written again, or `state` is `drifted`. When `path` changes or the resource is deleted the old file is removed, but only while it still holds what was
 * written; a file that was changed since is left, named in `leftBehind` and in the log. Directories stay.
 */
export class ConfigFileHandler implements ResourceHandler {
  readonly #root: AllowedRoot | undefined;
  readonly #journal: Journal<typeof writtenSchema>;
  readonly #limits: ConfigFileLimits;
  readonly #maxFiles: number;
  readonly #drift: DriftPolicy;
  readonly #now: () => number;
  /** What each file was like when it was seen to be right, by name. */
  readonly #seen = new Map<string, string>();
  /** Whose status says that they are not as they were written. */
  readonly #drifted = new Set<string>();
  /** How often each file was written again, and when last, since its spec came; by name. */
  readonly #repairs = new Map<string, { readonly version: string; count: number; at: number }>();
  /** Real path to the name of the resource it belongs to; two resources cannot have the same file. */
  readonly #owners = new Map<string, string>();
  #ownersLoaded: Promise<void> | undefined;

  constructor(options: ConfigFileOptions) {
    this.#root = options.root === undefined ? undefined : new AllowedRoot(options.root);
    this.#journal = new Journal(join(options.stateDirectory, "config-file"), writtenSchema);
    const { maxBytes = DEFAULT_MAX_FILE_BYTES, maxMode = DEFAULT_MAX_MODE } = options;
    this.#limits = { maxBytes, maxMode };
    this.#maxFiles = options.maxFiles ?? DEFAULT_MAX_FILES;
    this.#drift = options.drift ?? "repair";
    this.#now = options.now;
  }

  async apply(resource: DesiredResource, { logger }: HandlerContext): Promise<JsonValue> {
    const root = this.#root;
    if (root === undefined) throw new HawserError("kind_disabled", HOW_TO_TURN_ON);
    const spec = parseConfigFileSpec(resource.spec, this.#limits);
    const sha256 = createHash("sha256").update(spec.content).digest("hex");
    const earlier = (await this.#journal.load(resource.name))?.written ?? [];
    const path = await root.inside(spec.segments, (directory) =>
      this.#write(resource.name, spec, sha256, directory, earlier),
    );
    const leftBehind = await this.#removeOthers(resource.name, earlier, path);
    await this.#journal.save(resource.name, { written: [{ path, sha256 }] });
    for (const left of leftBehind)
      logger.warn(
        { path: left },
        "left an old file: it was changed since, or is not below --config-file-root",
      );
    this.#seen.delete(resource.name);
    this.#drifted.delete(resource.name);
    const status = statusOf(spec, sha256);
    return leftBehind.length === 0 ? status : { ...status, leftBehind };
  }

  async check(resource: DesiredResource, context: HandlerContext): Promise<JsonValue | void> {
    const { name, version } = resource;
    if (this.#root === undefined) return undefined;
    const spec = parseConfigFileSpec(resource.spec, this.#limits);
    const sha256 = createHash("sha256").update(spec.content).digest("hex");
    const written = (await this.#journal.load(name))?.written.at(-1);
    if (written?.sha256 !== sha256) return undefined;
    const drift = await this.#driftOf(name, written.path, sha256, spec.mode);
    if (drift === undefined) return this.#drifted.delete(name) ? statusOf(spec, sha256) : undefined;
    if (this.#drift === "report") {
      this.#drifted.add(name);
      context.logger.warn({ path: written.path, drift }, "a file is not as it was written; it is left so");
      return { ...statusOf(spec, sha256), state: "drifted", drift };
    }
    context.logger.warn(
      { path: written.path, drift },
      "a file was not as it was written; it is written again",
    );
    const status = await this.apply(resource, context);
    const before = this.#repairs.get(name);
    const count = before?.version === version ? before.count + 1 : 1;
    const at = this.#now();
    this.#repairs.set(name, { version, count, at });
    return { ...Object(status), repairs: count, repairedAt: new Date(at).toISOString() };
  }

  /** How a file differs from what was written; undefined when it does not, as far as a glance tells. */
  async #driftOf(
    name: string,
    path: string,
    sha256: string,
    mode: number,
  ): Promise<"missing" | "changed" | undefined> {
    const look = async (directory: HeldDirectory): Promise<"missing" | "changed" | undefined> => {
      const target = join(directory.path, basename(path));
      const found = await fingerprint(target);
      if (found === undefined) return "missing";
      if (found === this.#seen.get(name)) return undefined;
      if (!(await holds(target, sha256, mode))) return "changed";
      this.#seen.set(name, found);
      return undefined;
    };
    const drift = await this.#root?.insideIfThere(path, async (directory) => ({
      found: await look(directory),
    }));
    return drift === undefined ? "missing" : drift.found;
  }

  async delete(resource: DeletedResource, { logger }: HandlerContext): Promise<void> {
    this.#seen.delete(resource.name);
    this.#repairs.delete(resource.name);
    this.#drifted.delete(resource.name);
    await this.#loadOwners();
    const { written } = (await this.#journal.load(resource.name)) ?? { written: [] };
    const leftBehind = await this.#removeOthers(resource.name, written, undefined);
    for (const left of leftBehind)
      logger.warn({ path: left }, "left the file: it was changed since, or is not below --config-file-root");
    await this.#journal.remove(resource.name);
  }

  /** Writes the file unless it is right already; answers its real path. */
  async #write(
    name: string,
    spec: ConfigFileSpec,
    sha256: string,
    directory: HeldDirectory,
    earlier: Written,
  ): Promise<string> {
    const fileName = spec.segments.at(-1) ?? "";
    const path = join(directory.realPath, fileName);
    await this.#claim(path, name);
    const target = join(directory.path, fileName);
    if (await holds(target, sha256, spec.mode)) return path;
    // Noted before it is done: after a crash in between, the file is known whichever content it has.
    await this.#journal.save(name, { written: [...earlier, { path, sha256 }].slice(-MAX_WRITTEN) });
    const temporaryName = `.hawser-${createHash("sha256").update(name).digest("hex").slice(0, 16)}.tmp`;
    await writeAtomically({ path: target, content: spec.content, mode: spec.mode, temporaryName });
    return path;
  }

  /** Removes what was written at other paths than `keep`; answers the paths it had to leave. */
  async #removeOthers(name: string, written: Written, keep: string | undefined): Promise<readonly string[]> {
    const leftBehind: string[] = [];
    for (const path of new Set(written.map((each) => each.path))) {
      if (path === keep) continue;
      const known = written.filter((each) => each.path === path).map((each) => each.sha256);
      if (!(await this.#removeWritten(path, known))) leftBehind.push(path);
    }
    // Whatever else was claimed, by a try that failed too, is free again.
    for (const [path, owner] of this.#owners) {
      if (owner === name && path !== keep) this.#owners.delete(path);
    }
    return leftBehind;
  }

  /** False when it is there and was left: its content is another, or the agent may not write there any more. */
  async #removeWritten(path: string, known: readonly string[]): Promise<boolean> {
    if (this.#root === undefined) return false;
    try {
      const removed = await this.#root.insideIfThere(path, (directory) =>
        removeIfWritten(join(directory.path, basename(path)), known),
      );
      return removed ?? true;
    } catch (thrown) {
      if (thrown instanceof HawserError && thrown.code === "handler_rejected") return false;
      throw thrown;
    }
  }

  // Not a permanent refusal: the other resource may be on its way out.
  async #claim(path: string, name: string): Promise<void> {
    await this.#loadOwners();
    const owner = this.#owners.get(path);
    if (owner !== undefined && owner !== name) {
      throw new Error(`${path} belongs to ConfigFile/${owner}; give it another path or delete that one`);
    }
    if (owner === undefined && this.#owners.size >= this.#maxFiles && !this.#owns(name))
      throw new Error(`this agent holds ${this.#maxFiles} files already; delete one or raise its limit`);
    this.#owners.set(path, name);
  }

  #owns(name: string): boolean {
    for (const owner of this.#owners.values()) if (owner === name) return true;
    return false;
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

function statusOf(spec: ConfigFileSpec, sha256: string): Record<string, JsonValue> {
  return { state: "written", path: spec.segments.join("/"), bytes: spec.content.byteLength, sha256 };
}
