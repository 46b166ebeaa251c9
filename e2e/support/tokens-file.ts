import { randomBytes } from "node:crypto";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export const newToken = (): string => randomBytes(24).toString("base64url");

/** A file of agents' tokens, for the test that is running. It lies outside the world's directory, whose name is not known before its principal has its settings. */
export class TokensFile {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @param lines an agent's name, or `*`, and a token or its digest */
  static async create(lines: readonly (readonly [string, string])[]): Promise<TokensFile> {
    const directory = await mkdtemp(join(tmpdir(), "hawser-e2e-tokens-"));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const file = new TokensFile(join(directory, "tokens"));
    await file.replace(lines);
    return file;
  }

  async replace(lines: readonly (readonly [string, string])[]): Promise<void> {
    const text = lines.map(([agent, token]) => `${agent} ${token}\n`).join("");
    await writeFile(`${this.path}.new`, text, { mode: 0o600 });
    await rename(`${this.path}.new`, this.path);
  }
}
