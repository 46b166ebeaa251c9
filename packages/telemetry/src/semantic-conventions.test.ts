import * as conventions from "@opentelemetry/semantic-conventions/incubating";
import { expect, it } from "vitest";
import { ATTRIBUTES, spanAttributes } from "./attributes.js";

const names = [
  ...Object.values(ATTRIBUTES),
  ...Object.keys(
    spanAttributes({ name: "process", type: "process", direction: "down", atAgent: true }, "one", {}),
  ),
];

it("calls each attribute what the conventions call it, and keeps its own in their namespace", () => {
  const known = new Set<unknown>(Object.values(conventions));
  const own = names.filter((name) => !known.has(name));
  expect(own.filter((name) => !/^(messaging\.)?hawser\./.test(name))).toEqual([]);
  expect(new Set(names.filter((name) => known.has(name)))).toEqual(
    new Set([
      conventions.ATTR_ERROR_TYPE,
      conventions.ATTR_MESSAGING_SYSTEM,
      conventions.ATTR_MESSAGING_OPERATION_NAME,
      conventions.ATTR_MESSAGING_OPERATION_TYPE,
      conventions.ATTR_MESSAGING_DESTINATION_NAME,
      conventions.ATTR_MESSAGING_DESTINATION_TEMPLATE,
      conventions.ATTR_MESSAGING_CLIENT_ID,
      conventions.ATTR_MESSAGING_MESSAGE_ID,
      conventions.ATTR_CLOUDEVENTS_EVENT_ID,
      conventions.ATTR_CLOUDEVENTS_EVENT_SOURCE,
      conventions.ATTR_CLOUDEVENTS_EVENT_SPEC_VERSION,
      conventions.ATTR_CLOUDEVENTS_EVENT_SUBJECT,
      conventions.ATTR_CLOUDEVENTS_EVENT_TYPE,
    ]),
  );
});

it("names the operations as they do", () => {
  expect([
    conventions.MESSAGING_OPERATION_TYPE_VALUE_SEND,
    conventions.MESSAGING_OPERATION_TYPE_VALUE_PROCESS,
  ]).toEqual(["send", "process"]);
});
