/**
 * Unique random marks. They work on pages over plain http too, which have no `crypto.randomUUID`.
 */

/** 128 random bits in hexadecimal digits. */
export const randomMark = (): string => hex(crypto.getRandomValues(new Uint8Array(16)));

/** Bytes in hexadecimal digits. */
export const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
