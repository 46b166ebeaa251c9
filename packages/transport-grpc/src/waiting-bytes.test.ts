import { expect, it } from "vitest";
import { type HeldBytes, WaitingBytes } from "./waiting-bytes.js";

/** Clients whose names are told when they have to go. */
function stage() {
  const gone: string[] = [];
  const waiting = new WaitingBytes(1_000);
  const client = (name: string): HeldBytes => waiting.of(() => void gone.push(name));
  return { gone, waiting, client };
}

it("keeps the sum, and whoever holds the most goes beyond it", () => {
  const { gone, waiting, client } = stage();
  client("small").are(100);
  client("large").are(700);
  client("middle").are(200);
  expect({ gone, sum: waiting.sum }).toEqual({ gone: [], sum: 1_000 });
  client("last").are(1);
  expect({ gone, sum: waiting.sum }).toEqual({ gone: ["large"], sum: 301 });
});

it("lets the newest go of those who hold as much", () => {
  const { gone, client } = stage();
  for (const name of ["a", "b", "c", "d", "e"]) client(name).are(300);
  expect(gone).toEqual(["d", "e"]);
});

it("lets nobody stay who alone holds more than there may be", () => {
  const { gone, waiting, client } = stage();
  client("small").are(10);
  client("huge").are(2_000);
  expect({ gone, sum: waiting.sum }).toEqual({ gone: ["huge"], sum: 10 });
});

it("counts the most that one has held since it held nothing", () => {
  const { gone, waiting, client } = stage();
  const one = client("one");
  one.are(600);
  one.are(100);
  expect(waiting.sum).toBe(600);
  one.are(0);
  one.are(0);
  one.are(100);
  expect({ gone, sum: waiting.sum }).toEqual({ gone: [], sum: 100 });
});
