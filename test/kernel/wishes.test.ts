/** Guests are told which of their optional needs are met. */
import { expect, it } from 'vitest';
import { HostContracts } from '../../kernel/dist/commands/host-contracts.js';
import { Relations } from '../../kernel/dist/lifecycle/relations.js';
import { tellWishes } from '../../kernel/dist/lifecycle/wishes.js';
import type { PluginRecord } from '../../kernel/dist/plugin/record.js';
import { active, asleep, type Facts, registryOf, serversOf } from './records.ts';

type Services = Parameters<typeof tellWishes>[2];

const setUp = (...records: readonly PluginRecord[]) => {
  const registry = registryOf(...records);
  const host = new HostContracts();
  const relations = new Relations(registry, host, serversOf(registry));
  const announced: unknown[] = [];
  const services = {
    limits: { hook: 100 },
    services: { reporting: { announce: (_: string, fact: unknown) => announced.push(fact) } },
  } as unknown as Services;
  const tell = () => tellWishes(registry.plugins(), relations, services);
  return { host, announced, tell };
};
const wishing = (more: Facts = {}) => {
  const told: unknown[] = [];
  const ask = async (_: string, __: number, available: unknown) => void told.push(available);
  const record = active('test.a', {
    wishes: ['test.extra@1'],
    ...more,
    guest: { ask } as Facts['guest'],
  });
  return { told, record };
};

it('a guest is told what is available, and again only after a change', () => {
  const { told, record } = wishing();
  const { host, tell } = setUp(record);
  tell();
  tell();
  expect(told).toEqual([[]]);
  host.add('test.extra');
  tell();
  expect(told).toEqual([[], ['extra']]);
});

it('a change is announced, and the first state is not', () => {
  const { record } = wishing();
  const { host, announced, tell } = setUp(record);
  tell();
  expect(announced).toEqual([]);
  host.add('test.extra');
  tell();
  expect(announced).toEqual([{ id: 'test.a', version: '1.0.0', available: ['extra'] }]);
});

it('a guest without wishes, and a plugin without a guest, are told nothing', () => {
  const { told, record } = wishing({ wishes: [], needs: ['test.extra@1'] });
  const { tell } = setUp(record, asleep('test.b', { wishes: ['test.extra@1'] }));
  tell();
  expect(told).toEqual([]);
});
