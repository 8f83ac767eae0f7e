/** The input of a command: fields from its schema, or JSON. */
import type { CommandInfo } from '@plinth/sdk';
import { useMemo, useState } from 'preact/hooks';
import { exampleOf, hintOf, readSchema } from '../json-schema.ts';
import { messageOf } from './action.tsx';
import { hasFields, SchemaFields } from './schema-form.tsx';

/** The input of one command. It starts with an example. */
export function CommandInput({
  command,
  action,
  onRun,
}: {
  readonly command: CommandInfo | undefined;
  /** What the button says. */
  readonly action: string;
  readonly onRun: (input: unknown) => void;
}) {
  const schema = useMemo(() => readSchema(command?.input), [command?.input]);
  const example = useMemo(() => (schema === undefined ? undefined : exampleOf(schema)), [schema]);
  const [text, setText] = useState(() => textOf(example));
  const [asJson, setAsJson] = useState(() => !hasFields(schema));
  const [problem, setProblem] = useState<string>();
  const run = () => {
    try {
      const input = parseInput(text);
      setProblem(undefined);
      onRun(input);
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  const values = asJson ? undefined : valuesOf(text);
  return (
    <form
      data-command={command?.id}
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        run();
      }}
    >
      {values !== undefined && hasFields(schema) ? (
        <SchemaFields schema={schema} values={values} onChange={(next) => setText(textOf(next))} />
      ) : (
        <>
          <label for="input">Input, as JSON</label>
          <textarea
            id="input"
            rows={6}
            spellcheck={false}
            value={text}
            aria-describedby="input-hint"
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </>
      )}
      <p id="input-hint" class="hint">
        {hintOf(schema)}
      </p>
      {problem !== undefined && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <div class="row">
        <button type="submit" class="primary">
          {action}
        </button>
        {hasFields(schema) && (
          <button type="button" aria-pressed={asJson} onClick={() => setAsJson(!asJson)}>
            Edit as JSON
          </button>
        )}
        <span class="hint">
          <kbd>Ctrl</kbd> + <kbd>Enter</kbd>
        </span>
      </div>
    </form>
  );
}

const textOf = (value: unknown): string =>
  value === undefined ? '' : (JSON.stringify(value, undefined, 2) ?? '');

/** The fields of what was typed; undefined if it is no object. */
function valuesOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseInput(text) ?? {};
    return typeof value === 'object' && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

function parseInput(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`the input is not JSON: ${cause instanceof Error ? cause.message : ''}`, {
      cause,
    });
  }
}
