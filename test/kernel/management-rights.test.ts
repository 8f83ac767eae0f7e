/** The rights that calls of management commands need. */
import { expect, it } from 'vitest';
import { MANAGEMENT, managementRight } from '../../kernel/src/calls/management-rights.ts';

it.each([
  ['plinth.plugins:enable', 'plugins.manage'],
  ['plinth.settings:get', 'config.read'],
  ['plinth.settings:set', 'config.write'],
  ['plinth.system:health', 'system.read'],
  ['plinth.health-check:check', undefined],
  ['test.plugins:enable', undefined],
] as const)('a call of %s needs %s', (command, right) => {
  expect(managementRight(command)).toBe(right);
});

it('each contract that only the kernel provides has a right', () => {
  for (const base of MANAGEMENT) expect(managementRight(`${base}:any`), base).toBeDefined();
});
