/** `T` without the members that are undefined: such a member is absent. */
export type Defined<T extends object> = {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
} & { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> };

/**
 * The members that have a value, to spread into options: `exactOptionalPropertyTypes` distinguishes
 * an absent member from undefined. It allocates twice, so it is not for code that runs per event.
 */
export function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
