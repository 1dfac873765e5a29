declare const brand: unique symbol;

/** A value that was checked once, at the boundary; only the function that checks it makes one. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** For the `default` of an exhaustive switch: a new variant breaks the build here. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
