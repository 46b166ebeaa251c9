import { expect, it } from "vitest";
import { watchDescriptors } from "./descriptor-watch.js";
import { steppedRuntime } from "./testing/stepped-runtime.js";

const failing = (code: string): Error => Object.assign(new Error(code), { code });

function watched() {
  const { runtime, lines, pass } = steppedRuntime();
  const state: { code: string | undefined } = { code: undefined };
  watchDescriptors(runtime, () => {
    if (state.code !== undefined) throw failing(state.code);
  });
  return { state, pass, said: () => lines.map(({ level, reason }) => `${level} ${reason ?? ""}`) };
}

it("says nothing while files can be opened", () => {
  const { pass, said } = watched();
  pass(3_600_000);
  expect(said()).toEqual([]);
});

it.each(["EMFILE", "ENFILE"])("says %s once however long it lasts, and when it is over", (code) => {
  const { state, pass, said } = watched();
  state.code = code;
  pass(600_000);
  expect(said()).toEqual([`error ${code}`]);
  state.code = undefined;
  pass(600_000);
  expect(said()).toEqual([`error ${code}`, "info "]);
});

it("says it at most once a minute when it comes and goes", () => {
  const { state, pass, said } = watched();
  for (let second = 0; second < 120; second += 1) {
    state.code = second % 2 === 0 ? "EMFILE" : undefined;
    pass(1_000);
  }
  expect(said()).toEqual(["error EMFILE", "info ", "error EMFILE", "info "]);
});

it("does not take another failure for it", () => {
  const { state, pass, said } = watched();
  state.code = "ENOENT";
  pass(10_000);
  expect(said()).toEqual([]);
});

it("opens something by itself, and leaves nothing open", () => {
  const { runtime, lines, pass } = steppedRuntime();
  watchDescriptors(runtime);
  pass(10_000_000);
  expect(lines).toEqual([]);
});
