/** Runs any command: a form from its schema, its progress, its answer, and the way of the call. */
import { useState } from 'preact/hooks';
import { plainText } from '../model/show-value.ts';
import { useChanges } from '../model/store.ts';
import { CommandInput } from '../parts/command-input.tsx';
import { useInspector } from '../parts/context.ts';
import { CommandRun, useRun } from './command-run.tsx';
import { MiddlewareChain } from './middleware-chain.tsx';

const FIRST = 'demo.notes:add';

/** The whole panel. */
export function CommandsPanel() {
  const { kernel, plugins } = useInspector();
  useChanges(plugins);
  const [id, setId] = useState(FIRST);
  const [run, start] = useRun();
  const commands = kernel.commands.list();
  const command = commands.find((one) => one.id === id.trim());
  return (
    <div class="two">
      <section aria-label="Input">
        <div class="panel stack">
          <label for="command">Command</label>
          <input
            id="command"
            list="commands"
            autocomplete="off"
            spellcheck={false}
            value={id}
            aria-describedby="command-about"
            onInput={({ currentTarget }) => setId(currentTarget.value)}
          />
          <datalist id="commands">
            {commands.map(({ id, title }) => (
              <option key={id} value={id}>
                {plainText(title ?? id, 80)}
              </option>
            ))}
          </datalist>
          <p id="command-about" class="hint">
            {command === undefined
              ? 'No plugin answers this.'
              : plainText(command.title ?? command.id)}
          </p>
          <CommandInput
            key={command?.id ?? ''}
            command={command}
            action="Run"
            onRun={(input) => start(id.trim(), input)}
          />
        </div>
        <MiddlewareChain command={id.trim()} />
      </section>
      <CommandRun run={run} />
    </div>
  );
}
