import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import type { TemplateName } from "./parse-command.js";

/** One project to make. */
export interface NewProject {
  readonly folder: string;
  readonly template: TemplateName;
  /** Where the folders of templates are. */
  readonly templates: string;
  /** Version of the packages that the project begins with. */
  readonly version: string;
}

/** `said`: what to do next, in lines for people. */
export type MadeProject =
  | { readonly ok: true; readonly said: string }
  | { readonly ok: false; readonly problem: string };

/** What a workspace has in the folder of a template, and a project has not. */
const NOT_COPIED = new Set(["node_modules", "dist"]);

/** Copies a template into a folder that is not there yet, or empty, and gives it a name and versions of its own. */
export function createProject({ folder, template, templates, version }: NewProject): MadeProject {
  const target = resolve(folder);
  const name = packageName(target);
  if (name === undefined)
    return {
      ok: false,
      problem: `${JSON.stringify(folder)} has no letter or digit that a name could be made of`,
    };
  try {
    mkdirSync(target, { recursive: true });
    const [first] = readdirSync(target);
    if (first !== undefined)
      return {
        ok: false,
        problem: `${target} is not empty: there is ${first}; name a folder that is not there yet`,
      };
    const source = join(templates, template);
    cpSync(source, target, {
      recursive: true,
      filter: (path) =>
        !relative(source, path)
          .split(sep)
          .some((part) => NOT_COPIED.has(part)),
    });
    // A package cannot ship a file of that name: npm would take it for its own.
    renameSync(join(target, "gitignore"), join(target, ".gitignore"));
    writeManifest(join(target, "package.json"), name, version);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return { ok: false, problem: `${target} could not be made: ${reason}` };
  }
  return { ok: true, said: nextSteps(folder, name, template) };
}

/** The name of a folder as a package may have it. */
function packageName(target: string): string | undefined {
  const name = basename(target)
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, "")
    .slice(0, 100);
  return name === "" ? undefined : name;
}

function writeManifest(path: string, name: string, version: string): void {
  const text = readFileSync(path, "utf8")
    .replace(/"name": "[^"]*"/, `"name": ${JSON.stringify(name)}`)
    .replaceAll(/("(?:hawser|@hawser\/[a-z-]+)": )"[^"]*"/g, `$1"^${version}"`);
  writeFileSync(path, text);
}

function nextSteps(folder: string, name: string, template: TemplateName): string {
  const inside =
    folder === "." ? "" : `  cd ${/^[\w./-]+$/.test(folder) ? folder : JSON.stringify(folder)}\n`;
  const made = `${template === "agent" ? "An agent" : "A principal"} of your own, ${name}. Next:`;
  return `${made}\n\n${inside}  npm install\n  npm test\n  npm start\n\nIts README.md says what is where.\n`;
}
