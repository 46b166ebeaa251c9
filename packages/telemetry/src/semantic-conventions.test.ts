import * as conventions from "@opentelemetry/semantic-conventions/incubating";
import { expect, it } from "vitest";
import { ATTRIBUTES } from "./attributes.js";

it("calls each attribute what the conventions call it, and keeps its own in their namespace", () => {
  const known = new Set<unknown>(Object.values(conventions));
  const own = Object.values(ATTRIBUTES).filter((name) => !known.has(name));
  expect(own.filter((name) => !/^(messaging\.)?hawser\./.test(name))).toEqual([]);
  expect(own.length).toBeLessThan(Object.keys(ATTRIBUTES).length / 2);
});

it("knows the operations and the attributes by their constants", () => {
  const { ATTR_MESSAGING_OPERATION_TYPE, MESSAGING_OPERATION_TYPE_VALUE_SEND } = conventions;
  expect(ATTRIBUTES).toMatchObject({
    errorType: conventions.ATTR_ERROR_TYPE,
    system: conventions.ATTR_MESSAGING_SYSTEM,
    operationName: conventions.ATTR_MESSAGING_OPERATION_NAME,
    operationType: ATTR_MESSAGING_OPERATION_TYPE,
    destinationName: conventions.ATTR_MESSAGING_DESTINATION_NAME,
    destinationTemplate: conventions.ATTR_MESSAGING_DESTINATION_TEMPLATE,
    clientId: conventions.ATTR_MESSAGING_CLIENT_ID,
    messageId: conventions.ATTR_MESSAGING_MESSAGE_ID,
    eventId: conventions.ATTR_CLOUDEVENTS_EVENT_ID,
    eventSource: conventions.ATTR_CLOUDEVENTS_EVENT_SOURCE,
    eventSpecVersion: conventions.ATTR_CLOUDEVENTS_EVENT_SPEC_VERSION,
    eventSubject: conventions.ATTR_CLOUDEVENTS_EVENT_SUBJECT,
    eventType: conventions.ATTR_CLOUDEVENTS_EVENT_TYPE,
  });
  expect([MESSAGING_OPERATION_TYPE_VALUE_SEND, conventions.MESSAGING_OPERATION_TYPE_VALUE_PROCESS]).toEqual([
    "send",
    "process",
  ]);
});
