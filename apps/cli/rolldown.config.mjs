// The command line is one bundle, with a chunk for each command: a start reads few files, and none of commands that were not named.
import { builtinModules } from "node:module";
import { defineConfig } from "rolldown";
import { noticesOfBundle } from "../../scripts/packages/bundled-packages.mjs";

/** Installed beside the bundle: one holds native code, the others are services that run as programs of their own. */
const INSTALLED = ["classic-level", "@hawser/app-agent", "@hawser/app-principal"];

export default defineConfig({
  input: "src/main.ts",
  platform: "node",
  resolve: { conditionNames: ["@hawser/source", "node", "import", "default"] },
  external: [/^node:/, ...builtinModules, ...INSTALLED],
  // In the service package its log alone needs pino, and no command logs.
  treeshake: { moduleSideEffects: [{ test: /[\\/]pino[\\/]/, sideEffects: false }] },
  plugins: [noticesOfBundle()],
  output: {
    dir: "dist",
    cleanDir: true,
    sourcemap: true,
    // They are in the source maps; those of licences stay.
    comments: { legal: true, annotation: false, jsdoc: false },
    entryFileNames: "[name].js",
    chunkFileNames: "[name].js",
  },
});
