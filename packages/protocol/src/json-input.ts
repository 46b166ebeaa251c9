import type { JsonValue } from "./event.js";

/** What takes the place of a type that JSON cannot carry, so that a compiler's complaint says why. No value has it. */
export interface NotJson<Why extends string> {
  readonly "this is no JSON": Why;
}

/**
 * An object of members that nobody has looked at, as a type without a parameter can name it: an interface is one; a function, a `Date`, a `Map` and bytes are none.
 */
export type JsonObjectLike = object & {
  readonly toJSON?: never;
  readonly [Symbol.hasInstance]?: never;
  readonly [Symbol.iterator]?: never;
  readonly [Symbol.toStringTag]?: never;
};

/**
 * What is likely to be JSON, where a type has to stand without knowing the value: what handlers may return. It takes interfaces, which `JsonValue` does not, and looks at the outermost object
 * alone; `JsonInput` looks at all of it.
 */
export type JsonLike = JsonValue | readonly JsonLike[] | JsonObjectLike;

/**
 * `T` itself where a value of it is JSON; otherwise a type that no `T` fits, with a `NotJson` at the place that is wrong. It takes interfaces, `readonly` and optional members, and refuses functions, what
 * has a `toJSON` (such as `Date`), `Map`s and other collections, bytes, symbols, bigints, `undefined` as an item or as a member that is not optional, `object`, and `unknown`.
 *
 * To be written as `<Given>(value: Given & JsonInput<Given>)`, which infers it all. What a type cannot tell (NaN, cycles, objects of a class) is refused by name at run time.
 *
 * @typeParam IfUnknown what `unknown` counts as
 */
export type JsonInput<T, IfUnknown = NotJson<"unknown may be anything: parse it first">> = unknown extends T
  ? // Nothing is known of `any`, and its owner has said that this is well.
    0 extends 1 & T
    ? T
    : IfUnknown
  : T extends JsonValue
    ? T
    : T extends undefined | void
      ? NotJson<"undefined; an optional member may be left out">
      : T extends bigint
        ? NotJson<"a bigint: send it as a string">
        : T extends symbol
          ? NotJson<"a symbol">
          : T extends ((...args: never) => unknown) | (abstract new (...args: never) => unknown)
            ? NotJson<"a function">
            : T extends readonly (infer Item)[]
              ? readonly JsonInput<Item, IfUnknown>[]
              : T extends { readonly toJSON: unknown }
                ? NotJson<"its toJSON is not called: give what that returns, such as date.toISOString()">
                : T extends
                      | { readonly [Symbol.toStringTag]: string }
                      | { readonly [Symbol.iterator]: unknown }
                  ? NotJson<"no plain object: make an object or an array of it">
                  : // Whether it is the type `object`, and not one that this fits.
                    (<G>() => G extends T ? 1 : 2) extends <G>() => G extends object ? 1 : 2
                    ? NotJson<"an object of unknown members: parse it first">
                    : {
                        // JSON leaves out an optional member that is not there; one that has to be there may not be undefined.
                        readonly [Key in keyof T]: Key extends symbol
                          ? NotJson<"JSON has no members under symbols">
                          : object extends Pick<T, Key>
                            ? JsonInput<Exclude<T[Key], undefined>, IfUnknown> | undefined
                            : JsonInput<T[Key], IfUnknown>;
                      };

/** The same for the data of an event, which may be bytes. */
export type DataInput<T> = T extends Uint8Array ? T : JsonInput<T>;
