import { createHash } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { HawserError } from "@hawser/protocol";
import { makeDirectories } from "@hawser/runtime";
import type { z } from "zod";
import { syncDirectory, writeAtomically } from "./atomic-write.js";
import { isMissing } from "./system-error.js";

/**
 * What a handler must not forget when its process dies: one small JSON file per resource, replaced atomically and synced.
 *
 * A handler writes here before it acts, so that after a crash it knows everything it may have done.
 */
export class Journal<Schema extends z.ZodType> {
  readonly #directory: string;
  readonly #schema: Schema;
  #ready = false;

  constructor(directory: string, schema: Schema) {
    this.#directory = directory;
    this.#schema = schema;
  }

  /** @throws HawserError `store_corrupt` when the record cannot be understood */
  async load(key: string): Promise<z.output<Schema> | undefined> {
    try {
      return this.#parse(key, await readFile(this.#path(key), "utf8"));
    } catch (thrown) {
      if (isMissing(thrown)) return undefined;
      throw thrown;
    }
  }

  /** Durable when resolved. */
  async save(key: string, record: z.output<Schema>): Promise<void> {
    if (!this.#ready) await makeDirectories(this.#directory);
    this.#ready = true;
    const path = this.#path(key);
    const content = JSON.stringify({ key, record });
    await writeAtomically({ path, content, mode: 0o600, temporaryName: `${fileName(key)}.tmp` });
  }

  async remove(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
    if (this.#ready) await syncDirectory(this.#directory);
  }

  /** Every record, in no particular order. */
  async list(): Promise<readonly (readonly [key: string, record: z.output<Schema>])[]> {
    const names = await readdir(this.#directory).catch((thrown: unknown) => {
      if (isMissing(thrown)) return [];
      throw thrown;
    });
    const records: (readonly [string, z.output<Schema>])[] = [];
    for (const name of names.filter((each) => each.endsWith(".json"))) {
      const text = await readFile(join(this.#directory, name), "utf8");
      const key = keyOf(text) ?? name;
      records.push([key, this.#parse(key, text)]);
    }
    return records;
  }

  #path(key: string): string {
    return join(this.#directory, `${fileName(key)}.json`);
  }

  #parse(key: string, text: string): z.output<Schema> {
    const parsed = this.#schema.safeParse(recordOf(text));
    if (parsed.success) return parsed.data;
    throw new HawserError(
      "store_corrupt",
      `${this.#path(key)} is damaged; remove it if ${key} needs no cleaning up`,
      { cause: parsed.error },
    );
  }
}

/** A name of fixed length from whatever the key holds. */
function fileName(key: string): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 40);
}

function recordOf(text: string): unknown {
  const value = parseObject(text);
  return value === undefined ? undefined : value["record"];
}

function keyOf(text: string): string | undefined {
  const key = parseObject(text)?.["key"];
  return typeof key === "string" ? key : undefined;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
