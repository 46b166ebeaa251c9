// Lets a child process of a test run the sources of the workspace as they are, so that it never runs against a stale build.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import typescript from "typescript";

/** @type {import("node:module").ResolveHook} */
export async function resolve(specifier, context, next) {
  const fromSource = context.parentURL?.endsWith(".ts") === true;
  const isSource = fromSource && specifier.startsWith(".") && specifier.endsWith(".js");
  return next(isSource ? `${specifier.slice(0, -3)}.ts` : specifier, context);
}

/** @type {import("node:module").LoadHook} */
export async function load(url, context, next) {
  if (!url.endsWith(".ts")) return next(url, context);
  const { outputText } = typescript.transpileModule(await readFile(fileURLToPath(url), "utf8"), {
    compilerOptions: { target: typescript.ScriptTarget.ES2023, module: typescript.ModuleKind.ESNext },
  });
  return { format: "module", shortCircuit: true, source: outputText };
}
