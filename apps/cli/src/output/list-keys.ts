/** What a key asks of a list on a screen. */
export type Key =
  | "up"
  | "down"
  | "pageUp"
  | "pageDown"
  | "home"
  | "end"
  | "sort"
  | "reverse"
  | "keys"
  | "quit";

/** As terminals send them (ECMA-48, and what xterm and the console of Linux make of it), and as `less` and `vi` have them. */
const KEYS: Readonly<Record<string, Key>> = {
  "\u001b[A": "up",
  "\u001bOA": "up",
  k: "up",
  "\u001b[B": "down",
  "\u001bOB": "down",
  j: "down",
  "\u001b[5~": "pageUp",
  b: "pageUp",
  "\u001b[6~": "pageDown",
  " ": "pageDown",
  "\u001b[H": "home",
  "\u001bOH": "home",
  "\u001b[1~": "home",
  "\u001b[7~": "home",
  g: "home",
  "\u001b[F": "end",
  "\u001bOF": "end",
  "\u001b[4~": "end",
  "\u001b[8~": "end",
  G: "end",
  s: "sort",
  r: "reverse",
  "?": "keys",
  q: "quit",
  "\u0003": "quit",
};

/** A sequence that a key sends, or a character. */
const SENT = new RegExp(`${"\u001b"}(?:\\[\\d*[A-Z~]|O[A-Z])|[^]`, "g");

/** The keys in what a terminal sent at once, in order; others are passed over. */
export function keysOf(chunk: string): readonly Key[] {
  return (chunk.match(SENT) ?? []).map((one) => KEYS[one]).filter((key) => key !== undefined);
}

/** What `?` shows. */
export const KEYS_HELP: readonly string[] = [
  "Up, Down        a line (k, j)",
  "PgUp, PgDn      a page (b, Space)",
  "Home, End       the first, the last (g, G)",
  "s               the next order: by name, by pending, by when it was last seen",
  "r               the same order, the other way round",
  "?               these keys, and back",
  "q, Ctrl-C       the end",
];

export interface ListOrder {
  readonly sort: "name" | "pending" | "lastSeenAt";
  readonly order: "asc" | "desc";
}

export const SORTS = ["name", "pending", "lastSeenAt"] as const;

/** By name from the first, by anything else from the most of it. */
export function naturalOrder(sort: ListOrder["sort"]): ListOrder {
  return { sort, order: sort === "name" ? "asc" : "desc" };
}

/** Which part of a list is shown, and how it is ordered. */
export class ListState {
  #order: ListOrder;
  #offset = 0;
  #showsKeys = false;

  constructor(order: ListOrder) {
    this.#order = order;
  }

  get order(): ListOrder {
    return this.#order;
  }

  /** Instead of the list. */
  get showsKeys(): boolean {
    return this.#showsKeys;
  }

  /** The first that is shown of so many, of which there is room for some: a list that has become shorter moves up. */
  offset(total: number, room: number): number {
    this.#offset = Math.max(0, Math.min(this.#offset, total - room));
    return this.#offset;
  }

  press(key: Exclude<Key, "quit">, total: number, room: number): void {
    const isHelp = this.#showsKeys;
    this.#showsKeys = false;
    const moved = MOVES[key as keyof typeof MOVES];
    if (moved !== undefined) this.#offset = moved(this.offset(total, room), total, room);
    else if (key === "keys") this.#showsKeys = !isHelp;
    else if (key === "reverse")
      this.#order = { ...this.#order, order: this.#order.order === "asc" ? "desc" : "asc" };
    else if (key === "sort") {
      const next = SORTS[(SORTS.indexOf(this.#order.sort) + 1) % SORTS.length] ?? "name";
      this.#order = naturalOrder(next);
      this.#offset = 0;
    }
    this.offset(total, room);
  }
}

const MOVES = {
  up: (offset: number): number => offset - 1,
  down: (offset: number): number => offset + 1,
  pageUp: (offset: number, _total: number, room: number): number => offset - room,
  pageDown: (offset: number, _total: number, room: number): number => offset + room,
  home: (): number => 0,
  end: (_offset: number, total: number): number => total,
};

/** What of the list is shown, and in what order, for the line below it. */
export function positionText(
  { sort, order }: ListOrder,
  offset: number,
  shown: number,
  total: number,
): string {
  const part = shown < total ? `${offset + 1} to ${offset + shown} of ${total}` : `all ${total}`;
  const by = { name: "name", pending: "pending", lastSeenAt: "last seen" }[sort];
  return `${part}, by ${by} ${order === "asc" ? "up" : "down"}`;
}
