import { expect, test } from "vitest";
import { chooseSubprotocol, SUBPROTOCOLS } from "./subprotocol.js";

test.each([
  ["cloudevents.json", "cloudevents.json"],
  ["cloudevents.proto", "cloudevents.proto"],
  ["cloudevents.proto, cloudevents.json", "cloudevents.proto"],
  ["cloudevents.json,cloudevents.proto", "cloudevents.json"],
  ["graphql-ws ,  cloudevents.json", "cloudevents.json"],
  ["cloudevents.avro", undefined],
  ["CloudEvents.JSON", undefined],
  ["cloudevents.jsonx", undefined],
  ["", undefined],
])("offered %j, the choice is %s", (offered, choice) => {
  expect(chooseSubprotocol(offered, SUBPROTOCOLS)).toBe(choice);
});

test("what is not spoken here is not chosen", () => {
  expect(chooseSubprotocol("cloudevents.json, cloudevents.proto", ["cloudevents.proto"])).toBe(
    "cloudevents.proto",
  );
});
