import { HawserError, parseExactJson, thrownText } from "@hawser/protocol";
import { defined } from "@hawser/runtime";
import { Option } from "commander";

/** Parsed options of a program that sends events. */
export interface EventOptions {
  readonly type?: string;
  readonly resource?: string;
  readonly id?: string;
  readonly source: string;
  readonly subject?: string;
  readonly data?: string;
  readonly dataFile?: string;
  readonly extension?: readonly string[];
}

/** Sources for the parts of an event that have no option. */
export interface EventText {
  /** Id of an event without `--id`. */
  readonly newId: () => string;
  /** Reads a file, or standard input for `-`. */
  readonly readText: (file: string) => Promise<string>;
  /** Reports data that is sent as text. */
  readonly warn: (line: string) => void;
}

/** The options of an event. @param defaultSource as in the help */
export function eventOptions(defaultSource: Option): readonly Option[] {
  return [
    new Option("--type <type>", "such as com.example.order.v1"),
    new Option(
      "--resource <resourceid>",
      "NAME_UID: what it is about; keeps the order among events of the same",
    ),
    new Option(
      "--id <id>",
      "with the source it names the event: the same pair is accepted once (default: a new one)",
    ),
    defaultSource,
    new Option("--subject <subject>", "what it is about, in the publisher's words"),
    new Option("--data <text>", "JSON, or else text"),
    new Option("--data-file <path>", "the same from a file; - reads standard input"),
    new Option("--extension <name=value...>", "further attributes, such as expirytime=2030-01-01T00:00:00Z"),
  ];
}

/** The event of the options. @throws HawserError `invalid_event` for contradictory options */
export async function eventOf(options: EventOptions, text: EventText): Promise<object> {
  const { type, resource, subject, data, dataFile } = options;
  if (type === undefined || resource === undefined)
    throw wrong("an event needs --type and --resource, or give a whole one with --file");
  if (data !== undefined && dataFile !== undefined)
    throw wrong("--data and --data-file are two ways to say the same; give one");
  const said = dataFile === undefined ? data : await text.readText(dataFile);
  return {
    ...Object.fromEntries((options.extension ?? []).map(parseExtension)),
    specversion: "1.0",
    id: options.id ?? text.newId(),
    source: options.source,
    type,
    resourceid: resource,
    ...defined({ subject }),
    ...(said === undefined ? {} : dataOf(said, text.warn)),
  };
}

/**
 * A whole event or a list.
 * @param place source of the text, for messages
 * @throws HawserError `invalid_event` for invalid JSON or an inexact number
 */
export function parseEvents(text: string, place: string): unknown {
  try {
    return parseExactJson(text);
  } catch (thrown) {
    const reason = thrown instanceof HawserError ? thrown.message : `no JSON: ${thrownText(thrown)}`;
    throw wrong(`${place}: ${reason}`, thrown);
  }
}

function dataOf(text: string, warn: (line: string) => void): object {
  try {
    return { datacontenttype: "application/json", data: parseExactJson(text) };
  } catch (thrown) {
    if (thrown instanceof HawserError) throw wrong(`the data: ${thrown.message}`, thrown);
    if (/^\s*[[{]/.test(text)) warn("the data is no JSON, and is sent as text");
    return { datacontenttype: "text/plain", data: text };
  }
}

function parseExtension(text: string): readonly [string, string] {
  const [, name, value] = /^([a-z0-9]{1,20})=(.*)$/s.exec(text) ?? [];
  if (name !== undefined && value !== undefined) return [name, value];
  throw wrong(`'${text}' is no extension; write name=value, the name in a-z and 0-9`);
}

function wrong(message: string, cause?: unknown): HawserError {
  return new HawserError("invalid_event", message, cause === undefined ? {} : { cause });
}
