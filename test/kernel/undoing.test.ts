/** What extensions did before a step is undone when the step fails. */
import { expect, it } from 'vitest';
import { Undoing } from '../../kernel/src/lifecycle/undoing.ts';

type Steps = ConstructorParameters<typeof Undoing>[0];
const FACTS = {} as Parameters<Undoing['before']>[1];

const setUp = ({ waits = true } = {}) => {
  const done: string[] = [];
  const undoing = new Undoing({
    waits: () => waits,
    before: async (name: string) => {
      done.push(name);
      return async () => void done.push(`undo ${name}`);
    },
  } as unknown as Steps);
  return { undoing, done };
};

it('a step that fails undoes what was done before it, the latest first', async () => {
  const { undoing, done } = setUp();
  await undoing.before('load', FACTS);
  await undoing.before('activate', FACTS);
  await expect(undoing.unless(Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(done).toEqual(['load', 'activate', 'undo activate', 'undo load']);
});

it('a step that succeeds undoes nothing', async () => {
  const { undoing, done } = setUp();
  await undoing.before('load', FACTS);
  expect(await undoing.unless(Promise.resolve('fine'))).toBe('fine');
  expect(done).toEqual(['load']);
});

it('a second run undoes nothing again', async () => {
  const { undoing, done } = setUp();
  await undoing.before('load', FACTS);
  await undoing.run();
  await undoing.run();
  expect(done).toEqual(['load', 'undo load']);
});

it('nothing is done where no extension waits for the step', async () => {
  const { undoing, done } = setUp({ waits: false });
  await undoing.before('load', FACTS);
  expect(done).toEqual([]);
});
