/**
 * Suites of the host that depend on what runtimes differ in: each leg of the matrix runs them. The others test the
 * kernel's own work, which Node runs in each quick run, and Chromium in each full one.
 */
export const RUNTIME_SUITES = [
  'activation',
  'blame',
  'context',
  'death',
  'inline',
  'metrics',
  'permissions',
  'resources',
  'shared-tenancy',
  'spares',
  'supervision',
  'swap',
  'walled',
  'worker',
] as const;

/** What quick runs in Chromium add: consoles, errors, storage and cryptography of a page. */
export const PAGE_SUITES = [
  'worker',
  'spares',
  'audit',
  'audit-export',
  'audit-retention',
  'audit-shared',
  'author',
  'console',
  'debugger',
  'globals',
  'package-snapshots',
  'secrets',
  'url-source',
] as const;
