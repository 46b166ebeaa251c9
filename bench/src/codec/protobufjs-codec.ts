import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import protobuf from "protobufjs";
import type { Candidate } from "./candidate.js";

/** By reflection on the schema, which protobufjs turns into code. Text attributes and JSON data only, as the event that is measured has them. */
export function protobufjsCodec(): Candidate {
  const folder = dirname(createRequire(import.meta.url).resolve("@hawser/protocol/package.json"));
  const root = new protobuf.Root();
  root.loadSync(join(folder, "proto/io/cloudevents/v1/cloudevents.proto"));
  const message = root.lookupType("io.cloudevents.v1.CloudEvent");
  return {
    encode(event) {
      const { id, source, type, specversion, data, ...rest } = event;
      const attributes: Record<string, { readonly ceString: string }> = {};
      for (const [name, value] of Object.entries(rest)) {
        if (typeof value === "string") attributes[name] = { ceString: value };
      }
      const fields = {
        id,
        source,
        type,
        specVersion: specversion,
        attributes,
        textData: JSON.stringify(data),
      };
      return message.encode(fields).finish();
    },

    decode(frame) {
      const fields: unknown = message.decode(frame);
      return eventOf(fields);
    },
  };
}

interface Fields {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly specVersion: string;
  readonly attributes: Readonly<Record<string, { readonly ceString: string }>>;
  readonly textData: string;
}

function eventOf(fields: unknown): unknown {
  const { id, source, type, specVersion, attributes, textData } = fields as Fields;
  const event: Record<string, unknown> = { specversion: specVersion, id, source, type };
  for (const [name, { ceString }] of Object.entries(attributes)) event[name] = ceString;
  event["data"] = JSON.parse(textData);
  return event;
}
