import type { JsonValue } from "./event.js";

/** Replaces a type that JSON cannot carry and says why. It has no values. */
export interface NotJson<Why extends string> {
  readonly "this is no JSON": Why;
}

/** Any object but functions, dates, collections and bytes. Its members are not checked. */
export type JsonObjectLike = object & {
  readonly toJSON?: never;
  readonly [Symbol.hasInstance]?: never;
  readonly [Symbol.iterator]?: never;
  readonly [Symbol.toStringTag]?: never;
};

/**
 * Probable JSON, for a type that cannot depend on the value, such as the result of a handler. It
 * accepts interfaces, unlike `JsonValue`, and checks only the outermost object; `JsonInput` checks
 * every level.
 */
export type JsonLike = JsonValue | readonly JsonLike[] | JsonObjectLike;

/**
 * `T` itself where its values are JSON; otherwise a type that no `T` fits, with a `NotJson` at the
 * wrong place. Refused are functions, objects with `toJSON` (such as `Date`), collections, bytes,
 * symbols, bigints, `undefined` where it is not optional, `object` and `unknown`.
 *
 * Write `<Given>(value: Given & JsonInput<Given>)` to infer it. Values that types cannot rule out
 * (NaN, cycles, class instances) are refused at run time.
 * @typeParam IfUnknown result for `unknown`
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
                        // JSON leaves out an absent optional member; a required one may not be
                        // undefined.
                        readonly [Key in keyof T]: Key extends symbol
                          ? NotJson<"JSON has no members under symbols">
                          : object extends Pick<T, Key>
                            ? JsonInput<Exclude<T[Key], undefined>, IfUnknown> | undefined
                            : JsonInput<T[Key], IfUnknown>;
                      };

/** As `JsonInput`, for the data of an event, which may be bytes. */
export type DataInput<T> = T extends Uint8Array ? T : JsonInput<T>;
