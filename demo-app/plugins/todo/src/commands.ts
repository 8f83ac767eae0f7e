/** The commands: the listed description of each, and its implementation. */
import type { PluginStorage } from '@plinth/sdk';
import type { Given, Option } from './usage.ts';

interface Task {
  readonly id: number;
  readonly text: string;
  readonly priority: number;
  readonly done: boolean;
}

/** The result of a command. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** One command. Its options are checked before it runs. */
export interface TodoCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly Option[];
  run(storage: PluginStorage, args: readonly string[], options: Given): Promise<Outcome>;
}

const TASKS = 'tasks';

const add: TodoCommand = {
  name: 'add',
  description: 'Adds something to do',
  options: [
    { name: 'priority', description: 'Higher comes first', type: 'number', required: false },
  ],
  async run(storage, args, { priority = 0 }) {
    const text = args.join(' ').trim();
    if (text === '') return { exitCode: 2, stderr: 'add: say what there is to do\n' };
    const tasks = await storage.update<Task[]>(TASKS, (current = []) => {
      const id = Math.max(0, ...current.map((task) => task.id)) + 1;
      return [...current, { id, text, priority: Number(priority), done: false }];
    });
    return { exitCode: 0, stdout: `${tasks.at(-1)?.id}\n` };
  },
};

const list: TodoCommand = {
  name: 'list',
  description: 'Lists what there is to do',
  options: [{ name: 'all', description: 'Also what is done', type: 'boolean', required: false }],
  async run(storage, _, { all = false }) {
    const tasks = ((await storage.get(TASKS)) ?? []) as readonly Task[];
    const shown = tasks
      .filter(({ done }) => all || !done)
      .toSorted((a, b) => b.priority - a.priority);
    return {
      exitCode: 0,
      stdout: shown.map(({ id, text, done }) => `${id} ${done ? 'x' : '-'} ${text}\n`).join(''),
    };
  },
};

const done: TodoCommand = {
  name: 'done',
  description: 'Says that something is done',
  options: [{ name: 'id', description: 'Which of the list', type: 'number', required: true }],
  async run(storage, _, { id }) {
    let found = false;
    await storage.update<Task[]>(TASKS, (current = []) => {
      found = current.some((task) => task.id === id);
      return current.map((task) => (task.id === id ? { ...task, done: true } : task));
    });
    return found ? { exitCode: 0 } : { exitCode: 1, stderr: `done: there is no ${id}\n` };
  },
};

/** Every command, as listed. */
export const COMMANDS: readonly TodoCommand[] = [add, list, done];
