/** The search of a bisect: minimal sets for any fault, in few questions. */
import { describe, expect, it } from 'vitest';
import { type Suspect, search } from '../../kernel/dist/bisect/search.js';

const names = (count: number) => Array.from({ length: count }, (_, n) => `p${n}`);
const free = (count: number): Suspect[] => names(count).map((name) => ({ name, needs: [] }));

/** Asks a fault that is there while one of the sets is on as a whole. */
async function find(suspects: readonly Suspect[], ...sets: readonly string[][]) {
  let questions = 0;
  const order = suspects.map(({ name }) => name);
  const found = await search(suspects, async (on) => {
    questions += 1;
    for (const { name, needs } of suspects)
      if (on.has(name)) for (const need of needs) expect(on).toContain(need);
    return sets.some((set) => set.every((name) => on.has(name)));
  });
  return {
    ...found,
    plugins: [...found.plugins].sort((a, b) => order.indexOf(a) - order.indexOf(b)),
    questions,
  };
}

describe('search', () => {
  it('names each single plugin and each pair of sixteen', async () => {
    const suspects = free(16);
    for (const one of names(16)) {
      const single = await find(suspects, [one]);
      expect(single).toMatchObject({ what: 'plugins', plugins: [one], more: false });
      expect(single.questions).toBeLessThanOrEqual(12);
      for (const other of names(16).filter((name) => name > one)) {
        const pair = await find(suspects, [one, other]);
        expect([...pair.plugins].sort()).toEqual([one, other].sort());
        expect(pair.questions).toBeLessThanOrEqual(20);
      }
    }
  });

  it('names more than two that cause it together', async () => {
    expect(await find(free(9), ['p1', 'p4', 'p8'])).toMatchObject({ plugins: ['p1', 'p4', 'p8'] });
    expect(await find(free(1), ['p0'])).toMatchObject({ plugins: ['p0'] });
  });

  it('says that there is more than one cause', async () => {
    expect(await find(free(8), ['p2'], ['p6'])).toMatchObject({ plugins: ['p2'], more: true });
  });

  it('keeps plugins together with what they need, and blames the one above when that is enough', async () => {
    const suspects: Suspect[] = [
      { name: 'base', needs: [] },
      { name: 'middle', needs: ['base'] },
      { name: 'top', needs: ['middle'] },
      { name: 'free', needs: [] },
    ];
    for (const name of ['base', 'middle', 'top', 'free'])
      expect(await find(suspects, [name])).toMatchObject({ what: 'plugins', plugins: [name] });
    expect(await find(suspects, ['top', 'free'])).toMatchObject({ plugins: ['top', 'free'] });
    expect(await find(suspects, ['base', 'free'])).toMatchObject({ plugins: ['base', 'free'] });
  });

  it("tells the host's fault and no fault from those of plugins", async () => {
    expect(await find(free(4), [])).toMatchObject({ what: 'host', plugins: [] });
    expect(await find(free(4))).toMatchObject({ what: 'none', plugins: [] });
    expect(await find([], [])).toMatchObject({ what: 'host' });
    expect(await find([])).toMatchObject({ what: 'none' });
  });

  it('blames nothing when an answer changes while it is confirmed', async () => {
    let asked = 0;
    const found = await search(free(4), async (on, again) => {
      asked += 1;
      return again === true ? false : on.has('p1');
    });
    expect([found.what, asked > 4]).toEqual(['flickers', true]);
  });
});
