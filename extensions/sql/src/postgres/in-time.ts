/** How long the server may be silent. */

/** Milliseconds in which the server answers what needs no work of it. */
export const PATIENCE = 5_000;

/** Whether work ends within so many milliseconds. @throws what the work throws. */
export async function inTime(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  const late = Promise.withResolvers<false>();
  const timer = setTimeout(() => late.resolve(false), milliseconds);
  try {
    return await Promise.race([work.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
