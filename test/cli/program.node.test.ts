/** The program itself: help, exit codes, JSON, colour. */
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../cli/src/commands.ts';
import { folderOf, json, plinth } from './plinth.ts';

const names = COMMANDS.map(({ usage }) => usage.split(' ')[0] as string);

describe('plinth', () => {
  it('lists its commands, and says what exit codes mean', async () => {
    const folder = await folderOf({});
    const { code, out, err } = await plinth(folder, ['--help']);
    expect([code, err]).toEqual([0, '']);
    for (const name of names) expect(out).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    expect(out).toContain('Exit codes: 0 done, 1 failed, 2 bad usage.');
  });

  it.each(names)('%s --help shows examples and --json', async (name) => {
    const { code, out } = await plinth(await folderOf({}), [name, '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(/Examples:\n {2}\$ plinth /);
    if (!out.includes('Commands:')) expect(out).toContain('--json');
  });

  it('ends with 2 for a command line that is wrong, and says what would be right', async () => {
    const folder = await folderOf({});
    for (const args of [['bundel'], ['bundle', '--nope'], ['bundle', '--max-size', 'big']]) {
      const { code, out, err } = await plinth(folder, args);
      expect([code, out]).toEqual([2, '']);
      expect(err).toMatch(/^error cli\/usage /);
    }
    expect((await plinth(folder, ['bundel'])).err).toContain('bundle');
    expect(await json(folder, ['bundle', '--nope'])).toMatchObject({
      ok: false,
      error: { code: 'cli/usage', message: "unknown option '--nope'" },
    });
    for (const args of [['config'], []])
      expect(await json(folder, args)).toMatchObject({
        ok: false,
        error: { code: 'cli/usage', message: 'a command is missing' },
      });
  });

  it('ends with 1 when a command fails, with the cause and no stack', async () => {
    const folder = await folderOf({});
    const { code, out, err } = await plinth(folder, ['bundle']);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('there is no plugin.json');
    expect(err).not.toContain('    at ');
  });

  it('has no colour in a pipe, and colour on demand', async () => {
    const folder = await folderOf({});
    const plain = await plinth(folder, ['bundle']);
    expect(plain.err).not.toContain('\u001b[');
    const coloured = await plinth(folder, ['bundle'], { env: { FORCE_COLOR: '1' } });
    expect(coloured.err).toContain('\u001b[');
    const off = await plinth(folder, ['bundle'], { env: { NO_COLOR: '1' } });
    expect(off.err).not.toContain('\u001b[');
  });
});
