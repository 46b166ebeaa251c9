import { execFile } from "node:child_process";
import { mkdir, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface TypeScriptExample {
  /** Without its ending; below `<package>/.hawser/`, which git ignores, so that it sees what that package sees. */
  readonly file: string;
  readonly code: string;
}

/** Examples out of documents, compiled together against the built packages, as somebody who installed them would. */
export class TypeScriptExamples {
  readonly #examples: readonly TypeScriptExample[];
  readonly #settings: string;
  #complaints: readonly string[] = [];

  /** @param name of the folder below `.hawser/` that holds the compiler's settings, and the examples */
  constructor(name: string, examples: readonly TypeScriptExample[]) {
    this.#examples = examples;
    this.#settings = join(ROOT, ".hawser", name, "tsconfig.json");
  }

  async compile(): Promise<void> {
    await this.remove();
    for (const { file, code } of this.#examples) {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(`${file}.ts`, code);
    }
    await mkdir(dirname(this.#settings), { recursive: true });
    const compilerOptions = { rootDir: ROOT };
    const settings = {
      extends: join(ROOT, "tsconfig.base.json"),
      compilerOptions,
      files: this.#examples.map(({ file }) => `${file}.ts`),
    };
    await writeFile(this.#settings, JSON.stringify(settings));
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    const output = await run(process.execPath, [tsc, "-p", this.#settings, "--pretty", "false"], {
      cwd: ROOT,
    }).then(
      ({ stdout }) => stdout,
      (failed: { readonly stdout: string }) => failed.stdout,
    );
    this.#complaints = output.split("\n").filter((line) => line !== "");
  }

  /** What the compiler has to say about one. */
  complaintsAbout(file: string): readonly string[] {
    return this.#complaints.filter((complaint) => complaint.startsWith(prefixOf(file)));
  }

  /** What it says about none of them. */
  otherComplaints(): readonly string[] {
    const own = this.#examples.map(({ file }) => prefixOf(file));
    return this.#complaints.filter((complaint) => !own.some((prefix) => complaint.startsWith(prefix)));
  }

  async remove(): Promise<void> {
    const homes = new Set(this.#examples.map(({ file }) => dirname(file)).concat(dirname(this.#settings)));
    for (const home of homes) {
      await rm(home, { recursive: true, force: true });
      // What is above it stays when something else is kept there.
      await rmdir(dirname(home)).catch(() => {});
    }
  }
}

const prefixOf = (file: string): string => `${relative(ROOT, `${file}.ts`)}(`;
