import type { Random } from "@hawser/runtime";

const ID = /^(.+)-(0|[1-9]\d{0,15})$/;

/** Tells the streams of one life of a process from those of another. */
export function newBootId(random: Pick<Random, "uuid">): string {
  return random.uuid().slice(0, 8);
}

/** What a reader gives back as `Last-Event-ID`. */
export function formatStreamId(boot: string, sequence: number): string {
  return `${boot}-${sequence}`;
}

/** The sequence in an id; undefined for one of another life, and for what is no id. */
export function parseStreamId(boot: string, id: string): number | undefined {
  const [, from, sequence] = ID.exec(id) ?? [];
  return from === boot && sequence !== undefined ? Number(sequence) : undefined;
}
