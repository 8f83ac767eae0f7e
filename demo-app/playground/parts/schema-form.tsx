/** Fields for the simple properties of a JSON Schema. Everything else is one field of JSON. */
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { fieldOf, type Schema } from '../json-schema.ts';
import { plainText } from '../model/show-value.ts';

/** Whether a schema can be filled in by fields. */
export function hasFields(schema: Schema | undefined): schema is Schema {
  if (schema === undefined) return false;
  const properties = Object.values(schema.properties);
  return properties.length > 0 && properties.every((property) => fieldOf(property) !== undefined);
}

/** Whether a schema has anything to fill in. */
export const hasProperties = (schema: Schema | undefined): schema is Schema =>
  schema !== undefined && Object.keys(schema.properties).length > 0;

/** What was typed into a field of JSON, and is none. */
export class NotJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Values = Readonly<Record<string, unknown>>;

export function SchemaFields({
  schema,
  values,
  onChange,
}: {
  readonly schema: Schema;
  readonly values: Values;
  readonly onChange: (values: Values) => void;
}) {
  const form = useId();
  const set = (name: string, value: unknown) => {
    const rest = Object.fromEntries(Object.entries(values).filter(([key]) => key !== name));
    onChange(value === undefined ? rest : { ...rest, [name]: value });
  };
  return (
    <div class="fields">
      {Object.entries(schema.properties).map(([name, property]) => (
        <div key={name}>
          <label for={`${form}-${name}`}>
            {plainText(name, 60)}
            {schema.required.has(name) && ' (required)'}
          </label>
          <Field
            id={`${form}-${name}`}
            property={property}
            value={values[name]}
            onChange={(value) => set(name, value)}
          />
          {property.description !== undefined && (
            <small class="hint">{plainText(property.description, 300)}</small>
          )}
        </div>
      ))}
    </div>
  );
}

interface FieldProps {
  readonly id: string;
  readonly property: Schema;
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}

function Field({ id, property, value, onChange }: FieldProps) {
  const kind = fieldOf(property);
  if (kind === 'choice')
    return <Choice id={id} choices={property.choices ?? []} value={value} onChange={onChange} />;
  if (kind === 'boolean')
    return (
      <input
        id={id}
        type="checkbox"
        checked={value === true}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
    );
  if (kind === undefined) return <JsonField id={id} value={value} onChange={onChange} />;
  if (kind === 'number')
    return <NumberField id={id} property={property} value={value} onChange={onChange} />;
  return (
    <input
      id={id}
      type="text"
      autocomplete="off"
      value={typeof value === 'string' ? value : ''}
      onInput={({ currentTarget: { value } }) => onChange(value)}
    />
  );
}

/** A number keeps the text that was typed: "1.0" is on the way to "1.05", and "-0" to "-0.5". */
function NumberField({ id, property, value, onChange }: FieldProps) {
  const field = useRef<HTMLInputElement>(null);
  const number = typeof value === 'number' ? value : undefined;
  useLayoutEffect(() => {
    const input = field.current;
    if (input !== null && numberIn(input) !== number) input.value = String(number ?? '');
  });
  return (
    <input
      ref={field}
      id={id}
      type="number"
      step={property.type === 'integer' ? 1 : 'any'}
      min={property.minimum}
      max={property.maximum}
      onInput={({ currentTarget }) => onChange(numberIn(currentTarget))}
    />
  );
}

/** A value that no other field can hold. Its text stays as it was typed. */
function JsonField({ id, value, onChange }: Omit<FieldProps, 'property'>) {
  const [typed, setTyped] = useState<{ readonly text: string; readonly value: unknown }>();
  const isTyped = typed !== undefined && typed.value === value;
  const text = value === undefined ? '' : JSON.stringify(value, undefined, 2);
  return (
    <textarea
      id={id}
      rows={4}
      spellcheck={false}
      aria-invalid={value instanceof NotJson}
      value={isTyped ? typed.text : text}
      onInput={({ currentTarget: { value: written } }) => {
        const next = jsonIn(written);
        setTyped({ text: written, value: next });
        onChange(next);
      }}
    />
  );
}

function jsonIn(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return new NotJson(text);
  }
}

/** Undefined while the text is none. */
const numberIn = ({ value, valueAsNumber }: HTMLInputElement): number | undefined =>
  value === '' ? undefined : valueAsNumber;

function Choice({
  id,
  choices,
  value,
  onChange,
}: {
  readonly id: string;
  readonly choices: readonly unknown[];
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
}) {
  const chosen = choices.indexOf(value);
  return (
    <select
      id={id}
      value={chosen === -1 ? '' : String(chosen)}
      onChange={({ currentTarget: { value } }) =>
        onChange(value === '' ? undefined : choices[Number(value)])
      }
    >
      <option value="">not given</option>
      {choices.map((choice, index) => (
        <option key={index} value={index}>
          {plainText(typeof choice === 'object' ? JSON.stringify(choice) : choice, 60)}
        </option>
      ))}
    </select>
  );
}
