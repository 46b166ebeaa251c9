import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { becomes } from "./support/eventually.js";
import { PROGRAMS } from "./support/programs.js";
import { Systemd, systemdMissing } from "./support/systemd.js";
import { ROOT } from "./support/typescript-examples.js";
import { createTestFleet, type TestFleet } from "./support/test-fleet.js";

// The unit of docs/operate.md, below a real systemd.

const UNIT = "hawser-principal.service";
const missing = systemdMissing();
const why = missing === undefined ? "" : ` (skipped: ${missing})`;

/** As the page has it, with the paths and the user of this test, and a shorter patience. */
async function unitOf(fleet: TestFleet): Promise<string> {
  const page = readFileSync(join(ROOT, "docs", "operate.md"), "utf8");
  const [, unit = ""] = /```ini\n(\[Unit\]\nDescription=Hawser principal\n[^]*?)```/.exec(page) ?? [];
  const settings = fleet.path("principal.json");
  const listen = { listen: "127.0.0.1:0", apiListen: "127.0.0.1:0", dataDir: fleet.path("data") };
  await writeFile(settings, JSON.stringify({ ...listen, logFormat: "json" }));
  const replaced = unit
    .replaceAll(
      "/usr/local/bin/hawser-principal --config /etc/hawser/principal.yaml",
      `${process.execPath} ${PROGRAMS.principal} --config ${settings}`,
    )
    .replace(/^After=.*\n/m, "DefaultDependencies=no\n")
    .replace(/^User=.*\nStateDirectory=.*\n/m, "")
    .replace("WatchdogSec=60s", `WatchdogSec=2s\nStandardOutput=append:${fleet.path("log")}`);
  // Nothing of the page is left that this test does not know.
  expect(replaced).not.toMatch(/\/usr\/local|\/etc\/hawser|hawser\n/);
  expect(replaced).toContain("WatchdogSec=2s");
  return replaced;
}

it.skipIf(missing !== undefined)(
  `it is started, read again, ended when it stands still and started anew, and stopped${why}`,
  async () => {
    const fleet = await createTestFleet();
    const file = fleet.path(UNIT);
    await writeFile(file, await unitOf(fleet));
    const systemd = new Systemd(file, UNIT);
    onTestFinished(() => systemd.kill());
    const said = (): readonly { readonly msg: string }[] =>
      readFileSync(fleet.path("log"), "utf8")
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as { readonly msg: string });
    const serves = (): Promise<void> =>
      becomes("it serves", async () =>
        /^hawser-principal \S+ serves$/.test(await systemd.show("StatusText")),
      );

    await serves();
    expect(await systemd.show("ActiveState")).toBe("active");
    await systemd.control("reload", UNIT);
    await becomes("its files are read", () => said().some(({ msg }) => msg.startsWith("read again")));
    await serves();
    expect(await systemd.show("NRestarts")).toBe("0");

    // It is there, and does nothing any more.
    await systemd.inside("kill", "-STOP", await systemd.show("MainPID"));
    await becomes("it is started anew", async () => (await systemd.show("NRestarts")) === "1");
    await serves();

    await systemd.control("stop", UNIT);
    expect(await systemd.show("Result")).toBe("success");
    expect(await systemd.show("ActiveState")).toBe("inactive");
    expect(said().at(-1)).toMatchObject({ msg: "stopped" });
  },
);
