/** axe-core, run in a page: what keeps people out. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright';

const require = createRequire(new URL('../../extensions/ui/package.json', import.meta.url));
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

/** One rule that the page breaks. */
export interface Violation {
  readonly id: string;
  readonly impact: 'minor' | 'moderate' | 'serious' | 'critical';
  /** The markup of each place. */
  readonly places: readonly string[];
}

/** What axe finds in the page. */
export async function violationsIn(page: Page): Promise<readonly Violation[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { readonly axe: { run(): Promise<Result> } }).axe.run(),
  );
  return violations.map(({ id, impact, nodes }) => ({
    ...{ id, impact },
    places: nodes.map(({ html }) => html),
  }));
}

interface Result {
  readonly violations: readonly (Omit<Violation, 'places'> & {
    readonly nodes: readonly { readonly html: string }[];
  })[];
}
