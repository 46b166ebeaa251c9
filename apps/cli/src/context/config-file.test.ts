import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { readConfig, writeConfig } from "./config-file.js";

const CONFIG = { current: "here", contexts: { here: { server: "http://127.0.0.1:7481" } } };

it("makes what is missing above the file, for its owner alone", async () => {
  const directory = await mkdtemp(join(tmpdir(), "hawser-config-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "a", "b", "config.yaml");
  writeConfig(path, CONFIG);
  expect(readConfig(path)).toEqual(CONFIG);
  expect((await stat(join(directory, "a"))).mode & 0o777).toBe(0o700);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

it.runIf(process.platform === "linux")("says so where nothing can be made, below /proc as well", () => {
  const path = "/proc/hawser/config.yaml";
  expect(() => writeConfig(path, CONFIG)).toThrow(`${path} cannot be written`);
});
