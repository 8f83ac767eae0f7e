/** How much one view may show. */
import { createError } from '@plinth/sdk/contract';

/** The bounds of one view. A view that breaks one is refused. */
export interface ViewLimits {
  /** Elements and texts. Default: 10 000. */
  readonly nodes: number;
  /** Elements inside of each other. Default: 32. */
  readonly depth: number;
  /** Changes of one batch. Default: 20 000. */
  readonly ops: number;
  /** Characters of one batch. Default: 2 000 000. */
  readonly batch: number;
  /** Characters of one text. Default: 10 000. */
  readonly text: number;
  /** Characters of all texts and props, without images. Default: 1 000 000. */
  readonly total: number;
  /** Characters of all images, as base64. Default: 4 000 000. */
  readonly images: number;
  /**
   * Milliseconds of a frame that changes may take before the page gets a turn, and twice that after
   * two frames without changes. Default: 6.
   */
  readonly budget: number;
}

const DEFAULTS: ViewLimits = Object.freeze({
  nodes: 10_000,
  depth: 32,
  ops: 20_000,
  batch: 2_000_000,
  text: 10_000,
  total: 1_000_000,
  images: 4_000_000,
  budget: 6,
});

/** The most that may be given for the depth: what walks a tree goes as deep as the tree. */
const DEEPEST = 256;

/** @throws PluginConfigurationError `kernel/invalid-option`. */
export function limitsOf(given: Partial<ViewLimits> = {}): ViewLimits {
  for (const [name, value] of Object.entries(given)) {
    const wrong = (what: string) =>
      createError('kernel/invalid-option', `the limit '${name}' of a view ${what}`, {
        details: { option: `limits.${name}` },
      });
    if (!Object.hasOwn(DEFAULTS, name))
      throw wrong(`does not exist: there are ${Object.keys(DEFAULTS).join(', ')}`);
    if (value !== undefined && !(Number.isInteger(value) && value >= 1))
      throw wrong('is a whole number of at least 1');
    if (name === 'depth' && value > DEEPEST) throw wrong(`is at most ${DEEPEST}`);
  }
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...Object.fromEntries(set) };
}
