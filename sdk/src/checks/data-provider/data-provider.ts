/** Checks of `DataProvider`. */
import type { Client } from '../../contract/contract-types.js';
import { DataProvider } from '../../contracts/data-provider.js';
import { type Check, checksOf } from '../check.js';
import { answers } from './answers.js';
import { columns } from './columns.js';
import { order } from './order.js';
import { pages } from './pages.js';
import { type DataProviderSamples, Probe } from './probe.js';
import { unknown } from './unknown.js';
import { where } from './where.js';

/** The checks of one `DataProvider`. Its rows must not change meanwhile. */
export function dataProviderChecks(
  client: Client<typeof DataProvider>,
  samples: DataProviderSamples,
): readonly Check[] {
  const probe = new Probe(client, samples);
  return checksOf(DataProvider, {
    ...answers(probe),
    ...columns(probe),
    ...where(probe),
    ...order(probe),
    ...pages(probe),
    ...unknown(probe),
  });
}
