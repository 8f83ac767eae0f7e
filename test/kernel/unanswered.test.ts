/** Why no provider answers a command: the code and the reason. */
import { isOpen } from '@plinth/sdk/contract';
import { describe, expect, it } from 'vitest';
import type { PluginRecord } from '../../kernel/dist/plugin/record.js';
import { type UnansweredParts, whyUnanswered } from '../../kernel/dist/registry/unanswered.js';
import { active, registryOf, resolved } from './records.ts';

const why = (
  id: string,
  records: readonly PluginRecord[] = [],
  more: Partial<UnansweredParts> & { readonly range?: string } = {},
) =>
  whyUnanswered(id, more.range === undefined ? undefined : { range: more.range }, {
    registry: registryOf(...records),
    ids: () => [],
    answering: () => [],
    mayNot: () => undefined,
    because: ({ id: plugin }) => `${plugin} rests`,
    hasStarted: () => true,
    isOpen,
    ...more,
  });
const OPEN = 'plinth.data-provider:query';

describe('whyUnanswered()', () => {
  it('of an unknown command suggests the nearest one', () => {
    expect(why('test.a:lits', [], { ids: () => ['test.a:list'] })).toMatchObject({
      code: 'call/unknown-command',
      message: "no plugin or host answers test.a:lits (did you mean 'test.a:list'?)",
    });
  });

  it('before the start says that the kernel has not been started', () => {
    expect(why('test.a:go', [], { hasStarted: () => false }).message).toMatch(
      /has not been started$/,
    );
  });

  it('names the plugin that does not run, and its reason', () => {
    expect(why('test.a:go', [resolved('test.a')])).toMatchObject({
      code: 'plugin/unavailable',
      plugin: 'test.a',
      message: 'no plugin answers test.a:go: test.a rests',
    });
  });

  it('names the active plugin that has not registered it, and what its manifest promises', () => {
    const contributes = { commands: [{ id: 'go', title: 'Go' }] };
    const error = why('test.a:go', [active('test.a', { manifest: { contributes } })]);
    expect(error).toMatchObject({ code: 'call/unknown-command', plugin: 'test.a' });
    expect(error.message).toContain("'contributes.commands'");
    expect(error.message).toContain("ctx.commands.handle('go', …)");
  });

  it('names the versions that a caller does not mean', () => {
    expect(why('test.a:go', [resolved('test.a')], { range: '^2.0.0' })).toMatchObject({
      code: 'plugin/unsatisfied',
      details: { wanted: 'test.a@^2.0.0', found: ['test.a@1.0.0'] },
    });
  });

  it('of an open contract says that no plugin provides it, or which one may not', () => {
    expect(why(OPEN).message).toMatch(/no plugin here provides plinth\.data-provider$/);
    const provider = resolved('test.a', { manifest: { provides: ['plinth.data-provider@1'] } });
    const mayNot = () => 'test.a may not: policy';
    expect(why(OPEN, [provider], { mayNot }).message).toMatch(/: test\.a may not: policy$/);
  });

  it('of a named provider says whether it is installed', () => {
    expect(why(`${OPEN}@test.a`).message).toMatch(/no plugin 'test\.a' is installed$/);
    expect(why(`${OPEN}@test.a`, [resolved('test.a')]).message).toMatch(
      /test\.a doesn't provide plinth\.data-provider$/,
    );
  });
});
