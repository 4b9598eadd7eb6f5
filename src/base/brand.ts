declare const brand: unique symbol;

/** `T` that only a decoder or a maker of that kind of value produces; the compiler keeps the kinds apart. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
