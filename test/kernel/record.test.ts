/** What records of plugins tell in each state. */
import { expect, it } from 'vitest';
import {
  asResolved,
  asValidated,
  isAsleep,
  isRunning,
  manifestOf,
  versionOf,
} from '../../kernel/dist/plugin/record.js';
import { active, asleep, failed, resolved, suspended } from './records.ts';

it('a plugin runs while it has a guest', () => {
  expect([active('test.a'), suspended('test.a', 'request')].every(isRunning)).toBe(true);
  expect([resolved('test.a'), asleep('test.a')].some(isRunning)).toBe(false);
});

it('a plugin that is suspended without a guest is asleep', () => {
  expect(isAsleep(asleep('test.a'))).toBe(true);
  expect(isAsleep(suspended('test.a', 'request'))).toBe(false);
});

it('a failed plugin keeps the manifest of its previous record', () => {
  const record = failed('test.a', new Error('no'), { version: '1.2.0' });
  expect([manifestOf(record)?.id, versionOf(record)]).toEqual(['test.a', '1.2.0']);
});

it('a package whose manifest was not read yet has neither manifest nor version', () => {
  const { key, id, origin, package: found } = resolved('test.a');
  const record = { state: 'discovered', key, id, origin, package: found } as const;
  expect([manifestOf(record), versionOf(record)]).toEqual([undefined, undefined]);
});

it('an active plugin without its guest is a resolved one', () => {
  const facts = { on: ['test.base'], level: 1 };
  const before = resolved('test.a', facts);
  const { package: _, manifest: __, ...rest } = asResolved(active('test.a', facts));
  expect(before).toMatchObject(rest);
  expect(rest).not.toHaveProperty('connection');
});

it('a record as validated has no dependencies, because they are resolved again', () => {
  expect(asValidated(active('test.a', { on: ['test.base'] }))).not.toHaveProperty('dependencies');
});
