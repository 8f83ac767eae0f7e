/**
 * Whether tests run in their long form: `npm run test:full`. The quick form takes fewer rounds and
 * isolations.
 */
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** Whether this is the long form. */
    full: boolean;
  }
}

export const full = inject('full') === true;
